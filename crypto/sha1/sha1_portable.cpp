// SPDX-License-Identifier: Apache-2.0
// sha1_portable.cpp: SHA-1 compression (FIPS 180-4 6.1.2) in plain C++, the lane of last resort. No tables and no branch
// on data: its time depends on the number of blocks alone.
#include "crypto/sha1/sha1_kernels.h"

namespace cm {
namespace {

constexpr size_t kSteps = 80;

inline uint32_t rotl(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

inline uint32_t load_word(const uint8_t* p) {
  uint32_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}

// The functions and constants of the four quarters (4.1.1, 4.2.1).
struct Choose {
  static constexpr uint32_t kConstant = 0x5a827999;
  static uint32_t of(uint32_t x, uint32_t y, uint32_t z) { return z ^ (x & (y ^ z)); }
};
struct Parity {
  static constexpr uint32_t kConstant = 0x6ed9eba1;
  static uint32_t of(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
};
struct Majority {
  static constexpr uint32_t kConstant = 0x8f1bbcdc;
  static uint32_t of(uint32_t x, uint32_t y, uint32_t z) { return (x & y) + (z & (x ^ y)); }  // no bit is in both
};
struct LastParity : Parity {
  static constexpr uint32_t kConstant = 0xca62c1d6;
};

// step: one step without moving the five variables; the caller rotates their names instead.
template <class F>
inline void step(uint32_t a, uint32_t& b, uint32_t c, uint32_t d, uint32_t& e, uint32_t w) {
  e += rotl(a, 5) + F::of(b, c, d) + F::kConstant + w;
  b = rotl(b, 30);
}

// quarter: twenty steps with the schedule words at w.
template <class F>
inline void quarter(uint32_t* s, const uint32_t* w) {
  for (unsigned t = 0; t < 20; t += 5) {
    step<F>(s[0], s[1], s[2], s[3], s[4], w[t]);
    step<F>(s[4], s[0], s[1], s[2], s[3], w[t + 1]);
    step<F>(s[3], s[4], s[0], s[1], s[2], w[t + 2]);
    step<F>(s[2], s[3], s[4], s[0], s[1], w[t + 3]);
    step<F>(s[1], s[2], s[3], s[4], s[0], w[t + 4]);
  }
}

inline void schedule(uint32_t* w, const uint8_t* block) {
  for (size_t t = 0; t < 16; ++t) w[t] = load_word(block + 4 * t);
  for (size_t t = 16; t < kSteps; ++t) w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

// wipe: zeroes words that the compiler thinks nobody reads again; schedule and variables are secret.
inline void wipe(uint32_t* words, size_t count) {
  __builtin_memset(words, 0, count * sizeof *words);
  __asm__ volatile("" : : "r"(words) : "memory");
}

}  // namespace

void sha1_blocks_portable(uint32_t* state, const uint8_t* blocks, size_t count) {
  uint32_t w[kSteps], s[5];
  for (; count != 0; --count, blocks += 64) {
    schedule(w, blocks);
    for (unsigned i = 0; i < 5; ++i) s[i] = state[i];
    quarter<Choose>(s, w);
    quarter<Parity>(s, w + 20);
    quarter<Majority>(s, w + 40);
    quarter<LastParity>(s, w + 60);
    for (unsigned i = 0; i < 5; ++i) state[i] += s[i];
  }
  wipe(w, kSteps);
  wipe(s, 5);
}

}  // namespace cm
