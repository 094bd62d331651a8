// SPDX-License-Identifier: Apache-2.0
// keccak_x86_ternary.h: Keccak-p[1600, 24] (FIPS 202 3.3) with the three-operand logic of AVX-512, once for every width
// of register: a word of the state, of as many states as a register has room for, is in each of 25 registers. A lane's
// file includes this header, defines its registers and the entry points; all here has internal linkage, because each
// of those files is compiled with flags that other CPUs do not have.
//
// The steps are in assembler, because there are 32 registers and this needs all of them: compilers put words of the
// state on the stack, where nothing of secret value may be (tests/boundary/code_test.py looks at the object files).
//
// Registers R: V; add_constant(a, p), which is a ^ the word at p in all states.
#pragma once
#include <immintrin.h>

#include "crypto/sha3/keccak_constants.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

template <class R>
struct TernaryKeccak {
  using V = typename R::V;
  V a[kKeccakWords];

  // place: the register in which word (x, y) is before round r. A row of results goes where its operands came from,
  // each to its own column; after four rounds every word is at home again.
  static constexpr int place(int r, int x, int y) { return r == 0 ? 5 * y + x : place(r - 1, x, (x + 2 * y) % 5); }

  // from: the word that becomes operand x of row y (3.2.3); column: its column; turn: its rotation (3.2.2).
  template <int kRound, int X, int Y>
  [[gnu::always_inline]] inline V& from() {
    return a[place(kRound, column(X, Y), X)];
  }
  static constexpr int column(int x, int y) { return (x + 3 * y) % 5; }
  static constexpr int turn(int x, int y) { return kKeccakRho[5 * x + column(x, y)]; }

  // sum: of a column (theta, 3.2.1).
  template <int kRound, int X>
  [[gnu::always_inline]] inline V sum() const {
    V c;
    __asm__ volatile(
        "vmovdqa64 %[a0], %[c]\n\t"
        "vpternlogq $0x96, %[a1], %[a2], %[c]\n\t"
        "vpternlogq $0x96, %[a3], %[a4], %[c]"
        : [c] "=&v"(c)
        : [a0] "v"(a[place(kRound, X, 0)]), [a1] "v"(a[place(kRound, X, 1)]), [a2] "v"(a[place(kRound, X, 2)]),
          [a3] "v"(a[place(kRound, X, 3)]), [a4] "v"(a[place(kRound, X, 4)]));
    return c;
  }

  // effects: what theta adds to each column; d comes as the sums.
  [[gnu::always_inline]] static inline void effects(V (&d)[5]) {
    V t;
    __asm__ volatile(
        "vprolq $1, %[c1], %[t]\n\t"
        "vpxorq %[c4], %[t], %[t]\n\t"
        "vprolq $1, %[c4], %[c4]\n\t"
        "vpxorq %[c2], %[c4], %[c4]\n\t"
        "vprolq $1, %[c2], %[c2]\n\t"
        "vpxorq %[c0], %[c2], %[c2]\n\t"
        "vprolq $1, %[c0], %[c0]\n\t"
        "vpxorq %[c3], %[c0], %[c0]\n\t"
        "vprolq $1, %[c3], %[c3]\n\t"
        "vpxorq %[c1], %[c3], %[c3]"
        : [c0] "+v"(d[0]), [c1] "+v"(d[1]), [c2] "+v"(d[2]), [c3] "+v"(d[3]), [c4] "+v"(d[4]), [t] "=&v"(t));
    const V d1 = d[2], d2 = d[3], d3 = d[4], d4 = d[0];
    d[0] = t;
    d[1] = d1;
    d[2] = d2;
    d[3] = d3;
    d[4] = d4;
  }

  // operands: the rest of theta, rho and pi (3.2.2, 3.2.3) for the five words that make row Y. What comes from column
  // (x + 3 Y) mod 5 must go to column x, so that the five change places in a ring.
  template <int kRound, int Y>
  [[gnu::always_inline]] inline void operands(const V (&d)[5]) {
    constexpr int k1 = 3 * Y % 5, k2 = Y, k3 = 4 * Y % 5, k4 = 2 * Y % 5;  // the ring, which begins with 0
    if constexpr (Y == 0) {
      __asm__ volatile(
          "vpxorq %[d0], %[p0], %[p0]\n\t"
          "vpxorq %[d1], %[p1], %[p1]\n\t"
          "vpxorq %[d2], %[p2], %[p2]\n\t"
          "vpxorq %[d3], %[p3], %[p3]\n\t"
          "vpxorq %[d4], %[p4], %[p4]\n\t"
          "vprolq %[n1], %[p1], %[p1]\n\t"
          "vprolq %[n2], %[p2], %[p2]\n\t"
          "vprolq %[n3], %[p3], %[p3]\n\t"
          "vprolq %[n4], %[p4], %[p4]"
          : [p0] "+v"(from<kRound, 0, Y>()), [p1] "+v"(from<kRound, 1, Y>()), [p2] "+v"(from<kRound, 2, Y>()),
            [p3] "+v"(from<kRound, 3, Y>()), [p4] "+v"(from<kRound, 4, Y>())
          : [d0] "v"(d[0]), [d1] "v"(d[1]), [d2] "v"(d[2]), [d3] "v"(d[3]), [d4] "v"(d[4]), [n1] "i"(turn(1, Y)),
            [n2] "i"(turn(2, Y)), [n3] "i"(turn(3, Y)), [n4] "i"(turn(4, Y)));
    } else {
      V t;
      __asm__ volatile(
          "vpxorq %[d0], %[p0], %[p0]\n\t"
          "vpxorq %[d1], %[p1], %[p1]\n\t"
          "vpxorq %[d2], %[p2], %[p2]\n\t"
          "vpxorq %[d3], %[p3], %[p3]\n\t"
          "vpxorq %[d4], %[p4], %[p4]\n\t"
          "vprolq %[n0], %[p0], %[t]\n\t"
          "vprolq %[n1], %[p1], %[p0]\n\t"
          "vprolq %[n2], %[p2], %[p1]\n\t"
          "vprolq %[n3], %[p3], %[p2]\n\t"
          "vprolq %[n4], %[p4], %[p3]\n\t"
          "vmovdqa64 %[t], %[p4]"
          : [p0] "+v"(from<kRound, 0, Y>()), [p1] "+v"(from<kRound, k1, Y>()), [p2] "+v"(from<kRound, k2, Y>()),
            [p3] "+v"(from<kRound, k3, Y>()), [p4] "+v"(from<kRound, k4, Y>()), [t] "=&v"(t)
          : [d0] "v"(d[column(0, Y)]), [d1] "v"(d[column(k1, Y)]), [d2] "v"(d[column(k2, Y)]),
            [d3] "v"(d[column(k3, Y)]), [d4] "v"(d[column(k4, Y)]), [n0] "i"(turn(0, Y)), [n1] "i"(turn(k1, Y)),
            [n2] "i"(turn(k2, Y)), [n3] "i"(turn(k3, Y)), [n4] "i"(turn(k4, Y)));
    }
  }

  // chi: 3.2.4, on row Y; t is the first of it.
  template <int kRound, int Y>
  [[gnu::always_inline]] inline void chi() {
    V s, t;
    __asm__ volatile(
        "vmovdqa64 %[b0], %[t]\n\t"
        "vmovdqa64 %[b1], %[s]\n\t"
        "vpternlogq $0xd2, %[b2], %[b1], %[b0]\n\t"
        "vpternlogq $0xd2, %[b3], %[b2], %[b1]\n\t"
        "vpternlogq $0xd2, %[b4], %[b3], %[b2]\n\t"
        "vpternlogq $0xd2, %[t], %[b4], %[b3]\n\t"
        "vpternlogq $0xd2, %[s], %[t], %[b4]"
        : [b0] "+v"(a[place(kRound + 1, 0, Y)]), [b1] "+v"(a[place(kRound + 1, 1, Y)]),
          [b2] "+v"(a[place(kRound + 1, 2, Y)]), [b3] "+v"(a[place(kRound + 1, 3, Y)]),
          [b4] "+v"(a[place(kRound + 1, 4, Y)]), [s] "=&v"(s), [t] "=&v"(t));
  }

  template <int kRound>
  [[gnu::always_inline]] inline void round(const uint64_t* constants) {
    V d[5] = {sum<kRound, 0>(), sum<kRound, 1>(), sum<kRound, 2>(), sum<kRound, 3>(), sum<kRound, 4>()};
    effects(d);
    operands<kRound, 0>(d);
    operands<kRound, 1>(d);
    chi<kRound, 0>();
    operands<kRound, 2>(d);
    chi<kRound, 1>();
    operands<kRound, 3>(d);
    chi<kRound, 2>();
    operands<kRound, 4>(d);
    chi<kRound, 3>();
    chi<kRound, 4>();
    V& first = a[place(kRound + 1, 0, 0)];
    first = R::add_constant(first, constants + kRound);
  }

  [[gnu::always_inline]] inline void permute() {
#pragma GCC unroll 1
    for (int r = 0; r < kKeccakRounds; r += 4) {
      round<0>(kKeccakRound + r);
      round<1>(kKeccakRound + r);
      round<2>(kKeccakRound + r);
      round<3>(kKeccakRound + r);
    }
  }
};

}  // namespace
}  // namespace cm
