// SPDX-License-Identifier: Apache-2.0
// rules_test.cpp: further ways to break the rules that a single finding covers; findings_test.cpp has one of each.
#include <gtest/gtest.h>

#include <cstring>

#include "audit/verify/client_rules.h"
#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

struct Case {
  const char* what;
  FindingId expected;
  std::function<void(LogBuilder&, TestClient&)> edit;
};

const Case kCases[] = {
    {"entry while a call is open", FindingId::kEntryExit,
     [](LogBuilder& log, TestClient& c) {
       log.batch({c.rings[1].entry(EventId::kStatus), c.rings[1].entry(EventId::kStatus)});
     }},
    {"entry while a call of the frame before is open", FindingId::kEntryExit,
     [](LogBuilder& log, TestClient& c) {
       log.batch({c.rings[1].entry(EventId::kStatus)});
       log.batch({c.rings[1].entry(EventId::kVersion)});
     }},
    {"entry with a return code", FindingId::kEntryExit,
     [](LogBuilder& log, TestClient& c) {
       Record r = c.rings[1].entry(EventId::kStatus);
       r.return_code = 1;
       log.batch({r});
     }},
    {"exit of another event", FindingId::kEntryExit,
     [](LogBuilder& log, TestClient& c) {
       log.batch({c.rings[1].entry(EventId::kStatus), c.rings[1].exit(EventId::kVersion)});
     }},
    {"exit with another session than the entry", FindingId::kEntryExit,
     [](LogBuilder& log, TestClient& c) {
       log.batch(
           {c.rings[1].entry(EventId::kRandomBytes, log.session_id(0x51)), c.rings[1].exit(EventId::kRandomBytes)});
     }},
    {"exit bit on an event that is no service", FindingId::kEventUnknown,
     [](LogBuilder& log, TestClient& c) { log.batch({c.rings[0].record(0x10001 | kExitBit)}); }},
    {"session opened twice", FindingId::kSessionShared,
     [](LogBuilder& log, TestClient& c) {
       log.batch(
           {c.rings[1].entry(EventId::kSessionOpen), c.rings[1].exit(EventId::kSessionOpen, log.session_id(0x51))});
     }},
    {"segment seal of another segment", FindingId::kSegmentSeal,
     [](LogBuilder& log, TestClient&) { log.segment_seal(kSealedFull, [](SegmentSeal& s) { ++s.segment; }); }},
    {"segment seal with another size", FindingId::kSegmentSeal,
     [](LogBuilder& log, TestClient&) { log.segment_seal(kSealedFull, [](SegmentSeal& s) { --s.bytes; }); }},
    {"segment seal for no reason", FindingId::kPayload, [](LogBuilder& log, TestClient&) { log.segment_seal(0); }},
    {"segment seal for a reason unknown", FindingId::kPayload,
     [](LogBuilder& log, TestClient&) { log.segment_seal(kSealedReasonLast + 1); }},
    {"segment seal behind the end", FindingId::kFrameOrder,
     [](LogBuilder& log, TestClient& c) {
       log.detach(c);
       log.end();
       log.segment_seal(kSealedFull);
     }},
    {"beginning of a frame behind the seal", FindingId::kSegmentSeal,
     [](LogBuilder& log, TestClient&) {
       log.segment_seal(kSealedOld);
       log.raw(Bytes(log.segments[0].begin(), log.segments[0].begin() + 100));
     }},
    {"call named as open that is not", FindingId::kOpenEntries,
     [](LogBuilder& log, TestClient& c) { log.lost(c, {{c.rings[1].id(), 0x200, 3, 0}}); }},
    {"open call named with another object", FindingId::kOpenEntries,
     [](LogBuilder& log, TestClient& c) {
       const Record r = c.rings[1].entry(EventId::kStatus);
       log.batch({r});
       log.lost(c, {{r.ring_id, r.event_id, r.ring_seq, 99}});
     }},
    {"records of a ring that was cut off", FindingId::kBatchMarks,
     [](LogBuilder& log, TestClient& c) {
       log.seal_broken(c, c.rings[1].id(), c.rings[1].next);
       log.batch(c.rings[1].call(EventId::kStatus));
     }},
    {"ring cut off at another place", FindingId::kRingSequence,
     [](LogBuilder& log, TestClient& c) { log.seal_broken(c, c.rings[1].id(), c.rings[1].next + 1); }},
    {"seal-broken of a ring of nobody", FindingId::kPayload,
     [](LogBuilder& log, TestClient& c) { log.seal_broken(c, 77, 0); }},
    {"records of a client that did not come back to the new writer", FindingId::kBatchMarks,
     [](LogBuilder& log, TestClient& c) {
       log.start(FrameType::kRecovery);
       log.batch(c.rings[1].call(EventId::kStatus));
     }},
    {"client that came back as another", FindingId::kClientState,
     [](LogBuilder& log, TestClient& c) {
       log.start(FrameType::kRecovery);
       log.reattach(c, [](ClientAttach& a) { a.module_digest[0] ^= 1; });
     }},
    {"client that comes back although its writer runs", FindingId::kClientState,
     [](LogBuilder& log, TestClient& c) { log.reattach(c); }},
    {"client id used twice", FindingId::kClientState,
     [](LogBuilder& log, TestClient& c) { log.attach(1, [&](ClientAttach& a) { a.client_id = c.attach.client_id; }); }},
    {"ring count out of range", FindingId::kRingAllocation,
     [](LogBuilder& log, TestClient&) { log.attach(1, [](ClientAttach& a) { a.ring_count = 1025; }); }},
    {"ring ids beyond 32 bits", FindingId::kRingAllocation,
     [](LogBuilder& log, TestClient&) { log.attach(1, [](ClientAttach& a) { a.first_ring_id = 0xffffffff; }); }},
    {"records of a ring of nobody", FindingId::kBatchMarks,
     [](LogBuilder& log, TestClient&) { log.batch(Ring(50, log.now_ns).call(EventId::kStatus)); }},
    {"record of another ring than its mark", FindingId::kBatchMarks,
     [](LogBuilder& log, TestClient& c) {
       std::vector<Record> call = c.rings[1].call(EventId::kStatus);
       log.batch(call, [](Batch& b) {
         ++b.marks[0].ring_id;
         b.marks[0].first_seq = 2;
       });
     }},
    {"empty batch", FindingId::kBatchMarks, [](LogBuilder& log, TestClient&) { log.batch({}); }},
    {"number of the first record changed by 2^32", FindingId::kRingSequence,
     [](LogBuilder& log, TestClient& c) {
       log.batch(c.rings[1].call(EventId::kStatus), [](Batch& b) { b.marks[0].first_seq += uint64_t{1} << 32; });
     }},
    {"records in a frame that is no batch", FindingId::kPayload,
     [](LogBuilder& log, TestClient& c) { log.add(FrameType::kEnd, encode(End{1}), {c.rings[0].record(0x10001)}); }},
    {"boot without end or reset", FindingId::kFrameOrder,
     [](LogBuilder& log, TestClient&) { log.start(FrameType::kBoot); }},
    {"recovery after an end", FindingId::kFrameOrder,
     [](LogBuilder& log, TestClient&) {
       log.end();
       log.start(FrameType::kRecovery);
     }},
    {"end for no reason", FindingId::kPayload, [](LogBuilder& log, TestClient&) { log.end(3); }},
    {"clock of a start runs backwards", FindingId::kTpmClock,
     [](LogBuilder& log, TestClient&) { log.start(FrameType::kRecovery, [](Start& s) { s.tpm.clock_ms = 1; }); }},
    {"reset count of a start runs backwards", FindingId::kTpmCounts,
     [](LogBuilder& log, TestClient&) { log.start(FrameType::kRecovery, [](Start& s) { --s.tpm.reset_count; }); }},
    {"counter of a start runs backwards", FindingId::kNvValue,
     [](LogBuilder& log, TestClient&) { log.start(FrameType::kRecovery, [](Start& s) { --s.nv_value; }); }},
    {"counter of a start is two ahead", FindingId::kNvValue,
     [](LogBuilder& log, TestClient&) { log.start(FrameType::kRecovery, [](Start& s) { s.nv_value += 2; }); }},
    {"certified value differs from the recorded one", FindingId::kNvValue,
     [](LogBuilder& log, TestClient&) {
       AnchorEdits edits;
       edits.certification = [](AttestFields& f) { f.contents.back() ^= 1; };
       log.anchor(edits);
     }},
    {"firmware changes without a start", FindingId::kTpmIdentity,
     [](LogBuilder& log, TestClient&) {
       ++log.tpm.identity.firmware;
       log.anchor();
     }},
    {"anchor of a frame before the one anchored last", FindingId::kAnchorPosition,
     [](LogBuilder& log, TestClient&) {
       log.anchor();
       AnchorEdits edits;
       edits.frame_seq = 1;
       log.anchor(edits);
     }},
    {"unexplained extend that expects a value these frames never led to", FindingId::kStartPcr,
     [](LogBuilder& log, TestClient&) { log.unexplained(Digest{1}, Digest{2}); }},
    {"somebody else extends and nothing says so", FindingId::kQuotePcr,
     [](LogBuilder& log, TestClient&) {
       log.tpm.extend(Digest{});
       log.end();
       log.anchor();
     }},
};

TEST(rules, every_breach_is_named) {
  for (const Case& c : kCases) {
    PlainLog p = open_log();
    c.edit(p.log, p.client);
    const Report r = check(p.log);
    EXPECT_EQ(verify::exit_code(r), 1) << c.what << ": " << ids(r);
    EXPECT_TRUE(r.has(c.expected)) << c.what << ": " << ids(r);
    EXPECT_EQ(r.fatal, 1u) << c.what << ": " << ids(r);
  }
}

// The writer reads one ring after the other: a session's first use may be durable when its opening, in a ring that was
// read before, is not. What then dies, client or machine, must not be called tampered.
TEST(rules, session_of_a_lost_client_may_lack_its_opening) {
  for (uint32_t reason = 1; reason <= 3; ++reason) {
    PlainLog p = open_log();
    const Record opening = p.client.rings[1].entry(EventId::kSessionOpen);
    p.log.batch({opening});
    p.log.batch(p.client.rings[2].call(EventId::kRandomBytes, p.log.session_id(0x78)));
    p.log.start(FrameType::kRecovery);
    p.log.lost(p.client, {{opening.ring_id, opening.event_id, opening.ring_seq, opening.object}}, reason);
    p.log.end();
    p.log.anchor();
    const Report r = check(p.log);
    EXPECT_EQ(verify::exit_code(r), 3) << ids(r);
    EXPECT_TRUE(r.has(FindingId::kSessionUnproved)) << ids(r);
    EXPECT_EQ(r.fatal, 0u) << ids(r);
  }
}

// Ids of sessions that were closed are remembered for a while, but not beyond their client: a client that opens the
// same id later must not lose its session when the first one's memory ends.
TEST(rules, session_of_another_client_is_not_closed_by_the_memory_of_the_first) {
  const auto session = [](const LogBuilder& log, uint32_t number) {
    auto id = log.session_id(0x33);
    std::memcpy(id.data(), &number, sizeof number);
    return id;
  };
  PlainLog p = open_log();
  const auto open_and_close = [&](uint32_t first, uint32_t count, bool close) {
    std::vector<Record> records;
    Ring& ring = p.client.rings[1];
    for (uint32_t i = first; i < first + count; ++i) {
      records.push_back(ring.entry(EventId::kSessionOpen));
      records.push_back(ring.exit(EventId::kSessionOpen, session(p.log, i)));
      if (!close) continue;
      const auto closing = ring.call(EventId::kSessionClose, session(p.log, i));
      records.insert(records.end(), closing.begin(), closing.end());
    }
    p.log.batch(records);
  };
  open_and_close(0, 1, true);
  p.log.detach(p.client);
  p.client = p.log.attach();
  open_and_close(0, 1, false);
  constexpr uint32_t kBatch = 16384;
  for (uint32_t first = 1; first <= verify::kMaxClosedSessions; first += kBatch) open_and_close(first, kBatch, true);
  p.log.batch(p.client.rings[2].call(EventId::kRandomBytes, session(p.log, 0)));
  p.log.detach(p.client);
  const Report r = check(p.log);
  EXPECT_EQ(r.fatal, 0u) << ids(r);
}

// An orderly counter jumps whenever the power was cut, however late the writer is started and the clock safe again.
TEST(rules, counter_jump_of_a_device_is_admitted_though_its_clock_is_safe_again) {
  PlainLog p{LogBuilder(), {}};
  p.log.tpm.identity.kind = 2;
  p.log.genesis();
  p.log.tpm.reset(false);
  p.log.tpm.identity.clock_safe = 1;
  p.log.tpm.identity.clock_ms += 4'200'000;
  p.log.tpm.nv_value += 100;
  p.log.start(FrameType::kBoot);
  const Report r = check(p.log);
  EXPECT_EQ(verify::exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kNvJump)) << ids(r);
}

// Nothing that costs the maker of a log one frame may cost the verifier a walk over all that came before. At a cost in
// the square of their number these frames would take minutes.
TEST(rules, many_starts_and_clients_are_verified) {
  constexpr int kFrames = 20000;
  LogBuilder log;
  log.genesis();
  std::vector<TestClient> clients;
  for (int i = 0; i < kFrames; ++i)
    clients.push_back(log.attach(1, [&](ClientAttach& a) {
      std::memcpy(a.client_id.data(), &i, sizeof i);
      a.client_id[15] = 1;
    }));
  Ring& ring = clients[0].rings[1];
  for (uint32_t batch = 0; batch < 10; ++batch) {
    std::vector<Record> records;
    for (uint32_t i = 0; i < kFrames; ++i) {
      auto id = log.session_id(0x44);
      const uint32_t number = batch * kFrames + i;
      std::memcpy(id.data(), &number, sizeof number);
      records.push_back(ring.entry(EventId::kSessionOpen));
      records.push_back(ring.exit(EventId::kSessionOpen, id));
    }
    log.batch(records);
  }
  for (int i = 1; i < kFrames; ++i) log.detach(clients[static_cast<size_t>(i)]);
  for (int i = 0; i < kFrames; ++i) log.start(FrameType::kRecovery);
  const Report r = check(log);
  EXPECT_EQ(verify::exit_code(r), 3) << ids(r);
  EXPECT_EQ(r.fatal, 0u) << ids(r);
  EXPECT_EQ(r.counts.sessions, 10u * kFrames);
}

// A reset after a clean end must not hide a counter that went on.
TEST(rules, counter_may_not_advance_after_a_covered_end) {
  PlainLog p = closed_log();
  p.log.tpm.reset(true);
  ++p.log.tpm.nv_value;
  p.log.start(FrameType::kBoot);
  const Report r = check(p.log);
  EXPECT_EQ(verify::exit_code(r), 1) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kNvValue)) << ids(r);
}

}  // namespace
}  // namespace cm::audit::test
