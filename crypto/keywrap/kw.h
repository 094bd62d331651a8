// SPDX-License-Identifier: Apache-2.0
// kw.h: AES key wrap, KW-AE and KW-AD (SP 800-38F 6.2), for keys of whole semiblocks of eight bytes.
#pragma once
#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

// Two semiblocks at least (table 1); the standard allows 2^57 bytes, a key needs far less.
inline constexpr size_t kKwMinPlain = 16, kKwMaxPlain = 65536;

// kw_wrapped_size: size of the wrapped form of plain_size bytes.
constexpr size_t kw_wrapped_size(size_t plain_size) { return plain_size + 8; }

// kw_wrap: writes kw_wrapped_size(plain_size) bytes; out must not overlap plain. kLength unless plain_size is
// kKwMinPlain to kKwMaxPlain and a multiple of 8.
Status kw_wrap(const AesKey& kek, uint8_t* out, const uint8_t* plain, size_t plain_size);

// kw_unwrap: writes wrapped_size - 8 bytes. Any failure is kAuth with out zeroed and says nothing about where it
// failed.
Status kw_unwrap(const AesKey& kek, uint8_t* out, const uint8_t* wrapped, size_t wrapped_size);

}  // namespace cm
