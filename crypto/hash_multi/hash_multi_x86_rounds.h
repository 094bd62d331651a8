// SPDX-License-Identifier: Apache-2.0
// hash_multi_x86_rounds.h: SHA-1 (FIPS 180-4 6.1.2), SHA-256 (6.2.2) and SHA-512 (6.4.2) of as many messages as a
// vector register has words, once for every width of register. A lane's file includes this header, defines its
// registers and the entry points; all here has internal linkage, because each of those files is compiled with flags
// that other CPUs do not have.
//
// A register holds one word of every message, so that a round is the round of the standard, instruction by instruction,
// and nothing waits: there is work for the whole processor in every round. Four words of a message (SHA-512: two) lie
// in 16 bytes of it; they are fetched and turned into registers right before the rounds that want them first, so that
// the shuffles go beside the rounds before.
//
// Registers R: Word; V, kLanes words; ternary logic and rotations; all: a word in every lane, input: the 16 bytes at an
// offset of every message as registers of words. The sixteen words of the schedule are a ring; where the registers are
// too few for it, place puts it into memory of its own, which is wiped.
//
// Nothing else of secret value may be put on the stack: tests/boundary/code_test.py looks at the object files.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha512_constants.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

inline __m128i load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// hide: an address of which the compiler does not know what is there, so that it is read and written as the code says.
template <class T>
[[gnu::always_inline]] inline T* hide(T* p) {
  __asm__("" : "+r"(p));
  return p;
}

// kSwap32, kSwap64: shuffles that turn big-endian words around, for the widest register.
alignas(64) constexpr uint64_t kSwap32[8] = {0x0405060700010203, 0x0c0d0e0f08090a0b, 0x0405060700010203,
                                             0x0c0d0e0f08090a0b, 0x0405060700010203, 0x0c0d0e0f08090a0b,
                                             0x0405060700010203, 0x0c0d0e0f08090a0b};
alignas(64) constexpr uint64_t kSwap64[8] = {0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607,
                                             0x08090a0b0c0d0e0f, 0x0001020304050607, 0x08090a0b0c0d0e0f,
                                             0x0001020304050607, 0x08090a0b0c0d0e0f};

// FromMessages: the block at an offset of every message.
template <class R>
struct FromMessages {
  const uint8_t* const* in;
  size_t at;
  template <int G>
  [[gnu::always_inline]] void words(typename R::V* w) const {
    R::input(in, at + 16 * G, w + G * R::kInputWords);
  }
};

// FromWords: sixteen words of every lane as they are.
template <class R>
struct FromWords {
  const typename R::Word* block;
  template <int G>
  [[gnu::always_inline]] void words(typename R::V* w) const {
#pragma GCC unroll 4
    for (int i = G * R::kInputWords; i < (G + 1) * R::kInputWords; ++i) w[i] = R::load(block + i * R::kLanes);
  }
};

// Sha256Sums, Sha512Sums: what differs between 4.1.2 and 4.1.3.
template <class R>
struct Sha256Sums {
  using V = typename R::V;
  static constexpr int kRounds = 64;
  static const uint32_t* constants() { return kSha256Round; }
  [[gnu::always_inline]] static V big0(V x) { return R::template rotations<2, 13, 22>(x); }
  [[gnu::always_inline]] static V big1(V x) { return R::template rotations<6, 11, 25>(x); }
  [[gnu::always_inline]] static V small0(V x) { return R::template rotations_and_shift<7, 18, 3>(x); }
  [[gnu::always_inline]] static V small1(V x) { return R::template rotations_and_shift<17, 19, 10>(x); }
};

template <class R>
struct Sha512Sums {
  using V = typename R::V;
  static constexpr int kRounds = 80;
  static const uint64_t* constants() { return kSha512Round; }
  [[gnu::always_inline]] static V big0(V x) { return R::template rotations<28, 34, 39>(x); }
  [[gnu::always_inline]] static V big1(V x) { return R::template rotations<14, 18, 41>(x); }
  [[gnu::always_inline]] static V small0(V x) { return R::template rotations_and_shift<1, 8, 7>(x); }
  [[gnu::always_inline]] static V small1(V x) { return R::template rotations_and_shift<19, 61, 6>(x); }
};

// Sha2: SHA-256 or SHA-512. s: the eight variables; round T finds a in s[-T mod 8], so that none is ever moved. bc: b ^
// c, for registers without ternary logic.
template <class R, class Sums>
struct Sha2 {
  using V = typename R::V;
  using Word = typename R::Word;
  static constexpr int kWords = 8;
  static constexpr size_t kBlock = 16 * sizeof(Word);
  V s[8], bc;

  template <int T>
  [[gnu::always_inline]] V& name(int i) {
    return s[(i + 16 - T) & 7];
  }
  template <int T>
  [[gnu::always_inline]] void round(V w, const Word* k) {
    R::forget_loads();
    const V a = name<T>(0), e = name<T>(4);
    V x = R::add(name<T>(7), R::add(w, R::all(k + T)));
    R::pin(x);
    x = R::add(x, R::choose(e, name<T>(5), name<T>(6)));
    R::pin(x);
    x = R::add(x, Sums::big1(e));
    R::pin(x);
    name<T>(3) = R::add(name<T>(3), x);
    R::pin(name<T>(3));
    x = R::add(x, R::majority(a, name<T>(1), name<T>(2), bc));
    R::pin(x);
    name<T>(7) = R::add(x, Sums::big0(a));
    R::pin(name<T>(7));
  }
  // next_word: W[t] in the place of W[t - 16].
  template <int T>
  [[gnu::always_inline]] static V next_word(V* w) {
    V x = R::add(w[T], w[(T + 9) & 15]);
    R::pin(x);
    x = R::add(x, Sums::small0(w[(T + 1) & 15]));
    R::pin(x);
    x = R::add(x, Sums::small1(w[(T + 14) & 15]));
    R::pin(x);
    return w[T] = x;
  }
  template <class Source, int... G>
  [[gnu::always_inline]] static void all_words(const Source& source, V* w, std::integer_sequence<int, G...>) {
    ((source.template words<G>(w), fixed(w + G * R::kInputWords)), ...);
  }
  // fixed: these words are in their registers here, before the next are loaded; no code.
  [[gnu::always_inline]] static void fixed(V* w) {
#pragma GCC unroll 4
    for (int i = 0; i < R::kInputWords; ++i) R::settle(w[i]);
  }
  template <int... T>
  [[gnu::always_inline]] void rounds_and_words(V* w, const Word* k, std::integer_sequence<int, T...>) {
    ((round<T>(w[T], k), next_word<T>(w)), ...);
  }
  template <int... T>
  [[gnu::always_inline]] void last_rounds(V* w, const Word* k, std::integer_sequence<int, T...>) {
    (round<T>(w[T], k), ...);
  }
  template <class Source>
  [[gnu::always_inline]] void rounds(const Source& source, V* w) {
    constexpr std::make_integer_sequence<int, 16> kSixteen{};
    const Word* k = hide(Sums::constants());
    bc = R::exclusive_or(s[1], s[2]);
    all_words(source, w, std::make_integer_sequence<int, 16 / R::kInputWords>{});
#pragma GCC unroll 1
    for (int t = 16; t < Sums::kRounds; t += 16) {
      rounds_and_words(w, k, kSixteen);
      k += 16;
    }
    last_rounds(w, k, kSixteen);
  }
};

alignas(16) constexpr uint32_t kSha1Round[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};  // 4.2.1

// Sha1: round T finds a in s[-T mod 5].
template <class R>
struct Sha1 {
  using V = typename R::V;
  using Word = typename R::Word;
  static constexpr int kWords = 5;
  static constexpr size_t kBlock = 64;
  V s[5];

  template <int T>
  [[gnu::always_inline]] V& name(int i) {
    return s[(i + 80 - T) % 5];
  }
  template <int T>
  [[gnu::always_inline]] static V function(V b, V c, V d) {
    if constexpr (T < 20) return R::choose(b, c, d);
    if constexpr (T / 20 == 2) return R::majority(b, c, d);
    return R::xor3(b, c, d);
  }
  template <int T>
  [[gnu::always_inline]] static void next_word(V* w) {
    constexpr int kAt = T & 15;
    if constexpr (T >= 16)
      w[kAt] =
          R::template ror<31>(R::exclusive_or(R::xor3(w[kAt], w[(T - 14) & 15], w[(T - 8) & 15]), w[(T - 3) & 15]));
  }
  template <int T, class Source>
  [[gnu::always_inline]] void round(const Source& source, V* w, const Word* k) {
    if constexpr (T < 16 && T % R::kInputWords == 0) source.template words<T / R::kInputWords>(w);
    next_word<T>(w);
    R::forget_loads();
    V& b = name<T>(1);
    V x = R::add(name<T>(4), R::add(w[T & 15], R::all(k + T / 20)));
    R::pin(x);
    x = R::add(x, function<T>(b, name<T>(2), name<T>(3)));
    R::pin(x);
    b = R::template ror<2>(b);
    R::pin(b);
    name<T>(4) = R::add(x, R::template ror<27>(name<T>(0)));
    R::pin(name<T>(4));
  }
  template <class Source, int... T>
  [[gnu::always_inline]] void all_rounds(const Source& source, V* w, std::integer_sequence<int, T...>) {
    const Word* const k = hide(kSha1Round);
    (round<T>(source, w, k), ...);
  }
  template <class Source>
  [[gnu::always_inline]] void rounds(const Source& source, V* w) {
    all_rounds(source, w, std::make_integer_sequence<int, 80>{});
  }
};

// compress: out = start after one more block.
template <class R, class Hash, class Source>
[[gnu::always_inline]] inline void compress(typename R::Word* out, const typename R::Word* start, const Source& source,
                                            typename R::V* w) {
  Hash hash;
#pragma GCC unroll 8
  for (int i = 0; i < Hash::kWords; ++i) hash.s[i] = R::load(start + i * R::kLanes);
  hash.rounds(source, w);
  start = hide(start);  // read again: kept in registers, it would be too many
#pragma GCC unroll 8
  for (int i = 0; i < Hash::kWords; ++i)
    R::store(out + i * R::kLanes, R::add(hash.s[i], R::load(start + i * R::kLanes)));
}

template <class R, class Hash>
[[gnu::always_inline]] inline void run_blocks(typename R::Word* state, const uint8_t* const* in, size_t blocks) {
  typename R::Ring ring;
  typename R::V* const w = R::place(ring);
#pragma GCC unroll 1
  for (size_t at = 0; at != blocks * Hash::kBlock; at += Hash::kBlock)
    compress<R, Hash>(state, state, FromMessages<R>{in, at}, w);
  R::wipe(w);
}

template <class R, class Hash>
[[gnu::always_inline]] inline void run_words(typename R::Word* out, const typename R::Word* start,
                                             const typename R::Word* words) {
  typename R::Ring ring;
  typename R::V* const w = R::place(ring);
  compress<R, Hash>(out, start, FromWords<R>{words}, w);
  R::wipe(w);
}

}  // namespace
}  // namespace cm
