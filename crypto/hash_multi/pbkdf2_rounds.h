// SPDX-License-Identifier: Apache-2.0
// pbkdf2_rounds.h: the iterations of PBKDF2 (RFC 8018 5.2 step 3, SP 800-132 5.3) for many chains at once: the blocks
// of one long output, the passwords of many users, or both. The keys' midstates and the first U of a chain are the
// caller's work, which takes a salt; all after it are two compressions an iteration over blocks whose padding never
// changes.
//
// single and wide as in hash_multi.h; any number of chains. digest_size is that of the hash the HMAC is made with, in
// bytes: 20; 28 or 32; 28, 32, 48 or 64. No u may overlap a buffer of another chain.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

// Pbkdf2Chain32, Pbkdf2Chain64: of SHA-1 and SHA-256, and of SHA-512. Words are in host order; where a digest ends in
// the middle of a word, the other half of u's last word counts for nothing.
struct Pbkdf2Chain32 {
  const uint32_t* inner;  // state after key xor ipad
  const uint32_t* outer;  // state after key xor opad
  uint32_t* u;            // in: U_1; out: T = U_1 xor ... xor U_iterations
};
struct Pbkdf2Chain64 {
  const uint64_t* inner;
  const uint64_t* outer;
  uint64_t* u;
};

void pbkdf2_rounds_sha1(Lane single, Lane wide, const Pbkdf2Chain32* chains, size_t count, size_t digest_size,
                        uint32_t iterations);
void pbkdf2_rounds_sha256(Lane single, Lane wide, const Pbkdf2Chain32* chains, size_t count, size_t digest_size,
                          uint32_t iterations);
void pbkdf2_rounds_sha512(Lane single, Lane wide, const Pbkdf2Chain64* chains, size_t count, size_t digest_size,
                          uint32_t iterations);

}  // namespace cm
