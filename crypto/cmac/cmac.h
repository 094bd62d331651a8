// SPDX-License-Identifier: Apache-2.0
// cmac.h: AES-CMAC (SP 800-38B) on a given lane, in one call or as a stream. The key object holds both subkeys and is
// immutable after cmac_key_init. A state refers to its key, which must outlive it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

inline constexpr size_t kCmacTag = kAesBlock;
inline constexpr size_t kCmacMinTag = 8;  // SP 800-38B appendix A.2: shorter tags need an analysis of the application

struct alignas(64) CmacKey {
  AesKey aes;
  uint8_t k1[kAesBlock], k2[kAesBlock];  // 6.1; part of the key, zeroise with it
};

struct CmacState {
  const CmacKey* key;
  size_t held_size;  // 0 to 16: a whole block waits too, because the last one is treated apart
  alignas(16) uint8_t mac[kAesBlock];
  uint8_t held[kAesBlock];
};

// cmac_key_init: raw_size 16, 24 or 32, else kLength.
Status cmac_key_init(CmacKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

// cmac: writes all kCmacTag bytes; a shorter tag is their beginning (6.2 step 7).
void cmac(const CmacKey& key, uint8_t* tag, const uint8_t* in, size_t in_size);

// cmac_verify: whether the first tag_size bytes, kCmacMinTag to kCmacTag, are those of the message; in constant time.
// kLength for another tag_size, kAuth for another tag.
Status cmac_verify(const CmacKey& key, const uint8_t* tag, size_t tag_size, const uint8_t* in, size_t in_size);

void cmac_init(CmacState& state, const CmacKey& key);
void cmac_update(CmacState& state, const uint8_t* in, size_t in_size);
// cmac_final: writes kCmacTag bytes and zeroises the state.
void cmac_final(CmacState& state, uint8_t* tag);

// What a message is for aes_cbc_mac: so many whole blocks, then its last block (6.2 steps 1 to 5): 0 to 16 bytes,
// padded if they are fewer, and masked with a subkey.
inline size_t cmac_blocks_before_last(size_t size) { return size == 0 ? 0 : (size - 1) / kAesBlock; }
void cmac_last_block(const CmacKey& key, uint8_t* block, const uint8_t* last, size_t size);

}  // namespace cm
