// SPDX-License-Identifier: Apache-2.0
// Sudden death under load. Application: what it was told is done must be in the log, and what it had open must be
// named. Writer: nothing acknowledged may be lost or doubled, and the log must still be proved to its end.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/module/fixture.h"
#include "tests/system/log_reader.h"

namespace cm::test {
namespace {

constexpr int kRounds = CM_KILL_ROUNDS;
constexpr int kThreads = 2;

// Progress: shared between the test and the process that will be killed; each thread counts what has returned to it.
struct Progress {
  std::atomic<uint64_t> returned[kThreads];
  std::atomic<uint32_t> running;
};

Progress* shared_progress() {
  return static_cast<Progress*>(
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

// work: seals until stop, or for ever.
void work(cm_session session, cm_key key, std::atomic<uint64_t>& returned, const std::atomic<bool>& stop) {
  std::vector<uint8_t> text(256, 3), out(256);
  uint8_t iv[12], tag[16];
  while (!stop) {
    const cm_rc rc = cm_aead_seal(session, key, out.data(), 256, iv, 12, tag, 16, nullptr, 0, text.data(), 256);
    if (rc == CM_OK) returned.fetch_add(1, std::memory_order_release);
  }
}

[[noreturn]] void application(const cm_init_params& params, Progress* progress) {
  cm_session session{};
  if (cm_init(&params) != CM_OK || cm_session_open(&session, CM_ROLE_USER) != CM_OK) _exit(1);
  const cm_key key = import_gcm(session, pattern(32));
  static const std::atomic<bool> kNever{false};
  std::vector<std::thread> threads;
  for (auto& returned : progress->returned)
    threads.emplace_back(work, session, key, std::ref(returned), std::cref(kNever));
  progress->running = 1;
  for (;;) pause();
}

uint64_t seals_done(const std::vector<audit::Record>& records) {
  uint64_t done = 0;
  for (const audit::Record& r : records)
    done += r.event_id == (static_cast<uint32_t>(audit::EventId::kAeadSeal) | audit::kExitBit) && r.return_code == 0;
  return done;
}

// entries_without_exit: what client-lost must name.
uint64_t entries_without_exit(const std::vector<audit::Record>& records) {
  std::map<uint32_t, bool> open;
  for (const audit::Record& r : records)
    if (audit::is_service(r)) open[r.ring_id] = !audit::is_exit(r);
  uint64_t count = 0;
  for (const auto& [ring, is_open] : open) count += is_open;
  return count;
}

TEST(Kill, application_under_load) {
  Directory dir;
  const InitParams init(dir);
  // The processes that die are children of a process that has not loaded the module's state; this one keeps the log
  // open.
  std::mt19937 random(1);
  struct Victim {
    uint32_t pid;
    uint64_t returned;
  };
  std::vector<Victim> victims;
  Progress* progress = shared_progress();
  const pid_t keeper = fork();
  if (keeper == 0) {
    if (cm_init(&init.params) != CM_OK) _exit(1);
    progress->running = 1;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    int signal = 0;
    sigwait(&set, &signal);
    _exit(cm_shutdown() == CM_OK ? 0 : 2);
  }
  const auto wait_running = [&] {
    for (int i = 0; i < 3000 && progress->running == 0; ++i) usleep(10'000);
    return progress->running != 0;
  };
  ASSERT_TRUE(wait_running());
  for (int round = 0; round < kRounds; ++round) {
    for (auto& returned : progress->returned) returned = 0;
    progress->running = 0;
    const pid_t pid = fork();
    if (pid == 0) application(init.params, progress);
    ASSERT_TRUE(wait_running()) << "round " << round;
    usleep(static_cast<useconds_t>(1000 + random() % 30'000));
    kill(pid, SIGKILL);
    ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
    victims.push_back({static_cast<uint32_t>(pid), progress->returned[0] + progress->returned[1]});
  }
  kill(keeper, SIGUSR1);
  int status = 0;
  ASSERT_EQ(waitpid(keeper, &status, 0), keeper);
  EXPECT_EQ(status, 0) << "the process that kept the log open";
  munmap(progress, sizeof(Progress));

  std::string text;
  EXPECT_EQ(verify_log(dir, &text), 0) << text;
  const auto frames = read_log(init.log);
  std::map<uint32_t, std::array<uint8_t, audit::kIdSize>> ids;
  std::map<std::array<uint8_t, audit::kIdSize>, size_t> open_named;
  for (const LoggedFrame& frame : frames) {
    audit::ClientAttach attach;
    audit::ClientLost lost;
    if (frame.type() == audit::FrameType::kClientAttach && audit::decode(frame.var(), attach))
      ids[attach.pid] = attach.client_id;
    if (frame.type() == audit::FrameType::kClientLost && audit::decode(frame.var(), lost))
      open_named[lost.client_id] = lost.open_entries.size();
  }
  EXPECT_EQ(open_named.size(), victims.size()) << "one client-lost frame for each that was killed";
  for (const Victim& victim : victims) {
    const auto records = records_of_process(frames, victim.pid);
    EXPECT_GE(seals_done(records), victim.returned) << "a call that returned is not in the log";
    EXPECT_LE(seals_done(records), victim.returned + kThreads);
    EXPECT_EQ(open_named[ids[victim.pid]], entries_without_exit(records));
  }
}

TEST(Kill, writer_under_load) {
  Directory dir;
  const InitParams init(dir);
  ASSERT_EQ(cm_init(&init.params), CM_OK);
  cm_session session{};
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  const cm_key key = import_gcm(session, pattern(32));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> returned[kThreads] = {};
  std::vector<std::thread> threads;
  for (auto& count : returned) threads.emplace_back(work, session, key, std::ref(count), std::cref(stop));
  std::mt19937 random(2);
  int killed = 0;
  for (int round = 0; round < kRounds; ++round) {
    pid_t writer = 0;
    for (int i = 0; i < 6000 && (writer = writer_of(init.log)) == 0; ++i) usleep(5000);
    EXPECT_NE(writer, 0) << "no new writer in round " << round;
    if (writer == 0) break;
    usleep(static_cast<useconds_t>(random() % 60'000));
    killed += kill(writer, SIGKILL) == 0;
    for (int i = 0; i < 2000 && kill(writer, 0) == 0 && writer_of(init.log) == writer; ++i) usleep(1000);
  }
  EXPECT_EQ(killed, kRounds);
  stop = true;
  for (auto& thread : threads) thread.join();
  // A service of class B after all of that: the last writer serves.
  cm_session last{};
  EXPECT_EQ(cm_session_open(&last, CM_ROLE_USER), CM_OK);
  EXPECT_EQ(cm_shutdown(), CM_OK);
  std::string text;
  EXPECT_EQ(verify_log(dir, &text), 0) << text;
  const auto records = records_of_process(read_log(init.log), static_cast<uint32_t>(getpid()));
  EXPECT_EQ(seals_done(records), returned[0] + returned[1]) << "lost or doubled";
  EXPECT_EQ(entries_without_exit(records), 0U);
}

}  // namespace
}  // namespace cm::test
