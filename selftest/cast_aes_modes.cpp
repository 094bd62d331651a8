// SPDX-License-Identifier: Apache-2.0
// cast_aes_modes.cpp: known-answer tests of the modes of SP 800-38A (FIPS 140-3 IG 10.3.A), both directions apart where
// they differ, each with all three key sizes: messages long enough for every loop of a lane's kernels. They go through
// the streaming interface, which is what services use.
#include "crypto/cipher/cipher.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kMaxSize = known::kModeCtrLongSize;

// Setup: key, IV and text of one answer.
struct Setup {
  AesKey key;
  uint8_t iv[kAesBlock];
  uint8_t text[kMaxSize];
};

bool prepare(Setup& s, Lane lane, uint32_t key_size, size_t text_size = known::kModeWideSize) {
  uint8_t raw[32];
  known::fill_pattern(raw, key_size, known::kModeKeySeed + key_size);
  known::fill_pattern(s.iv, sizeof s.iv, known::kModeIvSeed + key_size);
  known::fill_pattern(s.text, text_size, known::kModeTextSeed + key_size);
  return aes_key_init(s.key, lane, raw, key_size) == Status::kOk;
}

// digest_is: whether size bytes of text come out of the mode with this digest.
bool digest_is(const uint8_t* expected, const Setup& s, CipherMode mode, Direction direction, size_t size,
               bool broken) {
  uint8_t out[kMaxSize];
  CipherState state;
  cipher_init(state, s.key, mode, direction, s.iv);
  const size_t written = cipher_update(state, out, s.text, size);
  size_t rest = 0;
  if (cipher_final(state, out + written, &rest) != Status::kOk || written + rest != size) return false;
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, out, size);
  return matches(digest, expected, sizeof digest, broken);
}

}  // namespace

bool cast_cbc_encrypt(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size)) return false;
    constexpr Direction kWay = Direction::kEncrypt;
    if (!digest_is(a.cbc_encrypted, s, CipherMode::kCbc, kWay, known::kModeSerialSize, broken)) return false;
    if (!digest_is(a.cs3_encrypted, s, CipherMode::kCbcCs3, kWay, known::kModeCutSize, broken)) return false;
  }
  return true;
}

bool cast_cbc_decrypt(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size)) return false;
    constexpr Direction kWay = Direction::kDecrypt;
    if (!digest_is(a.cbc_decrypted, s, CipherMode::kCbc, kWay, known::kModeWideSize, broken)) return false;
    if (!digest_is(a.cs3_decrypted, s, CipherMode::kCbcCs3, kWay, known::kModeCutSize, broken)) return false;
  }
  return true;
}

bool cast_cfb_encrypt(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size)) return false;
    constexpr Direction kWay = Direction::kEncrypt;
    if (!digest_is(a.cfb128_encrypted, s, CipherMode::kCfb128, kWay, known::kModeSerialSize, broken)) return false;
    if (!digest_is(a.cfb8_encrypted, s, CipherMode::kCfb8, kWay, known::kModeCfb8Size, broken)) return false;
  }
  return true;
}

bool cast_cfb_decrypt(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size)) return false;
    constexpr Direction kWay = Direction::kDecrypt;
    if (!digest_is(a.cfb128_decrypted, s, CipherMode::kCfb128, kWay, known::kModeWideSize, broken)) return false;
    if (!digest_is(a.cfb8_decrypted, s, CipherMode::kCfb8, kWay, known::kModeCfb8Size, broken)) return false;
  }
  return true;
}

bool cast_ofb(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size)) return false;
    if (!digest_is(a.ofb, s, CipherMode::kOfb, Direction::kEncrypt, known::kModeSerialSize, broken)) return false;
  }
  return true;
}

bool cast_ctr(Lane lane, bool broken) {
  Setup s;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    if (!prepare(s, lane, a.key_size, kMaxSize)) return false;
    std::memcpy(s.iv + 8, known::kModeCounterEnd, sizeof known::kModeCounterEnd);
    if (!digest_is(a.ctr, s, CipherMode::kCtr, Direction::kEncrypt, known::kModeWideSize, broken)) return false;
    // With columns, as keys of this mode have them: from a counter that wraps in a step, and through all columns. A
    // lane that makes none would do the same once more.
    aes_make_columns(s.key);
    if (!s.key.has_columns) continue;
    if (!digest_is(a.ctr, s, CipherMode::kCtr, Direction::kEncrypt, known::kModeWideSize, broken)) return false;
    known::fill_pattern(s.iv, sizeof s.iv, known::kModeIvSeed + a.key_size);
    s.iv[15] = known::kModeCtrLongStart;
    if (!digest_is(a.ctr_long, s, CipherMode::kCtr, Direction::kEncrypt, known::kModeCtrLongSize, broken)) return false;
  }
  return true;
}

}  // namespace cm::selftest
