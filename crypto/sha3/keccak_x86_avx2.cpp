// SPDX-License-Identifier: Apache-2.0
// keccak_x86_avx2.cpp: Keccak-p[1600, 24] (FIPS 202 3.3) for one state with the scalar instructions that processors of
// lane avx2 have: ANDN for chi, RORX for rotations that leave their operand.
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_words.h"

namespace cm {

void keccak_absorb_x86_avx2(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
  WordKeccak<false>::absorb(state, rate_words, blocks, count);
}

}  // namespace cm
