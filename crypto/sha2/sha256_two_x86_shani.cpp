// SPDX-License-Identifier: Apache-2.0
// sha256_two_x86_shani.cpp: SHA-256 compression (FIPS 180-4 6.2.2) of two messages side by side with the SHA
// extensions. One message waits most of the time for the result of SHA256RNDS2; the other fills the gap. Legacy SSE
// encoding: compiled with -msse4.1 -msha alone, and the caller clears the upper halves of the vector registers first
// (sha256.cpp). The sixteen registers hold both schedules and both states and little else: the states before a block
// stay in the caller's arrays, constants are memory operands, and nothing may go to the stack.
#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha256_x86_order.h"

namespace cm {
namespace {

// Stream: one of the messages, in the middle of a block.
struct Stream {
  __m128i abef, cdgh, w0, w1, w2, w3;
};

[[gnu::always_inline]] inline void begin_block(Stream& s, const uint32_t* state, const uint8_t* block) {
  s.abef = load(state);
  s.cdgh = load(state + 4);
  s.w0 = message_words(block);
  s.w1 = message_words(block + 16);
  s.w2 = message_words(block + 32);
  s.w3 = message_words(block + 48);
}

[[gnu::always_inline]] inline void end_block(uint32_t* state, const Stream& s) {
  store(state, _mm_add_epi32(s.abef, load(state)));
  store(state + 4, _mm_add_epi32(s.cdgh, load(state + 4)));
}

// apart: what stands before it in the code of the one message or the other is not moved behind it, nor what comes
// after before it, and all twelve registers are held here; no code. The processor looks far enough ahead to have both
// messages in flight; the compiler, if it mixes them, runs out of registers.
[[gnu::always_inline]] inline void apart(Stream& s, Stream& u) {
  __asm__(""
          : "+x"(s.abef), "+x"(s.cdgh), "+x"(s.w0), "+x"(s.w1), "+x"(s.w2), "+x"(s.w3), "+x"(u.abef), "+x"(u.cdgh),
            "+x"(u.w0), "+x"(u.w1), "+x"(u.w2), "+x"(u.w3));
}

// four_rounds: rounds t .. t+3 of one message, with schedule words w.
[[gnu::always_inline]] inline void four_rounds(Stream& s, __m128i w, const uint32_t* k) {
  __m128i wk = _mm_add_epi32(w, constant(k));
  s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, wk);
  wk = _mm_shuffle_epi32(wk, 0x0e);
  s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, wk);
}

// next_words: W[t .. t+3] from the sixteen words before them, four a register, oldest first.
[[gnu::always_inline]] inline __m128i next_words(__m128i w16, __m128i w12, __m128i w8, __m128i w4) {
  const __m128i w7 = _mm_alignr_epi8(w4, w8, 4);
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w16, w12), w7), w4);
}

// four_of_both: four rounds of both messages with the words of member w0, which next_words then replaces.
template <__m128i Stream::* w0, __m128i Stream::* w1, __m128i Stream::* w2, __m128i Stream::* w3>
[[gnu::always_inline]] inline void four_of_both(Stream& s, Stream& u, const uint32_t* k) {
  four_rounds(s, s.*w0, k);
  apart(s, u);
  four_rounds(u, u.*w0, k);
  apart(s, u);
  s.*w0 = next_words(s.*w0, s.*w1, s.*w2, s.*w3);
  apart(s, u);
  u.*w0 = next_words(u.*w0, u.*w1, u.*w2, u.*w3);
  apart(s, u);
}

[[gnu::always_inline]] inline void sixteen_rounds(Stream& s, Stream& u, const uint32_t* k) {
  four_of_both<&Stream::w0, &Stream::w1, &Stream::w2, &Stream::w3>(s, u, k);
  four_of_both<&Stream::w1, &Stream::w2, &Stream::w3, &Stream::w0>(s, u, k + 4);
  four_of_both<&Stream::w2, &Stream::w3, &Stream::w0, &Stream::w1>(s, u, k + 8);
  four_of_both<&Stream::w3, &Stream::w0, &Stream::w1, &Stream::w2>(s, u, k + 12);
}

[[gnu::always_inline]] inline void last_rounds(Stream& s, Stream& u, const uint32_t* k) {
  four_rounds(s, s.w0, k);
  four_rounds(u, u.w0, k);
  apart(s, u);
  four_rounds(s, s.w1, k + 4);
  four_rounds(u, u.w1, k + 4);
  apart(s, u);
  four_rounds(s, s.w2, k + 8);
  four_rounds(u, u.w2, k + 8);
  apart(s, u);
  four_rounds(s, s.w3, k + 12);
  four_rounds(u, u.w3, k + 12);
}

}  // namespace

void sha256_blocks_two_x86_shani(uint32_t* state0, uint32_t* state1, const uint8_t* blocks0, const uint8_t* blocks1,
                                 size_t count) {
  to_instruction_order(state0);
  to_instruction_order(state1);
  for (; count != 0; --count, blocks0 += 64, blocks1 += 64) {
    Stream s, u;
    begin_block(s, state0, blocks0);
    begin_block(u, state1, blocks1);
    apart(s, u);
    sixteen_rounds(s, u, kSha256Round);
    sixteen_rounds(s, u, kSha256Round + 16);
    sixteen_rounds(s, u, kSha256Round + 32);
    last_rounds(s, u, kSha256Round + 48);
    forget_loads();
    end_block(state0, s);
    end_block(state1, u);
  }
  to_host_order(state0);
  to_host_order(state1);
  wipe_xmm();
}

}  // namespace cm
