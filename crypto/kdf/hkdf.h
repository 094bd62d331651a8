// SPDX-License-Identifier: Apache-2.0
// hkdf.h: HKDF (RFC 5869), which is the two-step key derivation of SP 800-56C rev. 2 section 5 with HMAC and the
// feedback mode; and HKDF-Expand-Label of TLS 1.3 (RFC 8446 7.1).
#pragma once
#include "crypto/base/status.h"
#include "crypto/hmac/hmac.h"

namespace cm {

inline constexpr size_t kHkdfMaxBlocks = 255;
inline constexpr size_t kTls13LabelMax = 249;  // RFC 8446 7.1: 255 with "tls13 " before it
inline constexpr size_t kTls13ContextMax = 255;

// hkdf_extract: writes the digest size of the hash to prk. An empty salt is one of zeros.
void hkdf_extract(HashId id, Lane lane, uint8_t* prk, const uint8_t* salt, size_t salt_size, const uint8_t* secret,
                  size_t secret_size);

// hkdf_expand: prk as a key of HMAC. kLength when out_size is 0 or more than 255 digests. The lengths of info and one
// digest together are at most kHashMaxInput less a block.
Status hkdf_expand(const HmacKey& prk, uint8_t* out, size_t out_size, const uint8_t* info, size_t info_size);

// tls13_expand_label: kLength when a size is out of range.
Status tls13_expand_label(const HmacKey& secret, uint8_t* out, size_t out_size, const uint8_t* label, size_t label_size,
                          const uint8_t* context, size_t context_size);

}  // namespace cm
