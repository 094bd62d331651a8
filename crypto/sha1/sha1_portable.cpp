// SPDX-License-Identifier: Apache-2.0
// sha1_portable.cpp: SHA-1 compression (FIPS 180-4 6.1.2) in plain C++, the lane of last resort. No tables and no
// branch on data: its time depends on the number of blocks alone.
#include "crypto/sha1/sha1_kernels.h"

namespace cm {
namespace {

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

// in_order: a sum that is formed before what is added to it afterwards; no code. Otherwise the compiler adds what is
// ready first at the end, and a step waits for all additions instead of one.
inline uint32_t in_order(uint32_t x) {
  __asm__("" : "+r"(x));
  return x;
}

// step: one step without moving the five variables; the caller rotates their names instead.
template <class F>
[[gnu::always_inline]] inline void step(uint32_t a, uint32_t& b, uint32_t c, uint32_t d, uint32_t& e, uint32_t w) {
  e = in_order(e + F::kConstant + w);
  e = in_order(e + F::of(b, c, d));
  e += rotl(a, 5);
  b = rotl(b, 30);
}

// word: W[t], which from the seventeenth on follows from the sixteen before it and takes the place of the oldest. What
// is stored is loaded again when it is wanted: the compiler would keep words elsewhere on the stack, where wipe does
// not find them.
template <unsigned t>
[[gnu::always_inline]] inline uint32_t word(uint32_t* w) {
  if constexpr (t >= 16) w[t & 15] = rotl(w[(t + 13) & 15] ^ w[(t + 8) & 15] ^ w[(t + 2) & 15] ^ w[t & 15], 1);
  __asm__ volatile("" : : : "memory");
  return w[t & 15];
}

// five_steps: steps t .. t+4; afterwards the names stand where they stood.
template <class F, unsigned t>
[[gnu::always_inline]] inline void five_steps(uint32_t (&s)[5], uint32_t* w) {
  step<F>(s[0], s[1], s[2], s[3], s[4], word<t>(w));
  step<F>(s[4], s[0], s[1], s[2], s[3], word<t + 1>(w));
  step<F>(s[3], s[4], s[0], s[1], s[2], word<t + 2>(w));
  step<F>(s[2], s[3], s[4], s[0], s[1], word<t + 3>(w));
  step<F>(s[1], s[2], s[3], s[4], s[0], word<t + 4>(w));
}

// quarter: steps t .. t+19.
template <class F, unsigned t>
[[gnu::always_inline]] inline void quarter(uint32_t (&s)[5], uint32_t* w) {
  five_steps<F, t>(s, w);
  five_steps<F, t + 5>(s, w);
  five_steps<F, t + 10>(s, w);
  five_steps<F, t + 15>(s, w);
}

// wipe: zeroes words that the compiler thinks nobody reads again; schedule and variables are secret.
inline void wipe(uint32_t* words, size_t count) {
  __builtin_memset(words, 0, count * sizeof *words);
  __asm__ volatile("" : : "r"(words) : "memory");
}

}  // namespace

void sha1_blocks_portable(uint32_t* state, const uint8_t* blocks, size_t count) {
  uint32_t w[16], s[5];
  for (; count != 0; --count, blocks += 64) {
    for (unsigned i = 0; i < 16; ++i) w[i] = load_word(blocks + 4 * i);
    for (unsigned i = 0; i < 5; ++i) s[i] = state[i];
    quarter<Choose, 0>(s, w);
    quarter<Parity, 20>(s, w);
    quarter<Majority, 40>(s, w);
    quarter<LastParity, 60>(s, w);
    for (unsigned i = 0; i < 5; ++i) state[i] += s[i];
  }
  wipe(w, 16);
  wipe(s, 5);  // with the new state they would give the old one
}

}  // namespace cm
