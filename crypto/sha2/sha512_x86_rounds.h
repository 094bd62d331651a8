// SPDX-License-Identifier: Apache-2.0
// sha512_x86_rounds.h: SHA-512 compression (FIPS 180-4 6.4.2) for x86: rounds one after the other, and at the same time
// the schedule of the same block on vector registers. A lane's file includes this header, says how it does both (S),
// and defines the entry point; all here has internal linkage, because each of those files is compiled with flags that
// other CPUs do not have.
//
// S has functions of the schedule, on four words W[t .. t+3], lowest first: align(low, high): the four words from the
// second of low on; sigma0 and sigma1. S::Variables are a to h: load(state), add_to(state), and
// round<i>(kw): round number i of eight, without moving the variables; their names turn instead, and stand where they
// stood after eight. No vector may go to the stack but to Ring, which is wiped.
#pragma once
#include <immintrin.h>

#include "crypto/sha2/sha512_constants.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

// Ring: sixteen words of the schedule with their round constants added: what vectors hand over to the rounds.
struct alignas(64) Ring {
  uint64_t kw[16];
};

// hide: an address that the compiler does not know for one of the stack, so that stores there are as written.
template <class T>
[[gnu::always_inline]] inline T* hide(T* p) {
  __asm__("" : "+r"(p));
  return p;
}

template <class T>
[[gnu::always_inline]] inline void wipe(T* p) {
  __builtin_memset(static_cast<void*>(p), 0, sizeof *p);
  __asm__ volatile("" : : "r"(p) : "memory");
}

// in_order: a sum that is formed before what is added to it afterwards; no code. Of a longer sum the compiler adds the
// term last that came first, and a round waits for all additions instead of one.
[[gnu::always_inline]] inline uint64_t in_order(uint64_t x) {
  __asm__("" : "+r"(x));
  return x;
}

template <int kBits>
[[gnu::always_inline]] inline uint64_t rotr(uint64_t x) {
  return x >> kBits | x << (64 - kBits);
}

// functions of rounds
[[gnu::always_inline]] inline uint64_t big_sigma0(uint64_t x) { return rotr<28>(x) ^ rotr<34>(x) ^ rotr<39>(x); }
[[gnu::always_inline]] inline uint64_t big_sigma1(uint64_t x) { return rotr<14>(x) ^ rotr<18>(x) ^ rotr<41>(x); }
[[gnu::always_inline]] inline uint64_t choose(uint64_t x, uint64_t y, uint64_t z) { return z ^ (x & (y ^ z)); }

template <unsigned i, class V>
[[gnu::always_inline]] inline void four_rounds(V& v, const Ring* ring) {
  v.template round<i & 7>(ring->kw[i]);
  v.template round<(i + 1) & 7>(ring->kw[i + 1]);
  v.template round<(i + 2) & 7>(ring->kw[i + 2]);
  v.template round<(i + 3) & 7>(ring->kw[i + 3]);
}

// put: hands words over, after what stands before it in the code: the compiler would have the sum wait for its place.
[[gnu::always_inline]] inline void put(uint64_t* kw, __m256i words, const uint64_t* k) {
  __asm__ volatile("" : "+x"(words) : : "memory");
  _mm256_store_si256(reinterpret_cast<__m256i*>(kw),
                     _mm256_add_epi64(words, _mm256_load_si256(reinterpret_cast<const __m256i*>(k))));
}

// Words: sixteen words of the schedule, oldest first.
struct Words {
  __m256i w0, w1, w2, w3;
};

// next_words: W[t .. t+3] from the sixteen words before them, oldest first. The last two want the first two.
template <class S>
[[gnu::always_inline]] inline __m256i next_words(__m256i w16, __m256i w12, __m256i w8, __m256i w4) {
  __m256i w = _mm256_add_epi64(_mm256_add_epi64(w16, S::align(w8, w4)), S::sigma0(S::align(w16, w12)));
  w = _mm256_add_epi64(w, S::sigma1(_mm256_permute2x128_si256(w4, w4, 0x81)));   // the last two, 0, 0
  return _mm256_add_epi64(w, S::sigma1(_mm256_permute2x128_si256(w, w, 0x08)));  // 0, 0, the first two
}

// together: the words are in registers here, all at once; no code. The compiler, if it moves the steps of the schedule
// into each other, runs out of registers.
[[gnu::always_inline]] inline void together(Words& w) { __asm__("" : "+x"(w.w0), "+x"(w.w1), "+x"(w.w2), "+x"(w.w3)); }

// sixteen_rounds: rounds t .. t+15. The registers hold W[t .. t+15] on entry, W[t+16 .. t+31] on return; k: constants
// of the latter.
template <class S>
[[gnu::always_inline]] inline void sixteen_rounds(typename S::Variables& v, Ring* ring, Words& w, const uint64_t* k) {
  w.w0 = next_words<S>(w.w0, w.w1, w.w2, w.w3);
  together(w);
  four_rounds<0>(v, ring);
  put(ring->kw, w.w0, k);
  w.w1 = next_words<S>(w.w1, w.w2, w.w3, w.w0);
  together(w);
  four_rounds<4>(v, ring);
  put(ring->kw + 4, w.w1, k + 4);
  w.w2 = next_words<S>(w.w2, w.w3, w.w0, w.w1);
  together(w);
  four_rounds<8>(v, ring);
  put(ring->kw + 8, w.w2, k + 8);
  w.w3 = next_words<S>(w.w3, w.w0, w.w1, w.w2);
  together(w);
  four_rounds<12>(v, ring);
  put(ring->kw + 12, w.w3, k + 12);
}

// constant: as a memory operand, not held in a register.
[[gnu::always_inline]] inline __m256i constant(const uint64_t* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(hide(p)));
}

alignas(32) constexpr uint64_t kSwap[4] = {0x0001020304050607, 0x08090a0b0c0d0e0f, 0x0001020304050607,
                                           0x08090a0b0c0d0e0f};  // of the bytes of a word

[[gnu::always_inline]] inline __m256i message_words(const uint8_t* p) {
  return _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), constant(kSwap));
}

template <class S>
[[gnu::always_inline]] inline void compress(uint64_t* state, Ring* ring, const uint8_t* block) {
  Words w{message_words(block), message_words(block + 32), message_words(block + 64), message_words(block + 96)};
  together(w);
  put(ring->kw, w.w0, kSha512Round);
  put(ring->kw + 4, w.w1, kSha512Round + 4);
  put(ring->kw + 8, w.w2, kSha512Round + 8);
  put(ring->kw + 12, w.w3, kSha512Round + 12);
  typename S::Variables v;
  v.load(state);
#pragma GCC unroll 1
  for (const uint64_t* k = kSha512Round + 16; k != kSha512Round + 80; k += 16) sixteen_rounds<S>(v, ring, w, k);
  four_rounds<0>(v, ring);
  four_rounds<4>(v, ring);
  four_rounds<8>(v, ring);
  four_rounds<12>(v, ring);
  v.add_to(state);
}

}  // namespace
}  // namespace cm
