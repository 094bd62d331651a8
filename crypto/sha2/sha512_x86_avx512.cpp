// SPDX-License-Identifier: Apache-2.0
// sha512_x86_avx512.cpp: SHA-512 compression (FIPS 180-4 6.4.2) on general and vector registers at once, with rotations
// and functions of three operands of AVX-512. Built with its own -m flags: only the entry point may have external
// linkage.
//
// A round waits for e of the round before, not for a, which becomes e four rounds later. So the general registers do
// e, f, g and h alone, and a, b and c are in vector registers, whose units are idle otherwise:
//   e' = d + h + kw + Ch(e, f, g) + Sigma1(e)    a' = e' - d + Maj(a, b, c) + Sigma0(a)
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha2/sha512_x86_rounds.h"

namespace cm {
namespace {

// Halves: a, b, c and d in a[0] to a[3], e, f, g and h in e[0] to e[3], between rounds whose number divides by four.
struct Halves {
  __m128i a[4];
  uint64_t e[4];

  [[gnu::always_inline]] void load(const uint64_t* state) {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      a[i] = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(state + i));
      e[i] = state[4 + i];
    }
  }

  template <unsigned i>
  [[gnu::always_inline]] void round(uint64_t kw) {
    constexpr unsigned k0 = (8 - i) & 3, k1 = (9 - i) & 3, k2 = (10 - i) & 3, k3 = (11 - i) & 3;
    uint64_t t = in_order(e[k3] + kw);
    t = in_order(t + static_cast<uint64_t>(_mm_cvtsi128_si64(a[k3])));
    t = in_order(t + choose(e[k0], e[k1], e[k2]));
    t = in_order(t + in_order(big_sigma1(e[k0])));
    e[k3] = t;
    __m128i u = _mm_sub_epi64(_mm_ternarylogic_epi64(a[k0], a[k1], a[k2], 0xe8), a[k3]);
    u = _mm_add_epi64(u, _mm_cvtsi64_si128(static_cast<long long>(t)));
    __asm__("" : "+v"(u));  // sigma is added last: it is there last
    a[k3] = _mm_add_epi64(u, vector_sigma0(a[k0]));
  }

  [[gnu::always_inline]] void add_to(uint64_t* state) const {
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
      state[i] += static_cast<uint64_t>(_mm_cvtsi128_si64(a[i]));
      state[4 + i] += e[i];
    }
  }

 private:
  [[gnu::always_inline]] static __m128i vector_sigma0(__m128i x) {
    return _mm_ternarylogic_epi64(_mm_ror_epi64(x, 28), _mm_ror_epi64(x, 34), _mm_ror_epi64(x, 39), 0x96);
  }
};

struct Avx512 {
  using Variables = Halves;

  [[gnu::always_inline]] static __m256i align(__m256i low, __m256i high) { return _mm256_alignr_epi64(high, low, 1); }
  [[gnu::always_inline]] static __m256i sigma0(__m256i x) {
    return _mm256_ternarylogic_epi64(_mm256_ror_epi64(x, 1), _mm256_ror_epi64(x, 8), _mm256_srli_epi64(x, 7), 0x96);
  }
  [[gnu::always_inline]] static __m256i sigma1(__m256i x) {
    return _mm256_ternarylogic_epi64(_mm256_ror_epi64(x, 19), _mm256_ror_epi64(x, 61), _mm256_srli_epi64(x, 6), 0x96);
  }
};

}  // namespace

void sha512_blocks_x86_avx512(uint64_t* state, const uint8_t* blocks, size_t count) {
  Ring on_stack;
  Ring* ring = hide(&on_stack);
  for (; count != 0; --count, blocks += 128) compress<Avx512>(state, ring, blocks);
  wipe(ring);
  wipe_zmm();
}

}  // namespace cm
