// SPDX-License-Identifier: Apache-2.0
// cm_hash_*, cm_mac_*, cm_random_bytes: results against libcrypto, states and misuse of contexts.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <cstring>
#include <set>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

using Hash = Operational;
using Hmac = Operational;
using Random = Operational;

std::vector<uint8_t> oracle_sha256(const std::vector<uint8_t>& in) {
  std::vector<uint8_t> out(32);
  EXPECT_EQ(EVP_Digest(in.data(), in.size(), out.data(), nullptr, EVP_sha256(), nullptr), 1);
  return out;
}

std::vector<uint8_t> oracle_hmac(const std::vector<uint8_t>& key, const std::vector<uint8_t>& in) {
  std::vector<uint8_t> out(32);
  unsigned n = 32;
  EXPECT_NE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), in.data(), in.size(), out.data(), &n),
            nullptr);
  return out;
}

TEST_F(Hash, one_shot_and_any_split_agree_with_libcrypto) {
  for (const size_t size : {0, 1, 55, 56, 63, 64, 65, 1000}) {
    const auto in = pattern(size);
    std::vector<uint8_t> digest(32);
    ASSERT_EQ(cm_hash_compute(session_, CM_HASH_SHA256, digest.data(), 32, in.data(), size), CM_OK);
    EXPECT_EQ(digest, oracle_sha256(in));
    cm_hash hash{};
    ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
    for (size_t at = 0; at < size; at += 37) {
      const size_t piece = std::min<size_t>(37, size - at);
      ASSERT_EQ(cm_hash_update(session_, hash, in.data() + at, piece), CM_OK);
    }
    std::vector<uint8_t> streamed(32);
    ASSERT_EQ(cm_hash_final(session_, hash, streamed.data(), 32), CM_OK);
    EXPECT_EQ(streamed, digest);
  }
}

TEST_F(Hash, contexts_refuse_misuse) {
  uint8_t digest[32] = {1};
  cm_hash hash{};
  EXPECT_EQ(cm_hash_init(session_, &hash, 99), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_init(session_, nullptr, CM_HASH_SHA256), CM_ERR_NULL);
  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  EXPECT_EQ(cm_hash_update(session_, hash, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(cm_hash_final(session_, hash, digest, 31), CM_ERR_BUFFER_TOO_SMALL);
  EXPECT_EQ(digest[0], 1);
  EXPECT_EQ(cm_hash_final(session_, hash, nullptr, 32), CM_ERR_NULL);
  EXPECT_EQ(cm_hash_final(session_, hash, digest, 32), CM_OK);
  EXPECT_EQ(cm_hash_update(session_, hash, digest, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_hash_final(session_, hash, digest, 32), CM_ERR_HANDLE);
  EXPECT_EQ(std::vector<uint8_t>(digest, digest + 32), std::vector<uint8_t>(32, 0));
  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  EXPECT_EQ(cm_hash_free(session_, hash), CM_OK);
  EXPECT_EQ(cm_hash_free(session_, hash), CM_ERR_HANDLE);
  EXPECT_EQ(cm_mac_update(session_, cm_mac{hash.v}, digest, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_hash_compute(session_, 99, digest, 32, nullptr, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_compute(session_, CM_HASH_SHA256, digest, 32, digest + 1, 8), CM_ERR_OVERLAP);
}

TEST_F(Hash, a_context_serves_one_thread_at_a_time) {
  cm_hash hash{};
  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  const auto big = pattern(4 << 20);
  std::atomic<int> busy{0}, ok{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, session = session_] {
      for (int i = 0; i < 20; ++i) {
        const cm_rc rc = cm_hash_update(session, hash, big.data(), big.size());
        if (rc == CM_OK) ++ok;
        if (rc == CM_ERR_BUSY) ++busy;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ok + busy, 40) << "no other result";
  EXPECT_EQ(cm_hash_free(session_, hash), CM_OK);
}

TEST_F(Hash, refuses_lengths_that_sha256_cannot_take) {
  constexpr size_t kTooLong = size_t{1} << 61;
  uint8_t digest[32] = {};
  const auto in = pattern(1);
  EXPECT_EQ(cm_hash_compute(session_, CM_HASH_SHA256, digest, 32, in.data(), kTooLong), CM_ERR_LENGTH);
  cm_hash hash{};
  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  EXPECT_EQ(cm_hash_update(session_, hash, in.data(), kTooLong), CM_ERR_LENGTH);
  ASSERT_EQ(cm_hash_update(session_, hash, in.data(), 1), CM_OK);
  EXPECT_EQ(cm_hash_update(session_, hash, in.data(), kTooLong - 1), CM_ERR_LENGTH) << "with what was taken before";
  ASSERT_EQ(cm_hash_final(session_, hash, digest, 32), CM_OK);
  EXPECT_EQ(std::vector<uint8_t>(digest, digest + 32), oracle_sha256(in)) << "a refused piece leaves the context alone";
}

// A context is used, ended and made again while other threads call with the handles it had before.
TEST_F(Hash, stale_handles_do_not_disturb_the_next_owner_of_a_slot) {
  std::atomic<uint64_t> stale{0};
  std::atomic<bool> end{false};
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t)
    others.emplace_back([&, session = session_] {
      uint8_t byte = 0;
      while (!end) {
        const cm_rc rc = cm_hash_update(session, cm_hash{stale}, &byte, 0);
        EXPECT_TRUE(rc == CM_OK || rc == CM_ERR_HANDLE || rc == CM_ERR_BUSY) << rc;
      }
    });
  const auto in = pattern(100);
  const auto expected = oracle_sha256(in);
  // A free slot is claimed lowest first, so the same one comes back each time.
  int wrong = 0;
  for (int i = 0; i < 3000; ++i) {
    cm_hash hash{};
    wrong += cm_hash_init(session_, &hash, CM_HASH_SHA256) != CM_OK;
    wrong += cm_hash_update(session_, hash, in.data(), 50) != CM_OK;
    wrong += cm_hash_update(session_, hash, in.data() + 50, 50) != CM_OK;
    std::vector<uint8_t> digest(32);
    stale = hash.v;
    cm_rc rc = CM_ERR_BUSY;  // now another thread may have it for the length of a call
    while (rc == CM_ERR_BUSY) rc = cm_hash_final(session_, hash, digest.data(), 32);
    wrong += rc != CM_OK || digest != expected;
  }
  end = true;
  for (auto& other : others) other.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Hmac, refuses_lengths_that_sha256_cannot_take) {
  constexpr size_t kTooLong = (size_t{1} << 61) - 64;  // with the block of the key
  const cm_key key = import_hmac(session_, pattern(32));
  uint8_t mac[32] = {};
  const auto in = pattern(1);
  EXPECT_EQ(cm_mac_compute(session_, key, mac, 32, in.data(), kTooLong), CM_ERR_LENGTH);
  EXPECT_EQ(cm_mac_verify(session_, key, mac, 32, in.data(), kTooLong), CM_ERR_LENGTH);
  cm_mac hmac{};
  ASSERT_EQ(cm_mac_init(session_, &hmac, key), CM_OK);
  EXPECT_EQ(cm_mac_update(session_, hmac, in.data(), kTooLong), CM_ERR_LENGTH);
  EXPECT_EQ(cm_mac_free(session_, hmac), CM_OK);
}

TEST_F(Hmac, contexts_end_with_their_key) {
  const cm_key key = import_hmac(session_, pattern(32));
  const cm_key other = import_hmac(session_, pattern(32, 9));
  cm_mac ends{}, stays{};
  ASSERT_EQ(cm_mac_init(session_, &ends, key), CM_OK);
  ASSERT_EQ(cm_mac_init(session_, &stays, other), CM_OK);
  ASSERT_EQ(cm_key_destroy(session_, key), CM_OK);
  uint8_t mac[32];
  EXPECT_EQ(cm_mac_update(session_, ends, mac, 1), CM_ERR_HANDLE);
  EXPECT_EQ(cm_mac_final(session_, ends, mac, 32), CM_ERR_HANDLE);
  EXPECT_EQ(cm_mac_final(session_, stays, mac, 32), CM_OK);
  EXPECT_EQ(std::vector<uint8_t>(mac, mac + 32), oracle_hmac(pattern(32, 9), {}));
}

TEST_F(Hmac, computes_streams_truncates_and_verifies) {
  const auto raw = pattern(32, 6);
  const cm_key key = import_hmac(session_, raw);
  for (const size_t size : {0, 1, 64, 200}) {
    const auto in = pattern(size);
    const auto expected = oracle_hmac(raw, in);
    for (const size_t mac_size : {4, 16, 32}) {
      std::vector<uint8_t> mac(mac_size);
      ASSERT_EQ(cm_mac_compute(session_, key, mac.data(), mac_size, in.data(), size), CM_OK);
      EXPECT_TRUE(std::equal(mac.begin(), mac.end(), expected.begin()));
      EXPECT_EQ(cm_mac_verify(session_, key, mac.data(), mac_size, in.data(), size), CM_OK);
      mac[mac_size - 1] ^= 1;
      EXPECT_EQ(cm_mac_verify(session_, key, mac.data(), mac_size, in.data(), size), CM_ERR_AUTH);
    }
    cm_mac hmac{};
    ASSERT_EQ(cm_mac_init(session_, &hmac, key), CM_OK);
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(cm_mac_update(session_, hmac, in.data() + i, 1), CM_OK);
    std::vector<uint8_t> mac(32);
    ASSERT_EQ(cm_mac_final(session_, hmac, mac.data(), 32), CM_OK);
    EXPECT_EQ(mac, expected);
  }
}

TEST_F(Hmac, refuses_sizes_and_keys_that_do_not_fit) {
  const cm_key key = import_hmac(session_, pattern(32));
  uint8_t mac[33] = {};
  EXPECT_EQ(cm_mac_compute(session_, key, mac, 3, nullptr, 0), CM_ERR_LENGTH);
  EXPECT_EQ(cm_mac_compute(session_, key, mac, 33, nullptr, 0), CM_ERR_LENGTH);
  EXPECT_EQ(cm_mac_compute(session_, key, nullptr, 32, nullptr, 0), CM_ERR_NULL);
  EXPECT_EQ(cm_mac_verify(session_, key, mac, 3, nullptr, 0), CM_ERR_LENGTH);
  const cm_key gcm = import_gcm(session_, pattern(32));
  EXPECT_EQ(cm_mac_compute(session_, gcm, mac, 32, nullptr, 0), CM_ERR_USAGE);
  cm_mac hmac{};
  EXPECT_EQ(cm_mac_init(session_, &hmac, gcm), CM_ERR_USAGE);
  EXPECT_EQ(hmac.v, 0U);
}

TEST_F(Hmac, keys_below_112_bits_are_not_approved) {
  const cm_key_params params = key_params(CM_ALG_HMAC_SHA256);
  cm_key key{};
  const auto raw = pattern(13);
  EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), 13), CM_NOT_APPROVED_SHORT_KEY);
  uint8_t mac[32];
  EXPECT_EQ(cm_mac_compute(session_, key, mac, 32, raw.data(), 13), CM_NOT_APPROVED_SHORT_KEY);
  EXPECT_EQ(std::vector<uint8_t>(mac, mac + 32), oracle_hmac(raw, raw));
  EXPECT_EQ(cm_mac_verify(session_, key, mac, 32, raw.data(), 13), CM_NOT_APPROVED_SHORT_KEY);
}

TEST_F(Random, fills_any_size_and_never_repeats) {
  std::set<std::vector<uint8_t>> seen;
  for (int i = 0; i < 200; ++i) {
    std::vector<uint8_t> out(16);
    ASSERT_EQ(cm_random_bytes(session_, out.data(), 16), CM_OK);
    EXPECT_TRUE(seen.insert(out).second);
  }
  std::vector<uint8_t> big(200'000, 0);
  ASSERT_EQ(cm_random_bytes(session_, big.data(), big.size()), CM_OK);
  size_t counts[256] = {};
  for (const uint8_t b : big) ++counts[b];
  for (const size_t c : counts) EXPECT_NEAR(static_cast<double>(c), 781.25, 250) << "far from uniform";
  EXPECT_EQ(cm_random_bytes(session_, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(cm_random_bytes(session_, nullptr, 0), CM_OK);
}

TEST_F(Random, threads_draw_different_bytes) {
  std::vector<std::vector<uint8_t>> drawn(8, std::vector<uint8_t>(32));
  std::vector<std::thread> threads;
  for (auto& out : drawn)
    threads.emplace_back([&, session = session_] { EXPECT_EQ(cm_random_bytes(session, out.data(), 32), CM_OK); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::vector<uint8_t>>(drawn.begin(), drawn.end()).size(), 8U);
}

}  // namespace
}  // namespace cm::test
