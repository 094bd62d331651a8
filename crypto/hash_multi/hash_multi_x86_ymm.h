// SPDX-License-Identifier: Apache-2.0
// hash_multi_x86_ymm.h: what the two kinds of 256-bit registers for hash_multi_x86_rounds.h have in common, those of
// AVX2 and those of AVX-512: words, and how they come out of messages. Internal linkage, as everything there.
#pragma once
#include "crypto/hash_multi/hash_multi_x86_rounds.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

// gather: the 16 bytes at an offset of two messages.
[[gnu::always_inline]] inline __m256i gather(const uint8_t* m0, const uint8_t* m1, size_t at) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load128(m0 + at)), load128(m1 + at), 1);
}

template <class Reg>
struct YmmOf32 : Reg {
  using V = __m256i;
  using Word = uint32_t;
  static constexpr int kLanes = 8, kInputWords = 4;

  static V add(V a, V b) { return _mm256_add_epi32(a, b); }
  static V all(const Word* k) { return _mm256_set1_epi32(static_cast<int>(*k)); }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = Reg::load(hide(kSwap32));
    const V r0 = _mm256_shuffle_epi8(gather(in[0], in[4], at), swap);
    const V r1 = _mm256_shuffle_epi8(gather(in[1], in[5], at), swap);
    const V r2 = _mm256_shuffle_epi8(gather(in[2], in[6], at), swap);
    const V r3 = _mm256_shuffle_epi8(gather(in[3], in[7], at), swap);
    const V t0 = _mm256_unpacklo_epi32(r0, r1), t1 = _mm256_unpackhi_epi32(r0, r1);
    const V t2 = _mm256_unpacklo_epi32(r2, r3), t3 = _mm256_unpackhi_epi32(r2, r3);
    w[0] = _mm256_unpacklo_epi64(t0, t2);
    w[1] = _mm256_unpackhi_epi64(t0, t2);
    w[2] = _mm256_unpacklo_epi64(t1, t3);
    w[3] = _mm256_unpackhi_epi64(t1, t3);
  }
};

template <class Reg>
struct YmmOf64 : Reg {
  using V = __m256i;
  using Word = uint64_t;
  static constexpr int kLanes = 4, kInputWords = 2;

  static V add(V a, V b) { return _mm256_add_epi64(a, b); }
  static V all(const Word* k) { return _mm256_set1_epi64x(static_cast<int64_t>(*k)); }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = Reg::load(hide(kSwap64));
    const V r0 = _mm256_shuffle_epi8(gather(in[0], in[2], at), swap);
    const V r1 = _mm256_shuffle_epi8(gather(in[1], in[3], at), swap);
    w[0] = _mm256_unpacklo_epi64(r0, r1);
    w[1] = _mm256_unpackhi_epi64(r0, r1);
  }
};

}  // namespace
}  // namespace cm
