// SPDX-License-Identifier: Apache-2.0
// sha256_four_x86_avx512.cpp: SHA-256 compression (FIPS 180-4 6.2.2) of four messages side by side with the SHA
// extensions. One message waits most of the time for the result of SHA256RNDS2; where the processor can begin one every
// cycle, four of them are faster than sixteen in the words of 512-bit registers.
//
// The sixteen registers that those instructions know hold the states and what is worked on; the schedules are in the
// sixteen others of AVX-512, from which moves cost nothing. The states before a block stay in the caller's array,
// constants are memory operands, and nothing goes to the stack. Steps are in assembler, because compilers put the
// schedules elsewhere.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "crypto/cpu/wipe_x86.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha256_x86_order.h"

namespace cm {
namespace {

constexpr int kStreams = 4;

// Stream: one of the messages, in the middle of a block. w[i]: words t .. t+3 of the schedule for which t / 4 mod 4 is
// i.
struct Stream {
  __m128i abef, cdgh, w[4];
};

[[gnu::always_inline]] inline void begin_block(Stream& s, const uint32_t* state, const uint8_t* block) {
  s.abef = load(state);
  s.cdgh = load(state + 4);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) s.w[i] = message_words(block + 16 * i);
}

[[gnu::always_inline]] inline void end_block(uint32_t* state, const Stream& s) {
  store(state, _mm_add_epi32(s.abef, load(state)));
  store(state + 4, _mm_add_epi32(s.cdgh, load(state + 4)));
}

// four_rounds: rounds t .. t+3 of one message. The instruction takes words and constants from xmm0.
[[gnu::always_inline]] inline void four_rounds(Stream& s, __m128i w, const uint32_t* k) {
  __asm__ volatile(
      "vpaddd %[k], %[w], %%xmm0\n\t"
      "sha256rnds2 %%xmm0, %[abef], %[cdgh]\n\t"
      "vpshufd $0x0e, %%xmm0, %%xmm0\n\t"
      "sha256rnds2 %%xmm0, %[cdgh], %[abef]"
      : [abef] "+x"(s.abef), [cdgh] "+x"(s.cdgh)
      : [w] "v"(w), [k] "m"(*reinterpret_cast<const __m128i*>(k))
      : "xmm0");
}

// next_words: W[t .. t+3] in place of the oldest of the sixteen words before them.
[[gnu::always_inline]] inline void next_words(__m128i& w16, __m128i w12, __m128i w8, __m128i w4) {
  __m128i t, u;
  __asm__ volatile(
      "vmovdqa64 %[w16], %[t]\n\t"
      "vmovdqa64 %[w12], %[u]\n\t"
      "sha256msg1 %[u], %[t]\n\t"
      "vpalignr $4, %[w8], %[w4], %[u]\n\t"
      "vpaddd %[u], %[t], %[t]\n\t"
      "vmovdqa64 %[w4], %[u]\n\t"
      "sha256msg2 %[u], %[t]\n\t"
      "vmovdqa64 %[t], %[w16]"
      : [w16] "+v"(w16), [t] "=&x"(t), [u] "=&x"(u)
      : [w12] "v"(w12), [w8] "v"(w8), [w4] "v"(w4));
}

template <int I>
[[gnu::always_inline]] inline void four_rounds_of_all(Stream (&s)[kStreams], const uint32_t* k) {
#pragma GCC unroll 4
  for (Stream& one : s) {
    four_rounds(one, one.w[I], k + 4 * I);
    next_words(one.w[I], one.w[(I + 1) & 3], one.w[(I + 2) & 3], one.w[(I + 3) & 3]);
  }
}

template <int I>
[[gnu::always_inline]] inline void last_rounds_of_all(Stream (&s)[kStreams], const uint32_t* k) {
#pragma GCC unroll 4
  for (Stream& one : s) four_rounds(one, one.w[I], k + 4 * I);
}

[[gnu::always_inline]] inline void all_rounds(Stream (&s)[kStreams]) {
  const uint32_t* k = kSha256Round;
#pragma GCC unroll 1
  for (int t = 0; t < 48; t += 16) {
    four_rounds_of_all<0>(s, k);
    four_rounds_of_all<1>(s, k);
    four_rounds_of_all<2>(s, k);
    four_rounds_of_all<3>(s, k);
    k += 16;
  }
  last_rounds_of_all<0>(s, k);
  last_rounds_of_all<1>(s, k);
  last_rounds_of_all<2>(s, k);
  last_rounds_of_all<3>(s, k);
}

}  // namespace

void sha256_multi_4_x86_avx512(uint32_t* state, const uint8_t* const* in, size_t blocks) {
  _mm256_zeroupper();  // on dirty upper halves the SHA instructions would wait for a merge
#pragma GCC unroll 4
  for (int l = 0; l < kStreams; ++l) to_instruction_order(state + 8 * l);
#pragma GCC unroll 1
  for (size_t at = 0; at != 64 * blocks; at += 64) {
    Stream s[kStreams];
#pragma GCC unroll 4
    for (int l = 0; l < kStreams; ++l) begin_block(s[l], state + 8 * l, in[l] + at);
    all_rounds(s);
    forget_loads();
#pragma GCC unroll 4
    for (int l = 0; l < kStreams; ++l) end_block(state + 8 * l, s[l]);
  }
#pragma GCC unroll 4
  for (int l = 0; l < kStreams; ++l) to_host_order(state + 8 * l);
  wipe_zmm();
}

}  // namespace cm
