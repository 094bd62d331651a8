// SPDX-License-Identifier: Apache-2.0
// sha512_portable.cpp: SHA-512 compression (FIPS 180-4 6.4.2) in plain C++, the lane of last resort. No tables indexed
// by data and no branch on data: its time depends on the number of blocks alone.
#include "crypto/sha2/sha512_constants.h"
#include "crypto/sha2/sha512_kernels.h"

namespace cm {
namespace {

inline uint64_t rotr(uint64_t x, int n) { return (x >> n) | (x << (64 - n)); }
inline uint64_t big_sigma0(uint64_t x) { return rotr(x, 28) ^ rotr(x, 34) ^ rotr(x, 39); }
inline uint64_t big_sigma1(uint64_t x) { return rotr(x, 14) ^ rotr(x, 18) ^ rotr(x, 41); }
inline uint64_t small_sigma0(uint64_t x) { return rotr(x, 1) ^ rotr(x, 8) ^ (x >> 7); }
inline uint64_t small_sigma1(uint64_t x) { return rotr(x, 19) ^ rotr(x, 61) ^ (x >> 6); }
inline uint64_t choose(uint64_t x, uint64_t y, uint64_t z) { return z ^ (x & (y ^ z)); }
inline uint64_t majority(uint64_t x, uint64_t y, uint64_t z) { return (x & y) + (z & (x ^ y)); }  // no bit is in both

inline uint64_t load_word(const uint8_t* p) {
  uint64_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}

// in_order: a sum that is formed before what is added to it afterwards; no code. Otherwise the compiler adds what is
// ready first at the end, and a round waits for all additions instead of one.
inline uint64_t in_order(uint64_t x) {
  __asm__("" : "+r"(x));
  return x;
}

// step: one round without moving the eight variables; the caller rotates their names instead.
[[gnu::always_inline]] inline void step(uint64_t a, uint64_t b, uint64_t c, uint64_t& d, uint64_t e, uint64_t f,
                                        uint64_t g, uint64_t& h, uint64_t k, uint64_t w) {
  h = in_order(h + k + w);
  h = in_order(h + choose(e, f, g));
  h = in_order(h + big_sigma1(e));
  d += h;
  h = in_order(h + majority(a, b, c));
  h += big_sigma0(a);
}

// word: W[t] of the message, or in the place of W[t-16] the W[t] that follows from the sixteen words before. What is
// stored is loaded again when it is wanted: the compiler would keep words elsewhere on the stack, where wipe does not
// find them.
template <bool kMessage, unsigned i>
[[gnu::always_inline]] inline uint64_t word(uint64_t* w) {
  if constexpr (!kMessage) w[i] += small_sigma0(w[(i + 1) & 15]) + w[(i + 9) & 15] + small_sigma1(w[(i + 14) & 15]);
  __asm__ volatile("" : : : "memory");
  return w[i];
}

// eight_steps: rounds t .. t+7; afterwards the names stand where they stood.
template <bool kMessage, unsigned i>
[[gnu::always_inline]] inline void eight_steps(uint64_t (&s)[8], const uint64_t* k, uint64_t* w) {
  step(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], k[i], word<kMessage, i>(w));
  step(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], k[i + 1], word<kMessage, i + 1>(w));
  step(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], k[i + 2], word<kMessage, i + 2>(w));
  step(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], k[i + 3], word<kMessage, i + 3>(w));
  step(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], k[i + 4], word<kMessage, i + 4>(w));
  step(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], k[i + 5], word<kMessage, i + 5>(w));
  step(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], k[i + 6], word<kMessage, i + 6>(w));
  step(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], k[i + 7], word<kMessage, i + 7>(w));
}

// wipe: zeroes words that the compiler thinks nobody reads again; schedule and variables are secret.
inline void wipe(uint64_t* words, size_t count) {
  __builtin_memset(words, 0, count * sizeof *words);
  __asm__ volatile("" : : "r"(words) : "memory");
}

}  // namespace

void sha512_blocks_portable(uint64_t* state, const uint8_t* blocks, size_t count) {
  uint64_t w[16], s[8];
  for (; count != 0; --count, blocks += 128) {
    for (unsigned i = 0; i < 16; ++i) w[i] = load_word(blocks + 8 * i);
    for (unsigned i = 0; i < 8; ++i) s[i] = state[i];
    eight_steps<true, 0>(s, kSha512Round, w);
    eight_steps<true, 8>(s, kSha512Round, w);
    for (unsigned t = 16; t < 80; t += 16) {
      eight_steps<false, 0>(s, kSha512Round + t, w);
      eight_steps<false, 8>(s, kSha512Round + t, w);
    }
    for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
  }
  wipe(w, 16);
  wipe(s, 8);  // with the new state they would give the old one
}

}  // namespace cm
