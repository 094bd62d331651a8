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
#include "crypto/hash_multi/hash_multi_x86_ymm.h"

namespace cm {
namespace {

struct Reg256 {
  using V = __m256i;
  struct Ring {
    V w[16];
  };
  [[gnu::always_inline]] static V* place(Ring& ring) { return ring.w; }
  static void forget_loads() {}
  [[gnu::always_inline]] static void pin(V& v) { __asm__ volatile("" : "+v"(v)); }
  [[gnu::always_inline]] static void settle(V& v) { __asm__ volatile("" : "+v"(v) : : "memory"); }
  static void wipe(V*) {}

  static V load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, V v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  static V xor3(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0x96); }
  static V choose(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0xca); }
  static V majority(V a, V b, V c) { return _mm256_ternarylogic_epi64(a, b, c, 0xe8); }
  static V majority(V a, V b, V c, V&) { return majority(a, b, c); }
};

struct Reg256Of32 : YmmOf32<Reg256> {
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
};

struct Reg256Of64 : YmmOf64<Reg256> {
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
