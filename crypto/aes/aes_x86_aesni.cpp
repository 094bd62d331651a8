// SPDX-License-Identifier: Apache-2.0
// aes_x86_aesni.cpp: AES (FIPS 197) with AES-NI, eight blocks in flight. Built with its own -m flags: only the entry
// points may have external linkage, and no inline function of another header may be called here.
#include <immintrin.h>

#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

constexpr int kWide = 8;

inline __m128i load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void store(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

constexpr uint8_t kRcon[10] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};

// sub_rot, sub: SubWord(RotWord(w3)) ^ rcon and SubWord(w3) in all four words. AESENCLAST of four equal columns is
// SubBytes, and cheaper than AESKEYGENASSIST.
inline __m128i sub_rot(__m128i k, uint8_t rcon) {
  return _mm_aesenclast_si128(_mm_shuffle_epi8(k, _mm_set1_epi32(0x0c0f0e0d)), _mm_set1_epi32(rcon));
}
inline __m128i sub(__m128i k) { return _mm_aesenclast_si128(_mm_shuffle_epi32(k, 0xff), _mm_setzero_si128()); }

// chain: word i becomes the sum of words 0 to i.
inline __m128i chain(__m128i k) {
  k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
  return _mm_xor_si128(k, _mm_slli_si128(k, 8));
}

void expand_128(uint8_t* rk, const uint8_t* raw) {
  __m128i k = load(raw);
  store(rk, k);
  for (int i = 0; i < 10; ++i) {
    k = _mm_xor_si128(chain(k), sub_rot(k, kRcon[i]));
    store(rk + 16 * (i + 1), k);
  }
}

// expand_192: six words a step; a holds words 0 to 3 of a step, b words 4 and 5.
void expand_192(uint8_t* rk, const uint8_t* raw) {
  __m128i a = load(raw), b = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(raw + 16));
  for (int i = 0;; ++i) {
    store(rk + 24 * i, a);
    if (i == 8) return;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(rk + 24 * i + 16), b);
    a = _mm_xor_si128(chain(a), sub_rot(_mm_shuffle_epi32(b, 0x55), kRcon[i]));
    b = _mm_xor_si128(_mm_xor_si128(b, _mm_slli_si128(b, 4)), _mm_shuffle_epi32(a, 0xff));
  }
}

void expand_256(uint8_t* rk, const uint8_t* raw) {
  __m128i a = load(raw), b = load(raw + 16);
  store(rk, a);
  for (int i = 0;; ++i) {
    store(rk + 32 * i + 16, b);
    a = _mm_xor_si128(chain(a), sub_rot(b, kRcon[i]));
    store(rk + 32 * i + 32, a);
    if (i == 6) return;
    b = _mm_xor_si128(chain(b), sub(a));
  }
}

// encrypt, decrypt: N blocks in flight. The round keys are memory operands, never a local array.
template <int N>
[[gnu::always_inline]] inline void encrypt(__m128i (&x)[N], const AesKey& key) {
  const uint8_t* const rk = key.encrypt;
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm_xor_si128(x[j], load(rk));
  for (uint32_t r = 1; r < key.rounds; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) x[j] = _mm_aesenc_si128(x[j], load(rk + 16 * r));
  }
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm_aesenclast_si128(x[j], load(rk + 16 * key.rounds));
}

template <int N>
[[gnu::always_inline]] inline void decrypt(__m128i (&x)[N], const AesKey& key) {
  const uint8_t* const rk = key.decrypt;
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm_xor_si128(x[j], load(rk));
  for (uint32_t r = 1; r < key.rounds; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j) x[j] = _mm_aesdec_si128(x[j], load(rk + 16 * r));
  }
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm_aesdeclast_si128(x[j], load(rk + 16 * key.rounds));
}

template <int N, bool kEncrypt>
[[gnu::always_inline]] inline void ecb(const AesKey& key, uint8_t* out, const uint8_t* in) {
  __m128i x[N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = load(in + 16 * j);
  if constexpr (kEncrypt)
    encrypt<N>(x, key);
  else
    decrypt<N>(x, key);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) store(out + 16 * j, x[j]);
}

template <bool kEncrypt>
[[gnu::always_inline]] inline void ecb_all(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count >= kWide; count -= kWide, in += 16 * kWide, out += 16 * kWide) ecb<kWide, kEncrypt>(key, out, in);
  for (; count != 0; --count, in += 16, out += 16) ecb<1, kEncrypt>(key, out, in);
  wipe_xmm();
}

struct Counter {
  uint64_t high, low;

  // next: the counter block, then one more. The counter may be a DRBG's secret V: the carry is no comparison, and the
  // empty asm keeps gcc 12 from counting a loop with it.
  __m128i next() {
    const __m128i block =
        _mm_set_epi64x(static_cast<int64_t>(__builtin_bswap64(low)), static_cast<int64_t>(__builtin_bswap64(high)));
    uint64_t after = low + 1;
    __asm__("" : "+r"(after));
    high += (low & ~after) >> 63;
    low = after;
    return block;
  }
};

template <int N>
[[gnu::always_inline]] inline void keystream(const AesKey& key, Counter& counter, uint8_t* out) {
  __m128i x[N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = counter.next();
  encrypt<N>(x, key);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) store(out + 16 * j, x[j]);
}

}  // namespace

void aes_key_init_x86_aesni(AesKey& key, const uint8_t* raw, size_t raw_size) {
  if (raw_size == 16) {
    expand_128(key.encrypt, raw);
  } else if (raw_size == 24) {
    expand_192(key.encrypt, raw);
  } else {
    expand_256(key.encrypt, raw);
  }
  // Equivalent inverse cipher (FIPS 197 5.3.5).
  const uint32_t rounds = key.rounds;
  store(key.decrypt, load(key.encrypt + 16 * rounds));
  for (uint32_t r = 1; r < rounds; ++r)
    store(key.decrypt + 16 * r, _mm_aesimc_si128(load(key.encrypt + 16 * (rounds - r))));
  store(key.decrypt + 16 * rounds, load(key.encrypt));
  wipe_xmm();
}

// The S-box makes 0 of 0x52, so that only the last byte enters the round.
void aes_make_columns_x86_aesni(AesKey& key) {
  const __m128i last = _mm_set_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), zero = _mm_setzero_si128();
  const __m128i key_byte = _mm_and_si128(load(key.encrypt), last);
  const __m128i others = _mm_andnot_si128(last, _mm_set1_epi8(0x52));
  __m128i counter = zero;
  for (size_t i = 0; i < kAesColumns; i += 4) {
    const __m128i x = _mm_xor_si128(_mm_xor_si128(counter, key_byte), others);
    _mm_storeu_si32(key.encrypt + kAesColumnsAt + i, _mm_aesenc_si128(x, zero));
    counter = _mm_sub_epi8(counter, last);
  }
  wipe_xmm();
}

void aes_encrypt_blocks_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<true>(key, out, in, count);
}

void aes_decrypt_blocks_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  ecb_all<false>(key, out, in, count);
}

void aes_ctr_keystream_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count) {
  uint64_t words[2];
  __builtin_memcpy(words, counter, sizeof words);
  Counter c{__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
  for (; count >= kWide; count -= kWide, out += 16 * kWide) keystream<kWide>(key, c, out);
  for (; count != 0; --count, out += 16) keystream<1>(key, c, out);
  words[0] = __builtin_bswap64(c.high);
  words[1] = __builtin_bswap64(c.low);
  __builtin_memcpy(counter, words, sizeof words);
  wipe_xmm();
}

}  // namespace cm
