// SPDX-License-Identifier: Apache-2.0
// seal_test.cpp: the chain of keys and the seals of audit/seal.h against libcrypto's AES-128-CTR and big numbers; what
// is erased.
#include "audit/seal.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "crypto/aes/aes_kernels.h"

namespace cm::audit::test {
namespace {

using Key = std::array<uint8_t, kSealSeedSize>;
using Words = std::array<uint64_t, kSealWords>;
using Bytes = std::vector<uint8_t>;

// oracle_keystream: blocks of libcrypto's AES-128-CTR.
Bytes oracle_keystream(const Key& key, uint32_t first_block, size_t blocks) {
  uint8_t iv[16] = {};
  for (int i = 0; i < 4; ++i) iv[15 - i] = static_cast<uint8_t>(first_block >> 8 * i);
  Bytes zero(16 * blocks), out(16 * blocks);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int n = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nullptr, key.data(), iv), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context, out.data(), &n, zero.data(), static_cast<int>(zero.size())), 1);
  EVP_CIPHER_CTX_free(context);
  return out;
}

Key as_key(const Bytes& bytes) {
  Key key;
  std::copy_n(bytes.begin(), key.size(), key.begin());
  return key;
}

Key oracle_chain_key(const Key& seed, uint32_t ring, uint64_t epoch) {
  Key key = as_key(oracle_keystream(seed, ring, 1));
  for (uint64_t e = 0; e < epoch; ++e) key = as_key(oracle_keystream(key, 256, 1));
  return key;
}

Bytes oracle_record_key(const Key& seed, uint32_t ring, uint64_t record) {
  return oracle_keystream(oracle_chain_key(seed, ring, record / 32), static_cast<uint32_t>(8 * (record % 32)), 8);
}

// oracle_seal: (k0 + k1 w1 + ... + k7 w7 mod 2^128) >> 64.
uint64_t oracle_seal(const Key& seed, uint32_t ring, uint64_t record, const Words& words) {
  const Bytes key = oracle_record_key(seed, ring, record);
  BN_CTX* context = BN_CTX_new();
  BIGNUM *sum = BN_lebin2bn(key.data(), 16, nullptr), *factor = BN_new(), *word = BN_new(), *product = BN_new();
  for (size_t i = 0; i < words.size(); ++i) {
    BN_lebin2bn(key.data() + 16 * (i + 1), 16, factor);
    BN_lebin2bn(reinterpret_cast<const uint8_t*>(&words[i]), 8, word);
    BN_mul(product, factor, word, context);
    BN_add(sum, sum, product);
  }
  if (BN_num_bits(sum) > 128) BN_mask_bits(sum, 128);
  BN_rshift(sum, sum, 64);
  uint64_t seal = 0;
  EXPECT_EQ(BN_bn2lebinpad(sum, reinterpret_cast<uint8_t*>(&seal), 8), 8);
  for (BIGNUM* n : {sum, factor, word, product}) BN_free(n);
  BN_CTX_free(context);
  return seal;
}

std::vector<Lane> runnable() {
  std::vector<Lane> lanes;
  for (const KernelRow& row : kAesKernels)
    if ((cpu_features() & row.needs) == row.needs) lanes.push_back(row.lane);
  return lanes;
}

Key any_key() { return *rc::gen::container<Key>(rc::gen::resize(100, rc::gen::arbitrary<uint8_t>())); }
Words any_words() {
  // Words with all bits set carry the furthest.
  return *rc::gen::container<Words>(rc::gen::oneOf(rc::gen::arbitrary<uint64_t>(), rc::gen::just(~uint64_t{0})));
}

RC_GTEST_PROP(seal, each_lane_seals_as_libcrypto_would, ()) {
  const Key seed = any_key();
  const Words words = any_words();
  const auto ring = *rc::gen::inRange<uint32_t>(0, 1024);
  const auto record = *rc::gen::inRange<uint64_t>(0, 200);
  for (const Lane lane : runnable()) {
    SealChain chain;
    seal_start(chain, lane, seed.data(), ring);
    seal_skip(chain, record);
    RC_ASSERT(seal_of(chain, words.data()) == oracle_seal(seed, ring, record, words));
  }
}

RC_GTEST_PROP(seal, one_after_the_other_is_as_skipping_to_it, ()) {
  const Key seed = any_key();
  const Words words = any_words();
  const auto records = *rc::gen::inRange<uint64_t>(1, 150);
  SealChain chain;
  seal_start(chain, seal_lane(), seed.data(), 3);
  for (uint64_t i = 0; i < records; ++i) {
    SealChain there;
    seal_start(there, seal_lane(), seed.data(), 3);
    seal_skip(there, i);
    const uint64_t seal = seal_of(chain, words.data());
    RC_ASSERT(seal == seal_of(there, words.data()));
    RC_ASSERT(seal == seal_of(chain, words.data()));  // the key stays until the record is done
    seal_done(chain);
  }
}

RC_GTEST_PROP(seal, every_bit_of_a_record_counts, ()) {
  const Key seed = any_key();
  Words words = any_words();
  SealChain chain;
  seal_start(chain, seal_lane(), seed.data(), 0);
  const uint64_t right = seal_of(chain, words.data());
  for (size_t bit = 0; bit < 64 * kSealWords; ++bit) {
    words[bit / 64] ^= uint64_t{1} << bit % 64;
    RC_ASSERT(seal_of(chain, words.data()) != right);
    words[bit / 64] ^= uint64_t{1} << bit % 64;
  }
}

// Whoever reads a chain finds no key of a record before, and nothing it could be computed from.
RC_GTEST_PROP(seal, what_was_used_is_erased, ()) {
  Key seed = any_key();
  seed[0] = 1, seed[15] = 2;  // not what erased memory is
  const Words words = any_words();
  const auto records = *rc::gen::inRange<uint64_t>(1, 100);
  const bool skipped = *rc::gen::arbitrary<bool>();
  auto chain = std::make_unique<SealChain>();
  seal_start(*chain, seal_lane(), seed.data(), 7);
  if (skipped) seal_skip(*chain, records);
  for (uint64_t i = skipped ? records : 0; i < records; ++i) {
    static_cast<void>(seal_of(*chain, words.data()));
    seal_done(*chain);
  }
  const auto* begin = reinterpret_cast<const uint8_t*>(chain.get());
  const auto* end = begin + offsetof(SealChain, used);
  const auto is_there = [&](const uint8_t* secret) { return std::search(begin, end, secret, secret + 16) != end; };
  RC_ASSERT(!is_there(seed.data()));
  // The key of the epoch under way was erased when its records' keys were made; before the first record of an epoch the
  // chain holds it, as nothing of the epoch was sealed yet.
  for (uint64_t epoch = 0; epoch <= (records - 1) / kSealEpoch; ++epoch)
    RC_ASSERT(!is_there(oracle_chain_key(seed, 7, epoch).data()));
  for (uint64_t i = 0; i < records; ++i) {
    const Bytes key = oracle_record_key(seed, 7, i);
    for (size_t at = 0; at < key.size(); at += 16) RC_ASSERT(!is_there(key.data() + at));
  }
}

TEST(seal, the_fastest_lane_of_this_cpu_gives_the_known_answer) { EXPECT_EQ(seal_lane(), runnable().back()); }

}  // namespace
}  // namespace cm::audit::test
