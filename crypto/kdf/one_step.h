// SPDX-License-Identifier: Apache-2.0
// one_step.h: key derivation from a shared secret by hashing it with a counter: the one-step function of SP 800-56C
// rev. 2 section 4 with a hash, HMAC or KMAC, and that of ANSI X9.63 (SEC 1 3.6.1), which has the counter behind the
// secret.
#pragma once
#include "crypto/base/status.h"
#include "crypto/hmac/hmac.h"

namespace cm {

// SharedSecret and what is hashed with it ("FixedInfo", "SharedInfo").
struct OneStepInput {
  const uint8_t* secret;
  size_t secret_size;
  const uint8_t* info;
  size_t info_size;
};

// Each: kLength when out_size is 0 or more than 2^32 - 1 digests. The sizes together are at most kHashMaxInput less a
// few bytes.
Status one_step_hash(HashId id, Lane lane, uint8_t* out, size_t out_size, const OneStepInput& input);
// salt is the key of HMAC; SP 800-56C 4.1 takes a block of zeros where there is none.
Status one_step_hmac(const HmacKey& salt, uint8_t* out, size_t out_size, const OneStepInput& input);
// one_step_kmac: security_bits 128 or 256. salt as bytes; an empty one is 164 or 132 zeros (SP 800-56C 4.1). kLength
// when out_size is 0 or more than kHashMaxInput.
Status one_step_kmac(Lane keccak, uint32_t security_bits, const uint8_t* salt, size_t salt_size, uint8_t* out,
                     size_t out_size, const OneStepInput& input);
Status x963_kdf(HashId id, Lane lane, uint8_t* out, size_t out_size, const OneStepInput& input);

}  // namespace cm
