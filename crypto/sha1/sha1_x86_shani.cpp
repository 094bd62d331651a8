// SPDX-License-Identifier: Apache-2.0
// sha1_x86_shani.cpp: SHA-1 compression (FIPS 180-4 6.1.2) with the SHA extensions. Legacy SSE encoding: compiled with
// -msse4.1 -msha alone, and the caller clears the upper halves of the vector registers first (sha1.cpp), since on dirty
// upper halves every instruction here waits for a merge. All values live in registers, none on the stack.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha1/sha1_kernels.h"

namespace cm {
namespace {

// State: the variables in the middle of a block. a is the highest word of abcd; e is what SHA1NEXTE makes of the a of
// four steps before.
struct State {
  __m128i abcd, four_before;
};

// rounds: four steps of a quarter of the eighty; e_and_w holds e, added to the first of four schedule words.
template <int kQuarter>
[[gnu::always_inline]] inline void rounds(State& s, __m128i e_and_w) {
  s.four_before = s.abcd;
  s.abcd = _mm_sha1rnds4_epu32(s.abcd, e_and_w, kQuarter);
}

template <int kQuarter>
[[gnu::always_inline]] inline void four_steps(State& s, __m128i w) {
  rounds<kQuarter>(s, _mm_sha1nexte_epu32(s.four_before, w));
}

// next_words: W[t .. t+3] from the sixteen words before them, four a register, oldest first.
[[gnu::always_inline]] inline __m128i next_words(__m128i w16, __m128i w12, __m128i w8, __m128i w4) {
  return _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w16, w12), w8), w4);
}

// Words: the schedule, W[t] highest in w0.
struct Words {
  __m128i w0, w1, w2, w3;
};

// sixteen_steps: steps t .. t+15, each four in their quarter; the words of sixteen steps later take the place of those
// that are used up.
template <int kQuarter0, int kQuarter1, int kQuarter2, int kQuarter3>
[[gnu::always_inline]] inline void sixteen_steps(State& s, Words& w) {
  four_steps<kQuarter0>(s, w.w0);
  w.w0 = next_words(w.w0, w.w1, w.w2, w.w3);
  four_steps<kQuarter1>(s, w.w1);
  w.w1 = next_words(w.w1, w.w2, w.w3, w.w0);
  four_steps<kQuarter2>(s, w.w2);
  w.w2 = next_words(w.w2, w.w3, w.w0, w.w1);
  four_steps<kQuarter3>(s, w.w3);
  w.w3 = next_words(w.w3, w.w0, w.w1, w.w2);
}

[[gnu::always_inline]] inline void first_steps(State& s, __m128i e, Words& w) {
  rounds<0>(s, _mm_add_epi32(e, w.w0));
  w.w0 = next_words(w.w0, w.w1, w.w2, w.w3);
  four_steps<0>(s, w.w1);
  w.w1 = next_words(w.w1, w.w2, w.w3, w.w0);
  four_steps<0>(s, w.w2);
  w.w2 = next_words(w.w2, w.w3, w.w0, w.w1);
  four_steps<0>(s, w.w3);
  w.w3 = next_words(w.w3, w.w0, w.w1, w.w2);
}

[[gnu::always_inline]] inline void last_steps(State& s, const Words& w) {
  four_steps<3>(s, w.w0);
  four_steps<3>(s, w.w1);
  four_steps<3>(s, w.w2);
  four_steps<3>(s, w.w3);
}

inline __m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }

}  // namespace

void sha1_blocks_x86_shani(uint32_t* state, const uint8_t* blocks, size_t count) {
  const __m128i reverse = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);  // all sixteen bytes
  __m128i abcd = _mm_shuffle_epi32(load(state), 0x1b);
  __m128i e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
  for (; count != 0; --count, blocks += 64) {
    State s{abcd, abcd};
    Words w{_mm_shuffle_epi8(load(blocks), reverse), _mm_shuffle_epi8(load(blocks + 16), reverse),
            _mm_shuffle_epi8(load(blocks + 32), reverse), _mm_shuffle_epi8(load(blocks + 48), reverse)};
    first_steps(s, e, w);
    sixteen_steps<0, 1, 1, 1>(s, w);
    sixteen_steps<1, 1, 2, 2>(s, w);
    sixteen_steps<2, 2, 2, 3>(s, w);
    last_steps(s, w);
    abcd = _mm_add_epi32(abcd, s.abcd);
    e = _mm_sha1nexte_epu32(s.four_before, e);  // rotates, and adds the e of before the block
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_shuffle_epi32(abcd, 0x1b));
  state[4] = static_cast<uint32_t>(_mm_extract_epi32(e, 3));
  wipe_xmm();
}

}  // namespace cm
