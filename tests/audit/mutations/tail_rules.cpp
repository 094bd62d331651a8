// SPDX-License-Identifier: Apache-2.0
// tail_rules.cpp: mutants in which every digest is right and no anchor follows, and one rule of docs/audit-format.md is
// broken: nothing but the rules can show it. One row a way to break one.
#include <algorithm>
#include <cstring>

#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {
namespace {

constexpr uint64_t kPayloadAt = 128;

// Tail: a running log with two clients more, a with session s and b with session t, each with calls on ring 1.
struct Tail {
  explicit Tail(uint64_t seed)
      : dice(seed), clean(draw_clean_log(seed, Shape::kRunning)), log(clean.log), a(log.attach(2)), b(log.attach(1)) {
    dice.fill(s);
    dice.fill(t);
    Ring &one = a.rings[1], &other = b.rings[1];
    log.batch({one.entry(EventId::kSessionOpen), one.exit(EventId::kSessionOpen, s), other.entry(EventId::kSessionOpen),
               other.exit(EventId::kSessionOpen, t)});
  }
  Ring& ring() { return a.rings[1]; }
  std::vector<Record> call() { return ring().call(EventId::kAeadSeal, s, 5); }

  Dice dice;
  CleanLog clean;
  LogBuilder& log;
  TestClient a, b;
  std::array<uint8_t, 16> s{}, t{};
};

// Broken: the finding and its place: the frame that came last but `back` frames, an offset in it or one of its records.
struct Broken {
  FindingId id;
  std::optional<uint64_t> record;
  uint64_t within = 0;
  uint64_t back = 0;
};

Broken at_frame(FindingId id, uint64_t back = 0) { return {id, std::nullopt, 0, back}; }
Broken at_offset(FindingId id, uint64_t within) { return {id, std::nullopt, within, 0}; }
Broken at_record(FindingId id, uint64_t record, uint64_t back = 0) { return {id, record, 0, back}; }

struct Rule {
  const char* name;
  Broken (*break_it)(Tail&);
};

using Id = std::array<uint8_t, 16>;

Id random_id(Tail& t) {
  Id id;
  t.dice.fill(id);
  return id;
}

TestClient nobody(Tail& t) {
  TestClient c = t.a;
  c.attach.client_id = random_id(t);
  return c;
}

void recover(Tail& t) { t.log.start(FrameType::kRecovery); }

// batch_as_it_is: marks and records that need not agree.
void batch_as_it_is(Tail& t, const std::vector<RingMark>& marks, std::vector<Record> records) {
  t.log.add(FrameType::kBatch, encode(Batch{marks}), std::move(records));
}

Broken came_back(Tail& t, const std::function<void(ClientAttach&)>& as) {
  recover(t);
  t.log.reattach(t.a, as);
  return at_frame(FindingId::kClientState);
}

Broken attached_with(Tail& t, const std::function<void(ClientAttach&)>& edit) {
  t.log.attach(1, edit);
  return at_frame(FindingId::kRingAllocation);
}

// Who may speak.
constexpr Rule kAttachment[] = {
    {"records after the goodbye",
     [](Tail& t) {
       t.log.detach(t.a);
       t.log.batch(t.call());
       return at_frame(FindingId::kBatchMarks);
     }},
    {"records after the loss",
     [](Tail& t) {
       t.log.lost(t.a, {});
       t.log.batch(t.call());
       return at_frame(FindingId::kBatchMarks);
     }},
    {"records before the client came back to a new writer",
     [](Tail& t) {
       recover(t);
       if (t.dice.one_in(2)) t.log.reattach(t.b);
       t.log.batch(t.call());
       return at_frame(FindingId::kBatchMarks);
     }},
    {"goodbye before the client came back",
     [](Tail& t) {
       recover(t);
       t.log.detach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"a ring cut off before its client came back",
     [](Tail& t) {
       recover(t);
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       return at_frame(FindingId::kClientState);
     }},
    {"came back to the same writer",
     [](Tail& t) {
       t.log.reattach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"came back twice",
     [](Tail& t) {
       recover(t);
       t.log.reattach(t.a);
       t.log.reattach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"came back of another user", [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.uid += 1; }); }},
    {"came back with another module",
     [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.module_digest[3] ^= 1; }); }},
    {"came back with larger rings", [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.ring_records *= 2; }); }},
    {"came back with other rings", [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.first_ring_id += 1; }); }},
    {"came back with fewer rings", [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.ring_count -= 1; }); }},
    {"came back with seals", [](Tail& t) { return came_back(t, [](ClientAttach& c) { c.seal_kind = kSealChain; }); }},
    {"came back with a ring cut off",
     [](Tail& t) {
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       recover(t);
       t.log.reattach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"came back after the goodbye",
     [](Tail& t) {
       t.log.detach(t.a);
       recover(t);
       t.log.reattach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"somebody came back who never was there",
     [](Tail& t) {
       recover(t);
       t.log.reattach(nobody(t));
       return at_frame(FindingId::kClientState);
     }},
    {"client id used twice",
     [](Tail& t) {
       t.log.attach(1, [&](ClientAttach& c) { c.client_id = t.a.attach.client_id; });
       return at_frame(FindingId::kClientState);
     }},
    {"goodbye of nobody",
     [](Tail& t) {
       t.log.detach(nobody(t));
       return at_frame(FindingId::kClientState);
     }},
    {"goodbye twice",
     [](Tail& t) {
       t.log.detach(t.a);
       t.log.detach(t.a);
       return at_frame(FindingId::kClientState);
     }},
    {"nobody is lost",
     [](Tail& t) {
       t.log.lost(nobody(t), {});
       return at_frame(FindingId::kClientState);
     }},
    {"rings of another client",
     [](Tail& t) {
       t.log.attach(1,
                    [&](ClientAttach& c) { c.first_ring_id = t.a.attach.first_ring_id + (t.dice.one_in(2) ? 1 : 0); });
       return at_frame(FindingId::kRingAllocation);
     }},
    {"no rings", [](Tail& t) { return attached_with(t, [](ClientAttach& c) { c.ring_count = 0; }); }},
    {"more rings than a client has",
     [](Tail& t) { return attached_with(t, [](ClientAttach& c) { c.ring_count = 1025; }); }},
    {"rings that are too small",
     [](Tail& t) { return attached_with(t, [](ClientAttach& c) { c.ring_records = 128; }); }},
    {"rings that are too large",
     [](Tail& t) { return attached_with(t, [](ClientAttach& c) { c.ring_records = 131072; }); }},
    {"rings of no power of two",
     [](Tail& t) { return attached_with(t, [](ClientAttach& c) { c.ring_records = 257; }); }},
    {"rings beyond the last id",
     [](Tail& t) {
       t.log.attach(1, [](ClientAttach& c) { c.first_ring_id = UINT32_MAX; });
       return at_frame(FindingId::kRingAllocation);
     }},
};

// Frames of a broken ring.
constexpr Rule kSealBroken[] = {
    {"seal-broken of nobody",
     [](Tail& t) {
       t.log.seal_broken(nobody(t), t.ring().id(), t.ring().next);
       return at_frame(FindingId::kClientState);
     }},
    {"seal-broken after the goodbye",
     [](Tail& t) {
       t.log.detach(t.a);
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       return at_frame(FindingId::kClientState);
     }},
    {"seal-broken without such a reason",
     [](Tail& t) {
       const auto reason = static_cast<uint32_t>(t.dice.one_in(2) ? 0 : t.dice.from_to(7, 100));
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next, reason);
       return at_frame(FindingId::kPayload);
     }},
    {"seal-broken in a ring of another client",
     [](Tail& t) {
       t.log.seal_broken(t.a, t.b.rings[1].id(), t.b.rings[1].next);
       return at_frame(FindingId::kPayload);
     }},
    {"seal-broken in a ring below the client's",
     [](Tail& t) {
       t.log.seal_broken(t.b, t.a.rings[1].id(), t.ring().next);
       return at_frame(FindingId::kPayload);
     }},
    {"seal-broken at another number",
     [](Tail& t) {
       t.log.seal_broken(t.a, t.ring().id(), t.dice.one_in(2) ? t.ring().next + t.dice.from_to(1, 9) : 0);
       return at_frame(FindingId::kRingSequence);
     }},
    {"seal-broken twice",
     [](Tail& t) {
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       return at_frame(FindingId::kRingSequence);
     }},
    {"records behind seal-broken",
     [](Tail& t) {
       t.log.seal_broken(t.a, t.ring().id(), t.ring().next);
       t.log.batch(t.call());
       return at_frame(FindingId::kBatchMarks);
     }},
};

Record open_call(Tail& t) {
  const Record open = t.ring().entry(EventId::kAeadOpen, t.s, 0x42);
  t.log.batch({open});
  return open;
}

Broken lost_with(Tail& t, const std::vector<OpenEntry>& named) {
  t.log.lost(t.a, named);
  return at_frame(FindingId::kOpenEntries);
}

Broken lost_named(Tail& t, const std::function<void(OpenEntry&)>& edit) {
  const Record open = open_call(t);
  OpenEntry e{open.ring_id, open.event_id, open.ring_seq, open.object};
  edit(e);
  return lost_with(t, {e});
}

constexpr Rule kLost[] = {
    {"lost without such a reason",
     [](Tail& t) {
       t.log.lost(t.a, {}, t.dice.one_in(2) ? 0 : 4);
       return at_frame(FindingId::kPayload);
     }},
    {"lost, an open call is not named",
     [](Tail& t) {
       open_call(t);
       return lost_with(t, {});
     }},
    {"lost, a call is named that is not open",
     [](Tail& t) { return lost_with(t, {{t.ring().id(), static_cast<uint32_t>(EventId::kAeadOpen), 1, 0}}); }},
    {"lost, an open call is named with another ring",
     [](Tail& t) { return lost_named(t, [](OpenEntry& e) { e.ring_id += 1; }); }},
    {"lost, an open call is named with another event",
     [](Tail& t) { return lost_named(t, [](OpenEntry& e) { e.event_id += 1; }); }},
    {"lost, an open call is named with another number",
     [](Tail& t) { return lost_named(t, [](OpenEntry& e) { e.ring_seq += 1; }); }},
    {"lost, an open call is named with another object",
     [](Tail& t) { return lost_named(t, [](OpenEntry& e) { e.object += 1; }); }},
};

constexpr Rule kBatch[] = {
    {"a mark counts too many or too few",
     [](Tail& t) {
       const auto more = t.dice.one_in(2) ? 1 : UINT32_MAX;
       t.log.batch(t.call(), [&](Batch& b) { b.marks[0].count += more; });
       return at_frame(FindingId::kBatchMarks);
     }},
    {"an empty mark",
     [](Tail& t) {
       t.log.batch(t.call(), [&](Batch& b) { b.marks.push_back({b.marks[0].ring_id + 1, 0, 0}); });
       return at_frame(FindingId::kBatchMarks);
     }},
    {"marks that do not ascend",
     [](Tail& t) {
       std::vector<Record> records = t.call();
       const auto more = t.a.rings[2].call(EventId::kStatus);
       records.insert(records.end(), more.begin(), more.end());
       t.log.batch(records, [](Batch& b) { std::swap(b.marks[0], b.marks[1]); });
       return at_frame(FindingId::kBatchMarks);
     }},
    {"a batch without records",
     [](Tail& t) {
       batch_as_it_is(t, {}, {});
       return at_frame(FindingId::kBatchMarks);
     }},
    {"a ring of nobody",
     [](Tail& t) {
       Ring ring(t.b.rings[1].id() + static_cast<uint32_t>(t.dice.from_to(1, 1000)), t.log.now_ns);
       t.log.batch(ring.call(EventId::kStatus));
       return at_frame(FindingId::kBatchMarks);
     }},
    {"a record of another ring than its mark",
     [](Tail& t) {
       std::vector<Record> records = t.call();
       const RingMark mark{records[0].ring_id, 2, records[0].ring_seq};
       records[1].ring_id += 1;
       batch_as_it_is(t, {mark}, records);
       return at_record(FindingId::kBatchMarks, 1);
     }},
    {"records are missing in a ring",
     [](Tail& t) {
       t.ring().next += t.dice.from_to(1, 50);
       t.log.batch(t.call());
       return at_frame(FindingId::kRingSequence);
     }},
    {"records stand twice",
     [](Tail& t) {
       t.ring().next -= 2;
       t.log.batch(t.call());
       return at_frame(FindingId::kRingSequence);
     }},
    {"a number 2^32 ahead",
     [](Tail& t) {
       t.log.batch(t.call(), [](Batch& b) { b.marks[0].first_seq += uint64_t{1} << 32; });
       return at_frame(FindingId::kRingSequence);
     }},
    {"a record with another number than its place",
     [](Tail& t) {
       std::vector<Record> records = t.call();
       records[1].ring_seq += static_cast<uint32_t>(t.dice.from_to(1, 5));
       t.log.batch(records);
       return at_record(FindingId::kRingSequence, 1);
     }},
};

Broken batch_with(Tail& t, std::vector<Record> records, FindingId id, uint64_t record) {
  t.log.batch(std::move(records));
  return at_record(id, record);
}

constexpr Rule kRecords[] = {
    {"unknown event",
     [](Tail& t) {
       const std::vector<uint32_t> events = {0,       9,       0x107,   0x703,      0x10100,
                                             0x20010, 0x30007, 0x40002, 0x80010001, 0x80030001};
       return batch_with(t, {t.a.rings[0].record(t.dice.one_of(events))}, FindingId::kEventUnknown, 0);
     }},
    {"an event in the ring of a thread",
     [](Tail& t) { return batch_with(t, {t.ring().record(0x10001)}, FindingId::kEventPlace, 0); }},
    {"an entry with a return code",
     [](Tail& t) {
       std::vector<Record> records = t.call();
       records[0].return_code = static_cast<uint32_t>(-1);
       return batch_with(t, records, FindingId::kEntryExit, 0);
     }},
    {"an entry while a call is open",
     [](Tail& t) {
       return batch_with(t, {t.ring().entry(EventId::kStatus), t.ring().entry(EventId::kStatus)}, FindingId::kEntryExit,
                         1);
     }},
    {"an exit without entry",
     [](Tail& t) {
       Ring& ring = t.dice.one_in(2) ? t.a.rings[0] : t.ring();
       return batch_with(t, {ring.exit(EventId::kStatus)}, FindingId::kEntryExit, 0);
     }},
    {"the exit of another call",
     [](Tail& t) {
       Ring& ring = t.dice.one_in(2) ? t.a.rings[0] : t.ring();
       return batch_with(t, {ring.entry(EventId::kStatus), ring.exit(EventId::kVersion)}, FindingId::kEntryExit, 1);
     }},
    {"an exit with another session",
     [](Tail& t) {
       return batch_with(t, {t.ring().entry(EventId::kAeadSeal, t.s), t.ring().exit(EventId::kAeadSeal)},
                         FindingId::kEntryExit, 1);
     }},
    {"a seal of a client without seals",
     [](Tail& t) {
       std::vector<Record> records = t.call();
       records[1].seal = 1;
       return batch_with(t, records, FindingId::kSealNotZero, 1);
     }},
    {"the session of another client",
     [](Tail& t) { return batch_with(t, t.b.rings[1].call(EventId::kAeadSeal, t.s), FindingId::kSessionShared, 0); }},
    {"a session opened twice",
     [](Tail& t) {
       Ring& ring = t.dice.one_in(2) ? t.ring() : t.b.rings[1];
       return batch_with(t, {ring.entry(EventId::kSessionOpen), ring.exit(EventId::kSessionOpen, t.s)},
                         FindingId::kSessionShared, 1);
     }},
    {"a closed session used by another client",
     [](Tail& t) {
       t.log.batch(t.ring().call(EventId::kSessionClose, t.s));
       return batch_with(t, t.b.rings[1].call(EventId::kAeadSeal, t.s), FindingId::kSessionShared, 0);
     }},
    {"a session that nobody opened",
     [](Tail& t) {
       t.log.batch(t.ring().call(EventId::kAeadSeal, random_id(t)));
       t.log.detach(t.a);
       return at_record(FindingId::kSessionUnopened, 0, 1);
     }},
    {"two sessions that nobody opened",
     [](Tail& t) {
       Id first = random_id(t), second = random_id(t);
       std::vector<Record> records = t.ring().call(EventId::kAeadSeal, first);
       const auto more = t.ring().call(EventId::kAeadOpen, second);
       records.insert(records.end(), more.begin(), more.end());
       t.log.batch(records);
       t.log.detach(t.a);
       return at_record(FindingId::kSessionUnopened, first < second ? 0 : 2, 1);
     }},
    {"a session whose opening failed",
     [](Tail& t) {
       const Id id = random_id(t);
       std::vector<Record> records = {t.ring().entry(EventId::kSessionOpen),
                                      t.ring().exit(EventId::kSessionOpen, id, 0, -5)};
       const auto more = t.ring().call(EventId::kAeadSeal, id);
       records.insert(records.end(), more.begin(), more.end());
       t.log.batch(records);
       t.log.detach(t.a);
       return at_record(FindingId::kSessionUnopened, 1, 1);
     }},
};

Broken behind_end(Tail& t, FrameType type, const Bytes& payload) {
  t.log.end();
  t.log.add(type, payload);
  return at_frame(FindingId::kFrameOrder);
}

constexpr Rule kFrames[] = {
    {"genesis again",
     [](Tail& t) {
       t.log.add(FrameType::kGenesis, t.log.frames[0].var);
       return at_frame(FindingId::kFrameOrder);
     }},
    {"boot without end or reset",
     [](Tail& t) {
       t.log.start(FrameType::kBoot);
       return at_frame(FindingId::kFrameOrder);
     }},
    {"clock behind the end", [](Tail& t) { return behind_end(t, FrameType::kClock, encode(Clock{})); }},
    {"goodbye behind the end",
     [](Tail& t) { return behind_end(t, FrameType::kClientDetach, encode(ClientDetach{t.a.attach.client_id})); }},
    {"loss behind the end",
     [](Tail& t) { return behind_end(t, FrameType::kClientLost, encode(ClientLost{t.a.attach.client_id, 1, {}})); }},
    {"seal-broken behind the end",
     [](Tail& t) {
       return behind_end(t, FrameType::kSealBroken,
                         encode(SealBroken{t.a.attach.client_id, t.ring().id(), 1, t.ring().next}));
     }},
    {"end behind the end", [](Tail& t) { return behind_end(t, FrameType::kEnd, encode(End{1})); }},
    {"attachment behind the end",
     [](Tail& t) {
       t.log.end();
       t.log.attach(1);
       return at_frame(FindingId::kFrameOrder);
     }},
    {"records behind the end",
     [](Tail& t) {
       t.log.end();
       t.log.batch(t.call());
       return at_frame(FindingId::kFrameOrder);
     }},
    {"recovery behind the end",
     [](Tail& t) {
       t.log.end();
       t.log.start(FrameType::kRecovery);
       return at_frame(FindingId::kFrameOrder);
     }},
    {"segment-seal behind the end",
     [](Tail& t) {
       t.log.end();
       t.log.segment_seal(1);
       t.log.next_in_new_segment = false;
       return at_frame(FindingId::kFrameOrder);
     }},
    {"end without such a reason",
     [](Tail& t) {
       t.log.end(t.dice.one_in(2) ? 0 : 3);
       return at_frame(FindingId::kPayload);
     }},
    {"segment-seal without such a reason",
     [](Tail& t) {
       t.log.segment_seal(t.dice.one_in(2) ? 0 : 4);
       return at_frame(FindingId::kPayload);
     }},
    {"segment-seal of another segment",
     [](Tail& t) {
       t.log.segment_seal(1, [](SegmentSeal& s) { s.segment += 1; });
       return at_frame(FindingId::kSegmentSeal);
     }},
    {"segment-seal of another place",
     [](Tail& t) {
       t.log.segment_seal(1, [](SegmentSeal& s) { s.bytes -= 64; });
       return at_frame(FindingId::kSegmentSeal);
     }},
    {"a frame behind a segment-seal",
     [](Tail& t) {
       t.log.segment_seal(1);
       t.log.next_in_new_segment = false;
       t.log.clock();
       return at_frame(FindingId::kSegmentSeal);
     }},
};

Broken header_with(Tail& t, FindingId id, uint64_t within, const HeaderEdit& edit) {
  t.log.add(FrameType::kClock, encode(Clock{1, 2, 3, 4}), {}, edit);
  return at_offset(id, within);
}

constexpr Rule kHeaders[] = {
    {"version",
     [](Tail& t) { return header_with(t, FindingId::kHeaderField, 8, [](FrameHeader& h) { h.version = 2; }); }},
    {"type",
     [](Tail& t) {
       const uint16_t type = t.dice.one_in(2) ? 0 : 14;
       return header_with(t, FindingId::kHeaderField, 10, [type](FrameHeader& h) { h.type = type; });
     }},
    {"carried",
     [](Tail& t) {
       return header_with(t, FindingId::kHeaderField, 12, [](FrameHeader& h) { h.carried = kMaxCarried + 1; });
     }},
    {"record_count",
     [](Tail& t) {
       return header_with(t, FindingId::kHeaderField, 48, [](FrameHeader& h) { h.record_count = 65537; });
     }},
    {"var_size",
     [](Tail& t) { return header_with(t, FindingId::kHeaderField, 52, [](FrameHeader& h) { h.var_size += 1; }); }},
    {"records_digest",
     [](Tail& t) {
       return header_with(t, FindingId::kFrameDamaged, 96, [](FrameHeader& h) { h.records_digest[7] ^= 6; });
     }},
    {"log id", [](Tail& t) { return header_with(t, FindingId::kLogId, 0, [](FrameHeader& h) { h.log_id[3] ^= 1; }); }},
    {"frame number",
     [](Tail& t) {
       const uint64_t more = t.dice.one_in(2) ? 1 : UINT64_MAX;
       return header_with(t, FindingId::kFrameSequence, 0, [more](FrameHeader& h) { h.frame_seq += more; });
     }},
    {"head of the frame before",
     [](Tail& t) { return header_with(t, FindingId::kPreviousHead, 0, [](FrameHeader& h) { h.prev_head[9] ^= 1; }); }},
    {"number of the first record",
     [](Tail& t) {
       const uint64_t more = t.dice.one_in(2) ? 1 : UINT64_MAX;
       return header_with(t, FindingId::kRecordSequence, 0, [more](FrameHeader& h) { h.first_record += more; });
     }},
    {"time going back",
     [](Tail& t) {
       return header_with(t, FindingId::kWriterTime, 0, [](FrameHeader& h) { h.writer_time_ns -= 60'000'000'000; });
     }},
    {"records in a frame that is no batch",
     [](Tail& t) {
       t.log.add(FrameType::kClock, encode(Clock{1, 2, 3, 4}), {t.ring().record(0x200)});
       return at_frame(FindingId::kPayload);
     }},
};

Broken payload_with(Tail& t, FrameType type, Bytes payload, size_t at, uint8_t byte) {
  payload = padded(std::move(payload));
  payload[at] = byte;
  t.log.add(type, std::move(payload));
  return at_offset(FindingId::kPayload, kPayloadAt);
}

constexpr Rule kPayloads[] = {
    {"padding of the payload",
     [](Tail& t) { return payload_with(t, FrameType::kEnd, encode(End{1}), t.dice.from_to(4, 63), 1); }},
    {"a payload that goes on",
     [](Tail& t) {
       Bytes payload = padded(encode(End{1}));
       payload.resize(payload.size() + 64);
       t.log.add(FrameType::kEnd, payload);
       return at_offset(FindingId::kPayload, kPayloadAt);
     }},
    {"a flag that is none",
     [](Tail& t) { return payload_with(t, FrameType::kClientAttach, encode(t.a.attach), 36, 2); }},
    {"a list longer than the payload",
     [](Tail& t) {
       const Bytes payload = encode(ClientLost{t.a.attach.client_id, 1, {}});
       return payload_with(t, FrameType::kClientLost, payload, 20, static_cast<uint8_t>(t.dice.from_to(3, 255)));
     }},
    {"a text longer than the payload",
     [](Tail& t) { return payload_with(t, FrameType::kClientAttach, encode(t.a.attach), 71, 0xff); }},
    {"no payload",
     [](Tail& t) {
       t.log.add(FrameType::kClientDetach, {});
       return at_offset(FindingId::kPayload, kPayloadAt);
     }},
};

Broken recovery_with(Tail& t, FindingId id, const std::function<void(Start&)>& edit) {
  t.log.start(FrameType::kRecovery, edit);
  return at_frame(id);
}

constexpr Rule kStarts[] = {
    {"another kind of TPM",
     [](Tail& t) { return recovery_with(t, FindingId::kTpmIdentity, [](Start& s) { s.tpm.kind ^= 3; }); }},
    {"another manufacturer",
     [](Tail& t) { return recovery_with(t, FindingId::kTpmIdentity, [](Start& s) { s.tpm.manufacturer += 1; }); }},
    {"other firmware without a reset",
     [](Tail& t) { return recovery_with(t, FindingId::kTpmIdentity, [](Start& s) { s.tpm.firmware += 1; }); }},
    {"fewer resets",
     [](Tail& t) { return recovery_with(t, FindingId::kTpmCounts, [](Start& s) { s.tpm.reset_count -= 1; }); }},
    {"fewer restarts",
     [](Tail& t) {
       ++t.log.tpm.identity.restart_count;
       recover(t);
       return recovery_with(t, FindingId::kTpmCounts, [](Start& s) { s.tpm.restart_count -= 1; });
     }},
    {"the clock went back",
     [](Tail& t) { return recovery_with(t, FindingId::kTpmClock, [](Start& s) { s.tpm.clock_ms = 1; }); }},
    {"the counter went ahead",
     [](Tail& t) { return recovery_with(t, FindingId::kNvValue, [](Start& s) { s.nv_value += 2; }); }},
    {"the counter went back",
     [](Tail& t) { return recovery_with(t, FindingId::kNvValue, [](Start& s) { s.nv_value -= 1; }); }},
    {"an unknown value of the PCR that no frame admits",
     [](Tail& t) {
       t.log.start(FrameType::kRecovery, [&](Start& s) { t.dice.fill(s.pcr_value); });
       t.log.clock();
       return at_frame(FindingId::kStartPcr, 1);
     }},
    {"expected what no frame leads to",
     [](Tail& t) {
       Digest expected, found;
       t.dice.fill(expected);
       t.dice.fill(found);
       t.log.unexplained(expected, found);
       return at_frame(FindingId::kStartPcr);
     }},
    {"found what was expected",
     [](Tail& t) {
       t.log.unexplained(t.log.tpm.pcr, t.log.tpm.pcr);
       return at_frame(FindingId::kStartPcr);
     }},
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> kAll = [] {
    std::vector<Rule> all;
    const auto append = [&](const auto& rows) { all.insert(all.end(), std::begin(rows), std::end(rows)); };
    append(kAttachment);
    append(kSealBroken);
    append(kLost);
    append(kBatch);
    append(kRecords);
    append(kFrames);
    append(kHeaders);
    append(kPayloads);
    append(kStarts);
    return all;
  }();
  return kAll;
}

}  // namespace

Mutant tail_rule(uint64_t seed) {
  Tail tail(seed);
  const Rule& rule = rules()[seed % rules().size()];
  const Broken broken = rule.break_it(tail);
  const uint64_t proved = tail.clean.moments.back().proved;
  const uint64_t number = tail.log.frames.size() - 1 - broken.back;
  Mutant m;
  m.what = rule.name;
  m.segments = tail.log.segments;
  m.trust = trust_of(tail.log);
  Expected& e = m.expected;
  const FrameAt place = place_of(tail.log, number);
  e.ids = {broken.id};
  e.segment = segment_name(place.segment);
  e.frame = number;
  e.proved = proved;
  e.offset = place.offset + broken.within;
  if (!broken.record) return m;
  e.record = place.first_record + *broken.record;
  e.offset = place.offset + sizeof(FrameHeader) + tail.log.frames[number].var.size() + 64 * *broken.record;
  return m;
}

}  // namespace cm::audit::test
