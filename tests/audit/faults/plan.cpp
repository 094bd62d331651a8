// SPDX-License-Identifier: Apache-2.0
// plan.cpp: see plan.h.
#include "tests/audit/faults/plan.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <random>
#include <span>

namespace cm::audit_test {
namespace {

using Random = std::mt19937_64;

// CallRow: reach is about how many of these calls one life of the writer makes (fault_campaign --calls counts them); a
// place is drawn below it. errors are what the system may answer.
struct CallRow {
  Call call;
  const char* name;
  uint64_t reach;
  std::vector<int> errors;
};

const std::vector<CallRow>& calls() {
  static const std::vector<CallRow> kRows = {
      {Call::kPwrite, "pwrite", 90, {EIO, ENOSPC, EINTR, EDQUOT}},
      {Call::kFdatasync, "fdatasync", 90, {EIO, ENOSPC}},
      {Call::kFsync, "fsync", 8, {EIO, ENOSPC}},
      {Call::kOpenat, "openat", 12, {EMFILE, EIO, ENOSPC}},
      {Call::kFtruncate, "ftruncate", 1, {EIO}},
      {Call::kUnlinkat, "unlinkat", 6, {EIO}},
      {Call::kRename, "renameat2", 1, {EIO, ENOSPC}},
      {Call::kFchmod, "fchmod", 3, {EIO}},
      {Call::kFstat, "fstat", 100, {EIO}},
      {Call::kFstatat, "fstatat", 100, {EIO}},
      {Call::kPread, "pread", 8, {EIO, EINTR}},
      {Call::kReadFile, "read", 20, {EIO}},
      {Call::kWriteFile, "write", 2, {EIO, ENOSPC}},
      {Call::kMkdir, "mkdir", 4, {EIO, ENOSPC}},
      {Call::kMmap, "mmap", 5, {ENOMEM}},
      {Call::kGetrandom, "getrandom", 4, {EINTR}},
      {Call::kRecvmsg, "recvmsg", 6, {EINTR, ECONNRESET, EAGAIN}},
      {Call::kSend, "send", 4, {ENOBUFS, EPIPE}},
      {Call::kAccept, "accept4", 3, {EMFILE, ECONNABORTED, EINTR}},
      {Call::kPoll, "poll", 30, {EINTR, ENOMEM}},
      {Call::kTpm, "TPM command", 250, {EPIPE}},
      {Call::kTpmConnect, "TPM connection", 250, {ECONNREFUSED, EMFILE}},
      {Call::kClock, "clock_gettime", 150, {}},
  };
  return kRows;
}

const CallRow& row_of_call(Call call) { return calls()[static_cast<size_t>(call)]; }

uint64_t below(Random& random, uint64_t end) { return random() % end; }

template <class Range>
auto pick(Random& random, const Range& range) {
  return *std::next(std::begin(range), static_cast<ptrdiff_t>(below(random, std::size(range))));
}

constexpr Call kFileCalls[] = {Call::kPwrite,    Call::kFdatasync, Call::kFsync,  Call::kOpenat,
                               Call::kFtruncate, Call::kUnlinkat,  Call::kRename, Call::kFchmod,
                               Call::kFstat,     Call::kFstatat,   Call::kPread,  Call::kReadFile,
                               Call::kMkdir,     Call::kWriteFile, Call::kMmap,   Call::kGetrandom};
constexpr Call kCrashCalls[] = {Call::kPwrite, Call::kFdatasync, Call::kFsync,     Call::kOpenat, Call::kFtruncate,
                                Call::kRename, Call::kFchmod,    Call::kWriteFile, Call::kSend,   Call::kRecvmsg,
                                Call::kAccept, Call::kTpm,       Call::kUnlinkat};
constexpr Call kPowerCalls[] = {Call::kPwrite, Call::kPwrite, Call::kPwrite, Call::kFdatasync, Call::kFsync};
constexpr Call kSocketCalls[] = {Call::kRecvmsg, Call::kSend, Call::kAccept, Call::kPoll};
constexpr uint64_t kTpmCodes[] = {0x922, 0x908, 0x921, 0x101};  // TPM_RC_RETRY, _YIELDED, _LOCKOUT, _FAILURE
constexpr int64_t kJumps_s[] = {-3600, -1, 1, 3600, 86400};

// at_place: half of the places are among the first calls, where a start is.
Fault at_place(Random& random, Call call, Action action, uint64_t arg) {
  const uint64_t reach = row_of_call(call).reach;
  const uint64_t end = below(random, 2) == 0 ? std::max<uint64_t>(1, reach / 4) : reach;
  return {call, action, below(random, end), 1, arg};
}

Fault fault_with_error(Random& random, Call call) {
  Fault fault = at_place(random, call, Action::kError, 0);
  fault.arg = static_cast<uint64_t>(pick(random, row_of_call(call).errors));
  fault.times = 1 + below(random, 3);
  return fault;
}

Fault crash(Random& random, Action action) { return at_place(random, pick(random, kCrashCalls), action, 0); }

Fault power_loss(Random& random) {
  const Call call = pick(random, kPowerCalls);
  if (call != Call::kPwrite) return at_place(random, call, Action::kKillBefore, 0);
  return at_place(random, call, below(random, 3) == 0 ? Action::kKillAfter : Action::kTear, below(random, 256));
}

Fault stall(Random& random) {
  const bool counts_as_dead = below(random, 16) == 0;
  return at_place(random, Call::kTpm, Action::kStall, counts_as_dead ? 5500 : 20 + below(random, 200));
}

std::optional<Fault> draw_fault(Random& random, Kind kind) {
  switch (kind) {
    case Kind::kFileError:
      return fault_with_error(random, pick(random, kFileCalls));
    case Kind::kFileShort:
      return at_place(random, Call::kPwrite, Action::kShort, below(random, 256));
    case Kind::kCrashBefore:
      return crash(random, Action::kKillBefore);
    case Kind::kCrashAfter:
      return crash(random, Action::kKillAfter);
    case Kind::kPowerLoss:
      return power_loss(random);
    case Kind::kSocketError:
      return fault_with_error(random, pick(random, kSocketCalls));
    case Kind::kTpmRefuses:
      return at_place(random, Call::kTpm, Action::kAnswer, pick(random, kTpmCodes));
    case Kind::kTpmLostBefore:
      return below(random, 3) == 0 ? fault_with_error(random, Call::kTpmConnect)
                                   : at_place(random, Call::kTpm, Action::kLoseBefore, 0);
    case Kind::kTpmLostAfter:
      return at_place(random, Call::kTpm, Action::kLoseAfter, 0);
    case Kind::kTpmGarbage:
      return at_place(random, Call::kTpm, Action::kGarbage, random());
    case Kind::kTpmFlipped:
      return at_place(random, Call::kTpm, Action::kFlip, random());
    case Kind::kTpmTruncated:
      return at_place(random, Call::kTpm, Action::kTruncate, below(random, 256));
    case Kind::kTpmStall:
      return stall(random);
    case Kind::kTpmReset:
      return at_place(random, Call::kTpmConnect, Action::kAskReset, 0);
    case Kind::kForeignExtend:
      return at_place(random, Call::kTpmConnect, Action::kAskForeign, 0);
    case Kind::kClockJump:
      return at_place(random, Call::kClock, Action::kJump, static_cast<uint64_t>(pick(random, kJumps_s)));
    case Kind::kClientKilled:
    case Kind::kClientHostile:
    case Kind::kClientsMany:
      break;
  }
  return std::nullopt;
}

constexpr Kind kSeconds[] = {Kind::kFileError,     Kind::kCrashBefore,  Kind::kCrashAfter, Kind::kTpmRefuses,
                             Kind::kTpmLostBefore, Kind::kTpmLostAfter, Kind::kTpmGarbage};

void put_faults(Random& random, Plan& plan) {
  const size_t place = below(random, plan.rounds.size());
  if (const std::optional<Fault> fault = draw_fault(random, plan.kind)) {
    plan.own = *fault;
    plan.rounds[place].faults.push_back(*fault);
  }
  for (uint64_t more = below(random, 3); more > 1; --more) {
    const Kind kind = pick(random, kSeconds);
    plan.also.push_back(kind);
    plan.rounds[below(random, plan.rounds.size())].faults.push_back(*draw_fault(random, kind));
  }
}

const char* action_name(Action action) {
  static constexpr const char* kNames[] = {"error",    "short",       "kill before", "kill after",     "tear",
                                           "answer",   "lose before", "lose after",  "garbage",        "flip",
                                           "truncate", "stall",       "reset",       "foreign extend", "jump"};
  return kNames[static_cast<size_t>(action)];
}

}  // namespace

const char* call_name(Call call) { return row_of_call(call).name; }

const std::vector<KindRow>& kinds() {
  static const std::vector<KindRow> kRows = {
      {Kind::kFileError, "file-error", {}, ""},
      {Kind::kFileShort, "file-short", {}, ""},
      {Kind::kCrashBefore, "crash-before", {}, ""},
      {Kind::kCrashAfter, "crash-after", {}, ""},
      {Kind::kPowerLoss, "power-loss", {"unclean-reset", "reset-gap"}, ""},
      {Kind::kSocketError, "socket-error", {}, ""},
      {Kind::kTpmRefuses, "tpm-refuses", {}, ""},
      {Kind::kTpmLostBefore, "tpm-lost-before", {}, ""},
      {Kind::kTpmLostAfter, "tpm-lost-after", {}, ""},
      {Kind::kTpmGarbage, "tpm-garbage", {}, ""},
      {Kind::kTpmFlipped, "tpm-flipped", {}, ""},
      {Kind::kTpmTruncated, "tpm-truncated", {}, ""},
      {Kind::kTpmStall, "tpm-stall", {}, ""},
      // A reset while a writer starts after a reset: the first boot frame tells of both.
      {Kind::kTpmReset, "tpm-reset", {"unclean-reset", "reset-gap"}, ""},
      {Kind::kForeignExtend, "foreign-extend", {"unexplained-extend"}, "unexplained-extend"},
      {Kind::kClockJump, "clock-jump", {"record-time"}, ""},
      {Kind::kClientKilled, "client-killed", {}, "client-lost"},
      {Kind::kClientHostile, "client-hostile", {"seal-broken"}, "seal-broken"},
      {Kind::kClientsMany, "clients-many", {}, ""},
  };
  return kRows;
}

const KindRow& row_of(Kind kind) { return kinds()[static_cast<size_t>(kind)]; }

std::optional<Kind> kind_named(std::string_view name) {
  for (const KindRow& row : kinds())
    if (name == row.name) return row.kind;
  return std::nullopt;
}

Plan draw_plan(uint64_t seed, std::optional<Kind> kind) {
  Plan plan;
  plan.seed = seed;
  plan.kind = kind.value_or(kinds()[seed % kinds().size()].kind);
  Random random(seed * 0x9e3779b97f4a7c15u + static_cast<uint64_t>(plan.kind));
  plan.rounds.resize(1 + below(random, 2));
  for (Round& round : plan.rounds) round.end_orderly = below(random, 2) == 0;
  plan.small_segments = below(random, 2) == 0;
  plan.power_goes = plan.kind == Kind::kPowerLoss;
  plan.power_resets = plan.power_goes && below(random, 4) == 0;
  plan.clients = 1 + static_cast<uint32_t>(below(random, 3));
  plan.rings = 1 + static_cast<uint32_t>(below(random, 2));
  plan.steps = 20 + static_cast<uint32_t>(below(random, 30));
  put_faults(random, plan);
  return plan;
}

std::string describe(const Plan& plan) {
  std::string out;
  for (size_t i = 0; i < plan.rounds.size(); ++i)
    for (const Fault& fault : plan.rounds[i].faults) {
      if (!out.empty()) out += "; ";
      out +=
          "life " + std::to_string(i + 1) + ", " + row_of_call(fault.call).name + " " + std::to_string(fault.nth + 1);
      if (fault.times > 1) out += " to " + std::to_string(fault.nth + fault.times);
      out += std::string(": ") + action_name(fault.action) + " " + std::to_string(static_cast<int64_t>(fault.arg));
    }
  return out;
}

}  // namespace cm::audit_test
