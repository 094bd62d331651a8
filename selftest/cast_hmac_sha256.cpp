// SPDX-License-Identifier: Apache-2.0
// cast_hmac_sha256.cpp: known-answer test of HMAC-SHA-256 (FIPS 140-3 IG 10.3.A and 10.3.B) with a key that is hashed
// first, one-shot and streamed. It comes before the integrity test, whose technique it tests.
#include "crypto/hmac/hmac.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {

bool cast_hmac_sha256(Lane lane, bool broken) {
  uint8_t raw[known::kHmacKeySize];
  std::memset(raw, known::kHmacKeyByte, sizeof raw);
  uint8_t message[sizeof known::kHmacMessage - 1];
  std::memcpy(message, known::kHmacMessage, sizeof message);
  HmacKey key;
  hmac_key_init(key, HashId::kSha256, lane, raw, sizeof raw);
  uint8_t mac[sizeof known::kHmacMac];
  hmac(key, mac, message, sizeof message);
  if (!matches(mac, known::kHmacMac, sizeof mac, broken)) return false;
  Hmac ctx;
  hmac_init(ctx, key);
  hmac_update(ctx, message, sizeof message);
  hmac_final(ctx, mac);
  return matches(mac, known::kHmacMac, sizeof mac, broken);
}

}  // namespace cm::selftest
