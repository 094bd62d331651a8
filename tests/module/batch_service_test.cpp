// SPDX-License-Identifier: Apache-2.0
// cm_*_batch: a batch gives what its jobs give one by one, and a bad job harms no other.
#include <atomic>
#include <cstring>
#include <random>
#include <set>
#include <thread>

#include "tests/module/fixture.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {
namespace {

// Message: the memory of one job and of the same work as a single call.
struct Message {
  uint32_t algorithm;
  cm_key key;
  Bytes iv, aad, in, out, tag;
};

class Batch : public Operational {
 protected:
  cm_key import(uint32_t algorithm, const Bytes& raw) {
    const cm_key_params params = key_params(algorithm);
    cm_key key{};
    EXPECT_TRUE(CM_SUCCEEDED(cm_key_import(session_, &key, &params, raw.data(), raw.size())));
    keys_.push_back(key);
    return key;
  }
  cm_key random_key(uint32_t algorithm) {
    const size_t aes = 16 + 8 * (rng_() % 3);
    const size_t size = algorithm == CM_ALG_AES_XTS ? 64 : algorithm == CM_ALG_CHACHA20_POLY1305 ? 32 : aes;
    return import(algorithm, random_bytes(rng_, size));
  }
  // random_message: of a size that the algorithm takes.
  Message random_message(uint32_t algorithm, cm_key key) {
    size_t size = rng_() % 3 == 0 ? rng_() % 3000 : rng_() % 80;
    if (algorithm == CM_ALG_AES_ECB || algorithm == CM_ALG_AES_CBC) size = size / 16 * 16;
    if (algorithm == CM_ALG_AES_XTS || algorithm == CM_ALG_AES_CBC_CS3) size += 16;
    const bool aead =
        algorithm == CM_ALG_AES_GCM || algorithm == CM_ALG_AES_CCM || algorithm == CM_ALG_CHACHA20_POLY1305;
    const size_t iv_size = aead ? 12 : algorithm == CM_ALG_AES_ECB ? 0 : 16;
    return {algorithm,
            key,
            random_bytes(rng_, iv_size),
            random_bytes(rng_, rng_() % 40),
            random_bytes(rng_, size),
            Bytes(size),
            Bytes(algorithm == CM_ALG_HMAC_SHA256 ? 32 : 16)};
  }
  std::vector<Message> random_messages(const std::vector<uint32_t>& algorithms, size_t count) {
    std::vector<Message> all;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t algorithm = algorithms[rng_() % algorithms.size()];
      // Some jobs share a key.
      const bool shared = !all.empty() && all.back().algorithm == algorithm && rng_() % 2 == 0;
      all.push_back(random_message(algorithm, shared ? all.back().key : random_key(algorithm)));
    }
    return all;
  }
  void TearDown() override {
    drop_keys();
    Operational::TearDown();
  }
  void drop_keys() {
    for (const cm_key key : keys_) EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
    keys_.clear();
  }

  std::mt19937_64 rng_{64};
  std::vector<cm_key> keys_;
};

cm_aead_job aead_job(Message& m, uint32_t flags) {
  return {m.key,        m.out.data(), m.out.size(), m.iv.data(), m.iv.size(), m.tag.data(), m.tag.size(),
          m.aad.data(), m.aad.size(), m.in.data(),  m.in.size(), flags,       12345};
}
cm_cipher_job cipher_job(Message& m, uint32_t direction) {
  return {m.key, m.iv.data(), m.iv.size(), m.out.data(), m.out.size(), m.in.data(), m.in.size(), direction, 12345};
}
cm_mac_job mac_job(Message& m, uint32_t operation) {
  return {m.key, m.tag.data(), m.tag.size(), m.in.data(), m.in.size(), operation, 12345};
}

constexpr size_t kCounts[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130};

TEST_F(Batch, of_aead_gives_what_single_calls_give) {
  for (const size_t count : kCounts) {
    auto messages = random_messages({CM_ALG_AES_GCM, CM_ALG_AES_CCM, CM_ALG_AES_CCM, CM_ALG_CHACHA20_POLY1305}, count);
    auto single = messages;
    std::vector<cm_aead_job> jobs;
    for (Message& m : messages) jobs.push_back(aead_job(m, CM_JOB_CALLER_IV));
    const cm_rc rc = cm_aead_seal_batch(session_, jobs.data(), count);
    cm_rc first_reason = CM_OK;
    for (size_t i = 0; i < count; ++i) {
      Message& s = single[i];
      const cm_rc expected =
          cm_aead_seal_caller_iv(session_, s.key, s.out.data(), s.out.size(), s.iv.data(), 12, s.tag.data(), 16,
                                 s.aad.data(), s.aad.size(), s.in.data(), s.in.size());
      ASSERT_EQ(jobs[i].result, expected) << i;
      ASSERT_EQ(messages[i].out, s.out) << i << " of " << count;
      ASSERT_EQ(messages[i].tag, s.tag) << i << " of " << count;
      if (first_reason == CM_OK) first_reason = expected;
    }
    EXPECT_EQ(rc, first_reason);
    // Back in place.
    for (size_t i = 0; i < count; ++i) {
      jobs[i].in = jobs[i].out;
      jobs[i].flags = 0;
    }
    EXPECT_TRUE(CM_SUCCEEDED(cm_aead_open_batch(session_, jobs.data(), count)));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(messages[i].out, messages[i].in) << i << " of " << count;
    drop_keys();
  }
}

TEST_F(Batch, makes_ivs_that_open) {
  for (const uint32_t regime : {CM_IV_RANDOM, CM_IV_COUNTER}) {
    auto messages = random_messages({CM_ALG_AES_GCM, CM_ALG_AES_CCM}, 70);
    std::vector<cm_aead_job> jobs;
    std::set<Bytes> ivs;
    for (Message& m : messages) {
      cm_key_params params = key_params(m.algorithm, 256);
      params.iv_regime = regime;
      ASSERT_EQ(cm_key_generate(session_, &m.key, &params), CM_OK);
      keys_.push_back(m.key);
      m.iv.assign(12, 0);
      jobs.push_back(aead_job(m, 0));
    }
    jobs[69].key = jobs[0].key = jobs[1].key;
    jobs[0].in_size = jobs[69].in_size = 0;
    ASSERT_EQ(cm_aead_seal_batch(session_, jobs.data(), jobs.size()), CM_OK);
    EXPECT_NE(messages[0].iv, messages[1].iv);
    EXPECT_NE(messages[69].iv, messages[1].iv);
    for (cm_aead_job& job : jobs) job.in = job.out;
    ASSERT_EQ(cm_aead_open_batch(session_, jobs.data(), jobs.size()), CM_OK);
    for (size_t i = 1; i < 69; ++i) ASSERT_EQ(messages[i].out, messages[i].in) << i;
    drop_keys();
  }
}

TEST_F(Batch, of_ciphers_gives_what_single_calls_give) {
  for (const size_t count : kCounts)
    for (const uint32_t direction : {CM_ENCRYPT, CM_DECRYPT}) {
      auto messages = random_messages({CM_ALG_AES_CBC, CM_ALG_AES_CBC, CM_ALG_AES_CTR, CM_ALG_AES_XTS, CM_ALG_AES_ECB,
                                       CM_ALG_AES_CBC_CS3, CM_ALG_AES_CFB128},
                                      count);
      auto single = messages;
      std::vector<cm_cipher_job> jobs;
      for (Message& m : messages) jobs.push_back(cipher_job(m, direction));
      ASSERT_EQ(cm_cipher_batch(session_, jobs.data(), count), CM_OK);
      const auto crypt = direction == CM_ENCRYPT ? cm_cipher_encrypt : cm_cipher_decrypt;
      for (size_t i = 0; i < count; ++i) {
        Message& s = single[i];
        ASSERT_EQ(jobs[i].result, CM_OK);
        ASSERT_EQ(
            crypt(session_, s.key, s.iv.data(), s.iv.size(), s.out.data(), s.out.size(), s.in.data(), s.in.size()),
            CM_OK);
        ASSERT_EQ(messages[i].out, s.out) << i << " of " << count << ", algorithm " << s.algorithm;
        ASSERT_EQ(messages[i].iv, s.iv) << "the caller's IV is read only";
      }
      drop_keys();
    }
}

TEST_F(Batch, of_macs_gives_what_single_calls_give) {
  for (const size_t count : kCounts) {
    auto messages = random_messages({CM_ALG_AES_CMAC, CM_ALG_AES_CMAC, CM_ALG_HMAC_SHA256}, count);
    std::vector<cm_mac_job> jobs;
    for (Message& m : messages) {
      m.tag.resize(8 + rng_() % 9);
      jobs.push_back(mac_job(m, CM_MAC_COMPUTE));
    }
    ASSERT_EQ(cm_mac_batch(session_, jobs.data(), count), CM_OK);
    for (size_t i = 0; i < count; ++i) {
      Message& m = messages[i];
      ASSERT_EQ(cm_mac_verify(session_, m.key, m.tag.data(), m.tag.size(), m.in.data(), m.in.size()), CM_OK) << i;
      jobs[i].operation = CM_MAC_VERIFY;
    }
    EXPECT_EQ(cm_mac_batch(session_, jobs.data(), count), CM_OK);
    if (count != 0) {
      Message& wrong = messages[count / 2];
      wrong.tag.back() ^= 1;
      EXPECT_EQ(cm_mac_batch(session_, jobs.data(), count), CM_ERR_JOBS);
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(jobs[i].result, i == count / 2 ? CM_ERR_AUTH : CM_OK) << i;
    }
    drop_keys();
  }
}

TEST_F(Batch, a_bad_job_harms_no_other) {
  auto messages = random_messages({CM_ALG_AES_CCM}, 20);
  std::vector<cm_aead_job> jobs;
  for (Message& m : messages) {
    m.in.assign(64, 0x33);
    m.out.assign(64, 0xee);
    jobs.push_back(aead_job(m, CM_JOB_CALLER_IV));
  }
  jobs[3].key = cm_key{0};
  jobs[5].tag_size = 5;
  jobs[7].out_capacity = 63;
  jobs[9].iv_size = 14;
  jobs[11].flags = 2;
  jobs[13].in = nullptr;
  jobs[15].tag = messages[15].out.data() + 8;
  EXPECT_EQ(cm_aead_seal_batch(session_, jobs.data(), jobs.size()), CM_ERR_JOBS);
  const std::pair<size_t, cm_rc> bad[] = {{3, CM_ERR_HANDLE},  {5, CM_ERR_LENGTH},    {7, CM_ERR_BUFFER_TOO_SMALL},
                                          {9, CM_ERR_LENGTH},  {11, CM_ERR_ARGUMENT}, {13, CM_ERR_NULL},
                                          {15, CM_ERR_OVERLAP}};
  size_t next = 0;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (next < std::size(bad) && bad[next].first == i) {
      EXPECT_EQ(jobs[i].result, bad[next].second) << i;
      EXPECT_EQ(messages[i].out, Bytes(64, i == 3 ? 0 : 0xee)) << i;
      ++next;
    } else {
      EXPECT_EQ(jobs[i].result, CM_OK) << i;
      EXPECT_NE(messages[i].out, Bytes(64, 0xee)) << i;
    }
  }
  // To open: one forged tag.
  auto good = random_messages({CM_ALG_AES_CCM, CM_ALG_AES_GCM}, 20);
  jobs.clear();
  for (Message& m : good) jobs.push_back(aead_job(m, CM_JOB_CALLER_IV));
  ASSERT_TRUE(CM_SUCCEEDED(cm_aead_seal_batch(session_, jobs.data(), jobs.size())));
  for (cm_aead_job& job : jobs) {
    job.in = job.out;
    job.flags = 0;
  }
  for (const size_t forged : {4, 5, 12}) good[forged].tag[0] ^= 1;
  jobs[17].flags = CM_JOB_CALLER_IV;
  EXPECT_EQ(cm_aead_open_batch(session_, jobs.data(), jobs.size()), CM_ERR_JOBS);
  for (size_t i = 0; i < jobs.size(); ++i) {
    const bool forged = i == 4 || i == 5 || i == 12;
    if (i == 17) {
      EXPECT_EQ(jobs[i].result, CM_ERR_ARGUMENT);
      continue;
    }
    EXPECT_EQ(jobs[i].result, forged ? CM_ERR_AUTH : CM_OK) << i;
    EXPECT_EQ(good[i].out, forged ? Bytes(good[i].in.size(), 0) : good[i].in) << i;
  }
}

TEST_F(Batch, refuses_arrays_that_cannot_be_worked) {
  auto messages = random_messages({CM_ALG_AES_CBC}, 2);
  std::vector<cm_cipher_job> jobs{cipher_job(messages[0], CM_ENCRYPT), cipher_job(messages[1], 3)};
  EXPECT_EQ(cm_cipher_batch(session_, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(cm_cipher_batch(session_, nullptr, 0), CM_OK);
  EXPECT_EQ(cm_cipher_batch(session_, jobs.data(), CM_BATCH_MAX + 1), CM_ERR_LENGTH);
  EXPECT_EQ(jobs[0].result, 12345) << "nothing was done";
  EXPECT_EQ(cm_cipher_batch(session_, jobs.data(), 2), CM_ERR_JOBS);
  EXPECT_EQ(jobs[0].result, CM_OK);
  EXPECT_EQ(jobs[1].result, CM_ERR_ARGUMENT);
  jobs[0].out = jobs.data();
  jobs[0].in_size = jobs[0].out_capacity = 16;
  jobs[1].direction = CM_ENCRYPT;
  EXPECT_EQ(cm_cipher_batch(session_, jobs.data(), 2), CM_ERR_JOBS);
  EXPECT_EQ(jobs[0].result, CM_ERR_OVERLAP) << "an output on the array";
  EXPECT_EQ(jobs[1].result, CM_OK);
}

// Every algorithm, one at a time, while other threads destroy keys that the batches use: a job succeeds or says that
// its key is gone, and nothing else happens.
TEST_F(Batch, keys_may_be_destroyed_meanwhile) {
  std::atomic<bool> end{false};
  std::atomic<uint64_t> shared{random_key(CM_ALG_AES_CBC).v};
  keys_.clear();  // the other thread destroys it
  std::thread destroyer([&] {
    cm_session session{};
    EXPECT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
    for (int i = 0; i < 300; ++i) {
      const cm_key_params params = key_params(CM_ALG_AES_CBC, 256);
      cm_key next{};
      EXPECT_EQ(cm_key_generate(session, &next, &params), CM_OK);
      EXPECT_EQ(cm_key_destroy(session, cm_key{shared.exchange(next.v)}), CM_OK);
    }
    EXPECT_EQ(cm_session_close(session), CM_OK);
    end = true;
  });
  const Bytes iv(16), in(1024, 1);
  uint64_t done = 0;
  while (!end) {
    std::vector<Bytes> outs(24, Bytes(1024, 0xee));
    std::vector<cm_cipher_job> jobs;
    for (Bytes& out : outs)
      jobs.push_back({cm_key{shared}, iv.data(), 16, out.data(), 1024, in.data(), 1024, CM_ENCRYPT, 0});
    const cm_rc rc = cm_cipher_batch(session_, jobs.data(), jobs.size());
    ASSERT_TRUE(rc == CM_OK || rc == CM_ERR_JOBS);
    for (size_t i = 0; i < jobs.size(); ++i) {
      done += jobs[i].result == CM_OK;
      ASSERT_TRUE(jobs[i].result == CM_OK || jobs[i].result == CM_ERR_HANDLE);
      if (i != 0 && jobs[i].key.v == jobs[i - 1].key.v && jobs[i].result == jobs[i - 1].result) {
        ASSERT_EQ(outs[i], outs[i - 1]) << "the same key gives the same";
      }
    }
  }
  destroyer.join();
  EXPECT_GT(done, 0U);
  keys_ = {cm_key{shared}};
}

}  // namespace
}  // namespace cm::test
