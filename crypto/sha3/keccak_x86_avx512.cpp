// SPDX-License-Identifier: Apache-2.0
// keccak_x86_avx512.cpp: Keccak-p[1600, 24] (FIPS 202 3.3) for one state, a word in each of 25 xmm registers of
// AVX-512VL. The upper halves compute along and mean nothing.
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_x86_ternary.h"

namespace cm {
namespace {

struct Xmm {
  using V = __m128i;
  static inline V add_constant(V a, const uint64_t* p) {
    return _mm_xor_si128(a, _mm_set1_epi64x(static_cast<long long>(*p)));
  }
};

// load, store: in assembler, because gcc 12 sends the words through general registers, and those through the stack.
inline __m128i load(const uint64_t* p) {
  __m128i v;
  __asm__("vmovq %[p], %[v]" : [v] "=v"(v) : [p] "m"(*p));
  return v;
}
// NOLINTNEXTLINE(readability-non-const-parameter): written to by the instruction
inline void store(uint64_t* p, __m128i v) { __asm__("vmovq %[v], %[p]" : [p] "=m"(*p) : [v] "v"(v)); }

// take_in: the words kFrom to kTo of a block.
template <int kFrom, int kTo>
[[gnu::always_inline]] inline void take_in(TernaryKeccak<Xmm>& k, const uint8_t* block) {
#pragma GCC unroll 9
  for (int i = kFrom; i < kTo; ++i)
    k.a[i] = _mm_xor_si128(k.a[i], _mm_loadl_epi64(reinterpret_cast<const __m128i*>(block + 8 * i)));
}

}  // namespace

void keccak_absorb_x86_avx512(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
  if (count == 0) return;
  TernaryKeccak<Xmm> k;
#pragma GCC unroll 25
  for (size_t i = 0; i < kKeccakWords; ++i) k.a[i] = load(state + i);
  do {
    if (rate_words != 0) take_in<0, 9>(k, blocks);
    if (rate_words > 9) take_in<9, 13>(k, blocks);
    if (rate_words > 13) take_in<13, 17>(k, blocks);
    if (rate_words > 17) take_in<17, 18>(k, blocks);
    if (rate_words > 18) take_in<18, 21>(k, blocks);
    k.permute();
    blocks += 8 * rate_words;
  } while (--count != 0);
#pragma GCC unroll 25
  for (size_t i = 0; i < kKeccakWords; ++i) store(state + i, k.a[i]);
  wipe_zmm();
}

}  // namespace cm
