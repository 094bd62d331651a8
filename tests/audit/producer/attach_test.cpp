// SPDX-License-Identifier: Apache-2.0
// attach_test.cpp: arguments, the end of an attachment, a writer lost and found, fork children.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class AttachTest : public ProducerTest {};

uint64_t count_events(const std::vector<Record>& ring, EventId event) {
  uint64_t n = 0;
  for (const Record& r : ring) n += r.event_id == static_cast<uint32_t>(event) ? 1 : 0;
  return n;
}

TEST_F(AttachTest, wrong_arguments_are_refused) {
  AttachConfig c = config();
  c.audit_socket = nullptr;
  EXPECT_EQ(attach(c), Status::kArgument);
  c.audit_dir = "";
  EXPECT_EQ(attach(c), Status::kArgument);
  const std::string long_path = "/" + std::string(5000, 'x');
  c.audit_dir = long_path.c_str();
  EXPECT_EQ(attach(c), Status::kArgument);
  c = config();
  c.ring_records = 257;
  EXPECT_EQ(attach(c), Status::kArgument);
  c = config();
  c.ring_count = kRingCountMax;
  EXPECT_EQ(attach(c), Status::kArgument);
  c = config();
  c.ring_count = 0;
  EXPECT_EQ(attach(c), Status::kArgument);
  EXPECT_EQ(detach(), Status::kState);
}

TEST_F(AttachTest, twice_is_refused_and_again_after_detach_is_a_new_client) {
  FakeWriter writer(socket_, log_);
  Port port{};
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(attach(config()), Status::kOk) << writer_error();
    EXPECT_EQ(attach(config()), Status::kState);
    ASSERT_EQ(do_call(port, class_c()), Status::kOk) << "a port of an older attachment is opened again";
    EXPECT_EQ(port.head, 2u);
    ASSERT_EQ(detach(), Status::kOk);
    EXPECT_EQ(detach(), Status::kState);
    EXPECT_EQ(do_call(port, class_b()), Status::kAudit) << "no writer, no durability";
  }
  EXPECT_EQ(log_.clients().size(), 5u);
  for (const ClientId& client : log_.clients())
    EXPECT_EQ(count_events(log_.all_of(client), EventId::kAeadSeal), 1u) << "which ring it was does not matter";
  expect_no_complaints();
}

TEST_F(AttachTest, everything_published_before_detach_is_in_the_log) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs, 8, 4096)), Status::kOk);
  Port port{};
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  const uint32_t ring = port.ring_index;
  port_close(port);
  ASSERT_EQ(detach(), Status::kOk);
  EXPECT_EQ(ring_of(ring).size(), 4000u);
  expect_no_complaints();
}

TEST_F(AttachTest, a_goodbye_that_nobody_answers_is_pending) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kShortMs)), Status::kOk);
  writer.die();
  EXPECT_EQ(detach(), Status::kAuditPending);
  EXPECT_EQ(detach(), Status::kState);
}

TEST_F(AttachTest, a_goodbye_survives_the_death_of_the_writer) {
  auto writer = std::make_unique<FakeWriter>(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs)), Status::kOk);
  writer->set_drains(false);
  writer->answers_bye = false;
  Port port{};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  const uint32_t ring = port.ring_index;
  std::thread helper([&] {
    usleep(20'000);
    writer = nullptr;
    writer = std::make_unique<FakeWriter>(socket_, log_);
  });
  EXPECT_EQ(detach(), Status::kOk);
  helper.join();
  EXPECT_EQ(ring_of(ring).size(), 200u);
  expect_no_complaints();
}

TEST_F(AttachTest, a_writer_lost_and_found_leaves_no_gap_and_two_records) {
  auto writer = std::make_unique<FakeWriter>(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs)), Status::kOk);
  const uint32_t first_incarnation = writer->page()->incarnation.load();
  Port port{};
  for (int i = 0; i < 50; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  writer->set_flags(kWriterNoSpace);
  writer->die();
  AuditInfo audit;
  ASSERT_TRUE(eventually([&] {
    info(audit);
    return audit.state == AuditState::kLost;
  }));
  ASSERT_EQ(do_call(port, class_c()), Status::kOk) << "the dead writer's flags do not count";
  writer = std::make_unique<FakeWriter>(socket_, log_);
  ASSERT_EQ(do_call(port, class_a()), Status::kOk);
  ASSERT_TRUE(eventually([&] { return count_events(ring_of(0), EventId::kHealthWriterAttached) == 1; }));
  const std::vector<Record> home = ring_of(0);
  ASSERT_EQ(home.size(), 2u);
  EXPECT_EQ(home[0].event_id, static_cast<uint32_t>(EventId::kHealthWriterLost));
  EXPECT_EQ(home[0].object, first_incarnation);
  EXPECT_EQ(home[1].object, writer->page()->incarnation.load());
  EXPECT_NE(home[1].object, first_incarnation);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  EXPECT_EQ(ring_of(port.ring_index).size(), 104u);
  EXPECT_EQ(log_.clients().size(), 1u);
  port_close(port);
  expect_no_complaints();
}

TEST_F(AttachTest, signals_of_the_application_do_not_reach_the_supervisor) {
  FakeWriter writer(socket_, log_);
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_EQ(attach(config()), Status::kOk);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int s = 1; s < 32; ++s) EXPECT_EQ(sigismember(&before, s), sigismember(&after, s));
  size_t blocked_all = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    FILE* file = fopen((task.path() / "status").c_str(), "r");
    char line[256];
    unsigned long long mask = 0;
    while (fgets(line, sizeof line, file) != nullptr) sscanf(line, "SigBlk: %llx", &mask);
    fclose(file);
    // All but SIGKILL and SIGSTOP, which cannot be blocked, and the two that the C library keeps for itself.
    blocked_all += (mask | 1ull << 8 | 1ull << 18 | 3ull << 31) == ~0ull ? 1 : 0;
  }
  EXPECT_EQ(blocked_all, 1u);
}

TEST_F(AttachTest, a_fork_child_is_a_client_of_its_own) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  Port port{};
  ASSERT_EQ(do_call(port, class_b()), Status::kOk);
  const pid_t parent = getpid();
  const int verdict = in_child([&] {
    if (fork_child(true) != Status::kOk) return 1;
    // The inherited port is stale: it must be opened again, not used.
    if (do_call(port, class_b()) != Status::kOk) return 2;
    if (port.head != 2) return 3;
    if (event(0x20003, 0, 5, 0) != Status::kOk) return 4;
    port_close(port);
    return detach() == Status::kOk ? 0 : 5;
  });
  EXPECT_EQ(verdict, 0);
  ASSERT_EQ(do_call(port, class_b()), Status::kOk);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  ASSERT_EQ(log_.clients().size(), 2u);
  EXPECT_EQ(ring_of(port.ring_index, 0).size(), 4u);
  const std::vector<Record> home = ring_of(0, 1);
  ASSERT_EQ(home.size(), 2u);
  EXPECT_EQ(home[0].event_id, static_cast<uint32_t>(EventId::kHealthForkChild));
  EXPECT_EQ(home[0].object, static_cast<uint64_t>(parent));
  EXPECT_EQ(home[1].object, 5u);
  port_close(port);
  expect_no_complaints();
}

// Daemons load the library, fork, and call cm_init in the child: the self-test results of the load must not be lost.
TEST_F(AttachTest, a_fork_before_attach_keeps_the_boot_records) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(event(0x10001, 0, 1, 0), Status::kOk);
  const int verdict = in_child([&] {
    if (fork_child(false) != Status::kOk) return 1;
    if (attach(config()) != Status::kOk) return 2;
    return detach() == Status::kOk ? 0 : 3;
  });
  EXPECT_EQ(verdict, 0);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(detach(), Status::kOk);
  ASSERT_EQ(log_.clients().size(), 2u);
  ASSERT_EQ(ring_of(0, 0).size(), 2u);
  EXPECT_EQ(ring_of(0, 0)[0].event_id, 0x10001u);
  EXPECT_EQ(ring_of(0, 0)[1].event_id, static_cast<uint32_t>(EventId::kHealthForkChild));
  EXPECT_EQ(ring_of(0, 1).size(), 1u);
}

TEST_F(AttachTest, a_fork_child_finds_the_writer_later) {
  auto writer = std::make_unique<FakeWriter>(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  writer->die();
  int told[2], heard[2];
  ASSERT_EQ(pipe(told), 0);
  ASSERT_EQ(pipe(heard), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    char c = 0;
    if (fork_child(true) != Status::kAudit) _exit(1);
    Port port{};
    if (!succeeded(do_call(port, act_first()))) _exit(2);
    if (write(heard[1], "x", 1) != 1 || read(told[0], &c, 1) != 1) _exit(3);
    if (do_call(port, class_b()) != Status::kOk) _exit(4);
    port_close(port);
    _exit(detach() == Status::kOk ? 0 : 5);
  }
  char c = 0;
  ASSERT_EQ(read(heard[0], &c, 1), 1);
  writer = std::make_unique<FakeWriter>(socket_, log_);
  ASSERT_EQ(write(told[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_EQ(log_.clients().size(), 2u);
  EXPECT_EQ(count_events(ring_of(0, 1), EventId::kHealthForkChild), 1u);
  EXPECT_EQ(count_events(ring_of(0, 1), EventId::kZeroise), 1u);
  for (const int fd : {told[0], told[1], heard[0], heard[1]}) close(fd);
  expect_no_complaints();
}

// The parent's ring is not even mapped in a child: a stray store faults instead of mixing two streams.
TEST_F(AttachTest, the_parents_ring_is_not_in_the_child) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  Port port{};
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  const pid_t pid = fork();
  if (pid == 0) {
    signal(SIGSEGV, SIG_DFL);
    port.control->head.store(99);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  port_close(port);
}

TEST_F(AttachTest, a_long_socket_path_is_fine) {
  const std::string deep = directory_ + "/" + std::string(120, 'd');
  std::filesystem::create_directory(deep);
  const int fd = open(deep.c_str(), O_PATH | O_DIRECTORY);
  FakeWriter writer("/proc/self/fd/" + std::to_string(fd) + "/w.sock", log_);
  const std::string path = deep + "/w.sock";
  AttachConfig c = config();
  c.audit_socket = path.c_str();
  EXPECT_EQ(attach(c), Status::kOk) << writer_error();
  EXPECT_EQ(detach(), Status::kOk);
  close(fd);
}

TEST_F(AttachTest, detach_leaves_no_descriptor_thread_or_mapping) {
  FakeWriter writer(socket_, log_);
  const auto count = [](const char* directory) {
    size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) n += entry.exists() ? 1 : 0;
    return n;
  };
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(detach(), Status::kOk);
  ASSERT_TRUE(eventually([&] { return writer.connected() == 0; }));
  const size_t descriptors = count("/proc/self/fd"), threads = count("/proc/self/task");
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(attach(config()), Status::kOk);
    ASSERT_EQ(detach(), Status::kOk);
  }
  ASSERT_TRUE(eventually([&] { return writer.connected() == 0; }));
  EXPECT_EQ(count("/proc/self/fd"), descriptors);
  EXPECT_EQ(count("/proc/self/task"), threads);
}

}  // namespace
}  // namespace cm::audit::test
