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
inline uint64_t majority(uint64_t x, uint64_t y, uint64_t z) { return (x & y) | (z & (x | y)); }

inline uint64_t load_word(const uint8_t* p) {
  uint64_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_bswap64(v);
}

// step: one round without moving the eight variables; the caller rotates their names instead.
inline void step(uint64_t a, uint64_t b, uint64_t c, uint64_t& d, uint64_t e, uint64_t f, uint64_t g, uint64_t& h,
                 uint64_t kw) {
  h += big_sigma1(e) + choose(e, f, g) + kw;
  d += h;
  h += big_sigma0(a) + majority(a, b, c);
}

// eight_steps: rounds t .. t+7 with schedule words w[0..7]; afterwards the names stand where they stood.
inline void eight_steps(uint64_t* s, const uint64_t* k, const uint64_t* w) {
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
inline void next_schedule(uint64_t* w) {
  for (unsigned i = 0; i < 16; ++i)
    w[i] += small_sigma0(w[(i + 1) & 15]) + w[(i + 9) & 15] + small_sigma1(w[(i + 14) & 15]);
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
    for (unsigned t = 0; t < 80; t += 16) {
      if (t != 0) next_schedule(w);
      eight_steps(s, kSha512Round + t, w);
      eight_steps(s, kSha512Round + t + 8, w + 8);
    }
    for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
  }
  wipe(w, 16);
  wipe(s, 8);
}

}  // namespace cm
