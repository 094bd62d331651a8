// SPDX-License-Identifier: Apache-2.0
// real_writer_test.cpp: the producer against cryptomod-auditd with a software TPM: the two sides of ring.h and wire.h
// meet.
#include <signal.h>

#include <fstream>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class RealWriterTest : public ProducerTest {
 protected:
  AttachConfig real_config() const {
    AttachConfig c = config();
    c.audit_socket = nullptr;
    c.audit_dir = log_dir_.c_str();
    c.writer_path = CM_AUDITD_PATH;
    return c;
  }
  uint64_t log_bytes() const {
    uint64_t size = 0;
    for (const auto& file : std::filesystem::directory_iterator(log_dir_)) size += file.file_size();
    return size;
  }
  // writers: processes whose command line names our log.
  std::vector<pid_t> writers() const {
    std::vector<pid_t> found;
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
      const pid_t pid = atoi(process.path().filename().c_str());
      std::ifstream in(process.path() / "cmdline");
      const std::string command{std::istreambuf_iterator<char>(in), {}};
      if (pid > 0 && command.find("cryptomod-auditd") != std::string::npos &&
          command.find(log_dir_) != std::string::npos)
        found.push_back(pid);
    }
    return found;
  }
  std::string log_dir_ = directory_ + "/log";
};

Call key_call() { return make_call(EventId::kKeyGenerate, ReleaseClass::kB); }

// open_session: as the module does: the exit of session-open is the first record with the session.
void open_session(Port& port) {
  Call call = class_b();
  call.session_id = nullptr;
  ASSERT_EQ(begin(port, call), Status::kOk);
  call.session_id = kSession;
  end(port, call, Status::kOk, 0);
}

TEST_F(RealWriterTest, every_class_is_served_and_the_log_grows) {
  for (uint32_t i = 0; i < 40; ++i) ASSERT_EQ(event(0x10000 + i % 14, 0, i, 0), Status::kOk);
  ASSERT_EQ(attach(real_config()), Status::kOk) << writer_error();
  Port port{};
  open_session(port);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  ASSERT_EQ(do_call(port, key_call()), Status::kOk);
  ASSERT_EQ(do_call(port, class_a()), Status::kOk);
  ASSERT_EQ(do_call(port, act_first()), Status::kOk);
  ASSERT_EQ(settle(port), Status::kOk);
  ASSERT_EQ(sync(port, true, kLongMs), Status::kOk);
  EXPECT_GT(log_bytes(), 2000u * kRecordSize);
  AuditInfo audit;
  info(audit);
  EXPECT_EQ(audit.state, AuditState::kConnected);
  EXPECT_EQ(audit.tpm_kind, 1u);
  port_close(port);
  ASSERT_EQ(detach(), Status::kOk);
  EXPECT_TRUE(eventually([&] { return writers().empty(); }));
}

TEST_F(RealWriterTest, a_killed_writer_is_replaced_and_goes_on) {
  ASSERT_EQ(attach(real_config()), Status::kOk) << writer_error();
  Port port{};
  open_session(port);
  for (int death = 0; death < 3; ++death) {
    for (int i = 0; i < 500; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk) << writer_error();
    const std::vector<pid_t> before = writers();
    ASSERT_FALSE(before.empty());
    for (const pid_t pid : before) kill(pid, SIGKILL);
    ASSERT_EQ(do_call(port, class_a()), Status::kOk) << writer_error();
  }
  port_close(port);
  ASSERT_EQ(detach(), Status::kOk);
}

// policy_call: without a session: parent and child are two clients, and a session belongs to one.
Call policy_call() {
  Call call = class_a();
  call.session_id = nullptr;
  return call;
}

TEST_F(RealWriterTest, a_fork_child_shares_the_writer) {
  ASSERT_EQ(attach(real_config()), Status::kOk) << writer_error();
  const int verdict = in_child([&] {
    if (fork_child(true) != Status::kOk) return 1;
    Port port{};
    if (do_call(port, policy_call()) != Status::kOk) return 2;
    return detach() == Status::kOk ? 0 : 3;
  });
  EXPECT_EQ(verdict, 0);
  Port port{};
  EXPECT_EQ(do_call(port, policy_call()), Status::kOk);
  port_close(port);
  EXPECT_EQ(detach(), Status::kOk);
}

}  // namespace
}  // namespace cm::audit::test
