// SPDX-License-Identifier: Apache-2.0
// valid_logs_test.cpp: logs as sound writers leave them, in many shapes, and the verdict each must get. What is proved
// is compared with what the builder anchored.
#include <gtest/gtest.h>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

using verify::exit_code;

TEST(valid_logs, closed_log_with_enrolment_is_verified) {
  const PlainLog p = closed_log();
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  ASSERT_TRUE(r.proof.has_value());
  EXPECT_EQ(r.proof->records, p.log.chain.records);
  EXPECT_EQ(r.counts.records, p.log.chain.records);
  EXPECT_EQ(r.counts.frames, p.log.frames.size());
  EXPECT_EQ(r.counts.bytes, p.log.segments[0].size());
  EXPECT_EQ(r.counts.anchors, 2u);
  EXPECT_EQ(r.counts.signatures, 4u);
  EXPECT_TRUE(r.complete);
  EXPECT_EQ(r.head, verify::hex_text(p.log.head()));
  EXPECT_NE(
      verify::to_text(r).find("Proved through record " + std::to_string(p.log.chain.records - 1) + " at TPM time"),
      std::string::npos);
  EXPECT_NE(verify::to_text(r).find("tail of 0 records unanchored"), std::string::npos);
  EXPECT_NE(verify::to_text(r).find("software anchor: no hardware claim"), std::string::npos);
}

TEST(valid_logs, without_trust_root_or_with_a_key_alone_nothing_is_proved) {
  const PlainLog p = closed_log();
  const Report none = check(p.log.segments);
  EXPECT_EQ(exit_code(none), 3) << ids(none);
  EXPECT_NE(verify::to_text(none).find("Nothing is proved"), std::string::npos);
  std::string error;
  const auto ak = verify::parse_ak(p.log.tpm.ak_pem(), error);
  ASSERT_TRUE(ak.has_value()) << error;
  const Report key = check(p.log.segments, {std::nullopt, ak});
  EXPECT_EQ(exit_code(key), 3) << ids(key);
  EXPECT_NE(verify::to_text(key).find("Nothing is proved"), std::string::npos);
  EXPECT_NE(verify::to_json(key).find("\"proved_through_record\": null"), std::string::npos);
}

TEST(valid_logs, live_log_is_incomplete_and_names_its_tail) {
  PlainLog p = open_log();
  p.log.anchor();
  p.log.batch(p.client.rings[1].call(EventId::kRandomBytes, p.log.session_id(0x51)));
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kNoEnd));
  EXPECT_EQ(r.proof->records, 8u);
  EXPECT_NE(verify::to_text(r).find("tail of 2 records unanchored"), std::string::npos);
}

TEST(valid_logs, end_without_anchor_is_incomplete) {
  PlainLog p = open_log();
  p.log.detach(p.client);
  p.log.anchor();
  p.log.end();
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kEndUnanchored));
}

TEST(valid_logs, segments_may_change_between_any_two_frames) {
  PlainLog p = open_log();
  p.log.next_in_new_segment = true;
  close_log(p);
  p.log.next_in_new_segment = true;
  p.log.start(FrameType::kBoot);
  p.log.end();
  p.log.anchor();
  EXPECT_EQ(p.log.segments.size(), 3u);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
}

TEST(valid_logs, an_anchor_may_name_an_earlier_frame) {
  PlainLog p = open_log();
  const uint64_t frame = p.log.chain.frame_seq - 1;
  p.log.batch(p.client.rings[1].call(EventId::kRandomBytes, p.log.session_id(0x51)));
  AnchorEdits edits;
  edits.frame_seq = frame;
  p.log.anchor(edits);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_EQ(r.proof->records, 8u);
  close_log(p);
  EXPECT_EQ(exit_code(check(p.log)), 0);
}

TEST(valid_logs, an_anchor_may_carry_the_time_of_its_request) {
  PlainLog p = open_log();
  const uint64_t earlier = *p.log.now_ns - 5'000'000;
  AnchorEdits edits;
  edits.binding = [&](AnchorBinding& b) { b.writer_time_ns = earlier; };
  p.log.anchor(edits);
  p.log.frames.back().writer_time_ns = earlier;
  const Report r = check(assemble(p.log.chain.log_id, p.log.frames), trust_of(p.log));
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.proof.has_value());
}

TEST(valid_logs, recovery_after_a_killed_writer_keeps_the_verdict) {
  PlainLog p = open_log();
  p.log.anchor();
  p.log.start(FrameType::kRecovery);
  p.log.clock();
  p.log.reattach(p.client);
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kRecovered));
}

TEST(valid_logs, a_writer_killed_between_counter_and_anchor_loses_nothing) {
  for (const bool value_is_used : {false, true}) {
    PlainLog p = open_log();
    ++p.log.tpm.nv_value;
    p.log.start(FrameType::kRecovery);
    p.log.reattach(p.client);
    if (value_is_used) --p.log.tpm.nv_value;
    close_log(p);
    const Report r = check(p.log);
    EXPECT_EQ(exit_code(r), 0) << ids(r);
    EXPECT_TRUE(r.has(FindingId::kAnchorLost));
  }
}

TEST(valid_logs, a_start_may_find_the_pcr_behind_the_log) {
  PlainLog p = open_log();
  const Digest behind = p.log.pcrs[2];
  p.log.start(FrameType::kRecovery, [&](Start& s) { s.pcr_value = behind; });
  p.log.reattach(p.client);
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
}

TEST(valid_logs, boot_after_a_clean_end_and_a_reset_goes_on_proving) {
  PlainLog p = closed_log();
  p.log.tpm.reset(true);
  p.log.start(FrameType::kBoot);
  p.client = p.log.attach();
  const auto session = p.log.session_id(0x70);
  std::vector<Record> records = {p.client.rings[1].entry(EventId::kSessionOpen),
                                 p.client.rings[1].exit(EventId::kSessionOpen, session)};
  p.log.batch(records);
  p.log.detach(p.client);
  p.log.end(2);
  p.log.anchor();
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  EXPECT_EQ(r.proof->records, p.log.chain.records);
  EXPECT_EQ(r.proof->reset_count, 4u);
}

TEST(valid_logs, a_reset_under_a_running_writer_ends_the_proof) {
  PlainLog p = open_log();
  p.log.anchor();
  p.log.tpm.reset(false);
  p.log.start(FrameType::kBoot);
  // The same writer: its client needs no new attachment.
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kUncleanReset));
  EXPECT_EQ(r.proof->records, 8u);
}

TEST(valid_logs, boot_and_recovery_after_an_unclean_reset) {
  PlainLog p = open_log();
  p.log.anchor();
  p.log.tpm.reset(false);
  p.log.start(FrameType::kBoot);
  p.log.start(FrameType::kRecovery);
  p.log.reattach(p.client);
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
}

TEST(valid_logs, unexplained_extend_while_running_is_never_proved_across) {
  PlainLog p = open_log();
  p.log.anchor();
  const Digest expected = p.log.tpm.pcr;
  p.log.tpm.extend(Digest{});
  p.log.unexplained(expected, p.log.tpm.pcr);
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kUnexplainedExtend));
  EXPECT_EQ(r.proof->records, 8u);
}

// What was queued behind the frame where replay broke is passed over by the writer.
TEST(valid_logs, unexplained_extend_passes_over_queued_frames) {
  PlainLog p = open_log();
  p.log.anchor();
  const Digest expected = p.log.tpm.pcr;
  p.log.tpm.extend(Digest{});
  const Digest found = p.log.tpm.pcr;
  p.log.batch(p.client.rings[1].call(EventId::kRandomBytes, p.log.session_id(0x51)));
  p.log.tpm.pcr = found;
  p.log.unexplained(expected, found);
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
}

TEST(valid_logs, unexplained_extend_found_at_a_start) {
  for (const bool before_start : {true, false}) {
    PlainLog p = open_log();
    p.log.anchor();
    const Digest expected = p.log.tpm.pcr;
    p.log.tpm.extend(Digest{});
    const Digest found = p.log.tpm.pcr;
    if (before_start) p.log.unexplained(expected, found);
    p.log.start(FrameType::kRecovery);
    if (!before_start) p.log.unexplained(expected, p.log.tpm.pcr);
    p.log.reattach(p.client);
    close_log(p);
    const Report r = check(p.log);
    EXPECT_EQ(exit_code(r), 3) << ids(r);
  }
}

TEST(valid_logs, lost_client_with_open_entries) {
  PlainLog p = open_log();
  Ring& ring = p.client.rings[2];
  const Record open = ring.entry(EventId::kAeadOpen, p.log.session_id(0x51), 0x42);
  p.log.batch({open});
  p.log.lost(p.client, {{ring.id(), open.event_id, open.ring_seq, open.object}});
  p.log.end();
  p.log.anchor();
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kClientLost));
}

TEST(valid_logs, seal_broken_cuts_one_ring_and_the_others_are_drained) {
  PlainLog p = open_log();
  p.log.seal_broken(p.client, p.client.rings[2].id(), p.client.rings[2].next);
  p.log.batch(p.client.rings[1].call(EventId::kRandomBytes, p.log.session_id(0x51)));
  p.log.lost(p.client, {}, 2);
  p.log.end();
  p.log.anchor();
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kSealBroken));
}

// A session may be used in an earlier frame than its opening: rings are drained one after the other.
TEST(valid_logs, a_session_may_be_used_before_its_opening_is_drained) {
  PlainLog p = open_log();
  const auto session = p.log.session_id(0x99);
  const Record open = p.client.rings[1].entry(EventId::kSessionOpen);
  const Record opened = p.client.rings[1].exit(EventId::kSessionOpen, session);
  p.log.batch(p.client.rings[2].call(EventId::kRandomBytes, session));
  p.log.batch({open, opened});
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
}

TEST(valid_logs, calls_before_the_attachment_may_overlap_in_the_first_ring) {
  PlainLog p = open_log();
  Ring& ring = p.client.rings[0];
  p.log.batch({ring.entry(EventId::kStatus), ring.entry(EventId::kVersion), ring.record(0x10002),
               ring.exit(EventId::kStatus), ring.exit(EventId::kVersion)});
  close_log(p);
  const Report r = check(p.log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
}

TEST(valid_logs, head_is_found_wherever_it_stands) {
  const PlainLog p = closed_log();
  for (const Digest& head : p.log.heads) {
    const Report r = check(p.log.segments, trust_of(p.log), head);
    EXPECT_EQ(exit_code(r), 0) << ids(r);
    EXPECT_TRUE(r.head_found);
  }
}

TEST(valid_logs, device_counter_may_jump_at_an_unclean_start_but_it_is_reported) {
  LogBuilder log;
  log.tpm.identity.kind = 2;
  log.genesis();
  log.anchor();
  log.tpm.reset(false);
  log.tpm.nv_value += 200;
  log.start(FrameType::kBoot);
  log.end();
  log.anchor();
  const Report r = check(log);
  EXPECT_EQ(exit_code(r), 3) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kNvJump));
  EXPECT_FALSE(r.has(FindingId::kSoftwareAnchor));
}

TEST(valid_logs, equal_user_ids_make_no_isolation_claim) {
  LogBuilder log;
  log.genesis([](Genesis& g) {
    g.writer_uid = 1000;
    g.isolated = 0;
  });
  log.end();
  log.anchor();
  const Report r = check(log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kNoIsolation));
  EXPECT_NE(verify::to_text(r).find("no isolation claim"), std::string::npos);
}

TEST(valid_logs, a_frame_of_the_largest_size_is_read) {
  LogBuilder log;
  log.genesis();
  TestClient client = log.attach(1, [](ClientAttach& a) { a.ring_records = 65536; });
  std::vector<Record> records;
  for (uint32_t i = 0; i < kMaxFrameRecords / 2; ++i) {
    const auto call = client.rings[1].call(EventId::kRandomBytes);
    records.insert(records.end(), call.begin(), call.end());
  }
  log.batch(records);
  log.batch(client.rings[1].call(EventId::kRandomBytes));
  log.detach(client);
  log.end();
  log.anchor();
  const Report r = check(log);
  EXPECT_EQ(exit_code(r), 0) << ids(r);
  EXPECT_EQ(r.counts.records, kMaxFrameRecords + 2u);
}

}  // namespace
}  // namespace cm::audit::test
