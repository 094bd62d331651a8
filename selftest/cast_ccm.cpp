// SPDX-License-Identifier: Apache-2.0
// cast_ccm.cpp: known-answer tests of AES-CCM (SP 800-38C; FIPS 140-3 IG 10.3.A), sealing and opening apart, with all
// three key sizes and ragged ends; opening must also refuse a wrong tag and leave no text behind.
#include "crypto/ccm/ccm.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

// Inputs: one case of kCcmAnswers, ready to run.
struct Inputs {
  AesKey key;
  uint8_t nonce[known::kCcmNonceSize];
  uint8_t aad[known::kCcmAadSize];
  uint8_t text[known::kCcmTextSize];
  uint8_t out[known::kCcmTextSize];
  CcmInput message;
};

bool prepare(Inputs& in, Lane lane, uint32_t key_size) {
  uint8_t raw[32];
  known::fill_pattern(raw, key_size, known::kCcmKeySeed + key_size);
  known::fill_pattern(in.nonce, sizeof in.nonce, known::kCcmNonceSeed + key_size);
  known::fill_pattern(in.aad, sizeof in.aad, known::kCcmAadSeed + key_size);
  known::fill_pattern(in.text, sizeof in.text, known::kCcmTextSeed + key_size);
  in.message = {in.nonce, sizeof in.nonce, in.aad, sizeof in.aad, in.text, sizeof in.text};
  return aes_key_init(in.key, lane, raw, key_size) == Status::kOk;
}

// digest_matches: the digest of the output.
bool digest_matches(const Inputs& in, const uint8_t* expected, bool broken) {
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, in.out, sizeof in.out);
  return matches(digest, expected, sizeof digest, broken);
}

}  // namespace

bool cast_ccm_seal(Lane lane, bool broken) {
  Inputs in;
  for (const known::CcmAnswer& answer : known::kCcmAnswers) {
    uint8_t tag[kCcmMaxTag];
    if (!prepare(in, lane, answer.key_size)) return false;
    ccm_seal(in.key, in.out, tag, sizeof tag, in.message);
    if (!matches(tag, answer.seal_tag, sizeof tag, broken)) return false;
    if (!digest_matches(in, answer.digest, broken)) return false;
  }
  return true;
}

bool cast_ccm_open(Lane lane, bool broken) {
  Inputs in;
  for (const known::CcmAnswer& answer : known::kCcmAnswers) {
    uint8_t tag[kCcmMaxTag];
    if (!prepare(in, lane, answer.key_size)) return false;
    std::memcpy(tag, answer.open_tag, sizeof tag);
    if (broken) in.text[sizeof in.text / 2] ^= 0x10;  // what it must accept is no longer authentic
    if (!ct::declassify(ccm_open(in.key, in.out, tag, sizeof tag, in.message))) return false;
    if (!digest_matches(in, answer.digest, false)) return false;
    tag[answer.key_size % kCcmMaxTag] ^= 0x01;
    std::memset(in.out, 0xff, sizeof in.out);
    if (ct::declassify(ccm_open(in.key, in.out, tag, sizeof tag, in.message))) return false;
    if (!is_zero(in.out, sizeof in.out)) return false;
  }
  return true;
}

}  // namespace cm::selftest
