// SPDX-License-Identifier: Apache-2.0
// keccak_multi_x86_avx2.cpp: Keccak-p[1600, 24] (FIPS 202 3.3) for four states in ymm registers. Sixteen registers do
// not hold 25 words, so there are two sets of states in memory of the caller that take turns: a round reads one and
// writes the other.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha3/keccak_constants.h"
#include "crypto/sha3/keccak_multi_kernels.h"

namespace cm {
namespace {

using V = __m256i;
constexpr size_t kLanes = 4;

inline V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }

alignas(32) constexpr uint8_t kRotate8[32] = {7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14,
                                              7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14};
alignas(32) constexpr uint8_t kRotate56[32] = {1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8,
                                               1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8};

template <int N>
[[gnu::always_inline]] inline V rotate(V v) {
  if constexpr (N == 0) return v;
  if constexpr (N == 8) return _mm256_shuffle_epi8(v, *reinterpret_cast<const V*>(kRotate8));
  if constexpr (N == 56) return _mm256_shuffle_epi8(v, *reinterpret_cast<const V*>(kRotate56));
  return _mm256_or_si256(_mm256_slli_epi64(v, N), _mm256_srli_epi64(v, (64 - N) % 64));
}

// operand: theta's last step, rho and pi (3.2.1 to 3.2.3) for operand X of row Y.
template <int X, int Y>
[[gnu::always_inline]] inline V operand(const V* a, const V (&d)[5]) {
  constexpr int kFrom = keccak_from(X, Y);
  return rotate<kKeccakRho[kFrom]>(exclusive_or(a[kFrom], d[kFrom % 5]));
}

inline V chi(V b0, V b1, V b2) { return exclusive_or(b0, _mm256_andnot_si256(b1, b2)); }

template <int Y>
[[gnu::always_inline]] inline void row(V* to, const V* a, const V (&d)[5], const uint64_t* constant) {
  const V b0 = operand<0, Y>(a, d), b1 = operand<1, Y>(a, d), b2 = operand<2, Y>(a, d), b3 = operand<3, Y>(a, d),
          b4 = operand<4, Y>(a, d);
  V first = chi(b0, b1, b2);
  if constexpr (Y == 0) first = exclusive_or(first, _mm256_set1_epi64x(static_cast<long long>(*constant)));
  to[5 * Y] = first;
  to[5 * Y + 1] = chi(b1, b2, b3);
  to[5 * Y + 2] = chi(b2, b3, b4);
  to[5 * Y + 3] = chi(b3, b4, b0);
  to[5 * Y + 4] = chi(b4, b0, b1);
}

[[gnu::always_inline]] inline void round(V* to, const V* a, const uint64_t* constant) {
  V c[5], d[5];
#pragma GCC unroll 5
  for (int x = 0; x < 5; ++x)
    c[x] = exclusive_or(exclusive_or(exclusive_or(exclusive_or(a[x], a[x + 5]), a[x + 10]), a[x + 15]), a[x + 20]);
#pragma GCC unroll 5
  for (int x = 0; x < 5; ++x) d[x] = exclusive_or(c[(x + 4) % 5], rotate<1>(c[(x + 1) % 5]));
  row<0>(to, a, d, constant);
  row<1>(to, a, d, constant);
  row<2>(to, a, d, constant);
  row<3>(to, a, d, constant);
  row<4>(to, a, d, constant);
  __asm__ volatile("" : : : "memory");  // what the next round reads comes from memory, not from the stack
}

inline void take_in(V& a, const uint8_t* const* in, size_t at) {
  uint64_t w[kLanes];
#pragma GCC unroll 4
  for (size_t l = 0; l < kLanes; ++l) __builtin_memcpy(w + l, in[l] + at, sizeof w[l]);
  a = exclusive_or(a, _mm256_set_epi64x(static_cast<long long>(w[3]), static_cast<long long>(w[2]),
                                        static_cast<long long>(w[1]), static_cast<long long>(w[0])));
}

inline V words(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }

// take_in_four: words that memory has side by side for a lane.
[[gnu::always_inline]] inline void take_in_four(V* a, const uint8_t* const* in, size_t at) {
  const V r0 = words(in[0] + at), r1 = words(in[1] + at), r2 = words(in[2] + at), r3 = words(in[3] + at);
  const V t0 = _mm256_unpacklo_epi64(r0, r1), t1 = _mm256_unpackhi_epi64(r0, r1);
  const V t2 = _mm256_unpacklo_epi64(r2, r3), t3 = _mm256_unpackhi_epi64(r2, r3);
  a[0] = exclusive_or(a[0], _mm256_permute2x128_si256(t0, t2, 0x20));
  a[1] = exclusive_or(a[1], _mm256_permute2x128_si256(t1, t3, 0x20));
  a[2] = exclusive_or(a[2], _mm256_permute2x128_si256(t0, t2, 0x31));
  a[3] = exclusive_or(a[3], _mm256_permute2x128_si256(t1, t3, 0x31));
}

}  // namespace

void keccak_absorb_4_x86_avx2(KeccakLanes& lanes, size_t rate_words, size_t count) {
  V* const a = reinterpret_cast<V*>(lanes.state);
  V* const other = reinterpret_cast<V*>(lanes.other);
  size_t at = 0;
  do {
    size_t i = 0;
    for (; i + 4 <= rate_words; i += 4) take_in_four(a + i, lanes.in, at + 8 * i);
    for (; i < rate_words; ++i) take_in(a[i], lanes.in, at + 8 * i);
#pragma GCC unroll 1
    for (int r = 0; r < kKeccakRounds; r += 2) {
      round(other, a, kKeccakRound + r);
      round(a, other, kKeccakRound + r + 1);
    }
    at += 8 * rate_words;
  } while (--count != 0);
  wipe_ymm();
}

}  // namespace cm
