// SPDX-License-Identifier: Apache-2.0
// hash_multi_half_x86_avx512.cpp: the rounds of hash_multi_x86_rounds.h on 256-bit registers, with the rotations and
// functions of three operands that AVX-512 has for them, and with as many registers: eight messages of SHA-1 and
// SHA-256, four of SHA-512, for batches that would leave half of a 512-bit register empty. Built with its own -m flags:
// only the entry points may have external linkage, and no inline function of another header may be called here.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/cpu/wipe_x86.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/hash_multi/hash_multi_x86_rounds.h"

namespace cm {
namespace {

// gather: the 16 bytes at an offset of two messages.
[[gnu::always_inline]] inline __m256i gather(const uint8_t* m0, const uint8_t* m1, size_t at) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load128(m0 + at)), load128(m1 + at), 1);
}

struct Reg256 {
  using V = __m256i;
  struct Ring {
    V w[16];
  };
  [[gnu::always_inline]] static V* place(Ring& ring) { return ring.w; }
  static void forget_loads() {}
  [[gnu::always_inline]] static void pin(V& v) { __asm__ volatile("" : "+v"(v)); }
  static void wipe(V*) {}

  static V load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, V v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  static V xor3(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0x96); }
  static V choose(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0xca); }
  static V majority(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0xe8); }
  static V majority(V a, V b, V c, V&) { return majority(a, b, c); }
};

struct Reg256Of32 : Reg256 {
  using Word = uint32_t;
  static constexpr int kLanes = 8, kInputWords = 4;

  static V add(V a, V b) { return _mm256_add_epi32(a, b); }
  static V all(const Word* k) { return _mm256_set1_epi32(static_cast<int>(*k)); }
  template <int N>
  static V ror(V v) {
    return _mm256_ror_epi32(v, N);
  }
  template <int A, int B, int C>
  static V rotations(V v) {
    return xor3(ror<A>(v), ror<B>(v), ror<C>(v));
  }
  template <int A, int B, int C>
  static V rotations_and_shift(V v) {
    return xor3(ror<A>(v), ror<B>(v), _mm256_srli_epi32(v, C));
  }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = load(hide(kSwap32));
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

struct Reg256Of64 : Reg256 {
  using Word = uint64_t;
  static constexpr int kLanes = 4, kInputWords = 2;

  static V add(V a, V b) { return _mm256_add_epi64(a, b); }
  static V all(const Word* k) { return _mm256_set1_epi64x(static_cast<int64_t>(*k)); }
  template <int N>
  static V ror(V v) {
    return _mm256_ror_epi64(v, N);
  }
  template <int A, int B, int C>
  static V rotations(V v) {
    return xor3(ror<A>(v), ror<B>(v), ror<C>(v));
  }
  template <int A, int B, int C>
  static V rotations_and_shift(V v) {
    return xor3(ror<A>(v), ror<B>(v), _mm256_srli_epi64(v, C));
  }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = load(hide(kSwap64));
    const V r0 = _mm256_shuffle_epi8(gather(in[0], in[2], at), swap);
    const V r1 = _mm256_shuffle_epi8(gather(in[1], in[3], at), swap);
    w[0] = _mm256_unpacklo_epi64(r0, r1);
    w[1] = _mm256_unpackhi_epi64(r0, r1);
  }
};

using Sha1x8 = Sha1<Reg256Of32>;
using Sha256x8 = Sha2<Reg256Of32, Sha256Sums<Reg256Of32>>;
using Sha512x4 = Sha2<Reg256Of64, Sha512Sums<Reg256Of64>>;

}  // namespace

void sha1_multi_8_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of32, Sha1x8>(state, in, blocks);
  wipe_zmm();
}

void sha256_multi_8_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of32, Sha256x8>(state, in, blocks);
  wipe_zmm();
}

void sha512_multi_4_x86_avx512(uint64_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of64, Sha512x4>(state, in, blocks);
  wipe_zmm();
}

void sha1_multi_words_8_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg256Of32, Sha1x8>(out, start, words);
  wipe_zmm();
}

void sha256_multi_words_8_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg256Of32, Sha256x8>(out, start, words);
  wipe_zmm();
}

void sha512_multi_words_4_x86_avx512(uint64_t* out, const uint64_t* start, const uint64_t* words) {
  run_words<Reg256Of64, Sha512x4>(out, start, words);
  wipe_zmm();
}

}  // namespace cm
