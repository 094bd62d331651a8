// SPDX-License-Identifier: Apache-2.0
// cast_aes.cpp: known-answer tests of AES (FIPS 140-3 IG 10.3.A), both directions apart, each with all three key sizes:
// one block, then enough blocks for the widest loop of a lane and a rest. The answers of decryption do not come from
// encryption on the same lane.
#include "crypto/aes/aes.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kWide = known::kAesWideBlocks * kAesBlock;

bool init_key(AesKey& key, Lane lane, size_t key_size) {
  uint8_t raw[32];
  for (size_t i = 0; i < sizeof raw; ++i) raw[i] = static_cast<uint8_t>(i);
  return aes_key_init(key, lane, raw, key_size) == Status::kOk;
}

// wide_matches: the digest of many blocks.
bool wide_matches(const uint8_t* blocks, const uint8_t* expected, bool broken) {
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, blocks, kWide);
  return matches(digest, expected, sizeof digest, broken);
}

}  // namespace

bool cast_aes_encrypt(Lane lane, bool broken) {
  for (const known::AesAnswer& answer : known::kAesAnswers) {
    AesKey key;
    uint8_t blocks[kWide];
    if (!init_key(key, lane, answer.key_size)) return false;
    aes_encrypt_blocks(key, blocks, known::kAesPlain, 1);
    if (!matches(blocks, answer.cipher, kAesBlock, broken)) return false;
    known::fill_pattern(blocks, kWide, known::kAesWideSeed);
    aes_encrypt_blocks(key, blocks, blocks, known::kAesWideBlocks);
    if (!wide_matches(blocks, answer.wide_encrypted, broken)) return false;
  }
  return true;
}

bool cast_aes_decrypt(Lane lane, bool broken) {
  for (const known::AesAnswer& answer : known::kAesAnswers) {
    AesKey key;
    uint8_t blocks[kWide];
    if (!init_key(key, lane, answer.key_size)) return false;
    aes_decrypt_blocks(key, blocks, answer.cipher, 1);
    if (!matches(blocks, known::kAesPlain, kAesBlock, broken)) return false;
    known::fill_pattern(blocks, kWide, known::kAesWideSeed);
    aes_decrypt_blocks(key, blocks, blocks, known::kAesWideBlocks);
    if (!wide_matches(blocks, answer.wide_decrypted, broken)) return false;
  }
  return true;
}

}  // namespace cm::selftest
