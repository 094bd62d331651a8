// SPDX-License-Identifier: Apache-2.0
// client_rules.cpp: see client_rules.h. It must not look at hashes and must not depend on the order in which rings were
// drained within a frame: what one thread opens another may use in a frame that is written earlier.
#include "audit/verify/client_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "audit/ring.h"

namespace cm::audit::verify {
namespace {

constexpr uint32_t kServiceTableSize = 0x1000;

constexpr std::array<bool, kServiceTableSize> make_known_services() {
  std::array<bool, kServiceTableSize> known{};
  for (const EventRow& row : kEventTable)
    if (row.id < kServiceTableSize) known[row.id] = true;
  return known;
}
constexpr std::array<bool, kServiceTableSize> kKnownServices = make_known_services();

// known_event: event_known of events.h, with a table for the services because every record asks.
bool known_event(uint32_t event_id) {
  const uint32_t id = event_id & ~kExitBit;
  return id < kServiceTableSize ? kKnownServices[id] : event_known(event_id);
}

bool same_client(const ClientAttach& a, const ClientAttach& b) {
  return a.uid == b.uid && a.module_digest == b.module_digest && a.seal_kind == b.seal_kind &&
         a.seal_commitment == b.seal_commitment && a.ring_records == b.ring_records &&
         a.first_ring_id == b.first_ring_id && a.ring_count == b.ring_count;
}

}  // namespace

bool ClientRules::fail(FindingId id, Place place, std::string detail) {
  report_.add(id, std::move(place), std::move(detail));
  return false;
}

ClientRules::Client* ClientRules::find(const FramePlace& place, const Id& id, bool must_be_attached) {
  const auto it = clients_.find(id);
  if (it != clients_.end() && (attached(it->second) || !must_be_attached)) return &it->second;
  fail(FindingId::kClientState, place.at(), fmt::format("client {} is not attached", hex_text(id)));
  return nullptr;
}

ClientRules::Client* ClientRules::owner_of(uint32_t ring_id) {
  auto it = owners_.upper_bound(ring_id);
  if (it == owners_.begin()) return nullptr;
  --it;
  const auto client = clients_.find(it->second);
  if (client == clients_.end() || ring_id - it->first >= client->second.about.ring_count) return nullptr;
  return &client->second;
}

// ring_allocation_sound: ids only grow over the life of a log, so no two clients ever share one.
bool ClientRules::ring_allocation_sound(const FramePlace& place, const ClientAttach& p) {
  if (!ring_geometry_valid(p.ring_count, p.ring_records))
    return fail(FindingId::kRingAllocation, place.at(), "number or size of rings");
  const uint64_t end = uint64_t{p.first_ring_id} + p.ring_count;
  if (p.first_ring_id < next_ring_id_ || end > uint64_t{1} << 32)
    return fail(FindingId::kRingAllocation, place.at(), fmt::format("first ring id {}", p.first_ring_id));
  next_ring_id_ = end;
  return true;
}

void ClientRules::attach(const FrameView& frame, const FramePlace& place, const ClientAttach& p, uint32_t writer_uid) {
  if (p.seal_kind > kSealChain && !unknown_seals_) unknown_seals_.emplace(place.at(), p.seal_kind);
  if (p.uid == writer_uid) report_.add(FindingId::kNoIsolation, place.at(), "a client has the writer's user id");
  const auto known = clients_.find(p.client_id);
  if (p.reattached != 0) {
    if (known == clients_.end() || !may_return(known->second) || known->second.cut_off ||
        !same_client(known->second.about, p)) {
      fail(FindingId::kClientState, place.at(), "a client came back that the writer before did not serve like this");
      return;
    }
    known->second.since = starts_;
    return;
  }
  if (known != clients_.end()) {
    fail(FindingId::kClientState, place.at(), "client id used twice");
    return;
  }
  if (!ring_allocation_sound(place, p)) return;
  if (clients_.size() >= kMaxClients) {
    fail(FindingId::kLimit, place.at(), "clients");
    return;
  }
  Client client;
  client.about = p;
  client.attached_ns = frame.header.writer_time_ns;
  client.since = starts_;
  clients_.emplace(p.client_id, std::move(client));
  owners_.emplace(p.first_ring_id, p.client_id);
  ++report_.counts.clients;
}

bool ClientRules::sessions_resolved(const Client& client) {
  if (client.unopened_sessions.empty()) return true;
  const auto& [id, place] = *client.unopened_sessions.begin();
  return fail(FindingId::kSessionUnopened, place, "session " + hex_text(id));
}

void ClientRules::drop_session(Sessions::iterator session) {
  ++drops_;
  if (const auto& closed = session->second.closed; closed) closed_sessions_.erase(*closed);
  clients_.find(session->second.client)->second.sessions.erase(session->first);
  sessions_.erase(session);
}

void ClientRules::forget(std::map<Id, Client, IdLess>::iterator client) {
  while (!client->second.sessions.empty()) drop_session(sessions_.find(*client->second.sessions.begin()));
  owners_.erase(client->second.about.first_ring_id);
  clients_.erase(client);
}

void ClientRules::detach(const FramePlace& place, const ClientDetach& p) {
  const Client* client = find(place, p.client_id, true);
  if (client == nullptr || !sessions_resolved(*client)) return;
  for (const auto& [ring_id, ring] : client->rings) {
    if (ring.calls.open().empty()) continue;
    report_.add(FindingId::kOpenAtDetach, place.at(),
                fmt::format("ring {} seq {} {}", ring_id, ring.calls.open()[0].ring_seq,
                            event_text(ring.calls.open()[0].event_id)));
    break;
  }
  forget(clients_.find(p.client_id));
}

void ClientRules::lost(const FramePlace& place, const ClientLost& p) {
  constexpr uint32_t kReasonLast = 3;
  const Client* client = find(place, p.client_id, false);
  if (client == nullptr) return;
  if (p.reason == 0 || p.reason > kReasonLast) {
    fail(FindingId::kPayload, place.at(), "reason");
    return;
  }
  if (!open_entries_named(*client, place, p)) return;
  // The opening may have been on its way in another ring when client or machine died: an admitted gap, not a forgery.
  if (!client->unopened_sessions.empty()) {
    const auto& [id, first_use] = *client->unopened_sessions.begin();
    report_.add(FindingId::kSessionUnproved, first_use, "session " + hex_text(id));
  }
  report_.add(FindingId::kClientLost, place.at(),
              fmt::format("pid {}, {} open calls", client->about.pid, p.open_entries.size()));
  forget(clients_.find(p.client_id));
}

// open_entries_named: the list is exactly what is open, except that of a first ring only one entry need be named: the
// calls recorded there before the client was attached may overlap, and the writer keeps one open entry a ring.
bool ClientRules::open_entries_named(const Client& client, const FramePlace& place, const ClientLost& p) {
  auto named = p.open_entries.begin();
  for (const auto& [ring_id, ring] : client.rings) {
    for (const OpenCall& open : ring.calls.open()) {
      if (named != p.open_entries.end() && named->ring_id == ring_id && named->event_id == open.event_id &&
          named->ring_seq == open.ring_seq && named->object == open.object) {
        ++named;
      } else if (ring_id != client.about.first_ring_id) {
        return fail(
            FindingId::kOpenEntries, place.at(),
            fmt::format("ring {} seq {} {} is open and not named", ring_id, open.ring_seq, event_text(open.event_id)));
      }
    }
  }
  if (named == p.open_entries.end()) return true;
  return fail(FindingId::kOpenEntries, place.at(),
              fmt::format("ring {} seq {} is named and not open", named->ring_id, named->ring_seq));
}

void ClientRules::seal_broken(const FramePlace& place, const SealBroken& p) {
  Client* client = find(place, p.client_id, true);
  if (client == nullptr) return;
  if (p.reason == 0 || p.reason > kBrokenReasonLast ||
      p.ring_id - client->about.first_ring_id >= client->about.ring_count) {
    fail(FindingId::kPayload, place.at(), "reason or ring");
    return;
  }
  Ring& ring = client->rings[p.ring_id];
  if (ring.cut_off || ring.next_seq != p.ring_seq) {
    fail(FindingId::kRingSequence, place.at(),
         fmt::format("ring {} was cut off at {}, not at {}", p.ring_id, p.ring_seq, ring.next_seq));
    return;
  }
  ring.cut_off = client->cut_off = true;
  report_.add(FindingId::kSealBroken, place.at(), fmt::format("ring {} seq {}", p.ring_id, p.ring_seq));
}

void ClientRules::writer_started(bool maybe_the_same) {
  ++starts_;
  if (!maybe_the_same) new_writer_ = starts_;
}

void ClientRules::conclude() {
  if (unknown_seals_)
    report_.add(FindingId::kUnsupportedVersion, unknown_seals_->first,
                fmt::format("records with seals of kind {}", unknown_seals_->second));
}

void ClientRules::batch(const FrameView& frame, const FramePlace& place, const Batch& p) {
  uint64_t records = 0;
  for (size_t i = 0; i < p.marks.size(); ++i) {
    if (p.marks[i].count == 0 || (i > 0 && p.marks[i].ring_id <= p.marks[i - 1].ring_id)) {
      fail(FindingId::kBatchMarks, place.at(), fmt::format("mark {}", i));
      return;
    }
    records += p.marks[i].count;
  }
  if (records != frame.header.record_count || records == 0) {
    fail(FindingId::kBatchMarks, place.at(), "number of records");
    return;
  }
  size_t first = 0;
  for (const RingMark& mark : p.marks) {
    if (!ring(frame, place, mark, first)) return;
    first += mark.count;
  }
}

bool ClientRules::ring(const FrameView& frame, const FramePlace& place, const RingMark& mark, size_t first_index) {
  Client* client = owner_of(mark.ring_id);
  if (client == nullptr || !attached(*client))
    return fail(FindingId::kBatchMarks, place.at(), fmt::format("ring {} belongs to no attached client", mark.ring_id));
  Ring& ring_state = client->rings[mark.ring_id];
  if (ring_state.cut_off)
    return fail(FindingId::kBatchMarks, place.at(), fmt::format("ring {} was cut off", mark.ring_id));
  if (ring_state.next_seq != mark.first_seq)
    return fail(FindingId::kRingSequence, place.at(),
                fmt::format("ring {} continues at {}, not at {}", mark.ring_id, mark.first_seq, ring_state.next_seq));
  const bool first_ring = mark.ring_id == client->about.first_ring_id;
  for (uint32_t i = 0; i < mark.count; ++i) {
    const Record r = frame.record(first_index + i);
    const uint64_t offset = sizeof(FrameHeader) + frame.var.size() + (first_index + i) * kRecordSize;
    const RecordAt at{
        place, offset, {frame.header.first_record + first_index + i, mark.ring_id, mark.first_seq + i, r.event_id}};
    if (r.ring_id != mark.ring_id)
      return fail(FindingId::kBatchMarks, at(), fmt::format("the record says ring {}", r.ring_id));
    if (r.ring_seq != static_cast<uint32_t>(mark.first_seq + i))
      return fail(FindingId::kRingSequence, at(), fmt::format("the record says {}", r.ring_seq));
    if (!record(*client, ring_state, first_ring, r, frame, at)) return false;
  }
  ring_state.next_seq += mark.count;
  return true;
}

bool ClientRules::record(Client& client, Ring& ring, bool first_ring, const Record& r, const FrameView& frame,
                         const RecordAt& at) {
  if (!known_event(r.event_id)) return fail(FindingId::kEventUnknown, at(), fmt::format("{:#010x}", r.event_id));
  if (client.about.seal_kind == 0 && r.seal != 0) return fail(FindingId::kSealNotZero, at(), "");
  const auto beyond = [](uint64_t later, uint64_t earlier) {
    return later > earlier && later - earlier > kRecordTimeToleranceNs;
  };
  const bool late = beyond(r.time_ns, frame.header.writer_time_ns);
  // Records of the first ring may be older than the attachment: the library writes them when it is loaded.
  const bool early = !first_ring && beyond(client.attached_ns, r.time_ns);
  if (late || early) report_.add(FindingId::kRecordTime, at(), utc_text(r.time_ns));
  return pair(ring, first_ring, r, at) && (!is_service(r) || session(client, ring, r, at));
}

bool ClientRules::pair(Ring& ring, bool first_ring, const Record& r, const RecordAt& at) {
  switch (ring.calls.take(r, at.where.ring_seq, first_ring)) {
    case CallFault::kNone:
      return true;
    case CallFault::kPlace:
      return fail(FindingId::kEventPlace, at(), event_text(r.event_id));
    case CallFault::kEntryReturnCode:
      return fail(FindingId::kEntryExit, at(), "an entry with a return code");
    case CallFault::kEntryWhileOpen:
      return fail(FindingId::kEntryExit, at(), "an entry while a call is open");
    case CallFault::kTooManyOpen:
      return fail(FindingId::kLimit, at(), "open calls");
    case CallFault::kExitWithoutEntry:
      return fail(FindingId::kEntryExit, at(), "an exit without its entry");
    case CallFault::kExitSession:
      return fail(FindingId::kEntryExit, at(), "the exit has another session than the entry");
  }
  return false;
}

// find_session: a cached one is as good as long as no session was dropped since.
ClientRules::Sessions::iterator ClientRules::find_session(Ring& ring, const Id& id) {
  if (ring.session_as_of == drops_ && same_id(ring.session->first, id)) return ring.session;
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return found;
  ring.session = found;
  ring.session_as_of = drops_;
  return found;
}

bool ClientRules::session(Client& client, Ring& ring, const Record& r, const RecordAt& at) {
  const Id id = session_of(r);
  if (same_id(id, Id{})) return true;
  if (is_event(r, EventId::kSessionOpen, true) && succeeded(r)) return open_session(client, id, at);
  const auto known = find_session(ring, id);
  if (known == sessions_.end()) {
    if (client.unopened_sessions.size() >= kMaxClosedSessions)
      return fail(FindingId::kLimit, at(), "unopened sessions");
    client.unopened_sessions.emplace(id, at());
    return true;
  }
  if (!same_id(known->second.client, client.about.client_id))
    return fail(FindingId::kSessionShared, at(), "session " + hex_text(id));
  if (is_event(r, EventId::kSessionClose, true) && succeeded(r)) close_session(known);
  return true;
}

bool ClientRules::open_session(Client& client, const Id& id, const RecordAt& at) {
  if (sessions_.size() >= kMaxSessions + kMaxClosedSessions) return fail(FindingId::kLimit, at(), "sessions");
  if (!sessions_.emplace(id, Session{client.about.client_id, std::nullopt}).second)
    return fail(FindingId::kSessionShared, at(), "opened twice: session " + hex_text(id));
  client.sessions.insert(id);
  client.unopened_sessions.erase(id);
  ++report_.counts.sessions;
  return true;
}

// close_session: other threads may still finish calls of a session that was closed, so it is remembered for a while.
void ClientRules::close_session(Sessions::iterator session) {
  if (session->second.closed) return;
  session->second.closed = closed_sessions_.insert(closed_sessions_.end(), session->first);
  if (closed_sessions_.size() > kMaxClosedSessions) drop_session(sessions_.find(closed_sessions_.front()));
}

}  // namespace cm::audit::verify
