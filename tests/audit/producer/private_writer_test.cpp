// SPDX-License-Identifier: Apache-2.0
// private_writer_test.cpp: the library starts a writer of its own and keeps it alive. The writer is the fake program,
// which can be killed at any time and continues from its file.
#include <fcntl.h>
#include <signal.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class PrivateWriterTest : public ProducerTest {
 protected:
  PrivateWriterTest() { log_dir_ = directory_ + "/log"; }

  AttachConfig private_config(uint32_t wait_ms = kLongMs) const {
    AttachConfig c = config(wait_ms);
    c.audit_socket = nullptr;
    c.audit_dir = log_dir_.c_str();
    c.writer_path = CM_FAKE_AUDITD_PATH;
    return c;
  }
  void behave(const char* how) const { std::ofstream(log_dir_ + ".behaviour") << how << std::endl; }
  pid_t writer_pid() const {
    pid_t pid = 0;
    std::ifstream(log_dir_ + ".pid") >> pid;
    return pid;
  }
  static void kill_writer(pid_t pid) {
    ASSERT_GT(pid, 1);  // kill(0) would end the test
    ASSERT_EQ(kill(pid, SIGKILL), 0);
  }
  std::string text(const char* suffix) const {
    std::ostringstream all;
    all << std::ifstream(log_dir_ + suffix).rdbuf();
    return all.str();
  }
  static uint64_t losses_in(const FakeLog& log) {
    uint64_t losses = 0;
    for (const Record& r : log.ring(log.clients()[0], 0))
      if (r.event_id == static_cast<uint32_t>(EventId::kHealthWriterLost)) losses += r.detail;
    return losses;
  }
  void expect_no_complaints_of_the_writer() const { EXPECT_EQ(text(".complaints"), ""); }

  std::string log_dir_;
};

TEST_F(PrivateWriterTest, a_writer_is_started_and_ends_with_its_last_client) {
  ASSERT_EQ(attach(private_config()), Status::kOk) << writer_error();
  Port port{};
  ASSERT_EQ(do_call(port, class_a()), Status::kOk);
  const pid_t pid = writer_pid();
  ASSERT_GT(pid, 0);
  EXPECT_EQ(kill(pid, 0), 0);
  port_close(port);
  ASSERT_EQ(detach(), Status::kOk);
  EXPECT_TRUE(eventually([&] { return kill(pid, 0) != 0; }));
  EXPECT_EQ(writer_error(), "");
  FakeLog log(log_dir_ + "/records");
  ASSERT_EQ(log.clients().size(), 1u);
  EXPECT_EQ(log.all_of(log.clients()[0]).size(), 2u);
  expect_no_complaints_of_the_writer();
}

TEST_F(PrivateWriterTest, the_writer_inherits_nothing) {
  behave("inspect");
  setenv("CM_TEST_SECRET", "1", 1);
  const int leaked = open("/etc/passwd", O_RDONLY);  // without close-on-exec
  signal(SIGUSR1, SIG_IGN);
  static std::atomic<int> children;
  children = 0;
  signal(SIGCHLD, [](int) { ++children; });
  ASSERT_EQ(attach(private_config()), Status::kOk) << writer_error();
  ASSERT_TRUE(eventually([&] { return text(".seen").find("end\n") != std::string::npos; }));
  const std::string seen = text(".seen");
  EXPECT_EQ(seen.find("descriptor"), std::string::npos) << seen;
  EXPECT_NE(seen.find("SigBlk:\t0000000000000000"), std::string::npos) << seen;
  EXPECT_NE(seen.find("SigIgn:\t0000000000000000"), std::string::npos) << seen;
  EXPECT_NE(seen.find("session own"), std::string::npos) << seen;
  EXPECT_NE(seen.find("environment PATH="), std::string::npos) << seen;
  EXPECT_EQ(seen.find("CM_TEST_SECRET"), std::string::npos) << seen;
  EXPECT_NE(seen.find("directory /\n"), std::string::npos) << seen;
  EXPECT_EQ(children.load(), 0) << "the application saw SIGCHLD";
  int status = 0;
  EXPECT_EQ(waitpid(-1, &status, WNOHANG | __WALL), -1) << "the application has a child it does not know";
  signal(SIGUSR1, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  close(leaked);
  ASSERT_EQ(detach(), Status::kOk);
}

TEST_F(PrivateWriterTest, what_the_writer_says_reaches_the_user) {
  behave("error");
  EXPECT_EQ(attach(private_config()), Status::kAudit);
  EXPECT_EQ(writer_error(), "the disk is made of cheese");
  behave("mute");
  EXPECT_EQ(attach(private_config()), Status::kAudit);
  EXPECT_NE(writer_error().find("before it said that it was ready"), std::string::npos);
  AttachConfig c = private_config();
  c.writer_path = "/nonexistent/auditd";
  EXPECT_EQ(attach(c), Status::kAudit);
  EXPECT_EQ(writer_error(), "cannot execute /nonexistent/auditd");
  behave("well");
  EXPECT_EQ(attach(private_config()), Status::kOk) << writer_error();
  EXPECT_EQ(writer_error(), "");
}

TEST_F(PrivateWriterTest, a_run_directory_others_may_write_to_is_refused) {
  std::filesystem::create_directory(log_dir_ + ".run");
  std::filesystem::permissions(log_dir_ + ".run", std::filesystem::perms::all);
  EXPECT_EQ(attach(private_config()), Status::kAudit);
  EXPECT_NE(writer_error().find("others may write"), std::string::npos) << writer_error();
  std::filesystem::permissions(log_dir_ + ".run", std::filesystem::perms::owner_all);
  EXPECT_EQ(attach(private_config()), Status::kOk) << writer_error();
}

TEST_F(PrivateWriterTest, relative_paths_survive_a_change_of_directory) {
  const std::string before = std::filesystem::current_path().string();
  std::filesystem::current_path(directory_);
  AttachConfig c = private_config();
  c.audit_dir = "log//";
  ASSERT_EQ(attach(c), Status::kOk) << writer_error();
  std::filesystem::current_path("/");
  kill_writer(writer_pid());
  Port port{};
  EXPECT_EQ(do_call(port, class_b()), Status::kOk);
  port_close(port);
  EXPECT_EQ(detach(), Status::kOk);
  EXPECT_TRUE(std::filesystem::exists(log_dir_ + "/records"));
  std::filesystem::current_path(before);
}

TEST_F(PrivateWriterTest, two_processes_share_one_private_writer) {
  ASSERT_EQ(attach(private_config()), Status::kOk) << writer_error();
  const pid_t pid = writer_pid();
  const int verdict = in_child([&] {
    if (fork_child(true) != Status::kOk) return 1;
    Port port{};
    if (do_call(port, class_b()) != Status::kOk) return 2;
    return detach() == Status::kOk ? 0 : 3;
  });
  EXPECT_EQ(verdict, 0);
  EXPECT_EQ(kill(pid, 0), 0) << "the child's goodbye must not end the parent's writer";
  Port port{};
  EXPECT_EQ(do_call(port, class_b()), Status::kOk);
  port_close(port);
  EXPECT_EQ(detach(), Status::kOk);
  FakeLog log(log_dir_ + "/records");
  EXPECT_EQ(log.clients().size(), 2u);
  expect_no_complaints_of_the_writer();
}

// Twenty deaths under load: every call that was admitted is in the log once, in order, whole.
TEST_F(PrivateWriterTest, a_writer_killed_twenty_times_under_load_loses_and_doubles_nothing) {
  constexpr int kThreads = 3, kDeaths = 20;
  ASSERT_EQ(attach(private_config()), Status::kOk) << writer_error();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> admitted{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Port port{};
      while (!stop) {
        const Status status = do_call(port, t == 0 ? class_b() : class_c());
        (succeeded(status) ? admitted : refused) += 1;
        if (t != 0) usleep(50);
      }
      port_close(port);
    });
  pid_t last = 0;
  for (int death = 0; death < kDeaths; ++death) {
    pid_t now = 0;
    ASSERT_TRUE(eventually([&] { return now = writer_pid(), now != last; }));
    last = now;
    const uint64_t before = admitted;
    ASSERT_TRUE(eventually([&] { return admitted > before + 50; }));
    kill_writer(last);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  // A loss is reported when the next writer is there; detach would not wait for that.
  EXPECT_TRUE(eventually([&] { return losses_in(FakeLog(log_dir_ + "/records")) == kDeaths; }));
  ASSERT_EQ(detach(), Status::kOk);
  const FakeLog log(log_dir_ + "/records");
  EXPECT_EQ(refused.load(), 0u) << "the waits are long enough for a restart";
  ASSERT_EQ(log.clients().size(), 1u);
  EXPECT_EQ(log.complaints(), std::vector<std::string>{});
  uint64_t records = 0;
  for (uint32_t ring = 1; ring < 9; ++ring) {
    const std::vector<Record> all = log.ring(log.clients()[0], ring);
    EXPECT_TRUE(calls_are_paired(all));
    records += all.size();
  }
  EXPECT_EQ(records, 2 * admitted.load());
  expect_no_complaints_of_the_writer();
}

TEST_F(PrivateWriterTest, detach_does_not_wait_for_a_writer_that_hangs_at_its_start) {
  ASSERT_EQ(attach(private_config(kShortMs)), Status::kOk) << writer_error();
  behave("hang");
  kill_writer(writer_pid());
  AuditInfo audit;
  ASSERT_TRUE(eventually([&] {
    info(audit);
    return audit.state == AuditState::kLost;
  }));
  usleep(50'000);
  const uint64_t begin_at = monotonic_ns();
  EXPECT_EQ(detach(), Status::kAuditPending);
  EXPECT_LT(monotonic_ns() - begin_at, 9'000'000'000u);
  // The hanging program belongs to nobody any more; it is found by its argument.
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    std::ifstream in(process.path() / "cmdline");
    std::ostringstream command;
    command << in.rdbuf();
    const pid_t candidate = atoi(process.path().filename().c_str());
    if (candidate > 0 && candidate != getpid() && command.str().find(log_dir_) != std::string::npos)
      kill(candidate, SIGKILL);
  }
}

}  // namespace
}  // namespace cm::audit::test
