// SPDX-License-Identifier: Apache-2.0
// aes.h: AES (FIPS 197) key objects and block operations on a given lane. A key object is immutable after aes_key_init,
// aligned, and holds the expanded key in the form its lane wants. No allocation, no locks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm {

inline constexpr size_t kAesBlock = 16;

inline constexpr size_t kAesSliced = 15 * 64;  // bytes of lane portable's schedule: 8 words of 64 bits a round key
inline constexpr size_t kAesColumnsAt = 256, kAesColumns = 256 * 4;

struct alignas(64) AesKey {
  // All lanes with AES-NI: round keys in order, 16 bytes each (15 at most); at kAesColumnsAt, if has_columns, the
  // columns of aes_make_columns. Lane portable: the bitsliced schedule. Layout belongs to the lane's own file.
  uint8_t encrypt[kAesColumnsAt + kAesColumns];
  uint8_t decrypt[15 * 16];  // AES-NI form of the equivalent inverse cipher; unused by the portable lane
  uint32_t rounds;           // 10, 12, 14
  Lane lane;
  bool has_columns;
};
static_assert(kAesSliced <= sizeof AesKey::encrypt);

// aes_key_init: raw_size 16, 24 or 32, else kLength.
Status aes_key_init(AesKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

// aes_make_columns: for keys of modes with a counter, once, before the key is used: what the last byte of a counter
// block, for each of its 256 values, adds to the state after the first round, which is one column of it; aes_ctr then
// begins with the second. Part of the key. Lane portable has no use for it.
void aes_make_columns(AesKey& key);

// aes_encrypt_blocks, aes_decrypt_blocks: count independent blocks (ECB); out may equal in.
void aes_encrypt_blocks(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_decrypt_blocks(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);

// aes_ctr_keystream: count keystream blocks of a 128-bit big-endian counter that starts at counter[16] and is
// advanced by count (SP 800-90A 10.2.1 uses the whole block as counter).
void aes_ctr_keystream(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count);

}  // namespace cm
