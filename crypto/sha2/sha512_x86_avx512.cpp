// SPDX-License-Identifier: Apache-2.0
// sha512_x86_avx512.cpp: SHA-512 compression (FIPS 180-4 6.4.2) with rotations and three-way XOR of AVX-512 for the
// schedule. Built with its own -m flags: only the entry point may have external linkage.
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha2/sha512_x86_rounds.h"

namespace cm {
namespace {

struct Schedule {
  [[gnu::always_inline]] static __m256i align(__m256i low, __m256i high) { return _mm256_alignr_epi64(high, low, 1); }
  [[gnu::always_inline]] static __m256i sigma0(__m256i x) {
    return _mm256_ternarylogic_epi64(_mm256_ror_epi64(x, 1), _mm256_ror_epi64(x, 8), _mm256_srli_epi64(x, 7), 0x96);
  }
  [[gnu::always_inline]] static __m128i sigma1(__m128i x) {
    return _mm_ternarylogic_epi64(_mm_ror_epi64(x, 19), _mm_ror_epi64(x, 61), _mm_srli_epi64(x, 6), 0x96);
  }
};

}  // namespace

void sha512_blocks_x86_avx512(uint64_t* state, const uint8_t* blocks, size_t count) {
  Ring on_stack;
  Ring* ring = hide(&on_stack);
  for (; count != 0; --count, blocks += 128) compress<Schedule>(state, ring, blocks);
  wipe(ring);
  wipe_zmm();
}

}  // namespace cm
