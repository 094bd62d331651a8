// SPDX-License-Identifier: Apache-2.0
// hash_multi_kernels.h: the kernels behind hash_multi.h: messages side by side, one a lane (FIPS 180-4 6.1, 6.2, 6.4).
// Which message is in which lane, and for how many blocks, is the scheduler's business (hash_multi_run.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

// The portable lane has no kernel for many messages: they go through the code for one.
constexpr KernelRow kHashMultiKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2},
};

// Each: compresses so many blocks of every lane. Word w of lane l is state[w * lanes + l], in host order; in[l] points
// at the lane's first block and is left as it is. No alignment is needed.
void sha1_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha256_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha512_multi_4_x86_avx2(uint64_t* state, const uint8_t* const* in, size_t blocks);
void sha1_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha256_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks);
void sha512_multi_8_x86_avx512(uint64_t* state, const uint8_t* const* in, size_t blocks);

// Each: out = start after one block that is given as words, word w of lane l in words[w * lanes + l], in host order.
// out may be start or the first of words.
void sha1_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha256_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha512_multi_words_4_x86_avx2(uint64_t* out, const uint64_t* start, const uint64_t* words);
void sha1_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha256_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words);
void sha512_multi_words_8_x86_avx512(uint64_t* out, const uint64_t* start, const uint64_t* words);

}  // namespace cm
