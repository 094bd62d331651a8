// SPDX-License-Identifier: Apache-2.0
// client_rules.h: the meaning of clients, rings, sessions and records: what a sound writer and an honest client can
// have produced, independent of hashes and of the TPM. Memory is bounded by what lives at the same time (kMax* below),
// not by the length of the log. docs/audit-format.md, "Rules for clients and records".
#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/call_rules.h"
#include "audit/payload.h"
#include "audit/verify/frame_check.h"
#include "audit/verify/report.h"
#include "crypto/base/bytes.h"

namespace cm::audit::verify {

inline constexpr size_t kMaxClients = 65536;         // attached at once
inline constexpr size_t kMaxSessions = 1u << 20;     // open at once
inline constexpr size_t kMaxClosedSessions = 65536;  // remembered after their close
using audit::kMaxOpenCalls;
inline constexpr uint64_t kRecordTimeToleranceNs = 60'000'000'000;

// FramePlace: where the current frame stands; makes absolute places.
struct FramePlace {
  std::string_view segment;
  uint64_t offset = 0;
  uint64_t frame_seq = 0;

  Place at(uint64_t within = 0, std::optional<RecordPlace> record = std::nullopt) const {
    return Place{std::string(segment), offset + within, frame_seq, record};
  }
};

using Id = std::array<uint8_t, kIdSize>;

// IdLess: the order of the bytes, by words: every record with a session looks for its id.
struct IdLess {
  bool operator()(const Id& a, const Id& b) const {
    const uint64_t a0 = load_be64(a.data()), b0 = load_be64(b.data());
    return a0 != b0 ? a0 < b0 : load_be64(a.data() + 8) < load_be64(b.data() + 8);
  }
};

// RecordAt: where a record stands; the place is made only for a finding.
struct RecordAt {
  const FramePlace& frame;
  uint64_t offset;  // within the frame
  RecordPlace where;

  Place operator()() const { return frame.at(offset, where); }
};

class ClientRules {
 public:
  explicit ClientRules(Report& report) : report_(report) {}

  // Each adds its findings to the report; the first one with exit code 1 or 2 ends the method.
  void attach(const FrameView& frame, const FramePlace& place, const ClientAttach& p, uint32_t writer_uid);
  void detach(const FramePlace& place, const ClientDetach& p);
  void lost(const FramePlace& place, const ClientLost& p);
  void seal_broken(const FramePlace& place, const SealBroken& p);
  void batch(const FrameView& frame, const FramePlace& place, const Batch& p);
  // writer_started: a new writer serves nobody before the clients came back to it. When it may still be the same writer
  // (a boot frame written because the TPM was reset under it), clients stay attached and may come back all the same.
  void writer_started(bool maybe_the_same);
  // conclude: the whole log was read. What cannot be decided is said only now: everything else must still be checked,
  // or one byte changed in an attach frame would turn "tampered" into "cannot decide".
  void conclude();

 private:
  struct Session {
    Id client{};
    std::optional<std::list<Id>::iterator> closed;  // where it stands in closed_sessions_
  };
  // Ordered, not hashed: the log chooses the ids, and no choice of them makes the look-up slow.
  using Sessions = std::map<Id, Session, IdLess>;

  struct Ring {
    uint64_t next_seq = 0;
    bool cut_off = false;
    CallRules calls;
    Sessions::iterator session;  // that of the record before, which mostly is that of the next
    uint64_t session_as_of = 0;  // value of drops_ when it was looked up; 0: never
  };
  struct Client {
    ClientAttach about;
    uint64_t attached_ns = 0;
    uint64_t since = 0;                             // value of starts_ when it attached or came back
    bool cut_off = false;                           // one of its rings was
    std::map<uint32_t, Ring> rings;                 // those that carried records
    std::map<Id, Place, IdLess> unopened_sessions;  // used before their opening was seen, with the first use
    std::set<Id, IdLess> sessions;                  // those of sessions_ that it opened
  };

  Client* find(const FramePlace& place, const Id& id, bool must_be_attached);
  Client* owner_of(uint32_t ring_id);
  // attached: to the present writer. may_return: the present writer may be another than the one it attached to.
  bool attached(const Client& client) const { return client.since >= new_writer_; }
  bool may_return(const Client& client) const { return client.since < starts_; }
  bool open_entries_named(const Client& client, const FramePlace& place, const ClientLost& p);
  bool ring_allocation_sound(const FramePlace& place, const ClientAttach& p);
  bool ring(const FrameView& frame, const FramePlace& place, const RingMark& mark, size_t first_index);
  bool record(Client& client, Ring& ring, bool first_ring, const Record& r, const FrameView& frame, const RecordAt& at);
  bool pair(Ring& ring, bool first_ring, const Record& r, const RecordAt& at);
  bool session(Client& client, Ring& ring, const Record& r, const RecordAt& at);
  bool open_session(Client& client, const Id& id, const RecordAt& at);
  Sessions::iterator find_session(Ring& ring, const Id& id);
  void close_session(Sessions::iterator session);
  void drop_session(Sessions::iterator session);
  void forget(std::map<Id, Client, IdLess>::iterator client);
  bool sessions_resolved(const Client& client);
  bool fail(FindingId id, Place place, std::string detail);

  Report& report_;
  std::map<Id, Client, IdLess> clients_;
  std::map<uint32_t, Id> owners_;  // first ring id -> client
  uint64_t next_ring_id_ = 0;
  uint64_t starts_ = 0;      // of writers
  uint64_t new_writer_ = 0;  // value of starts_ at the last one that cannot be the writer before it
  Sessions sessions_;
  uint64_t drops_ = 1;                                       // of sessions, and one
  std::list<Id> closed_sessions_;                            // the one closed first is the first
  std::optional<std::pair<Place, uint32_t>> unknown_seals_;  // the first client that announced some, and their kind
};

}  // namespace cm::audit::verify
