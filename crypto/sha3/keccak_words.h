// SPDX-License-Identifier: Apache-2.0
// keccak_words.h: Keccak-p[1600, 24] (FIPS 202 3.3) in plain C++ on words, two states in memory that take turns: a
// round reads one and writes the other. Constant time: no branch and no index depends on data. For the kernels that
// include it; internal linkage, because one of them is compiled with flags that other CPUs do not have.
//
// With kInvert, some words are kept inverted between rounds, so that most of the NOTs of chi meet another NOT and are
// gone. That is for processors that have no instruction for a NOT and an AND together.
#pragma once
#include "crypto/sha3/keccak_constants.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

template <bool kInvert>
struct WordKeccak {
  // inverts: whether word i is kept inverted.
  static constexpr bool inverts(int i) {
    return kInvert && (i == 1 || i == 2 || i == 8 || i == 12 || i == 17 || i == 20);
  }
  static constexpr bool sum_inverted(int x) {
    return ((inverts(x) + inverts(x + 5) + inverts(x + 10) + inverts(x + 15) + inverts(x + 20)) & 1) != 0;
  }
  // operand_inverted: whether operand x of row y of chi is, after theta, rho and pi.
  static constexpr bool operand_inverted(int x, int y) {
    const int from = keccak_from(x % 5, y), column = from % 5;
    return ((inverts(from) + sum_inverted((column + 4) % 5) + sum_inverted((column + 1) % 5)) & 1) != 0;
  }
  static constexpr uint64_t rotate(uint64_t v, int n) { return n == 0 ? v : v << n | v >> (64 - n); }

  // chi: word (X, Y) of 3.2.4, which is b0 ^ (~b1 & b2), of operands that may be inverted.
  template <int X, int Y>
  [[gnu::always_inline]] static inline uint64_t chi(uint64_t b0, uint64_t b1, uint64_t b2) {
    constexpr bool kNot1 = operand_inverted(X + 1, Y), kNot2 = operand_inverted(X + 2, Y);
    constexpr bool kNotTerm = inverts(5 * Y + X) != operand_inverted(X, Y);  // whether ~(~b1 & b2) is wanted
    if constexpr (kNotTerm) return b0 ^ ((kNot1 ? ~b1 : b1) | (kNot2 ? b2 : ~b2));
    return b0 ^ ((kNot1 ? b1 : ~b1) & (kNot2 ? ~b2 : b2));
  }

  // row: the rest of theta, rho and pi (3.2.1 to 3.2.3) for the operands of a row, and chi.
  template <int Y>
  [[gnu::always_inline]] static inline void row(uint64_t* to, const uint64_t* a, const uint64_t (&d)[5]) {
    uint64_t b[5];
#pragma GCC unroll 5
    for (int x = 0; x < 5; ++x) {
      const int from = keccak_from(x, Y);
      b[x] = rotate(a[from] ^ d[from % 5], kKeccakRho[from]);
    }
    to[5 * Y] = chi<0, Y>(b[0], b[1], b[2]);
    to[5 * Y + 1] = chi<1, Y>(b[1], b[2], b[3]);
    to[5 * Y + 2] = chi<2, Y>(b[2], b[3], b[4]);
    to[5 * Y + 3] = chi<3, Y>(b[3], b[4], b[0]);
    to[5 * Y + 4] = chi<4, Y>(b[4], b[0], b[1]);
  }

  [[gnu::always_inline]] static inline void round(uint64_t* to, const uint64_t* a, uint64_t constant) {
    uint64_t c[5], d[5];
#pragma GCC unroll 5
    for (int x = 0; x < 5; ++x) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
    for (int x = 0; x < 5; ++x) d[x] = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
    row<0>(to, a, d);
    to[0] ^= constant;
    row<1>(to, a, d);
    row<2>(to, a, d);
    row<3>(to, a, d);
    row<4>(to, a, d);
  }

  [[gnu::always_inline]] static inline void invert(uint64_t* a) {
#pragma GCC unroll 25
    for (int i = 0; i < static_cast<int>(kKeccakWords); ++i)
      if (inverts(i)) a[i] = ~a[i];
  }

  // The compiler keeps words of the state in places of the stack that it chooses itself, which is faster than to write
  // them where they belong in every round. So the work has a frame of its own, and what was below it is wiped.
  [[gnu::noinline]] static void work(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
    uint64_t other[kKeccakWords];
    invert(state);
    for (; count != 0; --count, blocks += 8 * rate_words) {
      for (size_t i = 0; i < rate_words; ++i) {
        uint64_t word;
        __builtin_memcpy(&word, blocks + 8 * i, sizeof word);
        state[i] ^= word;
      }
      for (int r = 0; r < kKeccakRounds; r += 2) {
        round(other, state, kKeccakRound[r]);
        round(state, other, kKeccakRound[r + 1]);
      }
    }
    invert(state);
  }
  [[gnu::noinline]] static void wipe_below() {
    uint64_t area[kWipedWords];
    __builtin_memset(area, 0, sizeof area);
    __asm__ volatile("" : : "r"(area) : "memory");
  }

  static void absorb(uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
    work(state, rate_words, blocks, count);
    wipe_below();
  }

  static constexpr size_t kWipedWords = 100;  // more than the frame of work, on all compilers
};

}  // namespace
}  // namespace cm
