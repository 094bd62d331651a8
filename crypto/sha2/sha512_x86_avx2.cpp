// SPDX-License-Identifier: Apache-2.0
// sha512_x86_avx2.cpp: SHA-512 compression (FIPS 180-4 6.4.2) with AVX2 for the schedule and RORX for the rounds. Built
// with its own -m flags: only the entry point may have external linkage.
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha2/sha512_x86_rounds.h"

namespace cm {
namespace {

struct Schedule {
  [[gnu::always_inline]] static __m256i align(__m256i low, __m256i high) {
    return _mm256_alignr_epi8(_mm256_permute2x128_si256(low, high, 0x21), low, 8);
  }
  [[gnu::always_inline]] static __m256i sigma0(__m256i x) {
    const __m256i by8 = _mm256_broadcastsi128_si256(_mm_set_epi64x(0x080f0e0d0c0b0a09, 0x0007060504030201));
    const __m256i by1 = _mm256_xor_si256(_mm256_srli_epi64(x, 1), _mm256_slli_epi64(x, 63));
    return _mm256_xor_si256(_mm256_xor_si256(by1, _mm256_srli_epi64(x, 7)), _mm256_shuffle_epi8(x, by8));
  }
  [[gnu::always_inline]] static __m128i sigma1(__m128i x) {
    const __m128i by19 = _mm_xor_si128(_mm_srli_epi64(x, 19), _mm_slli_epi64(x, 45));
    const __m128i by61 = _mm_xor_si128(_mm_srli_epi64(x, 61), _mm_slli_epi64(x, 3));
    return _mm_xor_si128(_mm_xor_si128(by19, by61), _mm_srli_epi64(x, 6));
  }
};

}  // namespace

void sha512_blocks_x86_avx2(uint64_t* state, const uint8_t* blocks, size_t count) {
  Ring on_stack;
  Ring* ring = hide(&on_stack);
  for (; count != 0; --count, blocks += 128) compress<Schedule>(state, ring, blocks);
  wipe(ring);
  wipe_ymm();
}

}  // namespace cm
