// SPDX-License-Identifier: Apache-2.0
// sha256_kernels.h: the table of SHA-256 block functions (FIPS 180-4 6.2). Fastest last; self-tests, tests, benches
// and the lane choice iterate it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kSha256Kernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kShani, kFeatureSse41 | kFeatureShani},
};

// Each: state[8] in host order, updated with count 64-byte blocks. No alignment is needed.
void sha256_blocks_portable(uint32_t* state, const uint8_t* blocks, size_t count);
void sha256_blocks_x86_shani(uint32_t* state, const uint8_t* blocks, size_t count);

// The same for two messages at once, count blocks of each; no lane of its own. The states must be two.
void sha256_blocks_two_x86_shani(uint32_t* state0, uint32_t* state1, const uint8_t* blocks0, const uint8_t* blocks1,
                                 size_t count);

// Each: one block given as its sixteen message words in host order, so that a digest goes back in as it came out.
void sha256_words_portable(uint32_t* state, const uint32_t* words);
void sha256_words_x86_shani(uint32_t* state, const uint32_t* words);

// sha256_hmac_x86_shani: what sha256_hmac (sha256.h) does, with the padded end of the message as blocks. The states go
// from one hash into the other without leaving the registers.
void sha256_hmac_x86_shani(uint8_t* mac, const uint32_t* inner, const uint32_t* outer, const uint8_t* blocks,
                           size_t count, const uint8_t* end, size_t end_count);

}  // namespace cm
