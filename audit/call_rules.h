// SPDX-License-Identifier: Apache-2.0
// call_rules.h: what the records of one ring may say one after the other. The writer applies the rules before it writes
// and cuts off a client that breaks them; the verifier applies them to what was written. So no client can make a log
// look as if somebody had changed it. docs/audit-format.md, "Rules for clients and records".
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "audit/frame.h"
#include "audit/record.h"

namespace cm::audit {

inline constexpr size_t kMaxOpenCalls = 4096;  // in a client's first ring

using SessionId = std::array<uint8_t, kIdSize>;

inline SessionId session_of(const Record& r) {
  SessionId id;
  std::memcpy(id.data(), r.session_id, id.size());
  return id;
}

// same_id: two comparisons, where that of arrays is a call of memcmp for every record.
inline bool same_id(const SessionId& a, const SessionId& b) {
  uint64_t words[4];
  static_assert(2 * sizeof a == sizeof words);
  std::memcpy(words, a.data(), sizeof a);
  std::memcpy(words + 2, b.data(), sizeof b);
  return ((words[0] ^ words[2]) | (words[1] ^ words[3])) == 0;
}

constexpr bool is_event(const Record& r, EventId event, bool exit) {
  return r.event_id == (static_cast<uint32_t>(event) | (exit ? kExitBit : 0));
}
constexpr bool succeeded(const Record& r) { return static_cast<int32_t>(r.return_code) >= 0; }
// opens_session, closes_session: of a record whose session is not zero.
constexpr bool opens_session(const Record& r) { return is_event(r, EventId::kSessionOpen, true) && succeeded(r); }
constexpr bool closes_session(const Record& r) { return is_event(r, EventId::kSessionClose, true) && succeeded(r); }

struct OpenCall {
  uint32_t event_id = 0;
  uint64_t ring_seq = 0;
  uint64_t object = 0;
  SessionId session{};
};

enum class CallFault : uint8_t {
  kNone,
  kPlace,            // an event in a ring that holds service calls only
  kEntryReturnCode,  // an entry with a return code
  kEntryWhileOpen,
  kTooManyOpen,
  kExitWithoutEntry,
  kExitSession,  // the exit has another session than the entry
};

// CallRules: of one ring. A thread's ring has one call at a time. A client's first ring also carries events and what
// was recorded before the client was attached, by whichever thread: there an exit belongs to the oldest open entry of
// its event.
class CallRules {
 public:
  // take: the next record; a fault leaves everything as it was. The event id is known to exist.
  CallFault take(const Record& r, uint64_t ring_seq, bool first_ring) {
    if (!is_service(r)) return first_ring ? CallFault::kNone : CallFault::kPlace;
    if (!is_exit(r)) {
      if (r.return_code != 0) return CallFault::kEntryReturnCode;
      if (!first_ring && !open_.empty()) return CallFault::kEntryWhileOpen;
      if (open_.size() >= kMaxOpenCalls) return CallFault::kTooManyOpen;
      open_.push_back({r.event_id, ring_seq, r.object, session_of(r)});
      return CallFault::kNone;
    }
    const auto entry = std::find_if(open_.begin(), open_.end(),
                                    [&](const OpenCall& open) { return open.event_id == (r.event_id & ~kExitBit); });
    if (entry == open_.end()) return CallFault::kExitWithoutEntry;
    if (!is_event(r, EventId::kSessionOpen, true) && !same_id(entry->session, session_of(r)))
      return CallFault::kExitSession;
    open_.erase(entry);
    return CallFault::kNone;
  }
  // open: calls without an exit, oldest first.
  const std::vector<OpenCall>& open() const { return open_; }

 private:
  std::vector<OpenCall> open_;
};

}  // namespace cm::audit
