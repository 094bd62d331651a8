// SPDX-License-Identifier: Apache-2.0
// keccak_kernels.h: the table of kernels of Keccak-p[1600, 24] for one state (FIPS 202 3.3). Fastest last; self-tests,
// tests, benches and the lane choice iterate it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kKeccakKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2},
};

// Each: state[25] in host order; count blocks of rate_words words each are taken in, every one with a permutation
// behind it. rate_words is 9, 13, 17, 18, 21, or 0 for a permutation alone. No alignment of blocks is needed.
void keccak_absorb_portable(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count);
void keccak_absorb_x86_avx2(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count);
void keccak_absorb_x86_avx512(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count);

}  // namespace cm
