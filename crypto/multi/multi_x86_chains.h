// SPDX-License-Identifier: Apache-2.0
// multi_x86_chains.h: CBC chains side by side with AES-NI, once for every width of register. A lane's file includes
// this header, defines its registers and the entry points; all here has internal linkage, because each of those files
// is compiled with flags that other CPUs do not have.
//
// A block takes as long as its rounds one after the other; as many chains as the AES units need to be busy meanwhile go
// beside each other. What would stand between two blocks, the last round key, the first one and the next text, is
// joined beforehand ("turn"), so that the last round of a block is also the whitening of the next. Round keys are
// memory operands, but for as many rounds as registers are left: with keys of its own for every chain, a kernel needs
// one load a round, which is all that processors can do.
//
// Registers R: kBlocks chains each. key(lanes, j, r): round key r of register j; text(lanes, j, at): the blocks at
// offset at of its chains; put: the same for output; turn: text with the first and the last round key in it;
// after_turn: the ciphertext of what came out of a round that ended with this turn. kPairs: texts and puts move two
// blocks of each chain at once, which takes less loads and stores than the rounds leave room for.
//
// Nothing of secret value may be put on the stack: tests/boundary/code_test.py looks at the object files.
#pragma once
#include <immintrin.h>

#include "crypto/aes/aes.h"
#include "crypto/multi/multi_kernels.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

inline __m128i load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void store128(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

// forget_loads: what was read before is read again after, instead of being kept in a register or on the stack; no code.
[[gnu::always_inline]] inline void forget_loads() { __asm__ volatile("" : : : "memory"); }

template <class R, int N, int kHeld>
struct Chains {
  typename R::V x[N];
  typename R::V held[kHeld == 0 ? 1 : kHeld][N];  // keys of the first rounds

  [[gnu::always_inline]] void start(const MultiLanes& lanes) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
      x[j] = R::exclusive_or(R::exclusive_or(R::chain(lanes, j), R::text(lanes, j, 0)), R::key(lanes, j, 0));
#pragma GCC unroll 8
    for (int r = 0; r < kHeld; ++r) {
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) held[r][j] = R::key(lanes, j, static_cast<uint32_t>(r + 1));
    }
  }
  [[gnu::always_inline]] void round(const MultiLanes& lanes, uint32_t r) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) x[j] = R::enc(x[j], r <= kHeld ? held[r - 1][j] : R::key(lanes, j, r));
  }
  // rounds_between: those between the first and the last key.
  [[gnu::always_inline]] void rounds_between(const MultiLanes& lanes, uint32_t rounds) {
#pragma GCC unroll 9
    for (uint32_t r = 1; r <= 9; ++r) round(lanes, r);
    if (rounds > 10) {
      round(lanes, 10);
      round(lanes, 11);
      if (rounds > 12) {
        round(lanes, 12);
        round(lanes, 13);
      }
    }
  }
  // turn_of: with the text of the next block; returns the ciphertext.
  [[gnu::always_inline]] typename R::V turn_of(const MultiLanes& lanes, int j, uint32_t rounds, typename R::V text) {
    const typename R::V t = R::turn(lanes, j, rounds, text);
    x[j] = R::enc_last(x[j], t);
    return R::after_turn(lanes, j, rounds, x[j], t);
  }
  template <bool kEncrypt>
  [[gnu::always_inline]] void turn(MultiLanes& lanes, uint32_t rounds, size_t at) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      const typename R::V out = turn_of(lanes, j, rounds, R::text(lanes, j, at + kAesBlock));
      if constexpr (kEncrypt) R::put(lanes, j, at, out);
    }
  }
  // two_blocks: the rounds of the blocks at offset at and the turns after them.
  template <bool kEncrypt>
  [[gnu::always_inline]] void two_blocks(MultiLanes& lanes, uint32_t rounds, size_t at) {
    typename R::V text[2][N], out[2][N];
    rounds_between(lanes, rounds);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      R::texts(lanes, j, at + kAesBlock, text[0][j], text[1][j]);
      out[0][j] = turn_of(lanes, j, rounds, text[0][j]);
    }
    forget_loads();
    rounds_between(lanes, rounds);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      out[1][j] = turn_of(lanes, j, rounds, text[1][j]);
      if constexpr (kEncrypt) R::puts(lanes, j, at, out[0][j], out[1][j]);
    }
  }
  template <bool kEncrypt>
  [[gnu::always_inline]] void end(MultiLanes& lanes, uint32_t rounds, size_t at) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      x[j] = R::enc_last(x[j], R::key(lanes, j, rounds));
      if constexpr (kEncrypt) R::put(lanes, j, at, x[j]);
      R::set_chain(lanes, j, x[j]);
    }
  }
};

// run_chains: blocks, at least one, through N registers of chains.
template <class R, int N, int kHeld, bool kEncrypt>
[[gnu::always_inline]] inline void run_chains(MultiLanes& lanes, uint32_t rounds, size_t blocks) {
  Chains<R, N, kHeld> chains;
  chains.start(lanes);
  const size_t last = (blocks - 1) * kAesBlock;
  size_t at = 0;
  if constexpr (R::kPairs && kEncrypt) {  // a MAC has no stores and gains nothing
    for (; last - at > kAesBlock; at += 2 * kAesBlock) {
      forget_loads();
      chains.template two_blocks<kEncrypt>(lanes, rounds, at);
    }
  }
  for (;; at += kAesBlock) {
    forget_loads();
    chains.rounds_between(lanes, rounds);
    if (at == last) break;
    chains.template turn<kEncrypt>(lanes, rounds, at);
  }
  chains.template end<kEncrypt>(lanes, rounds, last);
}

}  // namespace
}  // namespace cm
