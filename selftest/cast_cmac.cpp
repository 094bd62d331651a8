// SPDX-License-Identifier: Apache-2.0
// cast_cmac.cpp: known-answer test of AES-CMAC (SP 800-38B; FIPS 140-3 IG 10.3.A) with all three key sizes; the tag
// must be the published one, be accepted in parts, and a changed one be refused.
#include "crypto/cmac/cmac.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {

bool cast_cmac(Lane lane, bool broken) {
  constexpr size_t kSize = sizeof known::kCmacMessage;
  for (const known::CmacAnswer& answer : known::kCmacAnswers) {
    CmacKey key;
    uint8_t tag[kCmacTag];
    if (cmac_key_init(key, lane, answer.key, answer.key_size) != Status::kOk) return false;
    cmac(key, tag, known::kCmacMessage, kSize);
    if (!matches(tag, answer.tag, sizeof tag, broken)) return false;
    if (cmac_verify(key, tag, kCmacMinTag, known::kCmacMessage, kSize) != Status::kOk) return false;
    tag[kCmacMinTag - 1] ^= 0x01;
    if (cmac_verify(key, tag, kCmacMinTag, known::kCmacMessage, kSize) != Status::kAuth) return false;
  }
  return true;
}

}  // namespace cm::selftest
