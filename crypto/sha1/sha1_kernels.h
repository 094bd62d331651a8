// SPDX-License-Identifier: Apache-2.0
// sha1_kernels.h: the table of SHA-1 block functions (FIPS 180-4 6.1). Fastest last; self-tests, tests, benches and the
// lane choice iterate it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kSha1Kernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kShani, kFeatureSse41 | kFeatureShani},
};

// Each: state[5] in host order, updated with count 64-byte blocks. No alignment is needed.
void sha1_blocks_portable(uint32_t* state, const uint8_t* blocks, size_t count);
void sha1_blocks_x86_shani(uint32_t* state, const uint8_t* blocks, size_t count);

}  // namespace cm
