// SPDX-License-Identifier: Apache-2.0
// writer_tpm_test.cpp: the TPM dies, comes back, is reset or is extended by somebody else while the writer serves.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "audit/writer/tpm.h"
#include "tests/audit/support/device_tpm.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"
#include "tests/audit/writer/foreign_extend.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);

std::vector<std::string> as_ourselves() {
  return geteuid() == 0 ? std::vector<std::string>{"--user", "0"} : std::vector<std::string>{};
}

TEST(WriterTpm, without_a_tpm_records_stay_durable_up_to_the_limit_and_a_reset_gives_a_boot_frame) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--tail-limit", "3000", "--anchor-interval-ms", "20"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {1, 1024});
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 0));
  ASSERT_TRUE(client.wait_extended(0));
  writer.kill_swtpm();
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, true)) << "an idle writer notices, too";
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  EXPECT_TRUE(client.wait_acked(0)) << "still durable";
  EXPECT_FALSE(client.wait_extended(0, 300));
  while (client.publish(0, kEntry, client.head(0), 500)) {
  }
  EXPECT_TRUE(client.wait_flag(audit::kWriterTailLimit, true));
  EXPECT_LE(client.acked(0), 3000u + 1);
  EXPECT_GE(client.acked(0), 2900u);

  writer.restart_swtpm();
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, false));
  EXPECT_TRUE(client.wait_extended(0));
  EXPECT_TRUE(client.wait_flag(audit::kWriterTailLimit, false));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  const auto boots = log.payloads<audit::Start>(FrameType::kBoot);
  ASSERT_EQ(boots.size(), 1u);
  EXPECT_GT(boots[0].tpm.reset_count, log.payloads<audit::Genesis>(FrameType::kGenesis)[0].tpm.reset_count);
  EXPECT_EQ(log.rings.at(0).size(), client.head(0));
  EXPECT_TRUE(log.types().ends_with("EQ"));
}

TEST(WriterTpm, stopped_tpm_delays_extends_and_not_durability) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(writer.signal_swtpm(SIGSTOP));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.publish(0, kEntry, 1));
    ASSERT_TRUE(client.wait_acked(0));
  }
  EXPECT_FALSE(client.wait_extended(0, 100));
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, true)) << "a command that hangs is a dead TPM";
  ASSERT_TRUE(writer.signal_swtpm(SIGCONT));
  EXPECT_TRUE(client.wait_extended(0));
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, false));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.of_type(FrameType::kBoot).size() + log.of_type(FrameType::kUnexplainedExtend).size(), 0u);
}

TEST(WriterTpm, tpm_reset_while_no_writer_runs_gives_boot_then_recovery) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  ASSERT_TRUE(client.wait_acked(0));
  writer.kill_now();
  writer.kill_swtpm();
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 2));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.of_type(FrameType::kBoot).size(), 1u);
  EXPECT_EQ(log.of_type(FrameType::kRecovery).size(), 1u);
  EXPECT_LT(log.types().find('B'), log.types().find('Y'));
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 0u);
  EXPECT_EQ(log.rings.at(0).size(), 2u);
}

TEST(WriterTpm, foreign_extend_while_the_writer_serves_is_recorded_before_the_next_anchor) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "50"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 0));
  ASSERT_TRUE(client.wait_extended(0));
  pause_ms(200);
  ASSERT_EQ(foreign_extend(writer), "");
  for (uint64_t i = 1; i < 20; ++i) {
    ASSERT_TRUE(client.publish(0, kEntry, i));
    ASSERT_TRUE(client.wait_extended(0));
    pause_ms(10);
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 1u);
  EXPECT_EQ(log.of_type(FrameType::kBoot).size(), 0u);
  EXPECT_EQ(log.rings.at(0).size(), 20u);
  EXPECT_EQ(log.fault, "") << "replay holds again from the unexplained value on";
  EXPECT_TRUE(log.types().ends_with("EQ"));
}

TEST(WriterTpm, foreign_extend_while_no_writer_runs_is_recorded_as_unexplained) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  pause_ms(100);
  writer.kill_now();
  ASSERT_EQ(foreign_extend(writer), "");
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  const auto unexplained = log.payloads<audit::UnexplainedExtend>(FrameType::kUnexplainedExtend);
  ASSERT_EQ(unexplained.size(), 1u);
  EXPECT_NE(unexplained[0].expected, unexplained[0].found);
}

TEST(WriterTpm, counter_that_was_incremented_for_a_lost_anchor_is_used_by_the_next) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  pause_ms(100);
  writer.kill_now();
  {
    audit::Tpm tpm({"swtpm:path=" + writer.run_dir() + "/swtpm.sock", false});
    tpm.select(14, 0x01c3434d);
    ASSERT_EQ(tpm.open().text, "");
    ASSERT_EQ(tpm.find_counter(false).text, "");
    ASSERT_EQ(tpm.increment_counter().text, "");
  }
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "") << "counter values are consecutive";
  const auto anchors = log.payloads<audit::Anchor>(FrameType::kAnchor);
  EXPECT_EQ(log.payloads<audit::Start>(FrameType::kRecovery).at(0).nv_value, anchors.at(0).nv_value + 1);
}

TEST(WriterTpm, device_is_opened_again_after_a_failed_command) {
  const TempDir dir;
  DeviceTpm device(dir.path());
  WriterProcess writer(dir.path(), as_ourselves());
  writer.use_tcti("device:" + device.name());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 0));
  ASSERT_TRUE(client.wait_extended(0));
  device.fail_once();
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, true));
  EXPECT_TRUE(client.wait_flag(audit::kWriterNoTpm, false));
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  EXPECT_TRUE(client.wait_extended(0));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  EXPECT_EQ(read_log(writer.log_dir()).fault, "");
}

void publish_frames(FakeClient& client, int frames) {
  for (int i = 0; i < frames; ++i) {
    ASSERT_TRUE(client.publish(0, kEntry, 1));
    ASSERT_TRUE(client.wait_acked(0));
  }
}

TEST(WriterTpm, slow_tpm_is_given_the_newest_head_and_delays_no_record) {
  const TempDir dir;
  DeviceTpm device(dir.path());
  WriterProcess writer(dir.path(), as_ourselves());
  writer.use_tcti("device:" + device.name());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  device.set_delay_ms(100);
  publish_frames(client, 100);
  EXPECT_TRUE(client.wait_extended(0)) << "without another record";
  device.set_delay_ms(0);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_GT(log.carried, 50u);
  const auto report = verdict(writer);
  EXPECT_EQ(report.fatal, 0) << audit::verify::to_text(report);
}

TEST(WriterTpm, writer_that_died_while_heads_were_carried_is_continued) {
  const TempDir dir;
  DeviceTpm device(dir.path());
  WriterProcess writer(dir.path(), as_ourselves());
  writer.use_tcti("device:" + device.name());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (int life = 0; life < 2; ++life) {
    device.set_delay_ms(30 + 10 * life);
    publish_frames(client, 20 + life);
    writer.kill_now();
    device.forget_answers();
    device.set_delay_ms(0);
    ASSERT_EQ(writer.start(), "ready");
    ASSERT_TRUE(client.attach());
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_GT(log.carried, 20u);
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 0u);
  EXPECT_EQ(log.of_type(FrameType::kRecovery).size(), 2u);
}

TEST(WriterTpm, another_tpm_is_refused) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const TempDir other;
  WriterProcess stranger(other.path());
  ASSERT_EQ(stranger.start(), "ready");
  stranger.kill_now();
  writer.use_tcti("swtpm:path=" + stranger.run_dir() + "/swtpm.sock");
  const std::string line = writer.start();
  EXPECT_TRUE(line.starts_with("error: this log was begun with another TPM")) << line;
}

}  // namespace
}  // namespace cm::audit_test
