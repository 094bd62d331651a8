// SPDX-License-Identifier: Apache-2.0
// sha512_kernels.h: the table of SHA-512 block functions (FIPS 180-4 6.4). Fastest last; self-tests, tests, benches and
// the lane choice iterate it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kSha512Kernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2},
};

// Each: state[8] in host order, updated with count 128-byte blocks. No alignment is needed.
void sha512_blocks_portable(uint64_t* state, const uint8_t* blocks, size_t count);
void sha512_blocks_x86_avx2(uint64_t* state, const uint8_t* blocks, size_t count);
void sha512_blocks_x86_avx512(uint64_t* state, const uint8_t* blocks, size_t count);

}  // namespace cm
