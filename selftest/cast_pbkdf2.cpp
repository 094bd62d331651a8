// SPDX-License-Identifier: Apache-2.0
// cast_pbkdf2.cpp: known-answer test of PBKDF2-HMAC-SHA-256 (FIPS 140-3 IG 10.3.A): a whole output block and part of a
// second one. Few iterations: what repeats is the same code, and the test is part of every start.
#include "crypto/kdf/pbkdf2.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {

bool cast_pbkdf2(Lane lane, bool broken) {
  uint8_t password[known::kPbkdf2PasswordSize];
  uint8_t salt[known::kPbkdf2SaltSize];
  uint8_t key[sizeof known::kPbkdf2Key];
  known::fill_pattern(password, sizeof password, known::kPbkdf2PasswordSeed);
  known::fill_pattern(salt, sizeof salt, known::kPbkdf2SaltSeed);
  const Status status =
      pbkdf2_hmac_sha256(lane, key, sizeof key, password, sizeof password, salt, sizeof salt, known::kPbkdf2Iterations);
  return status == Status::kOk && matches(key, known::kPbkdf2Key, sizeof key, broken);
}

}  // namespace cm::selftest
