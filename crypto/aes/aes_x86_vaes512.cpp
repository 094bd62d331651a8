// SPDX-License-Identifier: Apache-2.0
// aes_x86_vaes512.cpp: AES (FIPS 197) with VAES on 512-bit registers: 32 blocks in flight, the rest under a mask.
// Built with its own -m flags: only the entry points may have external linkage, and no inline function of another
// header may be called here.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

using V = __m512i;  // four blocks

constexpr int kWide = 8;
constexpr size_t kWideBlocks = 4 * kWide;

inline V broadcast(const uint8_t* p) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// block_mask: 64-bit lanes of the first blocks blocks; blocks above 4 mean all.
inline __mmask8 block_mask(size_t blocks) {
  return static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<uint32_t>(blocks < 4 ? 2 * blocks : 8)));
}

// aes_round: round r of N registers in flight.
template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void aes_round(V (&x)[N], const uint8_t* rk, uint32_t r) {
  const V k = broadcast(rk + 16 * r);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = kEncrypt ? _mm512_aesenc_epi128(x[j], k) : _mm512_aesdec_epi128(x[j], k);
}

// cipher: rounds unrolled, because the exit of a loop over them costs more than the branches on the key length.
template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void cipher(V (&x)[N], const AesKey& key) {
  const uint8_t* const rk = kEncrypt ? key.encrypt : key.decrypt;
  V k = broadcast(rk);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm512_xor_si512(x[j], k);
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
  for (int j = 0; j < N; ++j) x[j] = kEncrypt ? _mm512_aesenclast_epi128(x[j], k) : _mm512_aesdeclast_epi128(x[j], k);
}

template <bool kEncrypt>
[[gnu::always_inline]] inline void ecb_all(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count >= kWideBlocks; count -= kWideBlocks, in += 64 * kWide, out += 64 * kWide) {
    V x[kWide];
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) x[j] = _mm512_loadu_si512(in + 64 * j);
    cipher<kWide, kEncrypt>(x, key);
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) _mm512_storeu_si512(out + 64 * j, x[j]);
  }
  for (; count >= 16; count -= 16, in += 256, out += 256) {
    V x[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) x[j] = _mm512_loadu_si512(in + 64 * j);
    cipher<4, kEncrypt>(x, key);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) _mm512_storeu_si512(out + 64 * j, x[j]);
  }
  while (count != 0) {
    const __mmask8 mask = block_mask(count);
    V x[1] = {_mm512_maskz_loadu_epi64(mask, in)};
    cipher<1, kEncrypt>(x, key);
    _mm512_mask_storeu_epi64(out, mask, x[0]);
    if (count <= 4) break;
    count -= 4;
    in += 64;
    out += 64;
  }
  wipe_zmm();
}

// plus: 128-bit sums of the counters in c (low half first in each lane) and the small numbers in n. The carry moves by
// a mask register, not by a branch, because the counter may be a DRBG's secret V.
inline V plus(V c, V n) {
  const V sum = _mm512_add_epi64(c, n);
  const __mmask8 carry = _kshiftli_mask8(_mm512_cmplt_epu64_mask(sum, n), 1);
  return _mm512_mask_sub_epi64(sum, carry, sum, _mm512_set1_epi64(-1));
}

inline V small(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  return _mm512_set_epi64(0, static_cast<int64_t>(d), 0, static_cast<int64_t>(c), 0, static_cast<int64_t>(b), 0,
                          static_cast<int64_t>(a));
}
inline V small(uint64_t n) { return small(n, n, n, n); }

}  // namespace

void aes_encrypt_blocks_x86_vaes512(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<true>(key, out, in, count);
}

void aes_decrypt_blocks_x86_vaes512(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<false>(key, out, in, count);
}

void aes_ctr_keystream_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count) {
  const V reverse = _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  V c = plus(_mm512_shuffle_epi8(broadcast(counter), reverse), small(0, 1, 2, 3));
  for (; count >= kWideBlocks; count -= kWideBlocks, out += 64 * kWide) {
    V x[kWide];
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) x[j] = _mm512_shuffle_epi8(plus(c, small(4 * static_cast<uint64_t>(j))), reverse);
    c = plus(c, small(kWideBlocks));
    cipher<kWide, true>(x, key);
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) _mm512_storeu_si512(out + 64 * j, x[j]);
  }
  while (count != 0) {
    const size_t now = count < 4 ? count : 4;
    V x[1] = {_mm512_shuffle_epi8(c, reverse)};
    c = plus(c, small(now));
    cipher<1, true>(x, key);
    _mm512_mask_storeu_epi64(out, block_mask(now), x[0]);
    count -= now;
    out += 64;
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(counter), _mm512_castsi512_si128(_mm512_shuffle_epi8(c, reverse)));
  wipe_zmm();
}

}  // namespace cm
