// SPDX-License-Identifier: Apache-2.0
// keccak_portable.cpp: Keccak-p[1600, 24] (FIPS 202 3.3) in plain C++.
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_words.h"

namespace cm {

void keccak_absorb_portable(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
  WordKeccak<true>::absorb(state, rate_words, blocks, count);
}

}  // namespace cm
