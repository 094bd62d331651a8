// SPDX-License-Identifier: Apache-2.0
// hmac_sha256.h: HMAC-SHA-256 (FIPS 198-1). The key object holds both midstates, so that a short message costs two
// compressions. Immutable after hmac_sha256_key_init. A context is a copy of both midstates and refers to nothing: who
// destroys a key must end its contexts too.
#pragma once
#include "crypto/sha2/sha256.h"

namespace cm {

struct alignas(64) HmacSha256Key {
  uint32_t inner[8];  // state after key xor ipad
  uint32_t outer[8];  // state after key xor opad
  Lane lane;
};

struct HmacSha256 {
  Sha256 inner;
  uint32_t outer[8];
};

void hmac_sha256_key_init(HmacSha256Key& key, Lane lane, const uint8_t* raw, size_t raw_size);
void hmac_sha256_init(HmacSha256& ctx, const HmacSha256Key& key);
void hmac_sha256_update(HmacSha256& ctx, const uint8_t* in, size_t in_size);
// hmac_sha256_final: writes 32 bytes and zeroises the context.
void hmac_sha256_final(HmacSha256& ctx, uint8_t* mac);
void hmac_sha256(const HmacSha256Key& key, uint8_t* mac, const uint8_t* in, size_t in_size);

}  // namespace cm
