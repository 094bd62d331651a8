// SPDX-License-Identifier: Apache-2.0
// pbkdf2.h: PBKDF2 with HMAC-SHA-256 (SP 800-132 5.3, RFC 8018 5.2).
#pragma once
#include "crypto/base/status.h"
#include "crypto/hmac/hmac.h"

namespace cm {

// pbkdf2_hmac_sha256: fills out_size bytes (1 .. (2^32 - 1) * 32). iterations >= 1, else kArgument.
Status pbkdf2_hmac_sha256(Lane lane, uint8_t* out, size_t out_size, const uint8_t* password, size_t password_size,
                          const uint8_t* salt, size_t salt_size, uint32_t iterations);

// pbkdf2_approved: whether SP 800-132 and IG D.N allow these inputs.
constexpr bool pbkdf2_approved(size_t password_size, size_t salt_size, uint32_t iterations, size_t out_size) {
  return password_size >= 14 && salt_size >= 16 && iterations >= 1000 && out_size >= 14;
}

}  // namespace cm
