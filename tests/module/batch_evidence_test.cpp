// SPDX-License-Identifier: Apache-2.0
// batch_evidence_test.cpp: what the exit record of a batch says: what the jobs that succeeded did, whatever became of
// the others. A module of its own for each test, because its log is read.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

using Bytes = std::vector<uint8_t>;

// Set before any thread reads the environment; see service_end_test.cpp.
[[maybe_unused]] const bool g_variable_there = setenv("CM_TEST_BREAK_ENTROPY", "0", 1) == 0;

struct Life {
  Life() : params(dir) {
    if (cm_init(&params.params) != CM_OK || cm_session_open(&session, CM_ROLE_USER) != CM_OK) std::abort();
  }
  cm_key key(uint32_t algorithm) const {
    const cm_key_params key = key_params(algorithm, 256);
    cm_key made{};
    EXPECT_TRUE(CM_SUCCEEDED(cm_key_generate(session, &made, &key)));
    return made;
  }
  Directory dir;
  InitParams params;
  cm_session session{};
};

// log_records: shuts the module down; the records of its log.
std::vector<nlohmann::json> log_records(const Life& life) {
  EXPECT_TRUE(CM_SUCCEEDED(cm_shutdown()));
  FILE* const pipe = popen((std::string(CM_AUDIT_PATH) + " show --json " + life.params.log).c_str(), "r");
  std::string text;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0);
  std::vector<nlohmann::json> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto record = nlohmann::json::parse(line, nullptr, false);
    if (record.is_object()) out.push_back(std::move(record));
  }
  return out;
}

// batch_exits: the same, exits of batches only.
std::vector<nlohmann::json> batch_exits(const Life& life) {
  std::vector<nlohmann::json> out;
  for (auto& record : log_records(life))
    if (record.contains("failed")) out.push_back(std::move(record));
  return out;
}

// Message: the memory of a job that is sealed in place.
struct Message {
  Bytes text = Bytes(64, 0xaa);
  std::array<uint8_t, 12> iv{};
  std::array<uint8_t, 16> tag{};
  cm_aead_job job(cm_key key, uint32_t flags) {
    return {key,     text.data(), text.size(), iv.data(),   iv.size(), tag.data(), tag.size(),
            nullptr, 0,           text.data(), text.size(), flags,     0};
  }
};

TEST(BatchEvidence, a_failed_job_does_not_hide_that_another_was_not_approved) {
  Life life;
  std::array<Message, 2> messages;
  std::array<cm_aead_job, 2> jobs = {messages[0].job(life.key(CM_ALG_CHACHA20_POLY1305), 0), messages[1].job({0}, 0)};
  EXPECT_EQ(cm_aead_seal_batch(life.session, jobs.data(), jobs.size()), CM_ERR_JOBS);
  EXPECT_EQ(jobs[0].result, CM_NOT_APPROVED_ALGORITHM);
  EXPECT_EQ(jobs[1].result, CM_ERR_HANDLE);
  const auto exits = batch_exits(life);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0]["jobs"], 2);
  EXPECT_EQ(exits[0]["failed"], 1);
  EXPECT_EQ(exits[0]["bytes"], 64);
  EXPECT_EQ(exits[0]["reason"], CM_NOT_APPROVED_ALGORITHM);
}

// Of two threads at once: every key is found by the batch that made it, and the batch's session by its key.
TEST(BatchEvidence, a_derived_key_names_its_batch_and_its_session) {
  Life life;
  const std::array<uint8_t, 32> secret{1, 2, 3};
  cm_kdf_params kdf{};
  kdf.struct_size = sizeof kdf;
  kdf.function = CM_KDF_HKDF;
  kdf.hash = CM_HASH_SHA256;
  kdf.input = secret.data();
  kdf.input_size = secret.size();
  const cm_kdf_job job{kdf, key_params(CM_ALG_HMAC_SHA256, 256), {}, 0};
  std::array<std::vector<cm_kdf_job>, 2> batches{std::vector<cm_kdf_job>(20, job), std::vector<cm_kdf_job>(35, job)};
  std::vector<std::thread> threads;
  for (auto& jobs : batches)
    threads.emplace_back([&jobs] {
      cm_session session{};
      EXPECT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
      EXPECT_EQ(cm_kdf_batch(session, jobs.data(), jobs.size()), CM_OK);
    });
  for (auto& thread : threads) thread.join();
  const auto log = log_records(life);
  for (const auto& jobs : batches) {
    const auto entry = std::find_if(log.begin(), log.end(), [&](const auto& r) {
      return r["type"] == "record" && r.contains("jobs") && !r.contains("failed") && r["jobs"] == jobs.size();
    });
    ASSERT_NE(entry, log.end());
    EXPECT_NE((*entry)["session"], std::string(32, '0'));
    for (size_t i = 0; i < jobs.size(); ++i) {
      const auto made = std::find_if(log.begin(), log.end(), [&](const auto& r) {
        return r["type"] == "record" && r["event"] == "key-derived" && r["object"] == jobs[i].key.v;
      });
      ASSERT_NE(made, log.end()) << i;
      EXPECT_EQ((*made)["job"], i);
      EXPECT_EQ((*made)["session"], (*entry)["session"]);
      EXPECT_EQ((*made)["call_ring"], (*entry)["ring"]);
      EXPECT_EQ((*made)["call_seq"], (*entry)["ring_seq"]);
    }
  }
}

TEST(BatchEvidence, of_a_batch_that_is_refused_all_jobs_failed) {
  Life life;
  EXPECT_EQ(cm_cipher_batch(life.session, nullptr, 7), CM_ERR_NULL);
  cm_mac_job job{};
  EXPECT_EQ(cm_mac_batch(life.session, &job, (size_t{5} << 32) + 3), CM_ERR_LENGTH);
  const auto exits = batch_exits(life);
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_EQ(exits[0]["jobs"], 7);
  EXPECT_EQ(exits[0]["failed"], 7);
  EXPECT_EQ(exits[1]["jobs"], UINT32_MAX);
  EXPECT_EQ(exits[1]["failed"], UINT32_MAX);
}

// The entropy source fails in the middle: what was done before stays and is recorded, what comes after is wiped.
TEST(BatchEvidence, of_a_batch_in_which_the_module_failed) {
  Life life;
  const cm_key key = life.key(CM_ALG_AES_GCM);
  std::array<Message, 4> messages;
  std::array<cm_aead_job, 4> jobs;
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i] = messages[i].job(key, i == 0 ? CM_JOB_CALLER_IV : 0);
  setenv("CM_TEST_BREAK_ENTROPY", "1", 1);
  cm_rc rc = CM_OK;
  std::thread([&] { rc = cm_aead_seal_batch(life.session, jobs.data(), jobs.size()); }).join();
  setenv("CM_TEST_BREAK_ENTROPY", "0", 1);
  EXPECT_EQ(rc, CM_ERR_ENTROPY);
  EXPECT_EQ(jobs[0].result, CM_NOT_APPROVED_CALLER_IV);
  EXPECT_NE(messages[0].text, Bytes(64, 0xaa));
  EXPECT_NE(messages[0].text, Bytes(64));
  for (size_t i = 1; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].result, CM_ERR_ENTROPY) << i;
    EXPECT_EQ(messages[i].text, Bytes(64)) << i;
  }
  const auto exits = batch_exits(life);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0]["failed"], 3);
  EXPECT_EQ(exits[0]["bytes"], 64);
  EXPECT_EQ(exits[0]["reason"], CM_NOT_APPROVED_CALLER_IV);
}

// Whoever destroys a key waits for the calls that use it. A lot of one job uses one key, and long jobs are lots of
// their own: destroying other keys goes on meanwhile.
TEST(BatchEvidence, long_jobs_hold_no_other_key) {
  Life life;
  const cm_key busy = life.key(CM_ALG_AES_CFB8);
  Bytes text((size_t{16} << 20) + 1), iv(16);
  std::vector<cm_cipher_job> jobs(
      4, {busy, iv.data(), iv.size(), text.data(), text.size(), text.data(), text.size(), CM_ENCRYPT, 0});
  jobs.front().in_size = 16;  // nor does a short job take a long one along
  std::atomic<bool> begun{false}, ended{false};
  std::thread worker([&] {
    begun = true;
    EXPECT_EQ(cm_cipher_batch(life.session, jobs.data(), jobs.size()), CM_OK);
    ended = true;
  });
  while (!begun) std::this_thread::yield();
  // The batch takes a second; it would be over if one of these waited for it.
  for (int i = 0; i < 20; ++i) EXPECT_EQ(cm_key_destroy(life.session, life.key(CM_ALG_AES_GCM)), CM_OK);
  EXPECT_FALSE(ended);
  worker.join();
  EXPECT_TRUE(CM_SUCCEEDED(cm_shutdown()));
}

}  // namespace
}  // namespace cm::test
