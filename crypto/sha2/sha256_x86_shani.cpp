// SPDX-License-Identifier: Apache-2.0
// sha256_x86_shani.cpp: SHA-256 compression (FIPS 180-4 6.2.2) with the SHA extensions. Legacy SSE encoding: compiled
// with -msse4.1 -msha alone, and the caller clears the upper halves of the vector registers first (sha256.cpp), since
// on dirty upper halves every instruction here waits for a merge. All values live in ten registers, none on the stack.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm {
namespace {

// four_rounds: rounds t .. t+3 with schedule words w. SHA256RNDS2 does two and leaves the other half of the state in
// the operand it did not write, so the two names swap their roles twice.
[[gnu::always_inline]] inline void four_rounds(__m128i& abef, __m128i& cdgh, __m128i w, const uint32_t* k) {
  __m128i wk = _mm_add_epi32(w, _mm_load_si128(reinterpret_cast<const __m128i*>(k)));
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
  wk = _mm_shuffle_epi32(wk, 0x0e);
  abef = _mm_sha256rnds2_epu32(abef, cdgh, wk);
}

// next_words: W[t .. t+3] from the sixteen words before them, four a register, oldest first.
[[gnu::always_inline]] inline __m128i next_words(__m128i w16, __m128i w12, __m128i w8, __m128i w4) {
  const __m128i w7 = _mm_alignr_epi8(w4, w8, 4);
  return _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w16, w12), w7), w4);
}

// sixteen_rounds: rounds t .. t+15; the four registers hold W[t .. t+15] on entry, W[t+16 .. t+31] on return.
[[gnu::always_inline]] inline void sixteen_rounds(__m128i& abef, __m128i& cdgh, __m128i& w0, __m128i& w1, __m128i& w2,
                                                  __m128i& w3, const uint32_t* k) {
  four_rounds(abef, cdgh, w0, k);
  w0 = next_words(w0, w1, w2, w3);
  four_rounds(abef, cdgh, w1, k + 4);
  w1 = next_words(w1, w2, w3, w0);
  four_rounds(abef, cdgh, w2, k + 8);
  w2 = next_words(w2, w3, w0, w1);
  four_rounds(abef, cdgh, w3, k + 12);
  w3 = next_words(w3, w0, w1, w2);
}

// compress: the 64 rounds and the feed-forward; w0..w3 hold the sixteen message words and are used up. The compiler
// does not learn where the constants are: it would hold them in registers from block to block, and put others on the
// stack.
[[gnu::always_inline]] inline void compress(__m128i& abef, __m128i& cdgh, __m128i w0, __m128i w1, __m128i w2,
                                            __m128i w3) {
  const __m128i abef_before = abef;
  const __m128i cdgh_before = cdgh;
  const uint32_t* k = kSha256Round;
  __asm__ volatile("" : "+r"(k));
  sixteen_rounds(abef, cdgh, w0, w1, w2, w3, k);
  sixteen_rounds(abef, cdgh, w0, w1, w2, w3, k + 16);
  sixteen_rounds(abef, cdgh, w0, w1, w2, w3, k + 32);
  four_rounds(abef, cdgh, w0, k + 48);
  four_rounds(abef, cdgh, w1, k + 52);
  four_rounds(abef, cdgh, w2, k + 56);
  four_rounds(abef, cdgh, w3, k + 60);
  abef = _mm_add_epi32(abef, abef_before);
  cdgh = _mm_add_epi32(cdgh, cdgh_before);
}

inline __m128i load(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void store(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

// load_state: {a,b,c,d}, {e,f,g,h} in memory -> the instruction's {f,e,b,a}, {h,g,d,c}, lowest word first.
[[gnu::always_inline]] inline void load_state(const uint32_t* state, __m128i& abef, __m128i& cdgh) {
  const __m128i badc = _mm_shuffle_epi32(load(state), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1b);
  abef = _mm_alignr_epi8(badc, hgfe, 8);
  cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

// to_words: the way back: dcba = {a,b,c,d}, hgfe = {e,f,g,h}.
[[gnu::always_inline]] inline void to_words(__m128i abef, __m128i cdgh, __m128i& dcba, __m128i& hgfe) {
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  dcba = _mm_blend_epi16(feba, dchg, 0xf0);
  hgfe = _mm_alignr_epi8(dchg, feba, 8);
}

[[gnu::always_inline]] inline void store_state(uint32_t* state, __m128i abef, __m128i cdgh) {
  __m128i dcba, hgfe;
  to_words(abef, cdgh, dcba, hgfe);
  store(state, dcba);
  store(state + 4, hgfe);
}

// swap_mask: of the bytes of a word.
[[gnu::always_inline]] inline __m128i swap_mask() { return _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203); }

[[gnu::always_inline]] inline void compress_blocks(__m128i& abef, __m128i& cdgh, const uint8_t* blocks, size_t count) {
  const __m128i swap = swap_mask();
  for (; count != 0; --count, blocks += 64)
    compress(abef, cdgh, _mm_shuffle_epi8(load(blocks), swap), _mm_shuffle_epi8(load(blocks + 16), swap),
             _mm_shuffle_epi8(load(blocks + 32), swap), _mm_shuffle_epi8(load(blocks + 48), swap));
}

}  // namespace

void sha256_blocks_x86_shani(uint32_t* state, const uint8_t* blocks, size_t count) {
  __m128i abef, cdgh;
  load_state(state, abef, cdgh);
  compress_blocks(abef, cdgh, blocks, count);
  store_state(state, abef, cdgh);
  wipe_xmm();
}

void sha256_words_x86_shani(uint32_t* state, const uint32_t* words) {
  __m128i abef, cdgh;
  load_state(state, abef, cdgh);
  compress(abef, cdgh, load(words), load(words + 4), load(words + 8), load(words + 12));
  store_state(state, abef, cdgh);
  wipe_xmm();
}

void sha256_hmac_x86_shani(uint8_t* mac, const uint32_t* inner, const uint32_t* outer, const uint8_t* blocks,
                           size_t count, const uint8_t* end, size_t end_count) {
  __m128i abef, cdgh, dcba, hgfe;
  load_state(inner, abef, cdgh);
  compress_blocks(abef, cdgh, blocks, count);
  compress_blocks(abef, cdgh, end, end_count);
  to_words(abef, cdgh, dcba, hgfe);
  load_state(outer, abef, cdgh);
  compress(abef, cdgh, dcba, hgfe, load(kSha256HmacPadding), load(kSha256HmacPadding + 4));
  to_words(abef, cdgh, dcba, hgfe);
  store(mac, _mm_shuffle_epi8(dcba, swap_mask()));
  store(mac + 16, _mm_shuffle_epi8(hgfe, swap_mask()));
  wipe_xmm();
}

}  // namespace cm
