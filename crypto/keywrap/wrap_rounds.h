// SPDX-License-Identifier: Apache-2.0
// wrap_rounds.h: W and its inverse (SP 800-38F 6.1), which KW and KWP share. For the files of this directory only.
#pragma once
#include "crypto/aes/aes.h"

namespace cm {

inline constexpr size_t kSemiblock = 8;  // bytes

// wrap_rounds: W over A = block[0..7] and n >= 2 semiblocks at r; block[8..15] is scratch.
void wrap_rounds(const AesKey& kek, uint8_t* block, uint8_t* r, size_t n);

// unwrap_rounds: the inverse of wrap_rounds.
void unwrap_rounds(const AesKey& kek, uint8_t* block, uint8_t* r, size_t n);

}  // namespace cm
