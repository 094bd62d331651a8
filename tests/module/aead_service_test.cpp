// SPDX-License-Identifier: Apache-2.0
// cm_aead_*: every rule of cryptomod.h on buffers, lengths, IVs and handles.
#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

class Aead : public Operational {
 protected:
  struct Sealed {
    std::vector<uint8_t> text;
    uint8_t iv[12];
    uint8_t tag[16];
  };
  Sealed seal(cm_key key, const std::vector<uint8_t>& plain, const std::vector<uint8_t>& aad) {
    Sealed s{std::vector<uint8_t>(plain.size()), {}, {}};
    EXPECT_EQ(cm_aead_seal(session_, key, s.text.data(), s.text.size(), s.iv, 12, s.tag, 16, aad.data(), aad.size(),
                           plain.data(), plain.size()),
              CM_OK);
    return s;
  }
  cm_rc open(cm_key key, const Sealed& s, const std::vector<uint8_t>& aad, std::vector<uint8_t>* plain) {
    plain->assign(s.text.size(), 0xee);
    return cm_aead_open(session_, key, plain->data(), plain->size(), s.iv, 12, s.tag, 16, aad.data(), aad.size(),
                        s.text.data(), s.text.size());
  }
};

// libcrypto's answer to the same question.
std::vector<uint8_t> oracle_seal(const std::vector<uint8_t>& key, const uint8_t* iv, const std::vector<uint8_t>& aad,
                                 const std::vector<uint8_t>& plain, uint8_t* tag) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_gcm()
                             : key.size() == 24 ? EVP_aes_192_gcm()
                                                : EVP_aes_256_gcm();
  std::vector<uint8_t> out(plain.size() + 16);
  int n = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(ctx.get(), cipher, nullptr, key.data(), iv), 1);
  if (!aad.empty()) {
    EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), nullptr, &n, aad.data(), static_cast<int>(aad.size())), 1);
  }
  EXPECT_EQ(EVP_EncryptUpdate(ctx.get(), out.data(), &n, plain.data(), static_cast<int>(plain.size())), 1);
  EXPECT_EQ(EVP_EncryptFinal_ex(ctx.get(), out.data() + n, &n), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_GCM_GET_TAG, 16, tag), 1);
  out.resize(plain.size());
  return out;
}

TEST_F(Aead, seals_what_libcrypto_seals_and_opens_it) {
  for (const size_t key_size : {16, 24, 32}) {
    const auto raw = pattern(key_size, 3);
    const cm_key key = import_gcm(session_, raw);
    for (const size_t size : {0, 1, 15, 16, 17, 64, 1000, 16384}) {
      const auto plain = pattern(size, 9);
      const auto aad = pattern(size % 31, 4);
      const Sealed s = seal(key, plain, aad);
      uint8_t tag[16];
      EXPECT_EQ(oracle_seal(raw, s.iv, aad, plain, tag), s.text);
      EXPECT_EQ(std::memcmp(tag, s.tag, 16), 0);
      std::vector<uint8_t> opened;
      EXPECT_EQ(open(key, s, aad, &opened), CM_OK);
      EXPECT_EQ(opened, plain);
    }
    EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  }
}

TEST_F(Aead, works_in_place) {
  const cm_key key = import_gcm(session_, pattern(32));
  const auto plain = pattern(333);
  auto buffer = plain;
  uint8_t iv[12], tag[16];
  ASSERT_EQ(cm_aead_seal(session_, key, buffer.data(), 333, iv, 12, tag, 16, nullptr, 0, buffer.data(), 333), CM_OK);
  EXPECT_NE(buffer, plain);
  ASSERT_EQ(cm_aead_open(session_, key, buffer.data(), 333, iv, 12, tag, 16, nullptr, 0, buffer.data(), 333), CM_OK);
  EXPECT_EQ(buffer, plain);
}

TEST_F(Aead, refuses_every_wrong_bit_and_zeroes_the_output) {
  const cm_key key = import_gcm(session_, pattern(16));
  const auto aad = pattern(5);
  const Sealed good = seal(key, pattern(20), aad);
  std::vector<uint8_t> out;
  for (size_t bit = 0; bit < (20 + 12 + 16) * 8; ++bit) {
    Sealed bad = good;
    const size_t byte = bit / 8;
    uint8_t* target = byte < 20 ? &bad.text[byte] : byte < 32 ? &bad.iv[byte - 20] : &bad.tag[byte - 32];
    *target = static_cast<uint8_t>(*target ^ 1u << bit % 8);
    ASSERT_EQ(open(key, bad, aad, &out), CM_ERR_AUTH) << bit;
    ASSERT_EQ(out, std::vector<uint8_t>(20, 0)) << bit;
  }
  EXPECT_EQ(open(key, good, pattern(6), &out), CM_ERR_AUTH);
  EXPECT_EQ(open(key, good, aad, &out), CM_OK);
}

TEST_F(Aead, takes_tags_of_12_to_16_bytes_only) {
  const cm_key key = import_gcm(session_, pattern(32));
  const auto plain = pattern(40);
  for (size_t size = 0; size <= 17; ++size) {
    uint8_t iv[12], tag[17];
    std::vector<uint8_t> out(40);
    const cm_rc rc = cm_aead_seal(session_, key, out.data(), 40, iv, 12, tag, size, nullptr, 0, plain.data(), 40);
    ASSERT_EQ(rc, size >= 12 && size <= 16 ? CM_OK : CM_ERR_LENGTH) << size;
    if (rc != CM_OK) continue;
    std::vector<uint8_t> back(40);
    EXPECT_EQ(cm_aead_open(session_, key, back.data(), 40, iv, 12, tag, size, nullptr, 0, out.data(), 40), CM_OK);
    EXPECT_EQ(back, plain);
  }
}

TEST_F(Aead, defines_what_null_and_small_and_overlapping_buffers_do) {
  const cm_key key = import_gcm(session_, pattern(32));
  std::vector<uint8_t> buffer = pattern(128);
  const auto before = buffer;
  uint8_t* b = buffer.data();
  uint8_t iv[12], tag[16];
  const struct {
    const char* what;
    cm_rc rc;
    cm_rc expected;
  } cases[] = {
      {"no out", cm_aead_seal(session_, key, nullptr, 16, iv, 12, tag, 16, nullptr, 0, b, 16), CM_ERR_NULL},
      {"no in", cm_aead_seal(session_, key, b, 16, iv, 12, tag, 16, nullptr, 0, nullptr, 16), CM_ERR_NULL},
      {"no aad", cm_aead_seal(session_, key, b, 16, iv, 12, tag, 16, nullptr, 1, b, 16), CM_ERR_NULL},
      {"no iv", cm_aead_seal(session_, key, b, 16, nullptr, 12, tag, 16, nullptr, 0, b, 16), CM_ERR_NULL},
      {"no tag", cm_aead_seal(session_, key, b, 16, iv, 12, nullptr, 16, nullptr, 0, b, 16), CM_ERR_NULL},
      {"small out", cm_aead_seal(session_, key, b + 64, 15, iv, 12, tag, 16, nullptr, 0, b, 16),
       CM_ERR_BUFFER_TOO_SMALL},
      {"small iv", cm_aead_seal(session_, key, b + 64, 16, iv, 11, tag, 16, nullptr, 0, b, 16),
       CM_ERR_BUFFER_TOO_SMALL},
      {"partial overlap", cm_aead_seal(session_, key, b + 1, 16, iv, 12, tag, 16, nullptr, 0, b, 16), CM_ERR_OVERLAP},
      {"out on aad", cm_aead_seal(session_, key, b, 16, iv, 12, tag, 16, b, 4, b + 64, 16), CM_ERR_OVERLAP},
      {"tag in out", cm_aead_seal(session_, key, b, 64, iv, 12, b + 32, 16, nullptr, 0, b + 64, 64), CM_ERR_OVERLAP},
      {"iv on tag", cm_aead_seal(session_, key, b, 16, b + 32, 12, b + 40, 16, nullptr, 0, b + 64, 16), CM_ERR_OVERLAP},
      {"iv in text", cm_aead_seal(session_, key, b, 16, b + 64, 12, tag, 16, nullptr, 0, b + 64, 16), CM_ERR_OVERLAP},
      {"too long", cm_aead_seal(session_, key, b, SIZE_MAX, iv, 12, tag, 16, nullptr, 0, b, SIZE_MAX), CM_ERR_LENGTH},
      {"above 2^36-32",
       cm_aead_seal(session_, key, b, SIZE_MAX, iv, 12, tag, 16, nullptr, 0, b, (uint64_t{1} << 36) - 31),
       CM_ERR_LENGTH},
      {"aad wraps", cm_aead_seal(session_, key, b, 16, iv, 12, tag, 16, b, SIZE_MAX / 2, b, 16), CM_ERR_LENGTH},
      {"open: small out", cm_aead_open(session_, key, b + 64, 15, iv, 12, tag, 16, nullptr, 0, b, 16),
       CM_ERR_BUFFER_TOO_SMALL},
      {"open: no iv bytes", cm_aead_open(session_, key, b + 64, 16, iv, 0, tag, 16, nullptr, 0, b, 16), CM_ERR_LENGTH},
      {"open: out on tag", cm_aead_open(session_, key, b, 16, iv, 12, b + 8, 16, nullptr, 0, b + 64, 16),
       CM_ERR_OVERLAP},
  };
  for (const auto& c : cases) EXPECT_EQ(c.rc, c.expected) << c.what;
  EXPECT_EQ(buffer, before) << "a refused call writes nothing";
}

TEST_F(Aead, leaves_the_rest_of_a_large_buffer_alone) {
  const cm_key key = import_gcm(session_, pattern(32));
  std::vector<uint8_t> out(64, 0xaa);
  uint8_t iv[14], tag[16];
  std::memset(iv, 0xaa, sizeof iv);
  const auto plain = pattern(10);
  ASSERT_EQ(cm_aead_seal(session_, key, out.data(), 64, iv, 14, tag, 16, nullptr, 0, plain.data(), 10), CM_OK);
  EXPECT_EQ(std::vector<uint8_t>(out.begin() + 10, out.end()), std::vector<uint8_t>(54, 0xaa));
  EXPECT_EQ(iv[12], 0xaa);
}

TEST_F(Aead, random_ivs_differ_and_are_counted) {
  const cm_key key = generate_gcm(session_, CM_IV_RANDOM);
  std::set<std::vector<uint8_t>> ivs;
  for (int i = 0; i < 500; ++i) {
    const Sealed s = seal(key, {}, {});
    ivs.insert(std::vector<uint8_t>(s.iv, s.iv + 12));
  }
  EXPECT_EQ(ivs.size(), 500U);
  cm_key_attributes info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(cm_key_info(session_, key, &info), CM_OK);
  EXPECT_EQ(info.seals, 500U);
}

TEST_F(Aead, counter_ivs_are_name_and_consecutive_numbers) {
  const cm_key key = generate_gcm(session_, CM_IV_COUNTER);
  for (uint8_t i = 0; i < 20; ++i) {
    const Sealed s = seal(key, pattern(3), {});
    const uint8_t expected[12] = {'n', 'o', 'd', 'e', 0, 0, 0, 0, 0, 0, 0, i};
    EXPECT_EQ(std::memcmp(s.iv, expected, 12), 0);
  }
}

// More keys than a thread has leases, more seals than a lease has counters, threads that end and others that follow.
TEST_F(Aead, counter_ivs_never_repeat_over_keys_and_threads) {
  constexpr size_t kKeys = 9, kThreads = 4, kRounds = 150;
  std::vector<cm_key> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back(generate_gcm(session_, CM_IV_COUNTER));
  std::vector<std::set<std::vector<uint8_t>>> ivs(kKeys);
  std::mutex mutex;
  const auto work = [&] {
    for (size_t round = 0; round < kRounds; ++round)
      for (size_t i = 0; i < kKeys; ++i) {
        const Sealed s = seal(keys[i], {}, {});
        const std::lock_guard guard(mutex);
        EXPECT_TRUE(ivs[i].insert(std::vector<uint8_t>(s.iv, s.iv + 12)).second) << "key " << i;
      }
  };
  for (int generation = 0; generation < 2; ++generation) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreads; ++i) threads.emplace_back(work);
    for (std::thread& t : threads) t.join();
  }
  for (size_t i = 0; i < kKeys; ++i) {
    cm_key_attributes info{};
    info.struct_size = sizeof info;
    ASSERT_EQ(cm_key_info(session_, keys[i], &info), CM_OK);
    EXPECT_GE(info.seals, ivs[i].size());
    EXPECT_EQ(ivs[i].size(), 2 * kThreads * kRounds);
  }
}

TEST_F(Aead, counter_seals_of_one_key_are_counted_exactly) {
  const cm_key key = generate_gcm(session_, CM_IV_COUNTER);
  for (int i = 0; i < 100; ++i) seal(key, {}, {});
  cm_key_attributes info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(cm_key_info(session_, key, &info), CM_OK);
  EXPECT_EQ(info.seals, 100U);
}

TEST_F(Aead, counter_ivs_are_only_for_keys_that_have_no_copy) {
  cm_key_params params = key_params(CM_ALG_AES_GCM, 256);
  params.iv_regime = CM_IV_COUNTER;
  cm_key key{};
  const auto raw = pattern(32);
  EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), 32), CM_ERR_ARGUMENT);
  params.flags = CM_KEY_EXPORTABLE;
  EXPECT_EQ(cm_key_generate(session_, &key, &params), CM_ERR_ARGUMENT);
  EXPECT_EQ(key.v, 0U);
  const cm_key counter = generate_gcm(session_, CM_IV_COUNTER);
  uint8_t iv[12] = {}, tag[16], byte = 0;
  EXPECT_EQ(cm_aead_seal_caller_iv(session_, counter, &byte, 1, iv, 12, tag, 16, nullptr, 0, &byte, 1), CM_ERR_USAGE);
}

TEST_F(Aead, callers_iv_works_and_is_never_approved) {
  const auto raw = pattern(32);
  const cm_key key = import_gcm(session_, raw);
  const auto plain = pattern(77);
  const auto iv = pattern(12, 8);
  std::vector<uint8_t> out(77);
  uint8_t tag[16], expected_tag[16];
  EXPECT_EQ(cm_aead_seal_caller_iv(session_, key, out.data(), 77, iv.data(), 12, tag, 16, nullptr, 0, plain.data(), 77),
            CM_NOT_APPROVED_CALLER_IV);
  EXPECT_EQ(out, oracle_seal(raw, iv.data(), {}, plain, expected_tag));
  EXPECT_EQ(std::memcmp(tag, expected_tag, 16), 0);
  EXPECT_EQ(cm_aead_seal_caller_iv(session_, key, out.data(), 77, iv.data(), 0, tag, 16, nullptr, 0, plain.data(), 77),
            CM_ERR_LENGTH);
  EXPECT_EQ(
      cm_aead_seal_caller_iv(session_, key, out.data(), 77, plain.data(), 65, tag, 16, nullptr, 0, plain.data(), 77),
      CM_ERR_LENGTH);
}

// SP 800-38D 8.3 limits the invocations with one key, whoever chooses the IV.
TEST_F(Aead, callers_iv_counts_as_a_seal) {
  const cm_key key = generate_gcm(session_, CM_IV_RANDOM);
  uint8_t iv[12] = {}, tag[16], byte = 0;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(cm_aead_seal_caller_iv(session_, key, &byte, 1, iv, 12, tag, 16, nullptr, 0, &byte, 1),
              CM_NOT_APPROVED_CALLER_IV);
  EXPECT_EQ(cm_aead_seal(session_, key, &byte, 1, iv, 12, tag, 16, nullptr, 0, &byte, 1), CM_OK);
  cm_key_attributes info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(cm_key_info(session_, key, &info), CM_OK);
  EXPECT_EQ(info.seals, 4U);
}

TEST_F(Aead, keys_serve_only_their_usage) {
  cm_key_params params = key_params(CM_ALG_AES_GCM);
  params.usage = CM_USE_OPEN;
  cm_key key{};
  const auto raw = pattern(32);
  ASSERT_EQ(cm_key_import(session_, &key, &params, raw.data(), 32), CM_OK);
  uint8_t iv[12], tag[16];
  std::vector<uint8_t> out(8, 0xee);
  EXPECT_EQ(cm_aead_seal(session_, key, out.data(), 8, iv, 12, tag, 16, nullptr, 0, raw.data(), 8), CM_ERR_USAGE);
  EXPECT_EQ(out, std::vector<uint8_t>(8, 0)) << "a failing call zeroes what it was asked to write";
  const cm_key mac = import_hmac(session_, raw);
  EXPECT_EQ(cm_aead_seal(session_, mac, out.data(), 8, iv, 12, tag, 16, nullptr, 0, raw.data(), 8), CM_ERR_USAGE);
}

}  // namespace
}  // namespace cm::test
