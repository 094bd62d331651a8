// SPDX-License-Identifier: Apache-2.0
// fault_page.h: the memory that the campaign shares with the writer under test: which call is to fail and how, and what
// was really hit. The campaign fills it before the writer starts; the shim in the writer counts.
#pragma once
#include <atomic>
#include <cstdint>

namespace cm::audit_test {

// Call: a point of the writer at which something can be injected. kTpm is a command on its way to the TPM, kTpmConnect
// the connection before it.
enum class Call : uint32_t {
  kPwrite,
  kFdatasync,
  kFsync,
  kOpenat,
  kFtruncate,
  kUnlinkat,
  kRename,
  kFchmod,
  kFstat,
  kFstatat,
  kPread,
  kReadFile,
  kWriteFile,
  kMkdir,
  kMmap,
  kGetrandom,
  kRecvmsg,
  kSend,
  kAccept,
  kPoll,
  kTpm,
  kTpmConnect,
  kClock,
};
inline constexpr uint32_t kCallCount = static_cast<uint32_t>(Call::kClock) + 1;

enum class Action : uint32_t {
  kError,       // the call is not made; arg = errno
  kShort,       // a write of the first part only; arg = share of it, in 256ths
  kKillBefore,  // SIGKILL in place of the call
  kKillAfter,   // SIGKILL behind it
  kTear,        // a short write, then SIGKILL
  kAnswer,      // the TPM does not get the command; arg = response code of its answer
  kLoseBefore,  // the connection is lost and the command with it
  kLoseAfter,   // the command takes effect and the answer is lost
  kGarbage,     // the answer is replaced; arg = seed of the bytes
  kFlip,        // one bit of what a successful answer carries is another; arg = which
  kTruncate,    // the answer is cut; arg = share that arrives, in 256ths
  kStall,       // the command waits; arg = milliseconds
  kAskReset,    // the campaign resets the TPM before the command
  kAskForeign,  // the campaign extends the PCR before the command
  kJump,        // CLOCK_REALTIME jumps; arg = seconds, as int64_t
};

struct Fault {
  Call call;
  Action action;
  uint64_t nth;    // counted from 0 in this process
  uint64_t times;  // calls in a row
  uint64_t arg;
};
inline constexpr uint32_t kFaultsMax = 4;

// Request: what the shim asks of the campaign; the writer's thread waits until it is none again.
enum class Request : uint32_t { kNone, kReset, kForeign };

struct FaultPage {
  Fault faults[kFaultsMax];
  uint32_t fault_count;
  std::atomic<uint64_t> hits[kFaultsMax];
  std::atomic<uint64_t> calls[kCallCount];
  std::atomic<Request> request;
  // What a loss of power would take away: bytes of the last segment from here on, and the name of a new one.
  std::atomic<uint32_t> bytes_unsynced;
  std::atomic<uint64_t> unsynced_from;
  std::atomic<uint32_t> name_unsynced;
};

inline constexpr char kPageVariable[] = "CM_FAULT_PAGE_FD";

}  // namespace cm::audit_test
