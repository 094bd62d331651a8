// SPDX-License-Identifier: Apache-2.0
// gcm_x86_aesni.cpp: AES-GCM (SP 800-38D) with AES-NI and PCLMULQDQ: eight blocks in flight, GHASH of eight blocks with
// one reduction. Built with its own -m flags: only the entry points may have external linkage, and no inline function
// of another header may be called here.
//
// GHASH in the form of POLYVAL (RFC 8452 appendix A): byte-reversed blocks, powers of H times x, products divided by
// x^128. key.h_powers holds H^8*x ... H^1*x, 16 bytes each. POLYVAL itself takes blocks and H as they stand.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

using V = __m128i;

constexpr size_t kWide = 8;
constexpr size_t kWideBytes = 16 * kWide;

inline V load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const V*>(p)); }
// load_aligned: for keys and powers; lets the compiler make them memory operands, which saves a register.
inline V load_aligned(const uint8_t* p) { return _mm_load_si128(reinterpret_cast<const V*>(p)); }
inline void store(uint8_t* p, V v) { _mm_storeu_si128(reinterpret_cast<V*>(p), v); }
// reverse: the byte order of a block turned round. The asm makes the mask a memory operand: compilers prefer a register
// for it and then run out of them.
alignas(16) constexpr uint8_t kReverse[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
[[gnu::always_inline]] inline V reverse(V v) {
  __asm__("pshufb %1, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kReverse)));
  return v;
}

// Counter: J0 in general registers, because no vector register is free for it: twelve bytes and two counters.
struct Counter {
  uint64_t low;
  uint32_t high, first, next;

  [[gnu::always_inline]] inline V block(uint32_t n) const {
    uint64_t prefix = low;
    __asm__("" : "+r"(prefix));  // from a general register, not from where clang has spilled it
    return _mm_set_epi64x(static_cast<int64_t>(high | uint64_t{__builtin_bswap32(n)} << 32),
                          static_cast<int64_t>(prefix));
  }
  [[gnu::always_inline]] inline V j0() const { return block(first); }
  [[gnu::always_inline]] inline V take() { return block(next++); }
};

// fold: the low half of v times x^63 + x^62 + x^57; a memory operand for the same reason.
alignas(16) constexpr uint8_t kPoly[16] = {0, 0, 0, 0, 0, 0, 0, 0xc2};
[[gnu::always_inline]] inline V fold(V v) {
  __asm__("pclmulqdq $0x00, %1, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kPoly)));
  return v;
}

// Product: a sum of unreduced 256-bit products; middle stands between the halves.
struct Product {
  V low, middle, high;

  [[gnu::always_inline]] inline void set(V a, V b) {
    low = _mm_clmulepi64_si128(a, b, 0x00);
    middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10));
    high = _mm_clmulepi64_si128(a, b, 0x11);
  }
  [[gnu::always_inline]] inline void add(V a, V b) {
    low = _mm_xor_si128(low, _mm_clmulepi64_si128(a, b, 0x00));
    middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(a, b, 0x01));
    middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(a, b, 0x10));
    high = _mm_xor_si128(high, _mm_clmulepi64_si128(a, b, 0x11));
  }

  // reduce: two folds by 64 bits with x^63 + x^62 + x^57.
  [[gnu::always_inline]] inline V reduce() const {
    const V m = _mm_xor_si128(_mm_xor_si128(middle, _mm_shuffle_epi32(low, 0x4e)), fold(low));
    return _mm_xor_si128(_mm_xor_si128(high, _mm_shuffle_epi32(m, 0x4e)), fold(m));
  }
};

inline Product none() { return {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()}; }

template <class T>
inline uint64_t read(const uint8_t* p) {
  T v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
inline void write(uint8_t* p, uint64_t bits) {
  const T v = static_cast<T>(bits);
  __builtin_memcpy(p, &v, sizeof v);
}

// load_part: the first size bytes (1 to 15) at p, then zeros, without reading further; by overlapping loads, so that no
// text and no keystream passes through the stack.
inline V load_part(const uint8_t* p, size_t size) {
  uint64_t low, high = 0;
  if (size >= 8) {
    low = read<uint64_t>(p);
    if (size > 8) high = read<uint64_t>(p + size - 8) >> (8 * (16 - size));
  } else if (size >= 4) {
    low = read<uint32_t>(p) | read<uint32_t>(p + size - 4) << (8 * (size - 4));
  } else {
    low = read<uint8_t>(p) | read<uint8_t>(p + size / 2) << (8 * (size / 2)) |
          read<uint8_t>(p + size - 1) << (8 * (size - 1));
  }
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

// store_part: the first size bytes (1 to 15) of v.
inline void store_part(uint8_t* p, V v, size_t size) {
  const uint64_t low = static_cast<uint64_t>(_mm_cvtsi128_si64(v)),
                 high = static_cast<uint64_t>(_mm_extract_epi64(v, 1));
  if (size >= 8) {
    write<uint64_t>(p, low);
    if (size > 8) write<uint64_t>(p + size - 8, low >> (8 * (size - 8)) | high << (8 * (16 - size)));
  } else if (size >= 4) {
    write<uint32_t>(p, low);
    write<uint32_t>(p + size - 4, low >> (8 * (size - 4)));
  } else {
    write<uint8_t>(p, low);
    write<uint8_t>(p + size / 2, low >> (8 * (size / 2)));
    write<uint8_t>(p + size - 1, low >> (8 * (size - 1)));
  }
}

// hash: y after size more bytes, the last block padded with zeros; one reduction for up to eight blocks. kReverse:
// GHASH, which turns the bytes of a block round; else POLYVAL, which takes them as they stand.
template <bool kReverse>
[[gnu::always_inline]] inline V hash(const GcmKey& key, V y, const uint8_t* p, size_t size) {
  while (size != 0) {
    const size_t now = size < kWideBytes ? size : kWideBytes;
    const uint8_t* power = key.h_powers + 16 * (kWide - (now + 15) / 16);
    Product product = none();
    for (size_t at = 0; at < now; at += 16, power += 16) {
      const V block = now - at < 16 ? load_part(p + at, now - at) : load(p + at);
      product.add(_mm_xor_si128(kReverse ? reverse(block) : block, y), load(power));
      y = _mm_setzero_si128();
    }
    y = product.reduce();
    p += now;
    size -= now;
  }
  return y;
}

[[gnu::always_inline]] inline V ghash(const GcmKey& key, V y, const uint8_t* p, size_t size) {
  return hash<true>(key, y, p, size);
}

// hash_lengths: y after the block of two sizes in bytes, which stand in it in bits.
[[gnu::always_inline]] inline V hash_lengths(const GcmKey& key, V y, size_t high, size_t low) {
  const V lengths = _mm_set_epi64x(static_cast<int64_t>(uint64_t{high} * 8), static_cast<int64_t>(uint64_t{low} * 8));
  Product product = none();
  product.add(_mm_xor_si128(y, lengths), load(key.h_powers + 16 * (kWide - 1)));
  return product.reduce();
}

[[gnu::always_inline]] inline V encrypt_block(const AesKey& key, V x) {
  const uint8_t* const rk = key.encrypt;
  x = _mm_xor_si128(x, load(rk));
  for (uint32_t r = 1; r < key.rounds; ++r) x = _mm_aesenc_si128(x, load(rk + 16 * r));
  return _mm_aesenclast_si128(x, load(rk + 16 * key.rounds));
}

// pin: keeps the order of the source, because compilers that move code here run out of registers; no code.
[[gnu::always_inline]] inline void pin(V (&x)[kWide], Product& p) {
  __asm__ volatile(""
                   : "+x"(x[0]), "+x"(x[1]), "+x"(x[2]), "+x"(x[3]), "+x"(x[4]), "+x"(x[5]), "+x"(x[6]), "+x"(x[7]),
                     "+x"(p.low), "+x"(p.middle), "+x"(p.high));
}

// ctr_wide: eight blocks of in to out; at the same time, when Hash, eight blocks at hashed join y: a block a round.
template <bool Hash>
[[gnu::always_inline]] inline V ctr_wide(const GcmKey& key, Counter& counter, uint8_t* out, const uint8_t* in, V y,
                                         const uint8_t* hashed) {
  // Decryption hashes what it decrypts; with two loads of it, because one would have to be kept.
  __asm__("" : "+r"(hashed));
  const uint8_t* rk = key.aes.encrypt;
  const uint8_t* const last = rk + 16 * key.aes.rounds;
  V x[kWide];
#pragma GCC unroll 8
  for (size_t j = 0; j < kWide; ++j) x[j] = _mm_xor_si128(counter.take(), load_aligned(rk));
  Product product;
#pragma GCC unroll 8
  for (size_t r = 0; r < kWide; ++r) {
    rk += 16;
#pragma GCC unroll 8
    for (size_t j = 0; j < kWide; ++j) x[j] = _mm_aesenc_si128(x[j], load_aligned(rk));
    if constexpr (Hash) {
      const V block = reverse(load(hashed + 16 * r)), power = load_aligned(key.h_powers + 16 * r);
      if (r == 0)
        product.set(_mm_xor_si128(block, y), power);
      else
        product.add(block, power);
      pin(x, product);
    }
  }
  if constexpr (Hash) y = product.reduce();
  for (rk += 16; rk != last; rk += 16) {
#pragma GCC unroll 8
    for (size_t j = 0; j < kWide; ++j) x[j] = _mm_aesenc_si128(x[j], load_aligned(rk));
  }
#pragma GCC unroll 8
  for (size_t j = 0; j < kWide; ++j)
    store(out + 16 * j, _mm_xor_si128(_mm_aesenclast_si128(x[j], load_aligned(last)), load(in + 16 * j)));
  return y;
}

// ctr_rest: fewer than eight blocks.
[[gnu::always_inline]] inline void ctr_rest(const GcmKey& key, Counter& counter, uint8_t* out, const uint8_t* in,
                                            size_t size) {
  for (; size >= 16; size -= 16, in += 16, out += 16)
    store(out, _mm_xor_si128(load(in), encrypt_block(key.aes, counter.take())));
  if (size != 0) store_part(out, _mm_xor_si128(load_part(in, size), encrypt_block(key.aes, counter.take())), size);
}

inline Counter start(const GcmInput& in) {
  const uint32_t first = in.iv_size == 16 ? __builtin_bswap32(static_cast<uint32_t>(read<uint32_t>(in.iv + 12))) : 1;
  return {read<uint64_t>(in.iv), static_cast<uint32_t>(read<uint32_t>(in.iv + 8)), first, first + 1};
}

inline void finish(const GcmKey& key, uint8_t* tag, V y, V j0, const GcmInput& in) {
  y = hash_lengths(key, y, in.aad_size, in.text_size);
  store(tag, _mm_xor_si128(reverse(y), encrypt_block(key.aes, j0)));
  wipe_xmm();
}

// set_powers: the first powers of h, up to kWide.
[[gnu::always_inline]] inline void set_powers(GcmKey& key, V h, size_t count) {
  V power = h;
  store(key.h_powers + 16 * (kWide - 1), power);
  for (size_t n = 2; n <= count; ++n) {
    Product product = none();
    product.add(power, h);
    power = product.reduce();
    store(key.h_powers + 16 * (kWide - n), power);
  }
}

}  // namespace

void gcm_hash_key_x86_aesni(GcmKey& key) {
  const V h = reverse(encrypt_block(key.aes, _mm_setzero_si128()));
  // H*x: a shift by one; the bit that leaves comes back as x^127 + x^126 + x^121 + 1.
  const V carries = _mm_srli_epi64(h, 63);
  const V out = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpackhi_epi64(carries, carries));
  const V poly = _mm_set_epi64x(static_cast<int64_t>(0xc200000000000000u), 1);
  V hx = _mm_or_si128(_mm_slli_epi64(h, 1), _mm_slli_si128(carries, 8));
  hx = _mm_xor_si128(hx, _mm_and_si128(out, poly));
  set_powers(key, hx, kWide);
  wipe_xmm();
}

void gcm_hash_iv_x86_aesni(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  store(j0, reverse(hash_lengths(key, ghash(key, _mm_setzero_si128(), iv, iv_size), 0, iv_size)));
  wipe_xmm();
}

void gcm_polyval_x86_aesni(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in) {
  const size_t blocks = ((in.aad_size > in.text_size ? in.aad_size : in.text_size) + 15) / 16;
  set_powers(key, load(h), blocks < kWide ? blocks : kWide);
  V y = hash<false>(key, _mm_setzero_si128(), in.aad, in.aad_size);
  y = hash<false>(key, y, in.text, in.text_size);
  store(s, hash_lengths(key, y, in.text_size, in.aad_size));
  wipe_xmm();
}

void gcm_seal_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  Counter counter = start(in);
  V y = ghash(key, _mm_setzero_si128(), in.aad, in.aad_size);
  const uint8_t* text = in.text;
  size_t left = in.text_size;
  size_t unhashed = left;
  if (left >= kWideBytes) {
    // GHASH runs eight blocks behind the cipher.
    ctr_wide<false>(key, counter, out, text, y, nullptr);
    for (;;) {
      out += kWideBytes;
      text += kWideBytes;
      left -= kWideBytes;
      if (left < kWideBytes) break;
      y = ctr_wide<true>(key, counter, out, text, y, out - kWideBytes);
    }
    unhashed = left + kWideBytes;
  }
  ctr_rest(key, counter, out, text, left);
  y = ghash(key, y, out + left - unhashed, unhashed);
  finish(key, tag, y, counter.j0(), in);
}

void gcm_decrypt_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  Counter counter = start(in);
  V y = ghash(key, _mm_setzero_si128(), in.aad, in.aad_size);
  const uint8_t* text = in.text;
  size_t left = in.text_size;
  for (; left >= kWideBytes; left -= kWideBytes, text += kWideBytes, out += kWideBytes)
    y = ctr_wide<true>(key, counter, out, text, y, text);
  y = ghash(key, y, text, left);
  ctr_rest(key, counter, out, text, left);
  finish(key, tag, y, counter.j0(), in);
}

}  // namespace cm
