// SPDX-License-Identifier: Apache-2.0
// sha256_portable.cpp: SHA-256 compression (FIPS 180-4 6.2.2) in plain C++, the lane of last resort. No tables indexed
// by data and no branch on data: its time depends on the number of blocks alone.
#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm {
namespace {

inline uint32_t rotr(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }
inline uint32_t big_sigma0(uint32_t x) { return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22); }
inline uint32_t big_sigma1(uint32_t x) { return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25); }
inline uint32_t small_sigma0(uint32_t x) { return rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3); }
inline uint32_t small_sigma1(uint32_t x) { return rotr(x, 17) ^ rotr(x, 19) ^ (x >> 10); }
inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) | (z & (x | y)); }

inline uint32_t load_word(const uint8_t* p) {
  uint32_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}

// step: one round without moving the eight variables; the caller rotates their names instead.
inline void step(uint32_t a, uint32_t b, uint32_t c, uint32_t& d, uint32_t e, uint32_t f, uint32_t g, uint32_t& h,
                 uint32_t kw) {
  h += big_sigma1(e) + choose(e, f, g) + kw;
  d += h;
  h += big_sigma0(a) + majority(a, b, c);
}

// eight_steps: rounds t .. t+7 with schedule words w[0..7]; afterwards the names stand where they stood.
inline void eight_steps(uint32_t* s, const uint32_t* k, const uint32_t* w) {
  step(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], k[0] + w[0]);
  step(s[7], s[0], s[1], s[2], s[3], s[4], s[5], s[6], k[1] + w[1]);
  step(s[6], s[7], s[0], s[1], s[2], s[3], s[4], s[5], k[2] + w[2]);
  step(s[5], s[6], s[7], s[0], s[1], s[2], s[3], s[4], k[3] + w[3]);
  step(s[4], s[5], s[6], s[7], s[0], s[1], s[2], s[3], k[4] + w[4]);
  step(s[3], s[4], s[5], s[6], s[7], s[0], s[1], s[2], k[5] + w[5]);
  step(s[2], s[3], s[4], s[5], s[6], s[7], s[0], s[1], k[6] + w[6]);
  step(s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[0], k[7] + w[7]);
}

// next_schedule: replaces W[t-16 .. t-1] by W[t .. t+15].
inline void next_schedule(uint32_t* w) {
  for (unsigned i = 0; i < 16; ++i)
    w[i] += small_sigma0(w[(i + 1) & 15]) + w[(i + 9) & 15] + small_sigma1(w[(i + 14) & 15]);
}

// wipe: zeroes words that the compiler thinks nobody reads again; schedule and variables are secret.
inline void wipe(uint32_t* words, size_t count) {
  __builtin_memset(words, 0, count * sizeof *words);
  __asm__ volatile("" : : "r"(words) : "memory");
}

// compress: the 64 rounds and the feed-forward; w holds the sixteen message words and is used up.
inline void compress(uint32_t* state, uint32_t* w) {
  uint32_t s[8];
  for (unsigned i = 0; i < 8; ++i) s[i] = state[i];
  for (unsigned t = 0; t < 64; t += 16) {
    if (t != 0) next_schedule(w);
    eight_steps(s, kSha256Round + t, w);
    eight_steps(s, kSha256Round + t + 8, w + 8);
  }
  for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
  wipe(s, 8);
}

}  // namespace

void sha256_blocks_portable(uint32_t* state, const uint8_t* blocks, size_t count) {
  uint32_t w[16];
  for (; count != 0; --count, blocks += 64) {
    for (unsigned i = 0; i < 16; ++i) w[i] = load_word(blocks + 4 * i);
    compress(state, w);
  }
  wipe(w, 16);
}

void sha256_words_portable(uint32_t* state, const uint32_t* words) {
  uint32_t w[16];
  for (unsigned i = 0; i < 16; ++i) w[i] = words[i];
  compress(state, w);
  wipe(w, 16);
}

}  // namespace cm
