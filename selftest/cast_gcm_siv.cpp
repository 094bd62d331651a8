// SPDX-License-Identifier: Apache-2.0
// cast_gcm_siv.cpp: known-answer tests of AES-GCM-SIV, sealing and opening apart: a case of RFC 8452 appendix C, and
// texts that take the short and the bulk path with ragged ends, both key sizes and counters that wrap; opening must
// also refuse a wrong tag and leave no text behind. The algorithm is not approved; a fault in it must show all the
// same.
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

// Inputs: one case, ready to run.
struct Inputs {
  GcmSivKey key;
  uint8_t nonce[kGcmSivNonce];
  uint8_t aad[known::kGcmSivMaxAadSize];
  uint8_t text[known::kGcmSivMaxTextSize];
  uint8_t out[known::kGcmSivMaxTextSize];
  GcmSivInput message;
};

bool prepare(Inputs& in, Lane lane, const known::GcmSivAnswer& answer, const uint8_t* first_aad) {
  uint8_t raw[32];
  const uint32_t key_size = answer.key_size;
  known::fill_pattern(raw, key_size, known::kGcmSivKeySeed + key_size);
  known::fill_pattern(in.nonce, sizeof in.nonce, known::kGcmSivNonceSeed + key_size);
  std::memcpy(in.aad, first_aad, 16);
  known::fill_pattern(in.aad + 16, answer.aad_size, known::kGcmSivAadSeed + key_size);
  known::fill_pattern(in.text, answer.text_size, known::kGcmSivTextSeed + key_size);
  in.message = {in.nonce, in.aad, size_t{16} + answer.aad_size, in.text, answer.text_size};
  return gcm_siv_key_init(in.key, lane, raw, key_size) == Status::kOk;
}

bool prepare_rfc(Inputs& in, Lane lane, const uint8_t* text) {
  std::memcpy(in.text, text, sizeof known::kGcmSivRfcPlain);
  in.message = {known::kGcmSivRfcNonce, known::kGcmSivRfcAad, sizeof known::kGcmSivRfcAad, in.text,
                sizeof known::kGcmSivRfcPlain};
  return gcm_siv_key_init(in.key, lane, known::kGcmSivRfcKey, sizeof known::kGcmSivRfcKey) == Status::kOk;
}

// digest_matches: the digest of the output.
bool digest_matches(const Inputs& in, const uint8_t* expected, bool broken) {
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, in.out, in.message.text_size);
  return matches(digest, expected, sizeof digest, broken);
}

bool seal_is_right(Inputs& in, const known::GcmSivAnswer& answer, bool broken) {
  uint8_t tag[kGcmSivTag];
  gcm_siv_seal(in.key, in.out, tag, in.message);
  const bool tag_right = matches(tag, answer.seal_tag, sizeof tag, broken);
  return digest_matches(in, answer.seal_digest, broken) && tag_right;
}

// open: whether the text is accepted under the tag, after the fault that a test asked for.
bool open(Inputs& in, const uint8_t* tag, bool broken) {
  if (broken) in.text[in.message.text_size / 2] ^= 0x10;  // what it must accept is no longer authentic
  return ct::declassify(gcm_siv_open(in.key, in.out, tag, in.message));
}

// refuses: whether a tag with one wrong bit is refused and nothing is left of the text.
bool refuses(Inputs& in, const uint8_t* right_tag) {
  uint8_t tag[kGcmSivTag];
  std::memcpy(tag, right_tag, sizeof tag);
  tag[in.message.text_size % kGcmSivTag] ^= 0x01;
  std::memset(in.out, 0xff, in.message.text_size);
  return !open(in, tag, false) && is_zero(in.out, in.message.text_size);
}

}  // namespace

bool cast_gcm_siv_seal(Lane lane, bool broken) {
  Inputs in;
  uint8_t tag[kGcmSivTag];
  if (!prepare_rfc(in, lane, known::kGcmSivRfcPlain)) return false;
  gcm_siv_seal(in.key, in.out, tag, in.message);
  if (!matches(in.out, known::kGcmSivRfcCipher, sizeof known::kGcmSivRfcCipher, broken)) return false;
  if (!matches(tag, known::kGcmSivRfcTag, sizeof tag, broken)) return false;
  for (const known::GcmSivAnswer& answer : known::kGcmSivAnswers)
    if (!prepare(in, lane, answer, answer.seal_aad) || !seal_is_right(in, answer, broken)) return false;
  return true;
}

bool cast_gcm_siv_open(Lane lane, bool broken) {
  Inputs in;
  if (!prepare_rfc(in, lane, known::kGcmSivRfcCipher) || !open(in, known::kGcmSivRfcTag, broken)) return false;
  if (std::memcmp(in.out, known::kGcmSivRfcPlain, sizeof known::kGcmSivRfcPlain) != 0) return false;
  if (!refuses(in, known::kGcmSivRfcTag)) return false;
  for (const known::GcmSivAnswer& answer : known::kGcmSivAnswers) {
    if (!prepare(in, lane, answer, answer.open_aad) || !open(in, answer.open_tag, broken)) return false;
    if (!digest_matches(in, answer.open_digest, false) || !refuses(in, answer.open_tag)) return false;
  }
  return true;
}

}  // namespace cm::selftest
