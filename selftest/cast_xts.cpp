// SPDX-License-Identifier: Apache-2.0
// cast_xts.cpp: known-answer tests of XTS-AES (SP 800-38E; FIPS 140-3 IG 10.3.A), both directions apart, with both key
// sizes: a data unit for every loop of a lane's kernels, with an end that is stolen.
#include "crypto/sha2/sha256.h"
#include "crypto/xts/xts.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

using Unit = Status (*)(const XtsKey&, const uint8_t*, uint8_t*, const uint8_t*, size_t);

bool all_cases(Lane lane, bool broken, Unit crypt, const uint8_t* (*digest_of)(const known::XtsAnswer&)) {
  for (const known::XtsAnswer& answer : known::kXtsAnswers) {
    const uint32_t key_size = answer.key_size;
    XtsKey key;
    uint8_t raw[64], i[kAesBlock], text[known::kXtsTextSize], digest[kSha256Size];
    known::fill_pattern(raw, key_size, known::kXtsKeySeed + key_size);
    known::fill_pattern(i, sizeof i, known::kXtsTweakSeed + key_size);
    known::fill_pattern(text, sizeof text, known::kXtsTextSeed + key_size);
    if (xts_key_init(key, lane, raw, key_size) != Status::kOk) return false;
    if (crypt(key, i, text, text, sizeof text) != Status::kOk) return false;
    sha256(digest_lane(), digest, text, sizeof text);
    if (!matches(digest, digest_of(answer), sizeof digest, broken)) return false;
  }
  return true;
}

}  // namespace

bool cast_xts_encrypt(Lane lane, bool broken) {
  return all_cases(lane, broken, xts_encrypt, [](const known::XtsAnswer& a) -> const uint8_t* { return a.encrypted; });
}
bool cast_xts_decrypt(Lane lane, bool broken) {
  return all_cases(lane, broken, xts_decrypt, [](const known::XtsAnswer& a) -> const uint8_t* { return a.decrypted; });
}

}  // namespace cm::selftest
