// SPDX-License-Identifier: Apache-2.0
// cast_gcm.cpp: known-answer tests of AES-GCM (FIPS 140-3 IG 10.3.A), sealing and opening apart, every key size on the
// short path (under 128 bytes) and on the bulk path (over 1.5 KiB), with ragged ends, and IVs that are hashed
// with a short message and with a long one, whose AAD is long enough for the widest hash; opening must also refuse a
// wrong tag and leave no text behind.
#include "crypto/gcm/gcm.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

// Inputs: one case of kGcmAnswers, ready to run.
struct Inputs {
  GcmKey key;
  uint8_t iv[known::kGcmMaxIvSize];
  uint8_t aad[known::kGcmMaxAadSize];
  uint8_t text[known::kGcmMaxTextSize];
  uint8_t out[known::kGcmMaxTextSize];
  GcmInput message;
};

// has_use: lane portable has one loop for texts of any size, so that there two long ones are enough of the four.
bool has_use(Lane lane, const known::GcmAnswer& answer) {
  return lane != Lane::kPortable || answer.text_size <= 1500 || answer.key_size == 32;
}

bool prepare(Inputs& in, Lane lane, const known::GcmAnswer& answer) {
  uint8_t raw[32];
  const uint32_t key_size = answer.key_size;
  known::fill_pattern(raw, key_size, known::kGcmKeySeed + key_size);
  known::fill_pattern(in.iv, answer.iv_size, known::kGcmIvSeed + key_size);
  known::fill_pattern(in.aad, answer.aad_size, known::kGcmAadSeed + key_size);
  known::fill_pattern(in.text, answer.text_size, known::kGcmTextSeed + key_size);
  in.message = {in.iv, answer.iv_size, in.aad, answer.aad_size, in.text, answer.text_size};
  return gcm_key_init(in.key, lane, raw, key_size) == Status::kOk;
}

// digest_matches: the digest of the output.
bool digest_matches(const Inputs& in, const uint8_t* expected, bool broken) {
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, in.out, in.message.text_size);
  return matches(digest, expected, sizeof digest, broken);
}

bool seal_is_right(Inputs& in, const known::GcmAnswer& answer, bool broken) {
  uint8_t tag[kGcmTag];
  gcm_seal(in.key, in.out, tag, in.message);
  const bool tag_right = matches(tag, answer.seal_tag, sizeof tag, broken);
  return digest_matches(in, answer.seal_digest, broken) && tag_right;
}

bool open_is_right(Inputs& in, const known::GcmAnswer& answer, bool broken) {
  uint8_t tag[kGcmTag];
  std::memcpy(tag, answer.open_tag, sizeof tag);
  if (broken) in.text[answer.text_size / 2] ^= 0x10;  // what it must accept is no longer authentic
  if (!ct::declassify(gcm_open(in.key, in.out, tag, sizeof tag, in.message))) return false;
  if (!digest_matches(in, answer.open_digest, false)) return false;
  tag[answer.text_size % kGcmTag] ^= 0x01;
  std::memset(in.out, 0xff, answer.text_size);
  if (ct::declassify(gcm_open(in.key, in.out, tag, sizeof tag, in.message))) return false;
  return is_zero(in.out, answer.text_size);
}

}  // namespace

bool cast_gcm_seal(Lane lane, bool broken) {
  Inputs in;
  for (const known::GcmAnswer& answer : known::kGcmAnswers)
    if (has_use(lane, answer) && (!prepare(in, lane, answer) || !seal_is_right(in, answer, broken))) return false;
  return true;
}

bool cast_gcm_open(Lane lane, bool broken) {
  Inputs in;
  for (const known::GcmAnswer& answer : known::kGcmAnswers)
    if (has_use(lane, answer) && (!prepare(in, lane, answer) || !open_is_right(in, answer, broken))) return false;
  return true;
}

}  // namespace cm::selftest
