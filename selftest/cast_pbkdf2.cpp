// SPDX-License-Identifier: Apache-2.0
// cast_pbkdf2.cpp: known-answer tests of PBKDF2 (FIPS 140-3 IG 10.3.A): with HMAC-SHA-256 a whole output block and part
// of a second one, on each lane for one message; and with each hash that has lanes side by side as many blocks as the
// widest kernel and the one of half its width take. Few iterations: what repeats is the same code, and the tests are
// part of every start.
#include "crypto/kdf/pbkdf2.h"

#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

struct Inputs {
  Inputs() {
    known::fill_pattern(password, sizeof password, known::kPbkdf2PasswordSeed);
    known::fill_pattern(salt, sizeof salt, known::kPbkdf2SaltSeed);
  }
  Pbkdf2Job job(uint8_t* out, size_t out_size) const {
    return {password, sizeof password, salt, sizeof salt, out, out_size};
  }
  uint8_t password[known::kPbkdf2PasswordSize];
  uint8_t salt[known::kPbkdf2SaltSize];
};

}  // namespace

bool cast_pbkdf2(Lane lane, bool broken) {
  const Inputs inputs;
  uint8_t key[sizeof known::kPbkdf2Key];
  const Pbkdf2Job job = inputs.job(key, sizeof key);
  pbkdf2(HashId::kSha256, lane, Lane::kPortable, &job, 1, known::kPbkdf2Iterations);
  return matches(key, known::kPbkdf2Key, sizeof key, broken);
}

bool cast_pbkdf2_multi(Lane lane, bool broken) {
  constexpr HashId kHashes[] = {HashId::kSha1, HashId::kSha256, HashId::kSha512};
  const Inputs inputs;
  Hash all;
  hash_init(all, HashId::kSha256, digest_lane());
  for (size_t i = 0; i < sizeof kHashes / sizeof kHashes[0]; ++i) {
    uint8_t out[768];
    const size_t size = known::kPbkdf2MultiSize[i];
    const Pbkdf2Job job = inputs.job(out, size);
    pbkdf2(kHashes[i], Lane::kPortable, lane, &job, 1, known::kPbkdf2Iterations);
    hash_update(all, out, size);
  }
  uint8_t digest[sizeof known::kPbkdf2MultiDigest];
  hash_final(all, digest);
  return matches(digest, known::kPbkdf2MultiDigest, sizeof digest, broken);
}

}  // namespace cm::selftest
