// SPDX-License-Identifier: Apache-2.0
// kwp.h: AES key wrap with padding, KWP-AE and KWP-AD (SP 800-38F 6.3).
#pragma once
#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

inline constexpr size_t kKwpMaxPlain = 65536;  // bytes; the standard allows 2^32 - 1, a key needs far less

// kwp_wrapped_size: size of the wrapped form of plain_size bytes (1..kKwpMaxPlain).
constexpr size_t kwp_wrapped_size(size_t plain_size) { return (plain_size + 7) / 8 * 8 + 8; }

// kwp_wrap: writes kwp_wrapped_size(plain_size) bytes; out must not overlap plain.
Status kwp_wrap(const AesKey& kek, uint8_t* out, const uint8_t* plain, size_t plain_size);

// kwp_unwrap: out has room for wrapped_size - 8 bytes. On success *plain_size is set; any failure is kAuth with out
// zeroed and says nothing about where it failed.
Status kwp_unwrap(const AesKey& kek, uint8_t* out, size_t* plain_size, const uint8_t* wrapped, size_t wrapped_size);

}  // namespace cm
