// SPDX-License-Identifier: Apache-2.0
// hash_multi_x86_avx2.cpp: the rounds of hash_multi_x86_rounds.h on 256-bit registers: eight messages of SHA-1 and
// SHA-256, four of SHA-512. The variables stay in the registers; the schedule has a buffer on the stack, which is
// wiped. Built with its own -m flags: only the entry points may have external linkage, and no inline function of
// another header may be called here.
#include "crypto/hash_multi/hash_multi_x86_ymm.h"

#include "crypto/cpu/wipe_x86.h"
#include "crypto/hash_multi/hash_multi_kernels.h"

namespace cm {
namespace {

struct Reg256 {
  using V = __m256i;
  struct Ring {
    V w[16];
  };
  [[gnu::always_inline]] static V* place(Ring& ring) { return hide(ring.w); }
  // forget_loads: words of the schedule are read again from memory, instead of being kept in a register; no code.
  [[gnu::always_inline]] static void forget_loads() { __asm__ volatile("" : : : "memory"); }
  [[gnu::always_inline]] static void pin(V& v) { __asm__ volatile("" : "+x"(v)); }
  static void settle(V&) {}  // words are in memory
  [[gnu::always_inline]] static void wipe(V* w) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) w[i] = _mm256_setzero_si256();
    __asm__ volatile("" : : "r"(w) : "memory");
  }

  static V load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, V v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  static V xor3(V a, V b, V c) { return exclusive_or(exclusive_or(a, b), c); }
  static V choose(V a, V b, V c) { return exclusive_or(c, _mm256_and_si256(a, exclusive_or(b, c))); }
  static V majority(V a, V b, V c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
  }
  // The next round's b ^ c is this one's a ^ b.
  static V majority(V a, V b, V, V& bc) {
    const V ab = exclusive_or(a, b), x = _mm256_and_si256(ab, bc);
    bc = ab;
    return exclusive_or(x, b);
  }
};

struct Reg256Of32 : YmmOf32<Reg256> {
  template <int N>
  static V ror(V v) {
    return _mm256_or_si256(_mm256_srli_epi32(v, N), _mm256_slli_epi32(v, 32 - N));
  }
  // The halves of rotations one after the other: side by side they would take too many registers.
  template <int A, int B, int C>
  [[gnu::always_inline]] static V rotations(V v) {
    V x = rotations_and_shift<A, B, C>(v);
    return exclusive_or(x, _mm256_slli_epi32(v, 32 - C));
  }
  template <int A, int B, int C>
  [[gnu::always_inline]] static V rotations_and_shift(V v) {
    V x = exclusive_or(_mm256_srli_epi32(v, A), _mm256_slli_epi32(v, 32 - A));
    pin(x);
    x = exclusive_or(x, exclusive_or(_mm256_srli_epi32(v, B), _mm256_slli_epi32(v, 32 - B)));
    pin(x);
    x = exclusive_or(x, _mm256_srli_epi32(v, C));
    pin(x);
    return x;
  }
};

struct Reg256Of64 : YmmOf64<Reg256> {
  template <int N>
  static V ror(V v) {
    return _mm256_or_si256(_mm256_srli_epi64(v, N), _mm256_slli_epi64(v, 64 - N));
  }
  // The halves of rotations one after the other: side by side they would take too many registers.
  template <int A, int B, int C>
  [[gnu::always_inline]] static V rotations(V v) {
    V x = rotations_and_shift<A, B, C>(v);
    return exclusive_or(x, _mm256_slli_epi64(v, 64 - C));
  }
  template <int A, int B, int C>
  [[gnu::always_inline]] static V rotations_and_shift(V v) {
    V x = exclusive_or(_mm256_srli_epi64(v, A), _mm256_slli_epi64(v, 64 - A));
    pin(x);
    x = exclusive_or(x, exclusive_or(_mm256_srli_epi64(v, B), _mm256_slli_epi64(v, 64 - B)));
    pin(x);
    x = exclusive_or(x, _mm256_srli_epi64(v, C));
    pin(x);
    return x;
  }
};

using Sha1x8 = Sha1<Reg256Of32>;
using Sha256x8 = Sha2<Reg256Of32, Sha256Sums<Reg256Of32>>;
using Sha512x4 = Sha2<Reg256Of64, Sha512Sums<Reg256Of64>>;

}  // namespace

void sha1_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of32, Sha1x8>(state, in, blocks);
  wipe_ymm();
}

void sha256_multi_8_x86_avx2(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of32, Sha256x8>(state, in, blocks);
  wipe_ymm();
}

void sha512_multi_4_x86_avx2(uint64_t* state, const uint8_t* const* in, size_t blocks) {
  run_blocks<Reg256Of64, Sha512x4>(state, in, blocks);
  wipe_ymm();
}

void sha1_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg256Of32, Sha1x8>(out, start, words);
  wipe_ymm();
}

void sha256_multi_words_8_x86_avx2(uint32_t* out, const uint32_t* start, const uint32_t* words) {
  run_words<Reg256Of32, Sha256x8>(out, start, words);
  wipe_ymm();
}

void sha512_multi_words_4_x86_avx2(uint64_t* out, const uint64_t* start, const uint64_t* words) {
  run_words<Reg256Of64, Sha512x4>(out, start, words);
  wipe_ymm();
}

}  // namespace cm
