// SPDX-License-Identifier: Apache-2.0
// hmac.h: HMAC (FIPS 198-1) with each hash function of hash.h. The key object holds both midstates, so that a short
// message costs two compressions. Immutable after hmac_key_init. A context is a copy of both midstates and refers to
// nothing: who destroys a key must end its contexts too.
#pragma once
#include "crypto/hash/hash.h"

namespace cm {

struct HmacKey {
  HashState inner;  // after key xor ipad
  HashState outer;  // after key xor opad
  HashId id;
  Lane lane;
};

struct Hmac {
  Hash inner;
  HashState outer;
};

constexpr size_t hmac_size(const HmacKey& key) { return hash_row(key.id).digest_size; }

// hmac_key_init: any raw_size; lane is one of the hash's core.
void hmac_key_init(HmacKey& key, HashId id, Lane lane, const uint8_t* raw, size_t raw_size);
void hmac_init(Hmac& ctx, const HmacKey& key);
// hmac_update: the block of the key counts: callers ask hash_takes(ctx.inner.size, in_size).
void hmac_update(Hmac& ctx, const uint8_t* in, size_t in_size);
// hmac_final: writes hmac_size bytes and zeroises the context.
void hmac_final(Hmac& ctx, uint8_t* mac);
void hmac(const HmacKey& key, uint8_t* mac, const uint8_t* in, size_t in_size);

}  // namespace cm
