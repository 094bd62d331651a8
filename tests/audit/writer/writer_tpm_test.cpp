// SPDX-License-Identifier: Apache-2.0
// writer_tpm_test.cpp: the TPM dies, comes back, is reset or is extended by somebody else while the writer serves.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "audit/writer/tpm.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/writer_process.h"
#include "tests/audit/writer/foreign_extend.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);

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

// DeviceTpm: a software TPM behind a character device: a terminal whose other side is bridged to its socket.
class DeviceTpm {
 public:
  explicit DeviceTpm(const std::string& base) {
    const std::string path = base + "/device.sock";
    const std::string state = "dir=" + base + "/device", server = "type=unixio,path=" + path;
    std::filesystem::create_directory(base + "/device");
    pid_ = fork();
    if (pid_ == 0) {
      execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--flags",
             "not-need-init,startup-clear", nullptr);
      _exit(127);
    }
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (grantpt(master_) != 0 || unlockpt(master_) != 0) throw std::runtime_error("terminal");
    name_ = ptsname(master_);
    slave_ = open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw;
    tcgetattr(slave_, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave_, TCSANOW, &raw);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    tpm_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; i < 1000 && connect(tpm_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0; ++i)
      pause_ms(10);
    bridge_ = std::thread([this] { bridge(); });
  }
  ~DeviceTpm() {
    stop_ = true;
    bridge_.join();
    for (const int fd : {tpm_, slave_, master_}) close(fd);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  DeviceTpm(const DeviceTpm&) = delete;
  DeviceTpm& operator=(const DeviceTpm&) = delete;
  const std::string& name() const { return name_; }
  // fail_once: the next answer is an error.
  void fail_once() { fail_ = true; }

 private:
  void bridge() {
    uint8_t bytes[4096];
    while (!stop_) {
      pollfd polled[2] = {{master_, POLLIN, 0}, {tpm_, POLLIN, 0}};
      if (poll(polled, 2, 100) <= 0) continue;
      if ((polled[0].revents & POLLIN) != 0)
        if (const ssize_t n = read(master_, bytes, sizeof bytes); n > 0)
          (void)!write(tpm_, bytes, static_cast<size_t>(n));
      if ((polled[1].revents & POLLIN) == 0) continue;
      ssize_t n = read(tpm_, bytes, sizeof bytes);
      constexpr uint8_t kFailure[10] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01};  // TPM_RC_FAILURE
      if (fail_.exchange(false)) {
        std::memcpy(bytes, kFailure, sizeof kFailure);
        n = sizeof kFailure;
      }
      if (n > 0) (void)!write(master_, bytes, static_cast<size_t>(n));
    }
  }

  pid_t pid_ = -1;
  int master_ = -1, slave_ = -1, tpm_ = -1;
  std::string name_;
  std::atomic<bool> stop_{false}, fail_{false};
  std::thread bridge_;
};

TEST(WriterTpm, device_is_opened_again_after_a_failed_command) {
  const TempDir dir;
  DeviceTpm device(dir.path());
  WriterProcess writer(dir.path(),
                       geteuid() == 0 ? std::vector<std::string>{"--user", "0"} : std::vector<std::string>{});
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
