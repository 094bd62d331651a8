// SPDX-License-Identifier: Apache-2.0
// keccak_multi_x86_avx512.cpp: Keccak-p[1600, 24] (FIPS 202 3.3) for four states in ymm registers and for eight in zmm.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "crypto/sha3/keccak_x86_ternary.h"

namespace cm {
namespace {

// word: of two lanes.
inline __m128i word(const uint8_t* p0, const uint8_t* p1) {
  const __m128d low = _mm_load_sd(reinterpret_cast<const double*>(p0));
  return _mm_castpd_si128(_mm_loadh_pd(low, reinterpret_cast<const double*>(p1)));
}
inline __m128i words(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// Registers below: lane l is in element l. take_in: word I of the blocks at offset at; take_in_two: words I and I + 1.
// More at a time would need registers that there are not.

struct Four {
  using V = __m256i;
  static constexpr size_t kLanes = 4;
  static inline V add_constant(V a, const uint64_t* p) {
    return _mm256_xor_si256(a, _mm256_set1_epi64x(static_cast<long long>(*p)));
  }
  static inline V load(const uint64_t* p) { return _mm256_load_si256(reinterpret_cast<const V*>(p)); }
  static inline void store(uint64_t* p, V v) { _mm256_store_si256(reinterpret_cast<V*>(p), v); }
  static inline void take_in(V& a, const uint8_t* const* in, size_t at) {
    const __m128i low = word(in[0] + at, in[1] + at), high = word(in[2] + at, in[3] + at);
    a = _mm256_xor_si256(a, _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
  }
  static inline V two(const uint8_t* low, const uint8_t* high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(words(low)), words(high), 1);
  }
  static inline void take_in_two(V* a, const uint8_t* const* in, size_t at) {
    const V even = two(in[0] + at, in[2] + at), odd = two(in[1] + at, in[3] + at);
    a[0] = _mm256_xor_si256(a[0], _mm256_unpacklo_epi64(even, odd));
    a[1] = _mm256_xor_si256(a[1], _mm256_unpackhi_epi64(even, odd));
  }
};

struct Eight {
  using V = __m512i;
  static constexpr size_t kLanes = 8;
  static inline V add_constant(V a, const uint64_t* p) {
    return _mm512_xor_si512(a, _mm512_set1_epi64(static_cast<long long>(*p)));
  }
  static inline V load(const uint64_t* p) { return _mm512_load_si512(p); }
  static inline void store(uint64_t* p, V v) { _mm512_store_si512(p, v); }
  static inline void take_in(V& a, const uint8_t* const* in, size_t at) {
    V v = _mm512_castsi128_si512(word(in[0] + at, in[1] + at));
    v = _mm512_inserti64x2(v, word(in[2] + at, in[3] + at), 1);
    v = _mm512_inserti64x2(v, word(in[4] + at, in[5] + at), 2);
    v = _mm512_inserti64x2(v, word(in[6] + at, in[7] + at), 3);
    a = _mm512_xor_si512(a, v);
  }
  static inline V four(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2, const uint8_t* p3) {
    V v = _mm512_castsi128_si512(words(p0));
    v = _mm512_inserti64x2(v, words(p1), 1);
    v = _mm512_inserti64x2(v, words(p2), 2);
    return _mm512_inserti64x2(v, words(p3), 3);
  }
  static inline void take_in_two(V* a, const uint8_t* const* in, size_t at) {
    const V even = four(in[0] + at, in[2] + at, in[4] + at, in[6] + at);
    const V odd = four(in[1] + at, in[3] + at, in[5] + at, in[7] + at);
    a[0] = _mm512_xor_si512(a[0], _mm512_unpacklo_epi64(even, odd));
    a[1] = _mm512_xor_si512(a[1], _mm512_unpackhi_epi64(even, odd));
  }
};

// take_in_words: from kFrom on, an even number.
template <class R, int kFrom, int kTo>
[[gnu::always_inline]] inline void take_in_words(TernaryKeccak<R>& k, const uint8_t* const* in, size_t at) {
#pragma GCC unroll 4
  for (int i = kFrom; i < kTo; i += 2) {
    R::take_in_two(k.a + i, in, at + 8 * static_cast<size_t>(i));
    __asm__ volatile("" : : : "memory");  // the next ones are not loaded before
  }
}

template <class R>
[[gnu::always_inline]] inline void take_in_block(TernaryKeccak<R>& k, const uint8_t* const* in, size_t at,
                                                 size_t rate_words) {
  take_in_words<R, 0, 8>(k, in, at);
  if (rate_words == 9) return R::take_in(k.a[8], in, at + 64);
  take_in_words<R, 8, 12>(k, in, at);
  if (rate_words == 13) return R::take_in(k.a[12], in, at + 96);
  take_in_words<R, 12, 16>(k, in, at);
  if (rate_words == 17) return R::take_in(k.a[16], in, at + 128);
  take_in_words<R, 16, 18>(k, in, at);
  if (rate_words == 18) return;
  take_in_words<R, 18, 20>(k, in, at);
  R::take_in(k.a[20], in, at + 160);
}

template <class R>
[[gnu::always_inline]] inline void absorb(KeccakLanes& lanes, size_t rate_words, size_t count) {
  TernaryKeccak<R> k;
#pragma GCC unroll 25
  for (size_t i = 0; i < kKeccakWords; ++i) k.a[i] = R::load(lanes.state + R::kLanes * i);
  size_t at = 0;
  do {
    take_in_block(k, lanes.in, at, rate_words);
    k.permute();
    at += 8 * rate_words;
  } while (--count != 0);
#pragma GCC unroll 25
  for (size_t i = 0; i < kKeccakWords; ++i) R::store(lanes.state + R::kLanes * i, k.a[i]);
  wipe_zmm();
}

}  // namespace

void keccak_absorb_4_x86_avx512(KeccakLanes& lanes, size_t rate_words, size_t count) {
  absorb<Four>(lanes, rate_words, count);
}

void keccak_absorb_8_x86_avx512(KeccakLanes& lanes, size_t rate_words, size_t count) {
  absorb<Eight>(lanes, rate_words, count);
}

}  // namespace cm
