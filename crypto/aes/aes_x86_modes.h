// SPDX-License-Identifier: Apache-2.0
// aes_x86_modes.h: the modes of operation with AES-NI, once for every width of register. A lane's file includes this
// header, names its registers (Reg128, Reg256 or Reg512) and defines the entry points; all here has internal linkage,
// because each of those files is compiled with flags that other CPUs do not have.
//
// Modes whose blocks depend on each other (CBC, CFB and OFB encryption, CBC-MAC, CCM) run at the latency of the AES
// instructions: what would stand between two blocks, the last round key, the first one and the next text, is joined
// beforehand, so that the last round of a block is also the whitening of the next. The others keep kWide registers in
// flight and join what they XOR at the end with the last round key, which takes that XOR out of the chain as well.
//
// Round keys are memory operands, never a local array, and nothing of secret value may be put on the stack:
// tests/boundary/code_test.py looks at the object files.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"

namespace cm {
namespace {  // NOLINT(cert-dcl59-cpp): internal linkage is what this header is for

using X = __m128i;

inline X load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const X*>(p)); }
inline void store128(uint8_t* p, X v) { _mm_storeu_si128(reinterpret_cast<X*>(p), v); }
// round_key: aligned, so that legacy SSE code can have it as a memory operand too.
inline X round_key(const uint8_t* schedule, uint32_t r) {
  return _mm_load_si128(reinterpret_cast<const X*>(schedule + size_t{16} * r));
}

// reverse128: the byte order of a block turned round, which makes a number of a big-endian counter.
inline X reverse128(X v) {
  return _mm_shuffle_epi8(v, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
inline X number128(uint64_t high, uint64_t low) {
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

// Registers. kRegisters of them, kBlocks blocks each; kWide in flight for modes that need no other registers, kWideXts
// for XTS, whose tweaks take as many again. Part loads and stores take 1 to kBlocks blocks.
//   shift_in(v, before): the blocks of v one place later, the last block of before in front
//   steps(v): v, counting on by 0, 1, ... in the low halves of its blocks
//   add: sum of the 64-bit halves
//   columns(p): in each block the next four bytes from p as its first column, the other columns zero
//   tweaks(t, first): t[j] block i = first * x^(kBlocks * j + i) in GF(2^128) (IEEE 1619 5.2)
//   advance(t), advanced(t[j]): each tweak moved on by all blocks of t
//   advance_by(t, n): one tweak moved on by n, 1 to 63 blocks (Reg128: always 1)

// Reg128: legacy SSE in the aesni lane.
struct Reg128 {
  using V = __m128i;
  static constexpr int kBlocks = 1, kRegisters = 16, kWide = 8, kWideXts = 6;

  static V load(const uint8_t* p) { return load128(p); }
  static void store(uint8_t* p, V v) { store128(p, v); }
  static V load_part(const uint8_t* p, size_t) { return load128(p); }
  static void store_part(uint8_t* p, size_t, V v) { store128(p, v); }
  static V all(X v) { return v; }
  static X first(V v) { return v; }
  static V key(const uint8_t* schedule, uint32_t r) { return round_key(schedule, r); }
  static V columns(const uint8_t* p) { return _mm_loadu_si32(p); }
  static V exclusive_or(V a, V b) { return _mm_xor_si128(a, b); }
  static V exclusive_or(V a, V b, V c) { return _mm_xor_si128(_mm_xor_si128(a, b), c); }
  static V enc(V v, V k) { return _mm_aesenc_si128(v, k); }
  static V enc_last(V v, V k) { return _mm_aesenclast_si128(v, k); }
  static V dec(V v, V k) { return _mm_aesdec_si128(v, k); }
  static V dec_last(V v, V k) { return _mm_aesdeclast_si128(v, k); }
  static V shift_in(V, V before) { return before; }
  static V steps(V v) { return v; }
  static V add(V v, uint64_t n) { return _mm_add_epi64(v, number128(0, n)); }
  static V reverse(V v) { return reverse128(v); }

  // times_x: the bit that leaves comes back as x^7 + x^2 + x + 1; both carries move by a mask, not by a branch.
  static V times_x(V t) {
    const V carries = _mm_srai_epi32(_mm_shuffle_epi32(t, 0x13), 31);
    return _mm_xor_si128(_mm_add_epi64(t, t), _mm_and_si128(carries, number128(1, 0x87)));
  }
  template <int N>
  [[gnu::always_inline]] static void tweaks(V (&t)[N], X first) {
    t[0] = first;
#pragma GCC unroll 8
    for (int j = 1; j < N; ++j) t[j] = times_x(t[j - 1]);
  }
  template <int N>
  [[gnu::always_inline]] static void advance(V (&t)[N]) {
    tweaks(t, times_x(t[N - 1]));
  }
  static X advance_by(X t, size_t) { return times_x(t); }
};

#if defined(__VAES__)
// tweak_by: t * x^n for n from 0 to 63: both halves move, what leaves the low half enters the high one, and what leaves
// that comes back times x^7 + x^2 + x + 1.
inline X tweak_by(X t, X n, X back) {
  const X poly = number128(0, 0x87);
  const X left = _mm_srlv_epi64(t, back);
  return _mm_xor_si128(_mm_xor_si128(_mm_sllv_epi64(t, n), _mm_bslli_si128(left, 8)),
                       _mm_clmulepi64_si128(left, poly, 0x01));
}
inline X tweak_by(X t, size_t n) {
  const X steps = _mm_set1_epi64x(static_cast<int64_t>(n));
  return tweak_by(t, steps, _mm_sub_epi64(_mm_set1_epi64x(64), steps));
}
#endif

#if defined(__VAES__) && defined(__AVX2__) && !defined(__AVX512F__)
// Reg256: VAES without AVX-512; sixteen registers.
struct Reg256 {
  using V = __m256i;
  static constexpr int kBlocks = 2, kRegisters = 16, kWide = 8, kWideXts = 6;

  static V load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
  static void store(uint8_t* p, V v) { _mm256_storeu_si256(reinterpret_cast<V*>(p), v); }
  static V load_part(const uint8_t* p, size_t blocks) {
    return blocks == 1 ? _mm256_zextsi128_si256(load128(p)) : load(p);
  }
  static void store_part(uint8_t* p, size_t blocks, V v) {
    if (blocks == 1) return store128(p, _mm256_castsi256_si128(v));
    store(p, v);
  }
  static V all(X v) { return _mm256_broadcastsi128_si256(v); }
  static X first(V v) { return _mm256_castsi256_si128(v); }
  static V key(const uint8_t* schedule, uint32_t r) { return all(round_key(schedule, r)); }
  static V columns(const uint8_t* p) {
    const V spread = _mm256_set_epi32(-1, -1, -1, 0x07060504, -1, -1, -1, 0x03020100);
    return _mm256_shuffle_epi8(_mm256_broadcastq_epi64(_mm_loadu_si64(p)), spread);
  }
  static V exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
  static V exclusive_or(V a, V b, V c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
  static V enc(V v, V k) { return _mm256_aesenc_epi128(v, k); }
  static V enc_last(V v, V k) { return _mm256_aesenclast_epi128(v, k); }
  static V dec(V v, V k) { return _mm256_aesdec_epi128(v, k); }
  static V dec_last(V v, V k) { return _mm256_aesdeclast_epi128(v, k); }
  static V shift_in(V v, V before) { return _mm256_permute2x128_si256(before, v, 0x21); }
  static V steps(V v) { return _mm256_add_epi64(v, _mm256_set_epi64x(0, 1, 0, 0)); }
  static V add(V v, uint64_t n) {
    return _mm256_add_epi64(v, _mm256_set_epi64x(0, static_cast<int64_t>(n), 0, static_cast<int64_t>(n)));
  }
  static V reverse(V v) {
    return _mm256_shuffle_epi8(v, all(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  }

  static V reduce(V shifted, V left) {
    return _mm256_xor_si256(_mm256_xor_si256(shifted, _mm256_bslli_epi128(left, 8)),
                            _mm256_clmulepi64_epi128(left, all(number128(0, 0x87)), 0x01));
  }
  template <int N>
  [[gnu::always_inline]] static void tweaks(V (&t)[N], X first) {
    const V f = all(first);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      const V n = _mm256_set_epi64x(2 * j + 1, 2 * j + 1, 2 * j, 2 * j);
      const V back = _mm256_set_epi64x(63 - 2 * j, 63 - 2 * j, 64 - 2 * j, 64 - 2 * j);
      t[j] = reduce(_mm256_sllv_epi64(f, n), _mm256_srlv_epi64(f, back));
    }
  }
  template <int N>
  [[gnu::always_inline]] static void advance(V (&t)[N]) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) t[j] = reduce(_mm256_slli_epi64(t[j], 2 * N), _mm256_srli_epi64(t[j], 64 - 2 * N));
  }
  static X advance_by(X t, size_t n) { return tweak_by(t, n); }
};
#endif

#if defined(__VAES__) && defined(__AVX512F__)
// Reg512: VAES with AVX-512; 32 registers.
struct Reg512 {
  using V = __m512i;
  static constexpr int kBlocks = 4, kRegisters = 32, kWide = 8, kWideXts = 8;

  // part: 64-bit lanes of the first blocks blocks.
  static __mmask8 part(size_t blocks) {
    return static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<uint32_t>(2 * blocks)));
  }
  static V load(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static void store(uint8_t* p, V v) { _mm512_storeu_si512(p, v); }
  static V load_part(const uint8_t* p, size_t blocks) { return _mm512_maskz_loadu_epi64(part(blocks), p); }
  static void store_part(uint8_t* p, size_t blocks, V v) { _mm512_mask_storeu_epi64(p, part(blocks), v); }
  static V all(X v) { return _mm512_broadcast_i32x4(v); }
  static X first(V v) { return _mm512_castsi512_si128(v); }
  static V key(const uint8_t* schedule, uint32_t r) { return all(round_key(schedule, r)); }
  static V columns(const uint8_t* p) {
    const V spread = _mm512_set_epi32(-1, -1, -1, 0x0f0e0d0c, -1, -1, -1, 0x0b0a0908, -1, -1, -1, 0x07060504, -1, -1,
                                      -1, 0x03020100);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(load128(p)), spread);
  }
  static V exclusive_or(V a, V b) { return _mm512_xor_si512(a, b); }
  static V exclusive_or(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  static V enc(V v, V k) { return _mm512_aesenc_epi128(v, k); }
  static V enc_last(V v, V k) { return _mm512_aesenclast_epi128(v, k); }
  static V dec(V v, V k) { return _mm512_aesdec_epi128(v, k); }
  static V dec_last(V v, V k) { return _mm512_aesdeclast_epi128(v, k); }
  static V shift_in(V v, V before) { return _mm512_alignr_epi64(v, before, 6); }
  static V steps(V v) { return _mm512_add_epi64(v, _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0)); }
  static V add(V v, uint64_t n) { return _mm512_add_epi64(v, all(number128(0, n))); }
  static V reverse(V v) {
    return _mm512_shuffle_epi8(v, all(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  }

  static V reduce(V shifted, V left) {
    return _mm512_ternarylogic_epi64(shifted, _mm512_bslli_epi128(left, 8),
                                     _mm512_clmulepi64_epi128(left, all(number128(0, 0x87)), 0x01), 0x96);
  }
  template <int N>
  [[gnu::always_inline]] static void tweaks(V (&t)[N], X first) {
    const V f = all(first);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      const int64_t n = 4 * j;
      const V by = _mm512_set_epi64(n + 3, n + 3, n + 2, n + 2, n + 1, n + 1, n, n);
      t[j] = reduce(_mm512_sllv_epi64(f, by), _mm512_srlv_epi64(f, _mm512_sub_epi64(_mm512_set1_epi64(64), by)));
    }
  }
  // advanced: by whole bytes, which needs one instruction less.
  template <int N>
  static V advanced(V t) {
    constexpr int kBytes = 4 * N / 8;
    return _mm512_xor_si512(
        _mm512_bslli_epi128(t, kBytes),
        _mm512_clmulepi64_epi128(_mm512_bsrli_epi128(t, 16 - kBytes), all(number128(0, 0x87)), 0x00));
  }
  static X advance_by(X t, size_t n) { return tweak_by(t, n); }
};
#endif

// aes_rounds: the rounds between the first and the last key, on N registers; aes_rounds_from begins later. Unrolled,
// because the exit of a loop over them costs more than the branches on the key length.
template <class R, int N, bool kEncrypt>
[[gnu::always_inline]] inline void aes_round(typename R::V (&x)[N], const uint8_t* rk, uint32_t r) {
  const typename R::V k = R::key(rk, r);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = kEncrypt ? R::enc(x[j], k) : R::dec(x[j], k);
}
template <class R, int N, bool kEncrypt, uint32_t kFrom>
[[gnu::always_inline]] inline void aes_rounds_from(typename R::V (&x)[N], const AesKey& key) {
  const uint8_t* const rk = kEncrypt ? key.encrypt : key.decrypt;
#pragma GCC unroll 9
  for (uint32_t r = kFrom; r <= 9; ++r) aes_round<R, N, kEncrypt>(x, rk, r);
  if (key.rounds > 10) {
    aes_round<R, N, kEncrypt>(x, rk, 10);
    aes_round<R, N, kEncrypt>(x, rk, 11);
    if (key.rounds > 12) {
      aes_round<R, N, kEncrypt>(x, rk, 12);
      aes_round<R, N, kEncrypt>(x, rk, 13);
    }
  }
}
template <class R, int N, bool kEncrypt>
[[gnu::always_inline]] inline void aes_rounds(typename R::V (&x)[N], const AesKey& key) {
  aes_rounds_from<R, N, kEncrypt, 1>(x, key);
}

// forget_loads: what was read before is read again after, instead of being kept in a register or on the stack; no code.
[[gnu::always_inline]] inline void forget_loads() { __asm__ volatile("" : : : "memory"); }

template <class R>
constexpr size_t kRegBytes = size_t{16} * R::kBlocks;

// CTR (SP 800-38A 6.5). kLittle: the counter is the first word of a block as it stands (RFC 8452 section 4).
template <class R, bool kLittle>
struct Ctr {
  typename R::V counter;  // of the next register, as numbers

  template <int N>
  [[gnu::always_inline]] void start(typename R::V (&x)[N], const AesKey& key) {
    const typename R::V k = R::key(key.encrypt, 0);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      x[j] = R::exclusive_or(kLittle ? counter : R::reverse(counter), k);
      counter = R::add(counter, R::kBlocks);
    }
    aes_rounds<R, N, true>(x, key);
  }
  template <int N>
  [[gnu::always_inline]] void step(const AesKey& key, uint8_t* out, const uint8_t* in) {
    typename R::V x[N];
    start<N>(x, key);
    const typename R::V k = R::key(key.encrypt, key.rounds);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
      R::store(out + kRegBytes<R> * j, R::enc_last(x[j], R::exclusive_or(k, R::load(in + kRegBytes<R> * j))));
  }
  [[gnu::always_inline]] void part(const AesKey& key, uint8_t* out, const uint8_t* in, size_t blocks) {
    typename R::V x[1];
    start<1>(x, key);
    const typename R::V k = R::key(key.encrypt, key.rounds);
    R::store_part(out, blocks, R::enc_last(x[0], R::exclusive_or(k, R::load_part(in, blocks))));
  }
};

// CBC decryption (SP 800-38A 6.2) and CFB128 decryption (6.3): each block needs the ciphertext before it, which is read
// again at an offset of one block; before holds the block before the first one at its end. All of a step is read
// before any of it is written, so that out may be in.
template <class R>
struct CbcDecrypt {
  typename R::V before;

  template <int N>
  [[gnu::always_inline]] void step(const AesKey& key, uint8_t* out, const uint8_t* in) {
    typename R::V x[N];
    typename R::V k = R::key(key.decrypt, 0);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) x[j] = R::exclusive_or(R::load(in + kRegBytes<R> * j), k);
    aes_rounds<R, N, false>(x, key);
    forget_loads();
    k = R::key(key.decrypt, key.rounds);
    x[0] = R::dec_last(x[0], R::exclusive_or(k, R::shift_in(R::load(in), before)));
#pragma GCC unroll 8
    for (int j = 1; j < N; ++j) x[j] = R::dec_last(x[j], R::exclusive_or(k, R::load(in + kRegBytes<R> * j - 16)));
    before = R::load(in + kRegBytes<R> * (N - 1));
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) R::store(out + kRegBytes<R> * j, x[j]);
  }
  [[gnu::always_inline]] void part(const AesKey& key, uint8_t* out, const uint8_t* in, size_t blocks) {
    const typename R::V text = R::load_part(in, blocks);
    typename R::V x[1] = {R::exclusive_or(text, R::key(key.decrypt, 0))};
    aes_rounds<R, 1, false>(x, key);
    const typename R::V k = R::key(key.decrypt, key.rounds);
    R::store_part(out, blocks, R::dec_last(x[0], R::exclusive_or(k, R::shift_in(text, before))));
    before = text;
  }
};

template <class R>
struct CfbDecrypt {
  typename R::V before;

  template <int N>
  [[gnu::always_inline]] void step(const AesKey& key, uint8_t* out, const uint8_t* in) {
    typename R::V x[N];
    typename R::V k = R::key(key.encrypt, 0);
    x[0] = R::exclusive_or(R::shift_in(R::load(in), before), k);
#pragma GCC unroll 8
    for (int j = 1; j < N; ++j) x[j] = R::exclusive_or(R::load(in + kRegBytes<R> * j - 16), k);
    aes_rounds<R, N, true>(x, key);
    forget_loads();
    k = R::key(key.encrypt, key.rounds);
    before = R::load(in + kRegBytes<R> * (N - 1));
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
      R::store(out + kRegBytes<R> * j, R::enc_last(x[j], R::exclusive_or(k, R::load(in + kRegBytes<R> * j))));
  }
  [[gnu::always_inline]] void part(const AesKey& key, uint8_t* out, const uint8_t* in, size_t blocks) {
    const typename R::V text = R::load_part(in, blocks);
    typename R::V x[1] = {R::exclusive_or(R::shift_in(text, before), R::key(key.encrypt, 0))};
    aes_rounds<R, 1, true>(x, key);
    const typename R::V k = R::key(key.encrypt, key.rounds);
    R::store_part(out, blocks, R::enc_last(x[0], R::exclusive_or(k, text)));
    before = text;
  }
};

// run: a parallel mode over count blocks, kWide registers in flight, then half of them, then one.
template <class R, class Mode>
[[gnu::always_inline]] inline void run(Mode& mode, const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  constexpr size_t kWideBlocks = size_t{R::kWide} * R::kBlocks, kHalfBlocks = kWideBlocks / 2;
  for (; count >= kWideBlocks; count -= kWideBlocks, out += 16 * kWideBlocks, in += 16 * kWideBlocks)
    mode.template step<R::kWide>(key, out, in);
  if (count >= kHalfBlocks) {
    mode.template step<R::kWide / 2>(key, out, in);
    count -= kHalfBlocks;
    out += 16 * kHalfBlocks;
    in += 16 * kHalfBlocks;
  }
  for (; count > R::kBlocks; count -= R::kBlocks, out += kRegBytes<R>, in += kRegBytes<R>)
    mode.part(key, out, in, R::kBlocks);
  if (count != 0) mode.part(key, out, in, count);
}

// CtrColumns: CTR of blocks whose counters differ in the last byte only. What that byte adds to the state after the
// first round is one column, which the key holds for each of its values; the rest, base, is the same for all of them.
template <class R>
struct CtrColumns {
  const uint8_t* column;  // of the next block
  typename R::V base;

  template <int N>
  [[gnu::always_inline]] void step(const AesKey& key, uint8_t* out, const uint8_t* in) {
    typename R::V x[N];
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) x[j] = R::exclusive_or(base, R::columns(column + 4 * R::kBlocks * j));
    column += 4 * R::kBlocks * N;
    aes_rounds_from<R, N, true, 2>(x, key);
    const typename R::V k = R::key(key.encrypt, key.rounds);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
      R::store(out + kRegBytes<R> * j, R::enc_last(x[j], R::exclusive_or(k, R::load(in + kRegBytes<R> * j))));
  }
};

// Counter: a block of CTR as two numbers. It is public.
struct Counter {
  uint64_t high, low;

  static Counter of(const uint8_t* block) {
    uint64_t halves[2];
    __builtin_memcpy(halves, block, sizeof halves);
    return {__builtin_bswap64(halves[0]), __builtin_bswap64(halves[1])};
  }
  void put(uint8_t* block) const {
    const uint64_t halves[2] = {__builtin_bswap64(high), __builtin_bswap64(low)};
    __builtin_memcpy(block, halves, sizeof halves);
  }
  void advance(uint64_t n) {
    low += n;
    high += low < n ? 1 : 0;
  }
};

// ctr_plain: a call is cut in two where the low half of the counter wraps, so that no register carries.
template <class R>
[[gnu::always_inline]] inline void ctr_plain(const AesKey& key, Counter& counter, uint8_t* out, const uint8_t* in,
                                             size_t count) {
  while (count != 0) {
    const uint64_t to_wrap = 0 - counter.low;  // 0 stands for 2^64
    const size_t now = to_wrap - 1 < count - 1 ? to_wrap : count;
    Ctr<R, false> mode{R::steps(R::all(number128(counter.high, counter.low)))};
    run<R>(mode, key, out, in, now);
    counter.advance(now);
    out += 16 * now;
    in += 16 * now;
    count -= now;
  }
}

// columns_base: the state after the first round but for what the last byte adds: 0x52 goes to 0 in the S-box.
[[gnu::always_inline]] inline X columns_base(const AesKey& key, const Counter& counter) {
  const X x = _mm_xor_si128(reverse128(number128(counter.high, counter.low)), round_key(key.encrypt, 0));
  return _mm_aesenc_si128(_mm_insert_epi8(x, 0x52, 15), round_key(key.encrypt, 1));
}

// ctr_steps: whole steps while the last byte of the counter does not wrap; how many blocks that was.
template <class R>
[[gnu::always_inline]] inline size_t ctr_steps(const AesKey& key, Counter& counter, uint8_t* out, const uint8_t* in,
                                               size_t count) {
  constexpr size_t kStep = size_t{R::kWide} * R::kBlocks;
  const size_t last_byte = counter.low & 0xff, same = 256 - last_byte;
  const size_t blocks = (same < count ? same : count) / kStep * kStep;
  CtrColumns<R> mode{key.encrypt + kAesColumnsAt + 4 * last_byte, R::all(columns_base(key, counter))};
  for (size_t at = 0; at < blocks; at += kStep) mode.template step<R::kWide>(key, out + 16 * at, in + 16 * at);
  counter.advance(blocks);
  return blocks;
}

template <class R>
[[gnu::always_inline]] inline void ctr(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in,
                                       size_t count) {
  constexpr size_t kStep = size_t{R::kWide} * R::kBlocks;
  Counter c = Counter::of(counter);
  while (count != 0) {
    const bool columns = key.has_columns && count >= kStep;
    size_t now = columns ? ctr_steps<R>(key, c, out, in, count) : 0;
    if (now == 0) {  // without columns, or the last byte wraps within a step
      now = columns ? kStep : count;
      ctr_plain<R>(key, c, out, in, now);
    }
    out += 16 * now;
    in += 16 * now;
    count -= now;
  }
  c.put(counter);
}

// ctr_le32: cut in the same way where the 32 bits of the counter wrap, so that nothing of it reaches the other bytes.
template <class R>
[[gnu::always_inline]] inline void ctr_le32(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in,
                                            size_t count) {
  uint32_t number;
  __builtin_memcpy(&number, counter, sizeof number);
  while (count != 0) {
    const size_t to_wrap = (size_t{1} << 32) - number;
    const size_t now = to_wrap < count ? to_wrap : count;
    Ctr<R, true> mode{R::steps(R::all(load128(counter)))};
    run<R>(mode, key, out, in, now);
    number += static_cast<uint32_t>(now);
    __builtin_memcpy(counter, &number, sizeof number);
    out += 16 * now;
    in += 16 * now;
    count -= now;
  }
}

template <class R>
[[gnu::always_inline]] inline void cbc_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in,
                                               size_t count) {
  if (count == 0) return;
  const X next = load128(in + 16 * (count - 1));  // now: out may be in
  CbcDecrypt<R> mode{R::all(load128(iv))};
  store128(iv, next);
  run<R>(mode, key, out, in, count);
}

template <class R>
[[gnu::always_inline]] inline void cfb128_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in,
                                                  size_t count) {
  if (count == 0) return;
  const X next = load128(in + 16 * (count - 1));  // now: out may be in
  CfbDecrypt<R> mode{R::all(load128(iv))};
  store128(iv, next);
  run<R>(mode, key, out, in, count);
}

// XTS (IEEE 1619 5.3.1 and 5.4.1): the tweak is XORed with the first and with the last round key.
template <class R, int N, bool kEncrypt>
[[gnu::always_inline]] inline void xts_start(const AesKey& key, const typename R::V (&t)[N], typename R::V (&x)[N],
                                             const uint8_t* in) {
  const typename R::V k = R::key(kEncrypt ? key.encrypt : key.decrypt, 0);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = R::exclusive_or(t[j], k, R::load(in + kRegBytes<R> * j));
}
template <class R, int N, bool kEncrypt>
[[gnu::always_inline]] inline void xts_end(const AesKey& key, const typename R::V (&t)[N], typename R::V (&x)[N],
                                           uint8_t* out) {
  const typename R::V k = R::key(kEncrypt ? key.encrypt : key.decrypt, key.rounds);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    const typename R::V last = R::exclusive_or(k, t[j]);
    R::store(out + kRegBytes<R> * j, kEncrypt ? R::enc_last(x[j], last) : R::dec_last(x[j], last));
  }
}

// xts_wide: one step, and t for the next. With registers for both, the tweaks of the next step are made between the
// rounds of this one: after them, the cipher would wait for the first of them.
template <class R, int N, bool kEncrypt>
[[gnu::always_inline]] inline void xts_wide(const AesKey& key, typename R::V (&t)[N], uint8_t* out, const uint8_t* in) {
  typename R::V x[N];
  xts_start<R, N, kEncrypt>(key, t, x, in);
  if constexpr (R::kRegisters >= 4 * N) {
    typename R::V then[N];
    const uint8_t* const rk = kEncrypt ? key.encrypt : key.decrypt;
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) {
      aes_round<R, N, kEncrypt>(x, rk, static_cast<uint32_t>(j + 1));
      then[j] = R::template advanced<N>(t[j]);
      // Keeps the order of the source through the compiler's scheduler; no code.
      __asm__ volatile("" : "+v"(then[j]), "+v"(x[0]));
    }
    aes_rounds_from<R, N, kEncrypt, N + 1>(x, key);
    xts_end<R, N, kEncrypt>(key, t, x, out);
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) t[j] = then[j];
  } else {
    aes_rounds<R, N, kEncrypt>(x, key);
    xts_end<R, N, kEncrypt>(key, t, x, out);
    R::advance(t);
  }
}

template <class R, bool kEncrypt>
[[gnu::always_inline]] inline void xts(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in,
                                       size_t count) {
  constexpr size_t kWideBlocks = size_t{R::kWideXts} * R::kBlocks, kHalfBlocks = kWideBlocks / 2;
  const uint8_t* const rk = kEncrypt ? key.encrypt : key.decrypt;
  X next = load128(tweak);
  if (count >= kWideBlocks) {
    typename R::V t[R::kWideXts];
    R::tweaks(t, next);
    do {
      xts_wide<R, R::kWideXts, kEncrypt>(key, t, out, in);
      out += 16 * kWideBlocks;
      in += 16 * kWideBlocks;
      count -= kWideBlocks;
    } while (count >= kWideBlocks);
    next = R::first(t[0]);
  }
  if constexpr (R::kBlocks > 1) {
    if (count >= kHalfBlocks) {
      typename R::V t[R::kWideXts / 2];
      R::tweaks(t, next);
      typename R::V x[R::kWideXts / 2];
      xts_start<R, R::kWideXts / 2, kEncrypt>(key, t, x, in);
      aes_rounds<R, R::kWideXts / 2, kEncrypt>(x, key);
      xts_end<R, R::kWideXts / 2, kEncrypt>(key, t, x, out);
      next = R::advance_by(next, kHalfBlocks);
      out += 16 * kHalfBlocks;
      in += 16 * kHalfBlocks;
      count -= kHalfBlocks;
    }
  }
  while (count != 0) {
    const size_t now = count < R::kBlocks ? count : R::kBlocks;
    typename R::V t[1];
    R::tweaks(t, next);
    next = R::advance_by(next, now);
    typename R::V x[1] = {R::exclusive_or(t[0], R::key(rk, 0), R::load_part(in, now))};
    aes_rounds<R, 1, kEncrypt>(x, key);
    const typename R::V last = R::exclusive_or(R::key(rk, key.rounds), t[0]);
    R::store_part(out, now, kEncrypt ? R::enc_last(x[0], last) : R::dec_last(x[0], last));
    out += 16 * now;
    in += 16 * now;
    count -= now;
  }
  store128(tweak, next);
}

// The serial modes, on one register of one block whatever the lane; in a VAES lane the compiler uses their VEX forms.
// start_key whitens a block, last_key ends it, turn_key is both at once: it ends a block and whitens the next.

[[gnu::always_inline]] inline X enc(X v, X k) { return _mm_aesenc_si128(v, k); }
[[gnu::always_inline]] inline X enc_last(X v, X k) { return _mm_aesenclast_si128(v, k); }
[[gnu::always_inline]] inline X exclusive_or(X a, X b) { return _mm_xor_si128(a, b); }

template <int N>
[[gnu::always_inline]] inline void serial_round(X (&x)[N], const AesKey& key, uint32_t r) {
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j) x[j] = enc(x[j], round_key(key.encrypt, r));
}
template <int N>
[[gnu::always_inline]] inline void serial_rounds(X (&x)[N], const AesKey& key) {
#pragma GCC unroll 9
  for (uint32_t r = 1; r <= 9; ++r) serial_round(x, key, r);
  if (key.rounds > 10) {
    serial_round(x, key, 10);
    serial_round(x, key, 11);
    if (key.rounds > 12) {
      serial_round(x, key, 12);
      serial_round(x, key, 13);
    }
  }
}

[[gnu::always_inline]] inline void encrypt_block(const AesKey& key, uint8_t* out, const uint8_t* in) {
  X x[1] = {exclusive_or(load128(in), round_key(key.encrypt, 0))};
  serial_rounds(x, key);
  store128(out, enc_last(x[0], round_key(key.encrypt, key.rounds)));
}

[[gnu::always_inline]] inline void cbc_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in,
                                               size_t count) {
  if (count == 0) return;
  const X start_key = round_key(key.encrypt, 0);
  const X last_key = round_key(key.encrypt, key.rounds);
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  X x[1] = {exclusive_or(exclusive_or(load128(iv), start_key), load128(in))};
  for (; count > 1; --count, in += 16, out += 16) {
    const X turn = exclusive_or(turn_key, load128(in + 16));
    serial_rounds(x, key);
    store128(out, enc_last(x[0], last_key));
    x[0] = enc_last(x[0], turn);
  }
  serial_rounds(x, key);
  x[0] = enc_last(x[0], last_key);
  store128(out, x[0]);
  store128(iv, x[0]);
}

[[gnu::always_inline]] inline void cbc_mac(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count) {
  if (count == 0) return;
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  X x[1] = {exclusive_or(exclusive_or(load128(mac), round_key(key.encrypt, 0)), load128(in))};
  for (; count > 1; --count, in += 16) {
    const X turn = exclusive_or(turn_key, load128(in + 16));
    serial_rounds(x, key);
    x[0] = enc_last(x[0], turn);
    forget_loads();  // no store here does it: all round keys would be kept, in more registers than there are
  }
  serial_rounds(x, key);
  store128(mac, enc_last(x[0], round_key(key.encrypt, key.rounds)));
}

[[gnu::always_inline]] inline void cfb128_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in,
                                                  size_t count) {
  if (count == 0) return;
  const X start_key = round_key(key.encrypt, 0);
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  X x[1] = {exclusive_or(load128(iv), start_key)};
  for (; count != 0; --count, in += 16, out += 16) {
    const X turn = exclusive_or(turn_key, load128(in));
    serial_rounds(x, key);
    x[0] = enc_last(x[0], turn);
    store128(out, exclusive_or(x[0], start_key));
  }
  store128(iv, exclusive_or(x[0], start_key));
}

[[gnu::always_inline]] inline void ofb(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  if (count == 0) return;
  const X start_key = round_key(key.encrypt, 0);
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  X x[1] = {exclusive_or(load128(iv), start_key)};
  for (; count != 0; --count, in += 16, out += 16) {
    const X text = exclusive_or(start_key, load128(in));
    serial_rounds(x, key);
    x[0] = enc_last(x[0], turn_key);
    store128(out, exclusive_or(x[0], text));
  }
  store128(iv, exclusive_or(x[0], start_key));
}

// cfb8_encrypt: the first byte of the last round is the ciphertext; it enters the register at its end.
[[gnu::always_inline]] inline void cfb8_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in,
                                                size_t count) {
  const X start_key = round_key(key.encrypt, 0);
  const X last_key = round_key(key.encrypt, key.rounds);
  X shifted = load128(iv);
  for (; count != 0; --count, ++in, ++out) {
    X x[1] = {exclusive_or(shifted, start_key)};
    const X last = exclusive_or(last_key, _mm_cvtsi32_si128(*in));
    serial_rounds(x, key);
    x[0] = enc_last(x[0], last);
    *out = static_cast<uint8_t>(_mm_cvtsi128_si32(x[0]));
    shifted = _mm_or_si128(_mm_srli_si128(shifted, 1), _mm_slli_si128(x[0], 15));
  }
  store128(iv, shifted);
}

// CCM (SP 800-38C 6.1 steps 6 and 8): CBC-MAC of the plaintext and CTR in one pass. The MAC alone decides the time; the
// keystream is computed in its shadow. The counter field is eight bytes at most and never wraps inside a message.
[[gnu::always_inline]] inline void ccm_encrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out,
                                               const uint8_t* in, size_t count) {
  if (count == 0) return;
  const X start_key = round_key(key.encrypt, 0);
  const X last_key = round_key(key.encrypt, key.rounds);
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  const X one = number128(0, 1);
  X n = reverse128(load128(counter));
  X text = load128(in);
  X x[2] = {exclusive_or(exclusive_or(load128(mac), start_key), text)};
  for (;;) {
    x[1] = exclusive_or(reverse128(n), start_key);
    n = _mm_add_epi64(n, one);
    serial_rounds(x, key);
    store128(out, enc_last(x[1], exclusive_or(last_key, text)));
    if (--count == 0) break;
    in += 16;
    out += 16;
    text = load128(in);
    x[0] = enc_last(x[0], exclusive_or(turn_key, text));
  }
  store128(mac, enc_last(x[0], last_key));
  store128(counter, reverse128(n));
}

// ccm_decrypt: the plaintext is ready one block before the MAC needs it, so the keystream runs two blocks ahead.
[[gnu::always_inline]] inline void ccm_decrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out,
                                               const uint8_t* in, size_t count) {
  if (count == 0) return;
  const X start_key = round_key(key.encrypt, 0);
  const X last_key = round_key(key.encrypt, key.rounds);
  const X turn_key = exclusive_or(round_key(key.encrypt, 0), round_key(key.encrypt, key.rounds));
  const X one = number128(0, 1), two = number128(0, 2);
  X n = reverse128(load128(counter));
  const X after = _mm_add_epi64(n, number128(0, count));
  X x[2] = {exclusive_or(reverse128(n), start_key), exclusive_or(reverse128(_mm_add_epi64(n, one)), start_key)};
  n = _mm_add_epi64(n, two);
  serial_rounds(x, key);
  const X text = enc_last(x[0], exclusive_or(last_key, load128(in)));
  X next = text;  // of the block after; only read where there is one
  if (count > 1) next = enc_last(x[1], exclusive_or(last_key, load128(in + 16)));
  store128(out, text);
  x[0] = exclusive_or(exclusive_or(load128(mac), start_key), text);
  for (; count > 1; --count) {
    in += 16;
    out += 16;
    x[1] = exclusive_or(reverse128(n), start_key);
    n = _mm_add_epi64(n, one);
    serial_rounds(x, key);
    x[0] = enc_last(x[0], exclusive_or(turn_key, next));
    X later = next;
    if (count > 2) later = enc_last(x[1], exclusive_or(last_key, load128(in + 16)));
    store128(out, next);
    next = later;
  }
  X y[1] = {x[0]};
  serial_rounds(y, key);
  store128(mac, enc_last(y[0], last_key));
  store128(counter, reverse128(after));
}

}  // namespace
}  // namespace cm
