// SPDX-License-Identifier: Apache-2.0
// carried_test.cpp: frames whose heads stay out of the PCR because a later frame carries them (docs/audit-format.md,
// "Anchors"): which a frame may carry, and what the replay makes of them.
#include <gtest/gtest.h>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

// calls: so many batch frames.
void calls(PlainLog& plain, int frames) {
  for (int i = 0; i < frames; ++i) plain.log.batch(plain.client.rings[1].call(EventId::kStatus));
}

// after_carrying: a log with six frames behind an anchor, the last of which carries so many; then it is ended.
Report after_carrying(uint32_t carried) {
  PlainLog plain = open_log();
  plain.log.anchor();
  calls(plain, 5);
  plain.log.next_carries = carried;
  calls(plain, 1);
  close_log(plain);
  return check(plain.log);
}

TEST(carried, frames_behind_an_anchor_may_be_carried) {
  for (const uint32_t carried : {1u, 5u}) {
    const Report report = after_carrying(carried);
    EXPECT_EQ(exit_code(report), 0) << carried << ": " << ids(report);
    EXPECT_EQ(report.proof->records, report.counts.records);
  }
}

TEST(carried, the_anchor_itself_may_be_carried_and_no_frame_before_it) {
  Report report = after_carrying(6);
  EXPECT_EQ(exit_code(report), 0) << ids(report);
  report = after_carrying(7);
  ASSERT_EQ(exit_code(report), 1);
  EXPECT_TRUE(report.has(FindingId::kHeaderField)) << ids(report);
  EXPECT_EQ(report.findings.back().place.offset % 64, 12u);
}

TEST(carried, a_carried_frame_may_be_carried_again) {
  PlainLog plain = open_log();
  calls(plain, 2);
  for (const uint32_t carried : {2u, 3u, 1u}) {
    plain.log.next_carries = carried;
    calls(plain, 1);
  }
  close_log(plain);
  const Report report = check(plain.log);
  EXPECT_EQ(exit_code(report), 0) << ids(report);
}

TEST(carried, genesis_is_never_carried) {
  LogBuilder log;
  log.genesis();
  log.next_carries = 1;
  log.clock();
  const Report report = check(log);
  EXPECT_TRUE(report.has(FindingId::kHeaderField)) << ids(report);
}

TEST(carried, frame_that_begins_the_replay_neither_carries_nor_is_carried) {
  for (const bool carries : {true, false}) {
    PlainLog plain = open_log();
    close_log(plain);
    plain.log.tpm.reset(true);
    calls(plain, 0);
    if (carries) plain.log.next_carries = 1;
    plain.log.start(FrameType::kBoot);
    if (!carries) plain.log.next_carries = 1;
    plain.log.clock();
    const Report report = check(plain.log);
    EXPECT_TRUE(report.has(FindingId::kHeaderField)) << carries << ": " << ids(report);
  }
}

TEST(carried, an_unexplained_extend_is_not_carried) {
  PlainLog plain = open_log();
  const Digest expected = plain.log.tpm.pcr;
  plain.log.tpm.extend(Digest{});
  plain.log.unexplained(expected, plain.log.tpm.pcr);
  plain.log.next_carries = 1;
  calls(plain, 1);
  const Report report = check(plain.log);
  EXPECT_TRUE(report.has(FindingId::kHeaderField)) << ids(report);
}

TEST(carried, a_carried_frame_cannot_be_anchored) {
  PlainLog plain = open_log();
  calls(plain, 2);
  plain.log.next_carries = 1;
  calls(plain, 1);
  AnchorEdits edits;
  edits.frame_seq = plain.log.frames.size() - 2;
  plain.log.anchor(edits);
  const Report report = check(plain.log);
  EXPECT_TRUE(report.has(FindingId::kAnchorPosition)) << ids(report);
}

TEST(carried, a_value_that_a_carried_frame_would_have_led_to_is_not_explained) {
  PlainLog plain = open_log();
  calls(plain, 1);
  const Digest never = plain.log.tpm.pcr;
  plain.log.next_carries = 1;
  calls(plain, 1);
  plain.log.start(FrameType::kRecovery, [&](Start& s) { s.pcr_value = never; });
  plain.log.clock();
  const Report report = check(plain.log);
  EXPECT_TRUE(report.has(FindingId::kStartPcr)) << ids(report);
}

}  // namespace
}  // namespace cm::audit::test
