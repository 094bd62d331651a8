// SPDX-License-Identifier: Apache-2.0
// kmac.h: KMAC and KMACXOF (SP 800-185 section 4) under a key object. The object holds the sponge after the key with an
// empty customization, so that a short message costs one permutation less; the key itself stays beside it, because with
// a customization the sponge begins anew. Immutable after kmac_key_init. A stream refers to nothing: who destroys a key
// must end its streams too.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/ct.h"
#include "crypto/base/lane.h"
#include "crypto/sha3/sponge.h"

namespace cm {

inline constexpr size_t kKmacMaxKey = 512;

struct KmacKey {
  Sponge start;
  Lane lane;
  bool xof;
  uint32_t bits;  // 128, 256: the security strength
  uint32_t raw_size;
  uint8_t raw[kKmacMaxKey];
};

struct Kmac {
  Sponge sponge;
  bool xof;
};

// kmac_key_init: raw_size at most kKmacMaxKey.
void kmac_key_init(KmacKey& key, Lane lane, uint32_t bits, bool xof, const uint8_t* raw, size_t raw_size);

void kmac_init(Kmac& ctx, const KmacKey& key, const uint8_t* custom, size_t custom_size);
void kmac_update(Kmac& ctx, const uint8_t* in, size_t in_size);
// kmac_final: writes mac_size bytes and zeroises the context.
void kmac_final(Kmac& ctx, uint8_t* mac, size_t mac_size);
// kmac_matches: whether the MAC of that size is this one, in constant time; zeroises the context.
ct::Mask kmac_matches(Kmac& ctx, const uint8_t* mac, size_t mac_size);

}  // namespace cm
