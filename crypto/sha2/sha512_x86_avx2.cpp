// SPDX-License-Identifier: Apache-2.0
// sha512_x86_avx2.cpp: SHA-512 compression (FIPS 180-4 6.4.2) with AVX2 for the schedule and RORX for the rounds. Built
// with its own -m flags: only the entry point may have external linkage.
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha2/sha512_x86_rounds.h"

namespace cm {
namespace {

alignas(32) constexpr uint64_t kBy8[4] = {0x0007060504030201, 0x080f0e0d0c0b0a09, 0x0007060504030201,
                                          0x080f0e0d0c0b0a09};  // rotates words by eight bits

// Whole: all eight variables in general registers; s[0] is a, s[7] h, between rounds whose number divides by eight. The
// majority of a, b and c is b where b and c agree and else a, so that a ^ b of one round is b ^ c of the next.
struct Whole {
  uint64_t s[8];
  uint64_t bc;

  [[gnu::always_inline]] void load(const uint64_t* state) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) s[i] = state[i];
    bc = s[1] ^ s[2];
  }

  template <unsigned i>
  [[gnu::always_inline]] void round(uint64_t kw) {
    const uint64_t a = s[(8 - i) & 7], b = s[(9 - i) & 7], e = s[(12 - i) & 7];
    uint64_t h = in_order(s[(15 - i) & 7] + kw);
    h = in_order(h + choose(e, s[(13 - i) & 7], s[(14 - i) & 7]));
    h = in_order(h + in_order(big_sigma1(e)));
    s[(11 - i) & 7] += h;
    const uint64_t ab = a ^ b;
    h = in_order(h + (b ^ (ab & bc)));
    s[(15 - i) & 7] = h + big_sigma0(a);
    bc = ab;
  }

  [[gnu::always_inline]] void add_to(uint64_t* state) const {
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
  }
};

struct Avx2 {
  using Variables = Whole;

  [[gnu::always_inline]] static __m256i align(__m256i low, __m256i high) {
    return _mm256_alignr_epi8(_mm256_permute2x128_si256(low, high, 0x21), low, 8);
  }
  [[gnu::always_inline]] static __m256i sigma0(__m256i x) {
    const __m256i by1 = _mm256_xor_si256(_mm256_srli_epi64(x, 1), _mm256_slli_epi64(x, 63));
    return _mm256_xor_si256(_mm256_xor_si256(by1, _mm256_srli_epi64(x, 7)), _mm256_shuffle_epi8(x, constant(kBy8)));
  }
  [[gnu::always_inline]] static __m256i sigma1(__m256i x) {
    const __m256i by19 = _mm256_xor_si256(_mm256_srli_epi64(x, 19), _mm256_slli_epi64(x, 45));
    const __m256i by61 = _mm256_xor_si256(_mm256_srli_epi64(x, 61), _mm256_slli_epi64(x, 3));
    return _mm256_xor_si256(_mm256_xor_si256(by19, by61), _mm256_srli_epi64(x, 6));
  }
};

}  // namespace

void sha512_blocks_x86_avx2(uint64_t* state, const uint8_t* blocks, size_t count) {
  Ring on_stack;
  Ring* ring = hide(&on_stack);
  for (; count != 0; --count, blocks += 128) compress<Avx2>(state, ring, blocks);
  wipe(ring);
  wipe_ymm();
}

}  // namespace cm
