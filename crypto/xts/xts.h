// SPDX-License-Identifier: Apache-2.0
// xts.h: XTS-AES-128 and XTS-AES-256 (SP 800-38E, IEEE 1619) for data units of any number of bytes from one block on.
// The key object is immutable after xts_key_init; a call allocates nothing and keeps nothing.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"

namespace cm {

inline constexpr size_t kXtsMaxUnit = (size_t{1} << 20) * kAesBlock;  // bytes, SP 800-38E section 4

struct alignas(64) XtsKey {
  AesKey data, tweak;
};

// xts_key_init: raw is the data key and the tweak key, 16 or 32 bytes each, else kLength. Equal halves are refused with
// kArgument (FIPS 140-3 IG C.I): they would make the mode weak.
Status xts_key_init(XtsKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

// xts_encrypt, xts_decrypt: one data unit with its tweak value i[16], little endian (IEEE 1619 5.1). out may be in.
// kLength unless size is 16 to kXtsMaxUnit.
Status xts_encrypt(const XtsKey& key, const uint8_t* i, uint8_t* out, const uint8_t* in, size_t size);
Status xts_decrypt(const XtsKey& key, const uint8_t* i, uint8_t* out, const uint8_t* in, size_t size);

// xts_*_sectors: count data units of unit_size bytes in a row, whose tweak values are the numbers first, first + 1, ...
// kLength as above; kArgument where the numbers do not fit 64 bits. Nothing is written then.
Status xts_encrypt_sectors(const XtsKey& key, uint64_t first, uint8_t* out, const uint8_t* in, size_t unit_size,
                           size_t count);
Status xts_decrypt_sectors(const XtsKey& key, uint64_t first, uint8_t* out, const uint8_t* in, size_t unit_size,
                           size_t count);

}  // namespace cm
