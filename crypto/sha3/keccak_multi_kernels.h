// SPDX-License-Identifier: Apache-2.0
// keccak_multi_kernels.h: the table of kernels of Keccak-p[1600, 24] (FIPS 202 3.3) for several states side by side.
// Fastest last. Which message is in which lane, and for how many blocks, is the scheduler's business
// (keccak_multi.cpp).
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

// Lane portable has no kernel here: messages go one after another.
constexpr KernelRow kKeccakMultiKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2},
};

inline constexpr size_t kKeccakLanesMax = 8;

// KeccakLanes: what a kernel of n lanes works on. Word i of the state of lane l is state[n * i + l].
struct alignas(64) KeccakLanes {
  uint64_t state[25 * kKeccakLanesMax];
  uint64_t other[25 * 4];  // of kernels that do not have the registers for a state
  const uint8_t* in[kKeccakLanesMax];
};

// Each: every lane takes in count blocks, at least one, of rate_words words, every one with a permutation behind it.
// rate_words is 9, 13, 17, 18 or 21. The pointers stay as they are; lanes may have the same one.
void keccak_absorb_4_x86_avx2(KeccakLanes& lanes, size_t rate_words, size_t count);
void keccak_absorb_4_x86_avx512(KeccakLanes& lanes, size_t rate_words, size_t count);
void keccak_absorb_8_x86_avx512(KeccakLanes& lanes, size_t rate_words, size_t count);

}  // namespace cm
