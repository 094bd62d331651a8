// SPDX-License-Identifier: Apache-2.0
// fork_test.cpp: what a child process may rely on, whatever the threads of its parent were doing. Each test runs in a
// process of its own.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

constexpr uint64_t kLimit = uint64_t{1} << 32;
constexpr uint32_t kTableSize = 1024;  // sessions, and contexts of each kind

// ForkTest: the module operational with an open session in the parent; its log must be proved at the end, so a child
// that used the module ends with shut_down.
class ForkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cm_init(&init_.params), CM_OK);
    ASSERT_EQ(cm_session_open(&session_, CM_ROLE_OFFICER), CM_OK);
  }
  void TearDown() override {
    EXPECT_EQ(cm_shutdown(), CM_OK);
    std::string text;
    EXPECT_EQ(verify_log(dir_, &text), 0) << text;
  }

  Directory dir_;
  InitParams init_{dir_};
  cm_session session_{};
};

cm_rc seal(cm_session session, cm_key key) {
  uint8_t iv[12], tag[16];
  return cm_aead_seal(session, key, nullptr, 0, iv, 12, tag, 16, nullptr, 0, nullptr, 0);
}

cm_status_info status() {
  cm_status_info info{};
  info.struct_size = sizeof info;
  if (!CM_SUCCEEDED(cm_status(&info))) info.state = ~0U;
  return info;
}

uint64_t seals_of(cm_session session, cm_key key) {
  cm_key_attributes info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(cm_key_info(session, key, &info), CM_OK);
  return info.seals;
}

// Shared: one zeroed T that children write and the parent reads.
template <class T>
class Shared {
 public:
  Shared() : p_(static_cast<T*>(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Shared() { munmap(static_cast<void*>(p_), sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator*() { return *p_; }

 private:
  T* p_;
};

// ---- the limit of random IVs

cm_key import_near_limit(cm_session session, uint64_t left) {
  setenv("CM_TEST_SEALS_BEFORE", std::to_string(kLimit - left).c_str(), 1);
  const cm_key key = import_gcm(session, pattern(32));
  unsetenv("CM_TEST_SEALS_BEFORE");
  return key;
}

TEST_F(ForkTest, all_threads_and_children_together_keep_to_the_seal_limit) {
  constexpr uint64_t kLeft = 400;
  constexpr int kTries = 150;  // of each thread
  const cm_key key = import_near_limit(session_, kLeft);
  Shared<std::atomic<uint64_t>> sealed, wrong;
  const auto draw = [&](cm_session session) {
    for (int i = 0; i < kTries; ++i) {
      const cm_rc rc = seal(session, key);
      *(rc == CM_OK ? sealed : wrong) += rc == CM_ERR_EXHAUSTED ? 0 : 1;
    }
  };
  std::thread first(draw, session_), second(draw, session_);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(run_child([&] {
                cm_session mine{};
                if (cm_session_open(&mine, CM_ROLE_USER) != CM_OK) return 1;
                std::thread other(draw, mine);
                draw(mine);
                other.join();
                if (i == 1 && seal(mine, key) != CM_ERR_EXHAUSTED) return 2;
                return cm_shutdown() == CM_OK ? 0 : 3;
              }),
              0);
  first.join();
  second.join();
  EXPECT_EQ(*sealed, kLeft);
  EXPECT_EQ(*wrong, 0U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seal(session_, key), CM_ERR_EXHAUSTED);
  EXPECT_EQ(seals_of(session_, key), kLimit);
}

TEST_F(ForkTest, a_hundred_forks_leave_the_key_usable) {
  const cm_key key = import_near_limit(session_, 3);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(run_child([] { return 0; }), 0);
  EXPECT_EQ(run_child([&] {
              cm_session mine{};
              if (cm_session_open(&mine, CM_ROLE_USER) != CM_OK || seal(mine, key) != CM_OK) return 1;
              return cm_shutdown() == CM_OK ? 0 : 2;
            }),
            0);
  EXPECT_EQ(seals_of(session_, key), kLimit - 2) << "what a child drew counts";
  EXPECT_EQ(seal(session_, key), CM_OK);
  EXPECT_EQ(seal(session_, key), CM_OK);
  EXPECT_EQ(seal(session_, key), CM_ERR_EXHAUSTED);
}

TEST_F(ForkTest, a_new_key_in_a_used_up_slot_begins_anew) {
  const cm_key old = import_near_limit(session_, 1);
  EXPECT_EQ(seal(session_, old), CM_OK);
  EXPECT_EQ(seal(session_, old), CM_ERR_EXHAUSTED);
  EXPECT_EQ(cm_key_destroy(session_, old), CM_OK);
  const cm_key fresh = import_gcm(session_, pattern(32));
  EXPECT_EQ(fresh.v & 0xffff, old.v & 0xffff) << "the same slot";
  EXPECT_EQ(seals_of(session_, fresh), 0U);
  EXPECT_EQ(seal(session_, fresh), CM_OK);
}

// ---- threads of the child

bool thread_has_ended(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(") ");
  return line.empty() || (name_end != std::string::npos && line[name_end + 2] == 'Z');
}

constexpr auto kMoment = std::chrono::milliseconds(1);

// Family: the child of the test below. All static, because the stack of the thread that forked goes away.
struct Family {
  std::atomic<int> ready;
  std::atomic<bool> stop;
  std::atomic<int> failed;
  cm_session session;
  cm_key key;
};
Family g_family;

// work: a thread that is inside a call nearly all the time.
void work() {
  const auto big = pattern(1 << 20);
  uint8_t digest[32];
  for (++g_family.ready; !g_family.stop;)
    if (cm_hash_compute(g_family.session, CM_HASH_SHA256, digest, 32, big.data(), big.size()) != CM_OK)
      g_family.failed = 5;
}

// outlive: waits for the end of the thread that forked, then uses the module beside the workers, and ends the child.
[[noreturn]] void outlive(std::thread* workers) {
  for (int i = 0; i < 10'000 && !thread_has_ended(getpid()); ++i) std::this_thread::sleep_for(kMoment);
  if (!thread_has_ended(getpid())) g_family.failed = 2;
  uint8_t bytes[16];
  for (int i = 0; i < 50; ++i) {
    if (cm_random_bytes(g_family.session, bytes, sizeof bytes) != CM_OK) g_family.failed = 3;
    if (seal(g_family.session, g_family.key) != CM_OK) g_family.failed = 4;
    std::this_thread::sleep_for(kMoment);
  }
  g_family.stop = true;
  for (int i = 0; i < 2; ++i) workers[i].join();
  if (cm_shutdown() != CM_OK) g_family.failed = 6;
  _exit(g_family.failed);
}

// fork_and_end: a thread that has used the module forks; in the child it ends without having used it, after others did.
void* fork_and_end(void* result) {
  static_cast<void>(status());
  const pid_t pid = fork();
  if (pid == 0) {
    static std::thread workers[2];
    std::thread([] {
      if (cm_session_open(&g_family.session, CM_ROLE_USER) != CM_OK) _exit(1);
      for (auto& worker : workers) worker = std::thread(work);
      while (g_family.ready != 2) std::this_thread::yield();
      outlive(workers);
    }).detach();
    while (g_family.ready != 2) std::this_thread::yield();
    pthread_exit(nullptr);
  }
  int wait_status = 0;
  waitpid(pid, &wait_status, 0);
  *static_cast<int*>(result) = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1000 + WTERMSIG(wait_status);
  return nullptr;
}

TEST_F(ForkTest, the_end_of_the_forking_thread_leaves_the_childs_other_threads_alone) {
  g_family.key = import_gcm(session_, pattern(32));
  pthread_t thread;
  int result = -1;
  ASSERT_EQ(pthread_create(&thread, nullptr, fork_and_end, &result), 0);
  pthread_join(thread, nullptr);
  EXPECT_EQ(result, 0);
}

volatile sig_atomic_t g_handler_runs;
volatile sig_atomic_t g_handler_reentries;

void call_in_handler(int) {
  cm_version_info info{};
  info.struct_size = sizeof info;
  g_handler_runs = g_handler_runs + 1;
  if (cm_version(&info) == CM_ERR_REENTRY) g_handler_reentries = g_handler_reentries + 1;
}

TEST_F(ForkTest, a_signal_during_the_childs_first_call_is_a_reentry) {
  EXPECT_EQ(run_child([] {
              const rlimit seconds{10, 10};  // a child that spins is killed
              setrlimit(RLIMIT_CPU, &seconds);
              struct sigaction action{};
              action.sa_handler = call_in_handler;
              sigaction(SIGALRM, &action, nullptr);
              const itimerval often{{0, 500}, {0, 500}}, never{};
              setitimer(ITIMER_REAL, &often, nullptr);
              const uint32_t state = status().state;
              setitimer(ITIMER_REAL, &never, nullptr);
              if (state != CM_STATE_OPERATIONAL) return 1;
              if (g_handler_reentries == 0) return 2;
              if (status().reentered_calls == 0) return 3;
              return cm_shutdown() == CM_OK ? 0 : 4;
            }),
            0);
}

// ---- fork at a bad moment

TEST_F(ForkTest, a_child_of_a_zeroised_module_can_be_shut_down_and_begin_again) {
  ASSERT_EQ(cm_zeroise(session_), CM_OK);
  Directory other;
  InitParams params(other);
  EXPECT_EQ(run_child([&] {
              if (status().state != CM_STATE_ZEROISED) return 1;
              if (cm_shutdown() != CM_OK) return 2;
              if (cm_init(&params.params) != CM_OK) return 3;
              return cm_shutdown() == CM_OK ? 0 : 4;
            }),
            0);
}

// use_all: what a child must be able to do. The self-test may fail where the parent had it broken; it must not be
// refused.
int use_all() {
  const uint32_t state = status().state;
  if (state != CM_STATE_OPERATIONAL && state != CM_STATE_ERROR) return 10 + static_cast<int>(state & 7);
  size_t count = 0;
  const cm_rc tested = cm_selftest(cm_session{0}, nullptr, 0, &count);
  if (tested != CM_OK && tested != CM_ERR_SELFTEST) return 20 - tested;
  if (status().keys_in_use != 0 && state == CM_STATE_ERROR) return 3;
  return cm_shutdown() == CM_OK ? 0 : 4;
}

TEST_F(ForkTest, a_fork_during_a_self_test_leaves_the_child_usable) {
  std::atomic<bool> stop{false};
  std::thread tester([&] {
    size_t count = 0;
    while (!stop) EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_OK);
  });
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run_child(use_all), 0);
  stop = true;
  tester.join();
}

TEST_F(ForkTest, a_fork_during_a_full_retest_leaves_the_child_usable) {
  std::atomic<bool> stop{false};
  std::thread tester([&] {
    size_t count = 0;
    while (!stop) {
      setenv("CM_TEST_BREAK_CAST", "sha-256:portable", 1);
      EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_ERR_SELFTEST);
      unsetenv("CM_TEST_BREAK_CAST");
      EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_OK);
    }
  });
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run_child(use_all), 0);
  stop = true;
  tester.join();
}

// begin_anew: whatever the parent was in the middle of, the child can come to an end and to a log of its own.
int begin_anew(const cm_init_params& params) {
  const uint32_t state = status().state;
  if (state == CM_STATE_OPERATIONAL || state == CM_STATE_ZEROISED) {
    // The parent's private writer may be ending, so the goodbye may find nobody.
    const cm_rc rc = cm_shutdown();
    if (rc != CM_OK && rc != CM_ERR_AUDIT_PENDING) return 2;
  } else if (state != CM_STATE_READY) {
    return 3;
  }
  if (cm_init(&params) != CM_OK) return 4;
  return cm_shutdown() == CM_OK ? 0 : 5;
}

TEST(ForkLifeCycle, a_fork_during_init_or_shutdown_leaves_the_child_usable) {
  Directory dir;
  const InitParams init(dir);
  std::atomic<bool> stop{false};
  std::thread cycle([&] {
    while (!stop) {
      EXPECT_EQ(cm_init(&init.params), CM_OK);
      EXPECT_TRUE(CM_SUCCEEDED(cm_shutdown()));
    }
  });
  for (int i = 0; i < 8; ++i) {
    Directory other;
    InitParams own(other);
    own.params.wait_ms = 2000;
    EXPECT_EQ(run_child([&] { return begin_anew(own.params); }), 0);
  }
  stop = true;
  cycle.join();
}

// ---- what belongs to the parent

TEST_F(ForkTest, a_child_has_room_for_sessions_and_contexts_of_its_own) {
  std::vector<cm_session> sessions{session_};
  for (cm_session one{}; sessions.size() < kTableSize; sessions.push_back(one))
    ASSERT_EQ(cm_session_open(&one, CM_ROLE_USER), CM_OK);
  std::vector<cm_hash> hashes(kTableSize);
  for (cm_hash& hash : hashes) ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  cm_session more{};
  EXPECT_EQ(cm_session_open(&more, CM_ROLE_USER), CM_ERR_NO_MEMORY);

  // check: this process has a session and a context of its own, and everything older is a parent's.
  const auto check = [&](cm_session* mine, cm_hash* hash) {
    uint8_t byte = 0;
    if (cm_session_open(mine, CM_ROLE_USER) != CM_OK) return 1;
    for (const cm_session one : sessions)
      if (cm_random_bytes(one, &byte, 1) != CM_ERR_FORKED) return 2;
    for (const cm_hash one : hashes)
      if (cm_hash_update(*mine, one, &byte, 1) != CM_ERR_FORKED) return 3;
    if (cm_hash_init(*mine, hash, CM_HASH_SHA256) != CM_OK) return 4;
    if (cm_hash_update(*mine, *hash, &byte, 1) != CM_OK) return 5;
    sessions.push_back(*mine);
    hashes.push_back(*hash);
    return 0;
  };
  EXPECT_EQ(run_child([&] {
              cm_session mine{}, its{};
              cm_hash hash{}, its_hash{};
              if (const int failed = check(&mine, &hash); failed != 0) return failed;
              const int grandchild = run_child([&] {
                if (const int failed = check(&its, &its_hash); failed != 0) return failed;
                return cm_shutdown() == CM_OK ? 0 : 6;
              });
              if (grandchild != 0) return 10 + grandchild;
              if (cm_session_close(mine) != CM_OK || cm_session_close(mine) != CM_ERR_HANDLE) return 7;
              return cm_shutdown() == CM_OK ? 0 : 8;
            }),
            0);
}

TEST_F(ForkTest, a_child_may_not_go_on_with_a_sequence_of_ivs_or_a_stream) {
  cm_key_params params = key_params(CM_ALG_AES_GCM, 128);
  const auto raw = pattern(16);
  cm_key tls12{}, tls13{}, ctr{}, cmac{};
  params.iv_regime = CM_IV_TLS12;
  ASSERT_EQ(cm_key_import(session_, &tls12, &params, raw.data(), 16), CM_OK);
  params.iv_regime = CM_IV_TLS13;
  ASSERT_EQ(cm_key_import(session_, &tls13, &params, raw.data(), 16), CM_OK);
  params = key_params(CM_ALG_AES_CTR);
  ASSERT_EQ(cm_key_import(session_, &ctr, &params, raw.data(), 16), CM_OK);
  params = key_params(CM_ALG_AES_CMAC);
  ASSERT_EQ(cm_key_import(session_, &cmac, &params, raw.data(), 16), CM_OK);
  cm_cipher cipher{};
  cm_mac mac{};
  ASSERT_EQ(cm_cipher_init(session_, &cipher, ctr, CM_ENCRYPT, raw.data(), 16), CM_OK);
  ASSERT_EQ(cm_mac_init(session_, &mac, cmac), CM_OK);
  EXPECT_EQ(seal(session_, tls12), CM_OK);
  EXPECT_EQ(run_child([&] {
              cm_session mine{};
              uint8_t byte = 0, tag[16];
              size_t n = 0;
              if (cm_session_open(&mine, CM_ROLE_USER) != CM_OK) return 1;
              if (seal(mine, tls12) != CM_ERR_FORKED || seal(mine, tls13) != CM_ERR_FORKED) return 2;
              if (cm_cipher_update(mine, cipher, &byte, 1, &n, &byte, 1) != CM_ERR_FORKED) return 3;
              if (cm_mac_update(mine, mac, &byte, 1) != CM_ERR_FORKED) return 4;
              if (cm_mac_compute(mine, cmac, tag, 16, &byte, 1) != CM_OK) return 5;
              return cm_shutdown() == CM_OK ? 0 : 6;
            }),
            0);
  EXPECT_EQ(seal(session_, tls12), CM_OK);
  EXPECT_EQ(seals_of(session_, tls12), 2U);
  uint8_t tag[16];
  EXPECT_EQ(cm_mac_final(session_, mac, tag, 16), CM_OK);
}

// locked_kib: VmLck of this process.
unsigned long locked_kib() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmLck:", 0) == 0) return std::stoul(line.substr(6));
  return 0;
}

TEST_F(ForkTest, a_child_says_truly_whether_its_arena_is_locked) {
  EXPECT_EQ(std::string(status().arena) == "locked", locked_kib() > 0);
  EXPECT_EQ(run_child([] {
              const bool said = std::string(status().arena) == "locked";
              if (said != (locked_kib() > 0)) return 1;
              return cm_shutdown() == CM_OK ? 0 : 2;
            }),
            0);
}

// ---- cancellation

struct CancelledCall {
  const std::function<void()>* call;
  bool returned;
};

void* call_with_cancel_pending(void* argument) {
  auto* self = static_cast<CancelledCall*>(argument);
  pthread_cancel(pthread_self());
  (*self->call)();
  self->returned = true;
  pthread_testcancel();
  return nullptr;
}

// outlives_cancel: whether the call came back although its thread had been cancelled before.
bool outlives_cancel(const std::function<void()>& call) {
  CancelledCall cancelled{&call, false};
  pthread_t thread;
  if (pthread_create(&thread, nullptr, call_with_cancel_pending, &cancelled) != 0) return false;
  void* result = nullptr;
  pthread_join(thread, &result);
  return cancelled.returned && result == PTHREAD_CANCELED;
}

TEST_F(ForkTest, a_cancelled_thread_finishes_the_call_it_is_in) {
  const cm_key key = import_gcm(session_, pattern(32));
  uint8_t bytes[16];
  size_t count = 0;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(outlives_cancel([&] { EXPECT_EQ(cm_random_bytes(session_, bytes, 16), CM_OK); }));
    EXPECT_TRUE(outlives_cancel([&] {
      cm_session mine{};
      EXPECT_EQ(cm_session_open(&mine, CM_ROLE_USER), CM_OK);
    }));
    EXPECT_TRUE(outlives_cancel([&] { EXPECT_EQ(cm_audit_sync(session_, 1, 10'000), CM_OK); }));
  }
  EXPECT_TRUE(outlives_cancel([&] { EXPECT_EQ(cm_selftest(session_, nullptr, 0, &count), CM_OK); }));
  EXPECT_EQ(run_child([&] {
              if (!outlives_cancel([] { static_cast<void>(status()); })) return 1;
              if (status().state != CM_STATE_OPERATIONAL) return 2;
              return cm_shutdown() == CM_OK ? 0 : 3;
            }),
            0);
  // Destroying waits for a call in another thread, and the wait sleeps.
  std::atomic<bool> began{false};
  const auto big = pattern(32 << 20);
  std::vector<uint8_t> out(big.size());
  std::thread sealing([&] {
    uint8_t iv[12], tag[16];
    cm_rc rc = CM_OK;
    for (began = true; rc == CM_OK;)
      rc = cm_aead_seal(session_, key, out.data(), out.size(), iv, 12, tag, 16, nullptr, 0, big.data(), big.size());
    EXPECT_EQ(rc, CM_ERR_HANDLE);
  });
  while (!began) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(outlives_cancel([&] { EXPECT_EQ(cm_key_destroy(session_, key), CM_OK); }));
  sealing.join();
  EXPECT_EQ(cm_random_bytes(session_, bytes, 16), CM_OK);
}

// ---- the end of a thread and the end of the attachment

TEST(ThreadEnd, during_a_shutdown_touches_no_ring) {
  for (int round = 0; round < 3; ++round) {
    Directory dir;
    const InitParams init(dir);
    ASSERT_EQ(cm_init(&init.params), CM_OK);
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 60; ++t)
      threads.emplace_back([&, t] {
        static_cast<void>(status());
        ++ready;
        while (!go) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::microseconds(t * 500));
      });
    while (ready != 60) std::this_thread::yield();
    go = true;
    EXPECT_EQ(cm_shutdown(), CM_OK);
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace cm::test
