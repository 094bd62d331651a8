// SPDX-License-Identifier: Apache-2.0
// pbkdf2.h: PBKDF2 with HMAC over any hash (SP 800-132 5.3, RFC 8018 5.2), for one password or many. The blocks of all
// outputs go side by side where there are lanes for that.
#pragma once
#include "crypto/base/status.h"
#include "crypto/hmac/hmac.h"

namespace cm {

struct Pbkdf2Job {
  const uint8_t* password;
  size_t password_size;
  const uint8_t* salt;
  size_t salt_size;  // with the block of the key and 4 bytes more at most kHashMaxInput
  uint8_t* out;
  size_t out_size;
};

// pbkdf2_check: kArgument when iterations is 0, kLength when out_size is 0 or more than 2^32 - 1 digests.
Status pbkdf2_check(HashId id, size_t out_size, uint32_t iterations);

// pbkdf2: every job, which pbkdf2_check has passed. single: the lane of the hash; wide: that of hash_multi.h. No output
// may overlap a buffer of another job.
void pbkdf2(HashId id, Lane single, Lane wide, const Pbkdf2Job* jobs, size_t count, uint32_t iterations);

// pbkdf2_approved: whether SP 800-132 and IG D.N allow these inputs.
constexpr bool pbkdf2_approved(size_t password_size, size_t salt_size, uint32_t iterations, size_t out_size) {
  return password_size >= 14 && salt_size >= 16 && iterations >= 1000 && out_size >= 14;
}

}  // namespace cm
