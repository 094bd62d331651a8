// SPDX-License-Identifier: Apache-2.0
// cbc_cs.h: the end of a CBC message with ciphertext stealing (addendum to SP 800-38A). For cipher.cpp only.
#pragma once
#include "crypto/cipher/cipher.h"

namespace cm {

// cbc_cs_end: the last block, or the last two of which one may be short: state.held_size bytes, 16 to 32, of
// state.held to out. state.mode is kCbcCs1, kCbcCs2 or kCbcCs3.
void cbc_cs_end(const CipherState& state, uint8_t* out);

}  // namespace cm
