// SPDX-License-Identifier: Apache-2.0
// How service ends: zeroise, failure and shutdown while other threads are inside the module and while the writer does
// not answer. Each test runs in a process of its own.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "cryptomod/cryptomod.hpp"
#include "tests/module/fixture.h"

namespace cm::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kPatience = 30;  // seconds

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Module: operational with a writer that can be stopped, a user's and an officer's session.
class Module {
 public:
  explicit Module(uint32_t wait_ms, uint32_t ring_records = 4096) : params_(dir_) {
    params_.params.wait_ms = wait_ms;
    params_.params.ring_records = ring_records;
    EXPECT_EQ(cm_init(&params_.params), CM_OK);
    EXPECT_EQ(cm_session_open(&user, CM_ROLE_USER), CM_OK);
    EXPECT_EQ(cm_session_open(&officer, CM_ROLE_OFFICER), CM_OK);
    writer_ = writer_of(params_.log);
    EXPECT_NE(writer_, 0);
  }
  // On a busy machine the writer may need longer than wait_ms to close the log; then the shutdown says so.
  ~Module() {
    go_on();
    const cm_rc rc = cm_shutdown();
    EXPECT_TRUE(rc == CM_OK || rc == CM_ERR_AUDIT_PENDING) << cm_rc_name(rc);
    std::string text;
    const auto begin = Clock::now();
    int code = verify_log(dir_, &text);
    while (rc != CM_OK && code != 0 && seconds_since(begin) < kPatience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      code = verify_log(dir_, &text);
    }
    EXPECT_EQ(code, 0) << text;
  }
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  void stop_writer() const { EXPECT_EQ(kill(writer_, SIGSTOP), 0); }
  void go_on() const { EXPECT_EQ(kill(writer_, SIGCONT), 0); }
  const cm_init_params* params() const { return &params_.params; }
  std::string log_text() const {
    FILE* pipe = popen((std::string(CM_AUDIT_PATH) + " show " + params_.log).c_str(), "r");
    std::string text;
    for (char line[512]; pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr;) text += line;
    if (pipe != nullptr) pclose(pipe);
    return text;
  }

  cm_session user{}, officer{};

 private:
  Directory dir_;
  InitParams params_;
  pid_t writer_ = 0;
};

cm_status_info status() {
  cm_status_info info{};
  info.struct_size = sizeof info;
  const cm_rc rc = cm_status(&info);
  EXPECT_TRUE(rc == CM_OK || rc == CM_ERR_AUDIT_PENDING) << cm_rc_name(rc);
  return info;
}

// g_variable_there: a variable that is there is changed in place; a new one would move the environment under the feet
// of threads that read it.
[[maybe_unused]] const bool g_variable_there = setenv("CM_TEST_BREAK_ENTROPY", "0", 1) == 0;

// fail_entropy: a thread that has no generator yet asks for random bytes while the entropy source is stuck.
cm_rc fail_entropy(cm_session session) {
  setenv("CM_TEST_BREAK_ENTROPY", "1", 1);
  cm_rc rc = CM_OK;
  std::thread([&] {
    uint8_t out[16] = {1};
    rc = cm_random_bytes(session, out, sizeof out);
    EXPECT_EQ(out[0], 0);
  }).join();
  setenv("CM_TEST_BREAK_ENTROPY", "0", 1);
  return rc;
}

TEST(ServiceEnd, zeroise_destroys_all_keys_before_it_waits_for_the_writer) {
  constexpr int kKeys = 600;  // more than the process's ring has room for
  Module module(1000, 256);
  for (int i = 0; i < kKeys; ++i) import_gcm(module.user, pattern(32));
  module.stop_writer();
  const auto begin = Clock::now();
  EXPECT_EQ(cm_zeroise(module.officer), CM_ERR_AUDIT_PENDING);
  EXPECT_LT(seconds_since(begin), 10) << "the waits share one deadline";
  EXPECT_EQ(status().keys_in_use, 0U);
  EXPECT_EQ(status().state, uint32_t{CM_STATE_ZEROISED});
}

TEST(ServiceEnd, zeroise_does_not_wait_for_a_call_that_waits_for_the_writer) {
  Module module(1000);
  import_gcm(module.user, pattern(32));
  module.stop_writer();
  std::atomic<bool> started{false};
  cm_rc synced = CM_OK;
  std::thread waiter([&] {
    started = true;
    synced = cm_audit_sync(module.user, 0, 60'000);
  });
  while (!started) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begin = Clock::now();
  EXPECT_EQ(cm_zeroise(module.officer), CM_ERR_AUDIT_PENDING);
  waiter.join();
  EXPECT_LT(seconds_since(begin), 20);
  EXPECT_EQ(synced, CM_ERR_STATE);
  EXPECT_EQ(status().keys_in_use, 0U);
}

TEST(ServiceEnd, a_key_in_the_making_does_not_survive_the_entry_to_the_error_state) {
  Module module(60'000);
  module.stop_writer();
  std::atomic<bool> started{false};
  cm_rc rc = CM_OK;
  cm_key key{};
  std::thread maker([&] {
    const cm_key_params params = key_params(CM_ALG_AES_GCM);
    const auto raw = pattern(32);
    started = true;
    rc = cm_key_import(module.user, &key, &params, raw.data(), raw.size());
  });
  while (!started) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(fail_entropy(module.user), CM_ERR_ENTROPY);
  module.go_on();
  maker.join();
  EXPECT_LT(rc, 0) << cm_rc_name(rc);
  EXPECT_EQ(key.v, 0U);
  EXPECT_EQ(status().keys_in_use, 0U);
}

// Makers race with the failure: whatever a maker was told to have made after the end was seen must be gone.
TEST(ServiceEnd, nothing_made_while_the_module_fails_stays) {
  Module module(20'000);
  for (int round = 0; round < 10; ++round) {
    std::atomic<bool> end{false};
    std::vector<std::thread> makers;
    for (int t = 0; t < 3; ++t)
      makers.emplace_back([&] {
        const cm_key_params params = key_params(CM_ALG_AES_GCM);
        const auto raw = pattern(32);
        cm_key key{};
        cm_hash hash{};
        cm_rc ended = CM_OK;  // the module may have ended it already
        while (!end) {
          if (cm_key_import(module.user, &key, &params, raw.data(), raw.size()) == CM_OK)
            ended = cm_key_destroy(module.user, key);
          if (cm_hash_init(module.user, &hash, CM_HASH_SHA256) == CM_OK) ended = cm_hash_free(module.user, hash);
        }
        EXPECT_TRUE(ended == CM_OK || ended == CM_ERR_HANDLE || ended == CM_ERR_ERROR_STATE || ended == CM_ERR_AUDIT)
            << cm_rc_name(ended);
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(fail_entropy(module.user), CM_ERR_ENTROPY);
    end = true;
    for (auto& maker : makers) maker.join();
    EXPECT_EQ(status().keys_in_use, 0U);
    size_t count = 0;
    ASSERT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_OK);
    ASSERT_EQ(status().state, uint32_t{CM_STATE_OPERATIONAL});
  }
}

// stopped_at: of results in a batch that was ended: where the last ones begin, which all say the same.
template <class Job>
size_t stopped_at(const std::vector<Job>& jobs) {
  const cm_rc last = jobs.back().result;
  EXPECT_TRUE(last == CM_ERR_STATE || last == CM_ERR_ERROR_STATE) << cm_rc_name(last);
  size_t at = jobs.size();
  while (at != 0 && jobs[at - 1].result == last) --at;
  for (size_t i = 0; i < at; ++i) EXPECT_NE(jobs[i].result, last) << i;
  return at;
}

// Batches that need no keys go on for seconds when nobody stops them.
TEST(ServiceEnd, a_batch_without_keys_ends_with_the_operational_state) {
  Module module(20'000);
  const std::vector<uint8_t> text(16384);
  std::vector<std::array<uint8_t, 32>> digests(CM_BATCH_MAX);
  std::vector<cm_hash_job> hashes;
  for (auto& digest : digests) {
    digest.fill(0xee);
    hashes.push_back({CM_HASH_SHA256, 99, digest.data(), digest.size(), text.data(), text.size()});
  }
  cm_kdf_params kdf{};
  kdf.struct_size = sizeof kdf;
  kdf.function = CM_KDF_PBKDF2;
  kdf.hash = CM_HASH_SHA256;
  kdf.iterations = 2000;
  kdf.input = kdf.salt = text.data();
  kdf.input_size = kdf.salt_size = 16;
  std::vector<cm_kdf_job> passwords(CM_BATCH_MAX, cm_kdf_job{kdf, key_params(CM_ALG_HMAC_SHA256, 256), {99}, 99});
  cm_rc hashed = CM_OK, derived = CM_OK;
  std::thread hasher([&] { hashed = cm_hash_batch(module.user, hashes.data(), hashes.size()); });
  std::thread deriver([&] { derived = cm_kdf_batch(module.user, passwords.data(), passwords.size()); });
  while (status().keys_in_use == 0) std::this_thread::yield();
  EXPECT_EQ(fail_entropy(module.user), CM_ERR_ENTROPY);
  hasher.join();
  deriver.join();
  EXPECT_LT(hashed, 0);
  for (size_t i = stopped_at(hashes); i < hashes.size(); ++i) EXPECT_EQ(digests[i], (std::array<uint8_t, 32>{}));
  EXPECT_EQ(derived, CM_ERR_JOBS);
  for (size_t i = stopped_at(passwords); i < passwords.size(); ++i) EXPECT_EQ(passwords[i].key.v, 0U);
  EXPECT_EQ(status().keys_in_use, 0U);

  // Whatever was recorded as made and is nobody's any more is recorded as zeroised.
  size_t count = 0;
  EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_OK);
  EXPECT_EQ(cm_audit_sync(module.user, 0, 20'000), CM_OK);
  const std::string log = module.log_text();
  const auto times = [&log](const std::string& name) {
    size_t n = 0;
    for (size_t at = log.find(name); at != std::string::npos; at = log.find(name, at + 1)) ++n;
    return n;
  };
  EXPECT_GT(times("key-derived"), 0U);
  EXPECT_GE(times("key-zeroised"), times("key-derived"));
  EXPECT_LE(times("key-zeroised"), times("key-derived") + 16) << "those of one lot had no record yet";
}

TEST(ServiceEnd, a_failure_in_service_is_told_logged_and_overcome_by_a_full_self_test) {
  Module module(20'000);
  const cm_key key = import_gcm(module.user, pattern(32));
  const cm_key mac_key = import_hmac(module.user, pattern(32));
  cm_mac hmac{};
  ASSERT_EQ(cm_mac_init(module.user, &hmac, mac_key), CM_OK);
  EXPECT_EQ(status().error, CM_OK);

  EXPECT_EQ(fail_entropy(module.user), CM_ERR_ENTROPY);
  const cm_status_info info = status();
  EXPECT_EQ(info.state, uint32_t{CM_STATE_ERROR});
  EXPECT_EQ(info.error, CM_ERR_ENTROPY);
  EXPECT_STREQ(info.failed_test, "entropy");
  EXPECT_EQ(info.keys_in_use, 0U);
  uint8_t out[32] = {};
  EXPECT_EQ(cm_random_bytes(module.user, out, 32), CM_ERR_ERROR_STATE);
  EXPECT_EQ(cm_hash_compute(module.user, CM_HASH_SHA256, out, 32, out, 0), CM_ERR_ERROR_STATE);
  cm_session session{};
  EXPECT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_ERR_ERROR_STATE);
  EXPECT_EQ(cm_init(module.params()), CM_ERR_STATE) << "it is connected";

  size_t count = 0;
  EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &count), CM_OK);
  EXPECT_EQ(status().state, uint32_t{CM_STATE_OPERATIONAL});
  EXPECT_EQ(status().error, CM_OK);
  EXPECT_STREQ(status().failed_test, "");
  EXPECT_EQ(cm_key_destroy(module.user, key), CM_ERR_HANDLE);
  EXPECT_EQ(cm_mac_update(module.user, hmac, out, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_random_bytes(module.user, out, 32), CM_OK);
  EXPECT_EQ(cm_audit_sync(module.user, 0, 20'000), CM_OK);
  const std::string log = module.log_text();
  EXPECT_NE(log.find("CM_ERR_ENTROPY"), std::string::npos);
  EXPECT_NE(log.find("key-zeroised"), std::string::npos);
}

TEST(ServiceEnd, the_wrapper_gives_a_status_whose_record_is_not_acknowledged_yet) {
  Module module(200);
  module.stop_writer();
  EXPECT_EQ(cryptomod::status().state, uint32_t{CM_STATE_OPERATIONAL});
}

// Calls that no record can be made for are in the count that the next calls-refused record tells.
TEST(ServiceEnd, calls_of_more_threads_than_the_module_has_room_for_are_counted) {
  EXPECT_EQ(status().refused_calls, 0U);
  constexpr int kThreads = 1030;  // with this one, 7 too many
  std::atomic<int> called{0}, refused{0};
  std::atomic<bool> end{false};
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 * 1024);
  struct Shared {
    std::atomic<int>&called, &refused;
    std::atomic<bool>& end;
  } shared{called, refused, end};
  std::vector<pthread_t> threads(kThreads);
  for (auto& thread : threads)
    ASSERT_EQ(pthread_create(
                  &thread, &small,
                  [](void* data) -> void* {
                    auto& s = *static_cast<Shared*>(data);
                    cm_version_info info{};
                    info.struct_size = sizeof info;
                    if (cm_version(&info) == CM_ERR_NO_MEMORY) ++s.refused;
                    ++s.called;
                    while (!s.end) std::this_thread::sleep_for(std::chrono::milliseconds(20));
                    return nullptr;
                  },
                  &shared),
              0);
  pthread_attr_destroy(&small);
  while (called < kThreads) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  end = true;
  for (auto& thread : threads) pthread_join(thread, nullptr);
  EXPECT_EQ(refused, kThreads - 1023);
  EXPECT_EQ(status().refused_calls, static_cast<uint64_t>(refused));
}

}  // namespace
}  // namespace cm::test
