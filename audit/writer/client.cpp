// SPDX-License-Identifier: Apache-2.0
// client.cpp: see client.h.
#include "audit/writer/client.h"

#include <algorithm>
#include <cstring>

#include "audit/writer/futex.h"
#include "crypto/base/secret.h"

namespace cm::audit {
namespace {

// copy_record: eight single loads; the other side may be writing.
void copy_record(Record& out, const Record& shared) {
  const auto* from = reinterpret_cast<const uint64_t*>(&shared);
  uint64_t words[kRecordSize / sizeof(uint64_t)];
  for (size_t i = 0; i < std::size(words); ++i) words[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
  std::memcpy(&out, words, sizeof out);
}

// breach_of: 0 when the copy may stand in the log as record number seq of its ring.
uint32_t breach_of(const Record& copy, uint64_t seq) {
  if (copy.ring_seq != static_cast<uint32_t>(seq)) return kBrokenSequence;
  if (!event_known(copy.event_id)) return kBrokenEvent;
  return 0;
}

// kSessionGrace_ns: for a client that lives: longer than any thread is kept from running between making a session and
// publishing that it did.
constexpr uint64_t kSessionGrace_ns = 1000000000;
constexpr uint64_t kHaste_ns = 100000000;  // many times what a frame takes

}  // namespace

void append_open_entries(uint32_t ring_id, const CallRules& calls, std::vector<OpenEntry>& out) {
  for (const OpenCall& open : calls.open()) out.push_back({ring_id, open.event_id, open.ring_seq, open.object});
}

Client::Client(SharedMapping mapping, const ClientAttach& attach, const SealSeed& seal_seed, Lane seal_lane,
               std::shared_ptr<Connection> connection, std::vector<uint64_t> next_seq, std::vector<CallRules> calls)
    : mapping_(std::move(mapping)),
      attach_(attach),
      seal_seed_(seal_seed),
      seal_lane_(seal_lane),
      connection_(std::move(connection)) {
  rings_.resize(attach_.ring_count);
  for (size_t i = 0; i < rings_.size(); ++i) {
    rings_[i].consumed = rings_[i].taken = i < next_seq.size() ? next_seq[i] : 0;
    if (i < calls.size()) rings_[i].calls = std::move(calls[i]);
  }
}

Client::~Client() {
  zeroise(seal_seed_.data(), seal_seed_.size());
  for (const Ring& r : rings_)
    if (r.seals) zeroise(r.seals.get(), sizeof *r.seals);
}

void Client::begin_service(uint32_t incarnation, const Clock& clock, uint32_t flags) {
  for (uint32_t i = 0; i < rings_.size(); ++i)
    mapping_.control(i).acked.store(rings_[i].consumed, std::memory_order_release);
  WriterPage& page = mapping_.page();
  page.sleeping.store(0, std::memory_order_relaxed);
  page.incarnation.store(incarnation, std::memory_order_relaxed);
  publish_clock(clock);
  set_flags(flags);
}

void Client::depart(Fate fate, bool end_log) {
  if (fate_ == Fate::kCut || (fate_ != Fate::kAttached && fate != Fate::kCut)) return;
  fate_ = fate;
  end_log_ = end_log;
  freeze();
}

void Client::freeze() {
  frozen_ = true;
  for (uint32_t i = 0; i < rings_.size(); ++i) {
    const uint64_t end = rings_[i].consumed + pending(i);  // not below what is taken
    rings_[i].limit = std::min(rings_[i].limit, end);
  }
}

void Client::break_ring(uint32_t ring, uint32_t reason, uint64_t seq) {
  Ring& r = rings_[ring];
  if (r.breach != 0 && seq >= r.limit) return;
  r.breach = reason;
  r.limit = std::min(r.limit, std::max(seq, r.taken));
  broken_ = true;
}

uint32_t Client::pending(uint32_t ring) {
  Ring& r = rings_[ring];
  if (r.breach != 0) return static_cast<uint32_t>(r.limit - r.consumed);
  const uint64_t published = mapping_.control(ring).head.load(std::memory_order_acquire) - r.consumed;
  const uint64_t taken = r.taken - r.consumed;
  if (published > mapping_.ring_records() || published < taken) {
    break_ring(ring, kBrokenHead, r.taken);
    return static_cast<uint32_t>(taken);
  }
  return static_cast<uint32_t>(std::min(published, r.limit - r.consumed));
}

bool Client::has_pending() {
  for (uint32_t i = 0; i < rings_.size(); ++i)
    if (pending(i) != 0) return true;
  return false;
}

// check_session: a record may carry a session that its client opened, or open one. The look-up is kept: a ring's calls
// are of one session for long.
Client::SessionState Client::check_session(Ring& ring, const Record& record, SessionBook& sessions) const {
  const SessionId id = session_of(record);
  if (id == SessionId{}) return SessionState::kGood;
  if (opens_session(record)) return sessions.open(id, attach_.client_id) ? SessionState::kGood : SessionState::kBad;
  if (ring.known_generation != sessions.generation() || ring.known_session != id) {
    switch (sessions.owner(id, attach_.client_id)) {
      case SessionBook::Owner::kNobody:
        return SessionState::kUnknown;
      case SessionBook::Owner::kAnother:
        return SessionState::kBad;
      case SessionBook::Owner::kThisClient:
        break;
    }
    ring.known_session = id;
    ring.known_generation = sessions.generation();
  }
  if (closes_session(record)) sessions.close(id);
  return SessionState::kGood;
}

// seal_holds: of the next record that is taken; its key stays until the record is.
bool Client::seal_holds(uint32_t ring, const Record& copy) {
  Ring& r = rings_[ring];
  if (!r.seals) {
    r.seals = std::make_unique<SealChain>();
    seal_start(*r.seals, seal_lane_, seal_seed_.data(), ring);
    seal_skip(*r.seals, r.taken);
  }
  uint64_t words[kSealWords];
  std::memcpy(words, static_cast<const void*>(&copy), sizeof words);
  return copy.seal == seal_of(*r.seals, words);
}

Take Client::take(uint32_t ring, uint32_t max, SessionBook& sessions, Record* out) {
  Ring& r = rings_[ring];
  const Record* const slots = mapping_.slots(ring);
  const uint64_t mask = mapping_.ring_records() - 1;
  Take taken{ring, 0, r.consumed};
  r.waits = false;
  for (; taken.count < max; ++taken.count) {
    const uint64_t seq = r.consumed + taken.count;
    Record& copy = out[taken.count];
    copy_record(copy, slots[seq & mask]);
    copy.ring_id = ring;
    uint32_t breach = breach_of(copy, seq);
    if (breach == 0 && !seal_holds(ring, copy)) breach = kBrokenSeal;
    if (breach == 0 && is_service(copy)) {
      const SessionState session = check_session(r, copy, sessions);
      r.waits = session == SessionState::kUnknown;
      if (r.waits) break;
      if (session == SessionState::kBad) breach = kBrokenSession;
    }
    if (breach == 0 && r.calls.take(copy, seq, ring == 0) != CallFault::kNone) breach = kBrokenCalls;
    if (breach != 0) {
      break_ring(ring, breach, seq);
      break;
    }
    seal_done(*r.seals);
    r.taken = seq + 1;
    copy.ring_id = ring_id(ring);
  }
  took_ = took_ || taken.count != 0;
  return taken;
}

void Client::settle_waits(uint64_t now_ns) {
  const bool waiting = std::any_of(rings_.begin(), rings_.end(), [](const Ring& r) { return r.waits; });
  if (std::exchange(took_, false) || !waiting) {
    waiting_since_ns_ = 0;
    return;
  }
  // The first look may have come between two publications; from the second on all that came before is visible.
  if (waiting_since_ns_ == 0) {
    waiting_since_ns_ = now_ns;
    return;
  }
  const bool stays = fate_ == Fate::kAttached;
  if (stays && !frozen_ && now_ns < waiting_since_ns_ + kSessionGrace_ns) return;
  for (uint32_t i = 0; i < rings_.size(); ++i) {
    Ring& r = rings_[i];
    if (!std::exchange(r.waits, false)) continue;
    if (stays && frozen_)
      r.limit = r.taken;
    else
      break_ring(i, kBrokenSession, r.taken);
  }
}

void Client::acknowledge(const Take& take) {
  Ring& r = rings_[take.ring];
  r.consumed += take.count;
  mapping_.control(take.ring).acked.store(r.consumed, std::memory_order_release);
}

std::vector<uint64_t> Client::consumed() const {
  std::vector<uint64_t> out;
  out.reserve(rings_.size());
  for (const Ring& r : rings_) out.push_back(r.consumed);
  return out;
}

void Client::set_extended(uint32_t ring, uint64_t end) const {
  mapping_.control(ring).extended.store(end, std::memory_order_release);
}

std::optional<SealBroken> Client::next_breach() const {
  for (uint32_t i = 0; i < rings_.size(); ++i) {
    const Ring& r = rings_[i];
    if (r.breach != 0 && !r.breach_reported && r.consumed == r.limit)
      return SealBroken{attach_.client_id, ring_id(i), r.breach, r.limit};
  }
  return std::nullopt;
}

void Client::breach_reported(uint32_t ring_id) { rings_[ring_id - attach_.first_ring_id].breach_reported = true; }

std::vector<OpenEntry> Client::open_entries() const {
  std::vector<OpenEntry> out;
  for (uint32_t i = 0; i < rings_.size(); ++i) append_open_entries(ring_id(i), rings_[i].calls, out);
  return out;
}

bool Client::wants_haste(uint64_t now_ns) {
  if (!has_waiters()) return false;
  const uint32_t rung = doorbell().load(std::memory_order_acquire);
  if (rung != heard_doorbell_) haste_until_ns_ = now_ns + kHaste_ns;
  heard_doorbell_ = rung;
  return now_ns < haste_until_ns_;
}

void Client::notify() const {
  WriterPage& page = mapping_.page();
  page.progress.fetch_add(1, std::memory_order_seq_cst);
  if (has_waiters()) futex_wake_shared(page.progress);
}

void Client::set_flags(uint32_t flags) const {
  mapping_.page().flags.store(flags, std::memory_order_release);
  notify();
}

// publish_clock: odd while the words change. The sequence comes from the log's clock generation, so that it differs
// from whatever a writer before us, dead in the middle of this, has left.
void Client::publish_clock(const Clock& clock) const {
  WriterPage& page = mapping_.page();
  page.clock_seq.store(2 * clock.generation - 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  page.clock_tsc.store(clock.tsc, std::memory_order_relaxed);
  page.clock_utc_ns.store(clock.utc_ns, std::memory_order_relaxed);
  page.clock_ns_per_tick_q32.store(clock.ns_per_tick_q32, std::memory_order_relaxed);
  page.clock_seq.store(2 * clock.generation, std::memory_order_release);
}

}  // namespace cm::audit
