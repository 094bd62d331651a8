// SPDX-License-Identifier: Apache-2.0
// States, policy, fork, re-entry. Each test runs in a process of its own (ctest runs them one by one), because each
// takes the module through its whole life.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

uint32_t state() {
  cm_status_info info{};
  info.struct_size = sizeof info;
  EXPECT_TRUE(CM_SUCCEEDED(cm_status(&info)));
  return info.state;
}

// Init: the module operational in a fresh directory, shut down and its log verified at the end.
class Init {
 public:
  Init() : params_(dir_) { EXPECT_EQ(cm_init(&params_.params), CM_OK); }
  void finish(int verdict = 0) {
    EXPECT_EQ(cm_shutdown(), CM_OK);
    std::string text;
    EXPECT_EQ(verify_log(dir_, &text), verdict) << text;
  }
  const cm_init_params* params() const { return &params_.params; }

 private:
  Directory dir_;
  InitParams params_;
};

TEST(LifeCycle, before_init_only_control_services_answer) {
  EXPECT_EQ(state(), uint32_t{CM_STATE_READY});
  cm_session session{};
  EXPECT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_ERR_STATE);
  uint8_t byte = 7;
  EXPECT_EQ(cm_random_bytes(session, &byte, 1), CM_ERR_STATE);
  EXPECT_EQ(cm_hash_compute(session, CM_HASH_SHA256, &byte, 1, nullptr, 0), CM_ERR_STATE);
  EXPECT_EQ(cm_shutdown(), CM_ERR_STATE);
  EXPECT_EQ(byte, 7);
  Init init;
  init.finish();
}

TEST(LifeCycle, init_refuses_bad_parameters_and_can_be_tried_again) {
  EXPECT_EQ(cm_init(nullptr), CM_ERR_NULL);
  Directory dir;
  InitParams good(dir);
  cm_init_params bad = good.params;
  bad.struct_size = 1;
  EXPECT_EQ(cm_init(&bad), CM_ERR_ARGUMENT);
  bad = good.params;
  bad.audit_dir = nullptr;
  EXPECT_EQ(cm_init(&bad), CM_ERR_ARGUMENT);
  bad = good.params;
  bad.ring_records = 300;
  EXPECT_EQ(cm_init(&bad), CM_ERR_ARGUMENT);
  bad = good.params;
  bad.ring_count = 5000;
  EXPECT_EQ(cm_init(&bad), CM_ERR_ARGUMENT);
  bad = good.params;
  bad.writer_path = "/nonexistent/writer";
  EXPECT_EQ(cm_init(&bad), CM_ERR_AUDIT);
  EXPECT_EQ(state(), uint32_t{CM_STATE_READY});
  EXPECT_EQ(cm_init(&good.params), CM_OK);
  EXPECT_EQ(cm_init(&good.params), CM_ERR_STATE);
  EXPECT_EQ(cm_shutdown(), CM_OK);
  std::string text;
  EXPECT_EQ(verify_log(dir, &text), 0) << text;
}

TEST(LifeCycle, shutdown_ends_everything_and_init_starts_again_with_a_full_self_test) {
  Init init;
  cm_session session{};
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  const cm_key key = import_gcm(session, pattern(32));
  EXPECT_EQ(cm_shutdown(), CM_OK);
  EXPECT_EQ(state(), uint32_t{CM_STATE_ZEROISED});
  uint8_t byte = 0;
  EXPECT_EQ(cm_random_bytes(session, &byte, 1), CM_ERR_STATE);
  ASSERT_EQ(cm_init(init.params()), CM_OK);
  EXPECT_EQ(cm_random_bytes(session, &byte, 1), CM_ERR_HANDLE) << "sessions do not survive";
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  EXPECT_EQ(cm_key_destroy(session, key), CM_ERR_HANDLE) << "keys do not survive";
  init.finish();
}

TEST(LifeCycle, approved_only_policy_refuses_before_any_work) {
  Init init;
  cm_session officer{}, user{};
  ASSERT_EQ(cm_session_open(&officer, CM_ROLE_OFFICER), CM_OK);
  ASSERT_EQ(cm_session_open(&user, CM_ROLE_USER), CM_OK);
  const cm_key weak = import_hmac(user, pattern(8));
  const cm_key key = import_gcm(user, pattern(32));
  cm_key derived{};
  const cm_key_params of_derived = key_params(CM_ALG_AES_GCM, 256);
  ASSERT_EQ(cm_key_derive_pbkdf2(user, &derived, &of_derived, "short", 5, "salt", 4, 1), CM_NOT_APPROVED_PBKDF2_INPUT);
  EXPECT_EQ(cm_policy_set(user, CM_POLICY_APPROVED_ONLY), CM_ERR_ROLE);
  EXPECT_EQ(cm_policy_set(officer, 9), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_policy_set(officer, CM_POLICY_APPROVED_ONLY), CM_OK);
  EXPECT_EQ(cm_policy_set(officer, CM_POLICY_NONE), CM_ERR_POLICY) << "a latch";
  uint8_t iv[12] = {}, tag[16] = {}, out[32] = {0xee};
  EXPECT_EQ(cm_aead_seal_caller_iv(user, key, out, 1, iv, 12, tag, 16, nullptr, 0, iv, 1), CM_ERR_POLICY);
  EXPECT_EQ(out[0], 0) << "refused calls zero what they were to write";
  EXPECT_EQ(cm_aead_seal(user, derived, nullptr, 0, iv, 12, tag, 16, nullptr, 0, nullptr, 0), CM_ERR_POLICY)
      << "a key is no better than the way it was made";
  EXPECT_EQ(cm_mac_compute(user, weak, out, 32, nullptr, 0), CM_ERR_POLICY);
  const cm_key_params params = key_params(CM_ALG_HMAC_SHA256);
  cm_key refused{};
  EXPECT_EQ(cm_key_import(user, &refused, &params, iv, 8), CM_ERR_POLICY);
  const cm_key_params gcm = key_params(CM_ALG_AES_GCM, 128);
  EXPECT_EQ(cm_key_derive_pbkdf2(user, &refused, &gcm, "short", 5, iv, 12, 1), CM_ERR_POLICY);
  EXPECT_EQ(cm_aead_seal(user, key, out, 1, iv, 12, tag, 16, nullptr, 0, out, 1), CM_OK);
  init.finish();
}

TEST(LifeCycle, zeroise_is_for_officers_and_final) {
  Init init;
  cm_session officer{}, user{};
  ASSERT_EQ(cm_session_open(&officer, CM_ROLE_OFFICER), CM_OK);
  ASSERT_EQ(cm_session_open(&user, CM_ROLE_USER), CM_OK);
  import_gcm(user, pattern(32));
  EXPECT_EQ(cm_zeroise(user), CM_ERR_ROLE);
  EXPECT_EQ(cm_zeroise(officer), CM_OK);
  EXPECT_EQ(state(), uint32_t{CM_STATE_ZEROISED});
  uint8_t byte;
  EXPECT_EQ(cm_random_bytes(user, &byte, 1), CM_ERR_STATE);
  cm_status_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(cm_status(&info), CM_OK);
  EXPECT_EQ(info.keys_in_use, 0U);
  init.finish();
}

TEST(LifeCycle, self_test_on_demand_lists_every_lane) {
  Init init;
  constexpr size_t kRowsMax = 256;
  cm_selftest_row rows[kRowsMax];
  size_t count = 0;
  EXPECT_EQ(cm_selftest(cm_session{0}, rows, kRowsMax, &count), CM_OK);
  EXPECT_GT(count, 14U);
  ASSERT_LE(count, kRowsMax);
  for (size_t i = 0; i < count; ++i) EXPECT_EQ(rows[i].result, CM_OK) << rows[i].name << rows[i].lane;
  size_t again = 0;
  EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 0, &again), CM_OK);
  EXPECT_EQ(again, count);
  EXPECT_EQ(cm_selftest(cm_session{0}, nullptr, 1, &again), CM_ERR_NULL);
  EXPECT_EQ(cm_selftest(cm_session{0}, rows, kRowsMax, nullptr), CM_ERR_NULL);
  init.finish();
}

// ---- fork

TEST(Fork, keys_survive_and_nothing_that_must_not_repeat_does) {
  Init init;
  cm_session session{};
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  const cm_key key = import_gcm(session, pattern(32));
  const cm_key counter = generate_gcm(session, CM_IV_COUNTER);
  cm_hash hash{};
  ASSERT_EQ(cm_hash_init(session, &hash, CM_HASH_SHA256), CM_OK);
  uint8_t iv[12], tag[16], sealed[8], text[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  ASSERT_EQ(cm_aead_seal(session, key, sealed, 8, iv, 12, tag, 16, nullptr, 0, text, 8), CM_OK);
  const int result = run_child([&] {
    uint8_t out[8];
    if (cm_random_bytes(session, out, 8) != CM_ERR_FORKED) return 1;
    if (cm_hash_update(session, hash, out, 8) != CM_ERR_FORKED) return 2;
    cm_session mine{};
    if (cm_session_open(&mine, CM_ROLE_USER) != CM_OK) return 3;
    if (cm_hash_update(mine, hash, out, 8) != CM_ERR_FORKED) return 4;
    if (cm_aead_open(mine, key, out, 8, iv, 12, tag, 16, nullptr, 0, sealed, 8) != CM_OK) return 5;
    if (std::memcmp(out, text, 8) != 0) return 6;
    uint8_t iv2[12], tag2[16];
    if (cm_aead_seal(mine, counter, out, 8, iv2, 12, tag2, 16, nullptr, 0, text, 8) != CM_ERR_FORKED) return 7;
    if (cm_aead_seal(mine, key, out, 8, iv2, 12, tag2, 16, nullptr, 0, text, 8) != CM_OK) return 8;
    return cm_shutdown() == CM_OK ? 0 : 9;
  });
  EXPECT_EQ(result, 0);
  // The child's end touched neither the parent's keys nor its log.
  EXPECT_EQ(cm_aead_seal(session, counter, sealed, 8, iv, 12, tag, 16, nullptr, 0, text, 8), CM_OK);
  EXPECT_EQ(cm_hash_free(session, hash), CM_OK);
  init.finish();
}

TEST(Fork, processes_draw_different_random_bytes_and_ivs) {
  Init init;
  cm_session session{};
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  const cm_key key = import_gcm(session, pattern(32));
  constexpr int kChildren = 4;
  struct Drawn {
    uint8_t random[32];
    uint8_t iv[12];
  };
  auto* drawn = static_cast<Drawn*>(
      mmap(nullptr, sizeof(Drawn) * (kChildren + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto draw = [&](cm_session s, Drawn* out) {
    uint8_t tag[16];
    return cm_random_bytes(s, out->random, 32) == CM_OK &&
           cm_aead_seal(s, key, nullptr, 0, out->iv, 12, tag, 16, nullptr, 0, nullptr, 0) == CM_OK;
  };
  uint8_t warm[16];
  ASSERT_EQ(cm_random_bytes(session, warm, 16), CM_OK);  // the generator exists before the fork
  for (int i = 0; i < kChildren; ++i)
    EXPECT_EQ(run_child([&] {
                cm_session mine{};
                if (cm_session_open(&mine, CM_ROLE_USER) != CM_OK || !draw(mine, &drawn[i])) return 1;
                return cm_shutdown() == CM_OK ? 0 : 2;
              }),
              0);
  EXPECT_TRUE(draw(session, &drawn[kChildren]));
  for (int i = 0; i <= kChildren; ++i)
    for (int j = 0; j < i; ++j) {
      EXPECT_NE(std::memcmp(drawn[i].random, drawn[j].random, 32), 0);
      EXPECT_NE(std::memcmp(drawn[i].iv, drawn[j].iv, 12), 0);
    }
  munmap(drawn, sizeof(Drawn) * (kChildren + 1));
  init.finish();
}

TEST(Fork, a_child_without_handlers_is_refused) {
  Init init;
  cm_session session{};
  ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
  const auto child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    uint8_t byte;
    _exit(cm_random_bytes(session, &byte, 1) == CM_ERR_FORKED ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  init.finish();
}

// ---- re-entry

cm_session g_session;
volatile sig_atomic_t g_handler_rc;
volatile sig_atomic_t g_handler_runs;

void handler(int) {
  uint8_t out[16];
  const cm_rc rc = cm_random_bytes(g_session, out, sizeof out);
  if (rc != CM_OK) g_handler_rc = rc;
  g_handler_runs = g_handler_runs + 1;
}

TEST(Reentry, from_a_signal_handler_is_refused_and_counted) {
  Init init;
  ASSERT_EQ(cm_session_open(&g_session, CM_ROLE_USER), CM_OK);
  struct sigaction action{};
  action.sa_handler = handler;
  sigaction(SIGUSR1, &action, nullptr);
  const pthread_t self = pthread_self();
  std::atomic<bool> stop{false};
  std::thread source([&] {
    while (!stop) {
      pthread_kill(self, SIGUSR1);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  const auto big = pattern(1 << 20);
  uint8_t digest[32];
  for (int i = 0; i < 2000 && g_handler_rc == 0; ++i)
    EXPECT_EQ(cm_hash_compute(g_session, CM_HASH_SHA256, digest, 32, big.data(), big.size()), CM_OK);
  stop = true;
  source.join();
  EXPECT_EQ(g_handler_rc, CM_ERR_REENTRY);
  EXPECT_GT(g_handler_runs, 0);
  cm_status_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(cm_status(&info), CM_OK);
  EXPECT_GT(info.reentered_calls, 0U);
  init.finish();
}

// A stream whose key the policy no longer lets work leaves no text of its caller's in the output.
TEST(LifeCycle, a_policy_that_comes_later_wipes_what_a_stream_was_to_write) {
  Init init;
  cm_session user{}, officer{};
  ASSERT_EQ(cm_session_open(&user, CM_ROLE_USER), CM_OK);
  ASSERT_EQ(cm_session_open(&officer, CM_ROLE_OFFICER), CM_OK);
  const cm_key_params params = key_params(CM_ALG_AES_CTR, 256);
  cm_key weak{};
  ASSERT_EQ(cm_key_derive_pbkdf2(user, &weak, &params, "short", 5, "salt", 4, 1), CM_NOT_APPROVED_PBKDF2_INPUT);
  const std::vector<uint8_t> iv(16);
  cm_cipher stream{};
  ASSERT_EQ(cm_cipher_init(user, &stream, weak, CM_ENCRYPT, iv.data(), iv.size()), CM_NOT_APPROVED_PBKDF2_INPUT);
  std::vector<uint8_t> text(40, 0xaa);
  size_t size = 0;
  ASSERT_EQ(cm_cipher_update(user, stream, text.data(), 8, &size, text.data(), 8), CM_NOT_APPROVED_PBKDF2_INPUT);
  ASSERT_EQ(cm_policy_set(officer, CM_POLICY_APPROVED_ONLY), CM_OK);
  EXPECT_EQ(cm_cipher_update(user, stream, text.data() + 8, 32, &size, text.data() + 8, 32), CM_ERR_POLICY);
  EXPECT_EQ(std::vector<uint8_t>(text.begin() + 8, text.end()), std::vector<uint8_t>(32));
  EXPECT_EQ(cm_cipher_free(user, stream), CM_OK);
  init.finish();
}

TEST(LifeCycle, status_names_a_lane_for_each_algorithm) {
  Init init;
  cm_status_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(cm_status(&info), CM_OK);
  for (const char* algorithm :
       {"aes=", " gcm=", " sha-256=", " chacha20-poly1305=", " sha-1=", " sha-512=", " sha-3=", " hash-batch="})
    EXPECT_NE(std::string(info.lanes).find(algorithm), std::string::npos) << info.lanes;
  init.finish();
}

}  // namespace
}  // namespace cm::test
