// SPDX-License-Identifier: Apache-2.0
// hmac_many.h: HMAC (FIPS 198-1) of independent messages at once, each with a key and a hash of its own (hash_many.h).
#pragma once
#include "crypto/hash/hash_many.h"
#include "crypto/hmac/hmac.h"

namespace cm {

// HmacJob: mac takes hmac_size bytes. No mac may overlap a buffer of another job.
struct HmacJob {
  const HmacKey* key;
  uint8_t* mac;
  const uint8_t* in;
  size_t in_size;
};

// hmac_many: at most kHashManyMax jobs; single and wide as in hash_many.h. The keys' own lanes do not matter.
void hmac_many(const HashLanes& single, Lane wide, const HmacJob* jobs, size_t count);

}  // namespace cm
