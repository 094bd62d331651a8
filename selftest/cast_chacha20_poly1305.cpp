// SPDX-License-Identifier: Apache-2.0
// cast_chacha20_poly1305.cpp: known-answer tests of ChaCha20-Poly1305, sealing and opening apart: the example of RFC
// 8439 2.8.2, and texts that take the short path, the vector form of the hash and the bulk path with ragged ends;
// opening must also refuse a wrong tag and leave no text behind. The algorithm is not approved; a fault in it must show
// all the same.
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

// Inputs: one case of kChaChaAnswers, ready to run.
struct Inputs {
  ChaChaKey key;
  uint8_t iv[kChaChaIv];
  uint8_t aad[known::kChaChaMaxAadSize];
  uint8_t text[known::kChaChaMaxTextSize];
  uint8_t out[known::kChaChaMaxTextSize];
  ChaChaInput message;
};

bool prepare(Inputs& in, Lane lane, const known::ChaChaAnswer& answer) {
  uint8_t raw[kChaChaKeySize];
  known::fill_pattern(raw, sizeof raw, known::kChaChaKeySeed);
  known::fill_pattern(in.iv, sizeof in.iv, known::kChaChaIvSeed);
  known::fill_pattern(in.aad, answer.aad_size, known::kChaChaAadSeed);
  known::fill_pattern(in.text, answer.text_size, known::kChaChaTextSeed);
  in.message = {in.iv, in.aad, answer.aad_size, in.text, answer.text_size};
  return chacha_key_init(in.key, lane, raw, sizeof raw) == Status::kOk;
}

bool prepare_rfc(Inputs& in, Lane lane, const void* text) {
  std::memcpy(in.text, text, known::kChaChaRfcSize);
  in.message = {known::kChaChaRfcIv, known::kChaChaRfcAad, sizeof known::kChaChaRfcAad, in.text, known::kChaChaRfcSize};
  return chacha_key_init(in.key, lane, known::kChaChaRfcKey, sizeof known::kChaChaRfcKey) == Status::kOk;
}

// digest_matches: the digest of the output.
bool digest_matches(const Inputs& in, const uint8_t* expected, bool broken) {
  uint8_t digest[kSha256Size];
  sha256(digest_lane(), digest, in.out, in.message.text_size);
  return matches(digest, expected, sizeof digest, broken);
}

bool seal_is_right(Inputs& in, const known::ChaChaAnswer& answer, bool broken) {
  uint8_t tag[kChaChaTag];
  chacha_seal(in.key, in.out, tag, in.message);
  const bool tag_right = matches(tag, answer.seal_tag, sizeof tag, broken);
  return digest_matches(in, answer.digest, broken) && tag_right;
}

// open: whether the text is accepted under the tag, after the fault that a test asked for.
bool open(Inputs& in, const uint8_t* tag, bool broken) {
  if (broken) in.text[in.message.text_size / 2] ^= 0x10;  // what it must accept is no longer authentic
  return ct::declassify(chacha_open(in.key, in.out, tag, kChaChaTag, in.message));
}

// refuses: whether a tag with one wrong bit is refused and nothing is left of the text.
bool refuses(Inputs& in, const uint8_t* right_tag) {
  uint8_t tag[kChaChaTag];
  std::memcpy(tag, right_tag, sizeof tag);
  tag[in.message.text_size % kChaChaTag] ^= 0x01;
  std::memset(in.out, 0xff, in.message.text_size);
  return !open(in, tag, false) && is_zero(in.out, in.message.text_size);
}

}  // namespace

bool cast_chacha_seal(Lane lane, bool broken) {
  Inputs in;
  uint8_t tag[kChaChaTag];
  if (!prepare_rfc(in, lane, known::kChaChaRfcPlain)) return false;
  chacha_seal(in.key, in.out, tag, in.message);
  if (!matches(in.out, known::kChaChaRfcCipher, known::kChaChaRfcSize, broken)) return false;
  if (!matches(tag, known::kChaChaRfcTag, sizeof tag, broken)) return false;
  for (const known::ChaChaAnswer& answer : known::kChaChaAnswers)
    if (!prepare(in, lane, answer) || !seal_is_right(in, answer, broken)) return false;
  return true;
}

bool cast_chacha_open(Lane lane, bool broken) {
  Inputs in;
  if (!prepare_rfc(in, lane, known::kChaChaRfcCipher) || !open(in, known::kChaChaRfcTag, broken)) return false;
  if (std::memcmp(in.out, known::kChaChaRfcPlain, known::kChaChaRfcSize) != 0) return false;
  if (!refuses(in, known::kChaChaRfcTag)) return false;
  for (const known::ChaChaAnswer& answer : known::kChaChaAnswers) {
    if (!prepare(in, lane, answer) || !open(in, answer.open_tag, broken)) return false;
    if (!digest_matches(in, answer.digest, false) || !refuses(in, answer.open_tag)) return false;
  }
  return true;
}

}  // namespace cm::selftest
