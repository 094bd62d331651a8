// SPDX-License-Identifier: Apache-2.0
// tls12_prf.h: the pseudorandom function of TLS 1.2 (RFC 5246 section 5; SP 800-135 rev. 1 4.2.2).
#pragma once
#include "crypto/base/status.h"
#include "crypto/hmac/hmac.h"

namespace cm {

// tls12_prf: secret as a key of HMAC; label and seed one after the other. kLength when out_size is 0.
Status tls12_prf(const HmacKey& secret, uint8_t* out, size_t out_size, const uint8_t* label, size_t label_size,
                 const uint8_t* seed, size_t seed_size);

}  // namespace cm
