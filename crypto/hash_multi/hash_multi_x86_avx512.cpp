// SPDX-License-Identifier: Apache-2.0
// hash_multi_x86_avx512.cpp: the rounds of hash_multi_x86_rounds.h on 512-bit registers: sixteen messages of SHA-1 and
// SHA-256, eight of SHA-512. Variables and schedule stay in the registers. Built with its own -m flags: only the entry
// points may have external linkage, and no inline function of another header may be called here.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/hash_multi/hash_multi_x86_rounds.h"

#include "crypto/cpu/wipe_x86.h"
#include "crypto/hash_multi/hash_multi_kernels.h"

namespace cm {
namespace {

// gather: the 16 bytes at an offset of four messages.
[[gnu::always_inline]] inline __m512i gather(const uint8_t* m0, const uint8_t* m1, const uint8_t* m2, const uint8_t* m3,
                                             size_t at) {
  __m512i v = _mm512_castsi128_si512(load128(m0 + at));
  v = _mm512_mask_broadcast_i32x4(v, 0x00f0, load128(m1 + at));
  v = _mm512_mask_broadcast_i32x4(v, 0x0f00, load128(m2 + at));
  return _mm512_mask_broadcast_i32x4(v, 0xf000, load128(m3 + at));
}

struct Reg512 {
  using V = __m512i;
  struct Ring {
    V w[16];
  };
  [[gnu::always_inline]] static V* place(Ring& ring) { return ring.w; }
  static void forget_loads() {}
  [[gnu::always_inline]] static void pin(V& v) { __asm__ volatile("" : "+v"(v)); }
  [[gnu::always_inline]] static void settle(V& v) { __asm__ volatile("" : "+v"(v) : : "memory"); }
  static void wipe(V*) {}

  static V load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, V v) { _mm512_storeu_si512(p, v); }
  static V exclusive_or(V a, V b) { return _mm512_xor_si512(a, b); }
  static V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  static V choose(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xca); }
  static V majority(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }
  static V majority(V a, V b, V c, V&) { return majority(a, b, c); }
};

struct Reg512Of32 : Reg512 {
  using Word = uint32_t;
  static constexpr int kLanes = 16, kInputWords = 4;

  static V add(V a, V b) { return _mm512_add_epi32(a, b); }
  static V all(const Word* k) { return _mm512_set1_epi32(static_cast<int>(*k)); }
  template <int N>
  static V ror(V v) {
    return _mm512_ror_epi32(v, N);
  }
  template <int A, int B, int C>
  static V rotations(V v) {
    return xor3(ror<A>(v), ror<B>(v), ror<C>(v));
  }
  template <int A, int B, int C>
  static V rotations_and_shift(V v) {
    return xor3(ror<A>(v), ror<B>(v), _mm512_srli_epi32(v, C));
  }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = load(hide(kSwap32));
    const V r0 = _mm512_shuffle_epi8(gather(in[0], in[4], in[8], in[12], at), swap);
    const V r1 = _mm512_shuffle_epi8(gather(in[1], in[5], in[9], in[13], at), swap);
    const V r2 = _mm512_shuffle_epi8(gather(in[2], in[6], in[10], in[14], at), swap);
    const V r3 = _mm512_shuffle_epi8(gather(in[3], in[7], in[11], in[15], at), swap);
    const V t0 = _mm512_unpacklo_epi32(r0, r1), t1 = _mm512_unpackhi_epi32(r0, r1);
    const V t2 = _mm512_unpacklo_epi32(r2, r3), t3 = _mm512_unpackhi_epi32(r2, r3);
    w[0] = _mm512_unpacklo_epi64(t0, t2);
    w[1] = _mm512_unpackhi_epi64(t0, t2);
    w[2] = _mm512_unpacklo_epi64(t1, t3);
    w[3] = _mm512_unpackhi_epi64(t1, t3);
  }
};

struct Reg512Of64 : Reg512 {
  using Word = uint64_t;
  static constexpr int kLanes = 8, kInputWords = 2;

  static V add(V a, V b) { return _mm512_add_epi64(a, b); }
  static V all(const Word* k) { return _mm512_set1_epi64(static_cast<int64_t>(*k)); }
  template <int N>
  static V ror(V v) {
    return _mm512_ror_epi64(v, N);
  }
  template <int A, int B, int C>
  static V rotations(V v) {
    return xor3(ror<A>(v), ror<B>(v), ror<C>(v));
  }
  template <int A, int B, int C>
  static V rotations_and_shift(V v) {
    return xor3(ror<A>(v), ror<B>(v), _mm512_srli_epi64(v, C));
  }
  [[gnu::always_inline]] static void input(const uint8_t* const* in, size_t at, V* w) {
    const V swap = load(hide(kSwap64));
    const V r0 = _mm512_shuffle_epi8(gather(in[0], in[2], in[4], in[6], at), swap);
    const V r1 = _mm512_shuffle_epi8(gather(in[1], in[3], in[5], in[7], at), swap);
    w[0] = _mm512_unpacklo_epi64(r0, r1);
    w[1] = _mm512_unpackhi_epi64(r0, r1);
  }
};

using Sha1x16 = Sha1<Reg512Of32>;
using Sha256x16 = Sha2<Reg512Of32, Sha256Sums<Reg512Of32>>;
using Sha512x8 = Sha2<Reg512Of64, Sha512Sums<Reg512Of64>>;

}  // namespace

void sha1_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg512Of32, Sha1x16>(state, in, blocks);
  wipe_zmm();
}

void sha256_multi_16_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg512Of32, Sha256x16>(state, in, blocks);
  wipe_zmm();
}

void sha512_multi_8_x86_avx512(uint64_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg512Of64, Sha512x8>(state, in, blocks);
  wipe_zmm();
}

void sha1_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg512Of32, Sha1x16>(out, start, words);
  wipe_zmm();
}

void sha256_multi_words_16_x86_avx512(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg512Of32, Sha256x16>(out, start, words);
  wipe_zmm();
}

void sha512_multi_words_8_x86_avx512(uint64_t* out, const uint64_t* start, const uint64_t* words) {
  run_words<Reg512Of64, Sha512x8>(out, start, words);
  wipe_zmm();
}

}  // namespace cm
