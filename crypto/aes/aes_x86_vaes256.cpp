// SPDX-License-Identifier: Apache-2.0
// aes_x86_vaes256.cpp: AES (FIPS 197) with VAES on 256-bit registers: sixteen blocks in flight, an odd last block
// alone, because AVX2 has no masks for less than a register. Built with its own -m flags: only the entry points may
// have external linkage, and no inline function of another header may be called here.
#include <immintrin.h>

#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

using V = __m256i;  // two blocks

constexpr int kWide = 8;
constexpr size_t kWideBlocks = 2 * kWide;

inline __m128i load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void store128(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
inline V load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
inline void store(uint8_t* p, V v) { _mm256_storeu_si256(reinterpret_cast<V*>(p), v); }
inline V broadcast(const uint8_t* p) { return _mm256_broadcastsi128_si256(load128(p)); }

// aes_round: round r of N registers in flight.
template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void aes_round(V (&x)[N], const uint8_t* rk, uint32_t r) {
  const V k = broadcast(rk + 16 * r);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = kEncrypt ? _mm256_aesenc_epi128(x[j], k) : _mm256_aesdec_epi128(x[j], k);
}

// cipher: rounds unrolled, because the exit of a loop over them costs more than the branches on the key length.
template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void cipher(V (&x)[N], const AesKey& key) {
  const uint8_t* const rk = kEncrypt ? key.encrypt : key.decrypt;
  V k = broadcast(rk);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm256_xor_si256(x[j], k);
#pragma GCC unroll 9
  for (uint32_t r = 1; r <= 9; ++r) aes_round<N, kEncrypt>(x, rk, r);
  if (key.rounds > 10) {
    aes_round<N, kEncrypt>(x, rk, 10);
    aes_round<N, kEncrypt>(x, rk, 11);
    if (key.rounds > 12) {
      aes_round<N, kEncrypt>(x, rk, 12);
      aes_round<N, kEncrypt>(x, rk, 13);
    }
  }
  k = broadcast(rk + 16 * key.rounds);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = kEncrypt ? _mm256_aesenclast_epi128(x[j], k) : _mm256_aesdeclast_epi128(x[j], k);
}

template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void ecb(const AesKey& key, uint8_t* out, const uint8_t* in) {
  V x[N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = load(in + 32 * j);
  cipher<N, kEncrypt>(x, key);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) store(out + 32 * j, x[j]);
}

template <bool kEncrypt>
[[gnu::always_inline]] inline void ecb_all(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count >= kWideBlocks; count -= kWideBlocks, in += 32 * kWide, out += 32 * kWide)
    ecb<kWide, kEncrypt>(key, out, in);
  for (; count >= 6; count -= 6, in += 96, out += 96) ecb<3, kEncrypt>(key, out, in);
  for (; count >= 2; count -= 2, in += 32, out += 32) ecb<1, kEncrypt>(key, out, in);
  if (count != 0) {
    V x[1] = {_mm256_zextsi128_si256(load128(in))};
    cipher<1, kEncrypt>(x, key);
    store128(out, _mm256_castsi256_si128(x[0]));
  }
  wipe_ymm();
}

// Step: a small number for each lane, low half first. Constants stay in memory, and asm keeps them there, because
// compilers prefer registers for them and then spill.
struct alignas(32) Step {
  uint64_t low, zero_low, high, zero_high;
};
constexpr Step step(uint64_t low, uint64_t high) { return {low, 0, high, 0}; }
constexpr Step kOnlyHigh = step(0, 1);
// kBoth: the n-th is n in both lanes.
constexpr Step kBoth[] = {step(0, 0),   step(1, 1),   step(2, 2),   step(3, 3),   step(4, 4),   step(5, 5),
                          step(6, 6),   step(7, 7),   step(8, 8),   step(9, 9),   step(10, 10), step(11, 11),
                          step(12, 12), step(13, 13), step(14, 14), step(15, 15), step(16, 16)};

// plus: 128-bit sums of the counters in c, low half first in each lane. A carry is a top bit of the low half that the
// sum has lost: no comparison and no branch, because the counter may be a DRBG's secret V.
[[gnu::always_inline]] inline V plus(V c, const Step& n) {
  V sum;
  __asm__("vpaddq %2, %1, %0" : "=x"(sum) : "x"(c), "m"(*reinterpret_cast<const V*>(&n)));
  const V carry = _mm256_srli_epi64(_mm256_andnot_si256(sum, c), 63);
  return _mm256_add_epi64(sum, _mm256_bslli_epi128(carry, 8));
}

alignas(32) constexpr uint8_t kReverse[32] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
                                              15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
[[gnu::always_inline]] inline V reverse(V v) {
  __asm__("vpshufb %1, %0, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kReverse)));
  return v;
}

template <int N>
[[gnu::always_inline]] inline void keystream(V (&x)[N], const AesKey& key, V c) {
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = reverse(plus(c, kBoth[2 * j]));
  cipher<N, true>(x, key);
}

}  // namespace

void aes_encrypt_blocks_x86_vaes256(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<true>(key, out, in, count);
}

void aes_decrypt_blocks_x86_vaes256(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<false>(key, out, in, count);
}

void aes_ctr_keystream_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count) {
  V c = plus(reverse(broadcast(counter)), kOnlyHigh);
  for (; count >= kWideBlocks; count -= kWideBlocks, out += 32 * kWide) {
    V x[kWide];
    keystream(x, key, c);
    c = plus(c, kBoth[kWideBlocks]);
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) store(out + 32 * j, x[j]);
  }
  // Up to four blocks at once: a DRBG asks for three or four.
  while (count != 0) {
    V x[2];
    keystream(x, key, c);
    const size_t now = count < 4 ? count : 4;
    c = plus(c, kBoth[now]);
    if (now >= 2) store(out, x[0]);
    if (now == 4) store(out + 32, x[1]);
    if (now == 1) store128(out, _mm256_castsi256_si128(x[0]));
    if (now == 3) store128(out + 32, _mm256_castsi256_si128(x[1]));
    count -= now;
    out += 16 * now;
  }
  store128(counter, _mm256_castsi256_si128(reverse(c)));
  wipe_ymm();
}

}  // namespace cm
