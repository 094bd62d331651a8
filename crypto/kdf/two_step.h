// SPDX-License-Identifier: Apache-2.0
// two_step.h: key derivation from a shared secret in two steps (SP 800-56C rev. 2 section 5): randomness is extracted
// with a MAC under the salt into the key-derivation key K_DK, which is expanded as in SP 800-108, in any of the three
// modes, with the same MAC.
#pragma once
#include "crypto/kdf/kbkdf.h"

namespace cm {

// salt is the key of the extraction's MAC, and the lane is its lane. Where there is none, SP 800-56C 5.1 takes zeros:
// a block of the hash for HMAC (for which an empty key does), an AES key for CMAC. `expansion` is what kbkdf.h takes,
// and the answers are those of it.
// two_step_hmac: K_DK is the whole HMAC; the expansion's hash is the extraction's.
Status two_step_hmac(const HmacKey& salt, uint8_t* out, size_t out_size, const uint8_t* secret, size_t secret_size,
                     const KbkdfInput& expansion);
// two_step_cmac: salt has 128, 192 or 256 bits; K_DK has 128, and so the expansion is with AES-128 always.
Status two_step_cmac(const CmacKey& salt, uint8_t* out, size_t out_size, const uint8_t* secret, size_t secret_size,
                     const KbkdfInput& expansion);

}  // namespace cm
