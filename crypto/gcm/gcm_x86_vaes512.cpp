// SPDX-License-Identifier: Apache-2.0
// gcm_x86_vaes512.cpp: AES-GCM (SP 800-38D) with VAES and VPCLMULQDQ on 512-bit registers. Built with its own -m flags:
// only the entry points may have external linkage, and no inline function of another header may be called here. No
// vector that holds a secret may go to the stack.
//
// GHASH in the form of POLYVAL (RFC 8452 appendix A): byte-reversed blocks, powers of H times x, products divided by
// x^128. key.h_powers holds H^32*x ... H^1*x, 16 bytes each, so that any run of up to 32 blocks finds its powers in
// order and needs one reduction. POLYVAL itself takes blocks and H as they stand.
//
// The last part of a message (all of a short one) is a run of up to five registers in which J0 follows the text: see
// tail.
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

using V = __m512i;  // four blocks

constexpr int kWide = 8;                   // registers in flight
constexpr size_t kWideBytes = 64 * kWide;  // bytes a step of bulk
constexpr size_t kHalfBytes = kWideBytes / 2;
constexpr size_t kTailBytes = 5 * 64 - 16;  // longest run with J0
constexpr size_t kHeadAadBytes = 64;        // AAD that needs no hash of its own
constexpr size_t kPowers = 32;

inline __m128i load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline V broadcast(const uint8_t* p) { return _mm512_broadcast_i32x4(load128(p)); }

// power: address of H^n.
inline const uint8_t* power(const GcmKey& key, size_t n) { return key.h_powers + 16 * (kPowers - n); }

// kReverse: the byte order of four blocks turned round. In memory, because gcc 12 keeps a set_epi8 in an xmm register,
// broadcasts it again and again, and runs out of registers.
alignas(64) constexpr uint8_t kReverse[64] = {
    15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
    15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
inline V reverse(V v) { return _mm512_shuffle_epi8(v, _mm512_load_si512(kReverse)); }
inline __m128i reverse(__m128i v) { return _mm_shuffle_epi8(v, load128(kReverse)); }

// step, plus: counters are byte-reversed blocks, so the 32-bit counter of SP 800-38D is the lowest word of a lane.
inline V step(int a, int b, int c, int d) { return _mm512_set_epi32(0, 0, 0, d, 0, 0, 0, c, 0, 0, 0, b, 0, 0, 0, a); }
inline V plus(V c, int n) { return _mm512_add_epi32(c, step(n, n, n, n)); }

inline V xor3(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }

// byte_mask, block_mask: the first bytes (up to 64), the 64-bit lanes of the first blocks (up to 4).
inline __mmask64 byte_mask(size_t bytes) { return _bzhi_u64(~uint64_t{0}, static_cast<uint32_t>(bytes)); }
inline __mmask8 block_mask(size_t blocks) {
  return static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<uint32_t>(2 * blocks)));
}

// Product: four sums of unreduced 256-bit products; middle stands between the halves.
struct Product {
  V low, middle, high;

  [[gnu::always_inline]] inline void set(V a, V b) {
    low = _mm512_clmulepi64_epi128(a, b, 0x00);
    middle = _mm512_xor_si512(_mm512_clmulepi64_epi128(a, b, 0x01), _mm512_clmulepi64_epi128(a, b, 0x10));
    high = _mm512_clmulepi64_epi128(a, b, 0x11);
  }
  [[gnu::always_inline]] inline void add(V a, V b) {
    low = _mm512_xor_si512(low, _mm512_clmulepi64_epi128(a, b, 0x00));
    middle = xor3(middle, _mm512_clmulepi64_epi128(a, b, 0x01), _mm512_clmulepi64_epi128(a, b, 0x10));
    high = _mm512_xor_si512(high, _mm512_clmulepi64_epi128(a, b, 0x11));
  }

  // add2: two products for one exclusive or a part.
  [[gnu::always_inline]] inline void add2(V a, V b, V c, V d) {
    low = xor3(low, _mm512_clmulepi64_epi128(a, b, 0x00), _mm512_clmulepi64_epi128(c, d, 0x00));
    middle = xor3(middle, _mm512_clmulepi64_epi128(a, b, 0x01), _mm512_clmulepi64_epi128(a, b, 0x10));
    middle = xor3(middle, _mm512_clmulepi64_epi128(c, d, 0x01), _mm512_clmulepi64_epi128(c, d, 0x10));
    high = xor3(high, _mm512_clmulepi64_epi128(a, b, 0x11), _mm512_clmulepi64_epi128(c, d, 0x11));
  }

  // reduce: in each lane two folds by 64 bits with x^63 + x^62 + x^57.
  [[gnu::always_inline]] inline V reduce() const {
    const V poly = _mm512_set1_epi64(static_cast<int64_t>(0xc200000000000000u));
    const V m = xor3(middle, _mm512_shuffle_epi32(low, _MM_PERM_BADC), _mm512_clmulepi64_epi128(low, poly, 0x00));
    return xor3(high, _mm512_shuffle_epi32(m, _MM_PERM_BADC), _mm512_clmulepi64_epi128(m, poly, 0x00));
  }

  // sum: the one element all four lanes add up to.
  [[gnu::always_inline]] inline __m128i sum() const {
    const V r = reduce();
    const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(r), _mm512_extracti64x4_epi64(r, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  }
};

// block_of: GHASH turns the bytes of a block round (kReverse), POLYVAL takes them as they stand.
template <bool kReverse>
inline V block_of(V v) {
  return kReverse ? reverse(v) : v;
}

// hash_wide: y after the 32 blocks at p. The register that waits for y comes last.
template <bool kReverse>
inline __m128i hash_wide(const GcmKey& key, __m128i y, const uint8_t* p) {
  const auto block = [p](int i) { return block_of<kReverse>(_mm512_loadu_si512(p + 64 * i)); };
  const auto powers = [&key](int i) { return _mm512_load_si512(key.h_powers + 64 * i); };
  Product product;
  product.set(block(1), powers(1));
#pragma GCC unroll 3
  for (int i = 2; i < kWide; i += 2) product.add2(block(i), powers(i), block(i + 1), powers(i + 1));
  product.add(_mm512_xor_si512(block(0), _mm512_zextsi128_si512(y)), powers(0));
  return product.sum();
}

// hash: y after size more bytes, the last block padded with zeros; one reduction for up to 32 blocks.
template <bool kReverse>
inline __m128i hash(const GcmKey& key, __m128i y, const uint8_t* p, size_t size) {
  for (; size >= kWideBytes; size -= kWideBytes, p += kWideBytes) y = hash_wide<kReverse>(key, y, p);
  if (size == 0) return y;
  size_t blocks = (size + 15) / 16;
  V join = _mm512_zextsi128_si512(y);
  Product product = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  for (size_t at = 0; at < size; at += 64) {
    const size_t bytes = size - at < 64 ? size - at : 64;
    const size_t lanes = blocks < 4 ? blocks : 4;
    const V data = block_of<kReverse>(_mm512_maskz_loadu_epi8(byte_mask(bytes), p + at));
    product.add(_mm512_xor_si512(data, join), _mm512_maskz_loadu_epi64(block_mask(lanes), power(key, blocks)));
    join = _mm512_setzero_si512();
    blocks -= lanes;
  }
  return product.sum();
}

// hash_lengths: y after the block of two sizes in bytes, which stand in it in bits.
inline __m128i hash_lengths(const GcmKey& key, __m128i y, size_t high, size_t low) {
  const __m128i lengths =
      _mm_set_epi64x(static_cast<int64_t>(uint64_t{high} * 8), static_cast<int64_t>(uint64_t{low} * 8));
  Product product;
  product.set(_mm512_zextsi128_si512(_mm_xor_si128(y, lengths)), _mm512_zextsi128_si512(load128(power(key, 1))));
  return product.sum();
}

// aes_round: round r of N registers in flight.
template <int N>
[[gnu::always_inline]] inline void aes_round(V (&x)[N], const uint8_t* rk, uint32_t r) {
  const V k = broadcast(rk + 16 * r);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) x[j] = _mm512_aesenc_epi128(x[j], k);
}

// aes_late_rounds: rounds 9 up to the last but one.
template <int N>
[[gnu::always_inline]] inline void aes_late_rounds(V (&x)[N], const AesKey& key) {
  aes_round(x, key.encrypt, 9);
  if (key.rounds > 10) {
    aes_round(x, key.encrypt, 10);
    aes_round(x, key.encrypt, 11);
    if (key.rounds > 12) {
      aes_round(x, key.encrypt, 12);
      aes_round(x, key.encrypt, 13);
    }
  }
}

template <int N>
[[gnu::always_inline]] inline void aes_start(V (&x)[N], V& counter, const uint8_t* rk) {
  const V k = broadcast(rk);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    x[j] = _mm512_xor_si512(reverse(counter), k);
    counter = plus(counter, 4);
  }
}

// or_else: p, or where nothing is to be read or written an address that can be: with an empty mask none is touched, but
// the processor takes a hundred cycles to find that out of one that cannot, such as null.
template <class Byte>
[[gnu::always_inline]] inline Byte* or_else(Byte* p, size_t size, Byte* instead) {
  return size != 0 ? p : instead;
}

// Head: what stands before the last part of the text in GHASH, with its powers: AAD of a short message, or in lane 0
// the hash of all before.
struct Head {
  V data, powers;
};

// Tail: the last part of a message. counter holds the next four counters, j0 is J0 in all lanes.
struct Tail {
  V j0, counter;
  uint8_t* out;
  const uint8_t* text;
  size_t size;
};

// tail: seals or opens the last part in N registers and writes the tag. The lane after the last block of text carries
// J0 through the cipher, where it becomes the tag's pad, and the lengths through GHASH. N = blocks / 4 + 1.
template <int N, bool Seal>
[[gnu::always_inline]] inline void tail(const GcmKey& key, const Tail& t, const Head& head, uint8_t* tag,
                                        const GcmInput& in) {
  constexpr int kLast = N - 1;
  const uint8_t* const rk = key.aes.encrypt;
  const uint8_t* const text = or_else(t.text, t.size, in.iv);
  uint8_t* const out = or_else(t.out, t.size, tag);
  const size_t blocks = (t.size + 15) / 16;
  const size_t lanes = blocks - 4 * kLast;  // of text in the last register: 0 to 3
  const __mmask64 text_lanes = byte_mask(16 * lanes), after_text = uint64_t{0xffff} << (16 * lanes);
  // With no text in the last register, the register before it may be cut short.
  const __mmask64 mask_before = byte_mask(t.size - 64 * (kLast - 1));
  const __mmask64 mask_last = _bzhi_u64(text_lanes, static_cast<uint32_t>(t.size - 64 * kLast));

  V x[N], data[N];
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    V c = plus(t.counter, 4 * j);
    if (j == kLast) c = _mm512_mask_mov_epi8(c, after_text, t.j0);
    x[j] = _mm512_xor_si512(reverse(c), broadcast(rk));
    data[j] = j == kLast       ? _mm512_maskz_loadu_epi8(mask_last, text + 64 * j)
              : j == kLast - 1 ? _mm512_maskz_loadu_epi8(mask_before, text + 64 * j)
                               : _mm512_loadu_si512(text + 64 * j);
  }
  const V lengths = _mm512_slli_epi64(
      _mm512_broadcast_i32x4(_mm_set_epi64x(static_cast<int64_t>(in.aad_size), static_cast<int64_t>(in.text_size))), 3);
  Product product;
  product.set(head.data, head.powers);
#pragma GCC unroll 8
  for (uint32_t r = 1; r <= 8; ++r) aes_round(x, rk, r);
  aes_late_rounds(x, key.aes);
  const V k = broadcast(rk + 16 * key.aes.rounds);
  const uint8_t* const powers = power(key, blocks + 1);
#pragma GCC unroll 8
  for (int j = 0; j < N; ++j) {
    x[j] = _mm512_aesenclast_epi128(x[j], _mm512_xor_si512(k, data[j]));
    if (j == kLast) {
      _mm512_mask_storeu_epi8(out + 64 * j, mask_last, x[j]);
      if (Seal) data[j] = _mm512_maskz_mov_epi8(mask_last, x[j]);
      data[j] = _mm512_mask_shuffle_epi8(lengths, text_lanes, data[j], _mm512_load_si512(kReverse));
      product.add(data[j], _mm512_maskz_loadu_epi64(block_mask(lanes + 1), powers + 64 * j));
      product.high =
          _mm512_xor_si512(product.high, _mm512_maskz_shuffle_epi8(after_text, x[j], _mm512_load_si512(kReverse)));
    } else {
      if (j == kLast - 1) {
        _mm512_mask_storeu_epi8(out + 64 * j, mask_before, x[j]);
        if (Seal) x[j] = _mm512_maskz_mov_epi8(mask_before, x[j]);
      } else {
        _mm512_storeu_si512(out + 64 * j, x[j]);
      }
      product.add(reverse(Seal ? x[j] : data[j]), _mm512_loadu_si512(powers + 64 * j));
    }
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(tag), reverse(product.sum()));
}

template <bool Seal>
[[gnu::always_inline]] inline void any_tail(const GcmKey& key, const Tail& t, const Head& head, uint8_t* tag,
                                            const GcmInput& in) {
  switch ((t.size + 15) / 64) {
    case 0:
      return tail<1, Seal>(key, t, head, tag, in);
    case 1:
      return tail<2, Seal>(key, t, head, tag, in);
    case 2:
      return tail<3, Seal>(key, t, head, tag, in);
    case 3:
      return tail<4, Seal>(key, t, head, tag, in);
    default:
      return tail<5, Seal>(key, t, head, tag, in);
  }
}

// pin: keeps the order of the source, cipher and hash interleaved, through the compiler's scheduler; no code.
[[gnu::always_inline]] inline void pin(V (&x)[kWide], Product& p) {
  __asm__ volatile(""
                   : "+v"(x[0]), "+v"(x[1]), "+v"(x[2]), "+v"(x[3]), "+v"(x[4]), "+v"(x[5]), "+v"(x[6]), "+v"(x[7]),
                     "+v"(p.low), "+v"(p.middle), "+v"(p.high));
}

// wide: one step of bulk on x, which aes_start prepared; prepares x for the next step as soon as there are registers.
// With Hash, blocks joins y, two registers every other AES round; with Seal, blocks is the ciphertext of the step
// before and is then replaced by this step's, else this step's own is read from text.
template <bool Seal, bool Hash>
[[gnu::always_inline]] inline void wide(const GcmKey& key, V (&x)[kWide], V& counter, V& y, V (&blocks)[kWide],
                                        uint8_t* out, const uint8_t* text) {
  const uint8_t* const rk = key.aes.encrypt;
  Product product;
#pragma GCC unroll 8
  for (int r = 1; r <= kWide; ++r) {
    aes_round(x, rk, static_cast<uint32_t>(r));
    if (Hash && r % 2 == 0) {
      // Registers 1 and 2, 3 and 4, 5 and 6, 7 and 0: the last waits for y.
      const int i = r - 1, n = r & (kWide - 1);
      const V a = reverse(Seal ? blocks[i] : _mm512_loadu_si512(text + 64 * i));
      V b = reverse(Seal ? blocks[n] : _mm512_loadu_si512(text + 64 * n));
      if (n == 0) b = _mm512_xor_si512(b, y);
      const V ha = _mm512_load_si512(key.h_powers + 64 * i), hb = _mm512_load_si512(key.h_powers + 64 * n);
      if (r == 2) {
        product.set(a, ha);
        product.add(b, hb);
      } else {
        product.add2(a, ha, b, hb);
      }
      pin(x, product);
    }
  }
  if constexpr (Hash) y = _mm512_zextsi128_si512(product.sum());
  V next[kWide];
  aes_start(next, counter, rk);
  aes_late_rounds(x, key.aes);
  const V k = broadcast(rk + 16 * key.aes.rounds);
#pragma GCC unroll 8
  for (int j = 0; j < kWide; ++j) {
    const V done = _mm512_aesenclast_epi128(x[j], _mm512_xor_si512(k, _mm512_loadu_si512(text + 64 * j)));
    _mm512_storeu_si512(out + 64 * j, done);
    if constexpr (Seal) blocks[j] = done;
    x[j] = next[j];
  }
}

// half: four registers, for what is too long for a tail. Returns the hash.
template <bool Seal>
[[gnu::always_inline]] inline V half(const GcmKey& key, V& counter, V y, uint8_t* out, const uint8_t* text) {
  const uint8_t* const rk = key.aes.encrypt;
  V x[kWide / 2], data[kWide / 2];
  aes_start(x, counter, rk);
#pragma GCC unroll 8
  for (uint32_t r = 1; r <= 8; ++r) aes_round(x, rk, r);
  aes_late_rounds(x, key.aes);
  const V k = broadcast(rk + 16 * key.aes.rounds);
  Product product;
#pragma GCC unroll 8
  for (int j = 0; j < kWide / 2; ++j) {
    data[j] = _mm512_loadu_si512(text + 64 * j);
    x[j] = _mm512_aesenclast_epi128(x[j], _mm512_xor_si512(k, data[j]));
    _mm512_storeu_si512(out + 64 * j, x[j]);
    const V block = reverse(Seal ? x[j] : data[j]);
    const V h = _mm512_load_si512(power(key, 16) + 64 * j);
    if (j == 0)
      product.set(_mm512_xor_si512(block, y), h);
    else
      product.add(block, h);
  }
  return _mm512_zextsi128_si512(product.sum());
}

// bulk: all whole steps of a message. Returns the hash; counter is the next register of counters then.
template <bool Seal>
[[gnu::always_inline]] inline V bulk(const GcmKey& key, V& counter, V y, uint8_t*& out, const uint8_t*& text,
                                     size_t& left) {
  V x[kWide], blocks[kWide];
  aes_start(x, counter, key.aes.encrypt);
  if constexpr (Seal) {
    wide<true, false>(key, x, counter, y, blocks, out, text);
    for (;;) {
      out += kWideBytes;
      text += kWideBytes;
      left -= kWideBytes;
      if (left < kWideBytes) break;
      wide<true, true>(key, x, counter, y, blocks, out, text);
    }
    counter = plus(counter, -4 * kWide);  // the start that was not used
    Product product;
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) {
      const V data = reverse(blocks[j]);
      const V h = _mm512_load_si512(key.h_powers + 64 * j);
      if (j == 0)
        product.set(_mm512_xor_si512(data, y), h);
      else
        product.add(data, h);
    }
    return _mm512_zextsi128_si512(product.sum());
  } else {
    for (; left >= kWideBytes; left -= kWideBytes, out += kWideBytes, text += kWideBytes)
      wide<false, true>(key, x, counter, y, blocks, out, text);
    counter = plus(counter, -4 * kWide);  // the start that was not used
    return y;
  }
}

// word: four bytes of an IV, big-endian. The empty asm keeps compilers from joining two loads: a caller has just
// written the IV, and a load that spans two stores waits for both to reach the cache.
inline int word(const uint8_t* p) {
  uint32_t w;
  __builtin_memcpy(&w, p, sizeof w);
  __asm__("" : "+r"(w));
  return static_cast<int>(__builtin_bswap32(w));
}

// start: J0, byte-reversed, in all lanes.
[[gnu::always_inline]] inline V start(const GcmInput& in) {
  if (in.iv_size == 16) return reverse(broadcast(in.iv));
  return _mm512_broadcast_i32x4(_mm_set_epi32(word(in.iv), word(in.iv + 4), word(in.iv + 8), 1));
}

// crypt_long: what does not fit a tail; apart, so that short messages do not pay for its frame.
template <bool Seal>
[[gnu::noinline]] void crypt_long(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  V y = _mm512_zextsi128_si512(hash<true>(key, _mm_setzero_si128(), in.aad, in.aad_size));
  V counter = _mm512_add_epi32(start(in), step(1, 2, 3, 4));
  const uint8_t* text = in.text;
  size_t left = in.text_size;
  if (left >= kWideBytes) y = bulk<Seal>(key, counter, y, out, text, left);
  if (left > kTailBytes) {
    y = half<Seal>(key, counter, y, out, text);
    out += kHalfBytes;
    text += kHalfBytes;
    left -= kHalfBytes;
  }
  // y joins the first block that is left, or the lengths if there is none. J0 is found again by counting back.
  const Head head{y, _mm512_zextsi128_si512(load128(power(key, (left + 15) / 16 + 1)))};
  const V j0 = plus(_mm512_shuffle_i32x4(counter, counter, 0),
                    -1 - static_cast<int>(static_cast<uint32_t>((in.text_size - left) / 16)));
  any_tail<Seal>(key, {j0, counter, out, text, left}, head, tag, in);
  wipe_zmm();
}

template <bool Seal>
[[gnu::always_inline]] inline void crypt(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  if (in.text_size > kTailBytes || in.aad_size > kHeadAadBytes) return crypt_long<Seal>(key, out, tag, in);
  const V j0 = start(in);
  const size_t aad_blocks = (in.aad_size + 15) / 16, text_blocks = (in.text_size + 15) / 16;
  const Head head{
      reverse(_mm512_maskz_loadu_epi8(byte_mask(in.aad_size), or_else(in.aad, in.aad_size, in.iv))),
      _mm512_maskz_loadu_epi64(block_mask(aad_blocks), power(key, aad_blocks + text_blocks + 1)),
  };
  any_tail<Seal>(key, {j0, _mm512_add_epi32(j0, step(1, 2, 3, 4)), out, in.text, in.text_size}, head, tag, in);
  wipe_zmm();
}

// multiply: a * b in each lane.
inline V multiply(V a, V b) {
  Product product;
  product.set(a, b);
  return product.reduce();
}

// set_powers: the first powers of h, which is in all lanes, in as many registers as are wanted, up to kWide.
inline void set_powers(GcmKey& key, V h, int registers) {
  const V h2 = multiply(h, h);
  // H^4 H^3 H^2 H^1 from the lowest lane up.
  const V h21 = _mm512_mask_mov_epi64(h2, 0xcc, h);
  const V h43 = multiply(h21, h2);
  V next = _mm512_mask_mov_epi64(h43, 0xf0, h21);
  const V h4 = _mm512_broadcast_i32x4(_mm512_castsi512_si128(next));
  for (int i = 0; i < registers; ++i) {
    _mm512_store_si512(key.h_powers + 64 * (kWide - 1 - i), next);
    next = multiply(next, h4);
  }
}

}  // namespace

void gcm_hash_key_x86_vaes512(GcmKey& key) {
  V x[1] = {_mm512_setzero_si512()};
  x[0] = broadcast(key.aes.encrypt);
  for (uint32_t r = 1; r < key.aes.rounds; ++r) aes_round(x, key.aes.encrypt, r);
  const V h = reverse(_mm512_aesenclast_epi128(x[0], broadcast(key.aes.encrypt + 16 * key.aes.rounds)));
  // H*x: a shift by one; the bit that leaves comes back as x^127 + x^126 + x^121 + 1.
  const V carries = _mm512_srli_epi64(h, 63);
  const V out = _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_unpackhi_epi64(carries, carries));
  const V poly = _mm512_broadcast_i32x4(_mm_set_epi64x(static_cast<int64_t>(0xc200000000000000u), 1));
  const V shifted = _mm512_or_si512(_mm512_slli_epi64(h, 1), _mm512_bslli_epi128(carries, 8));
  set_powers(key, _mm512_xor_si512(shifted, _mm512_and_si512(out, poly)), kWide);
  wipe_zmm();
}

void gcm_hash_iv_x86_vaes512(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  const __m128i y = hash_lengths(key, hash<true>(key, _mm_setzero_si128(), iv, iv_size), 0, iv_size);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(j0), reverse(y));
  wipe_zmm();
}

void gcm_polyval_x86_vaes512(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in) {
  const size_t longest = in.aad_size > in.text_size ? in.aad_size : in.text_size;
  set_powers(key, broadcast(h), longest < kWideBytes ? static_cast<int>(longest / 64) + 1 : kWide);
  __m128i y = hash<false>(key, _mm_setzero_si128(), in.aad, in.aad_size);
  y = hash<false>(key, y, in.text, in.text_size);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(s), hash_lengths(key, y, in.text_size, in.aad_size));
  wipe_zmm();
}

void gcm_seal_x86_vaes512(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<true>(key, out, tag, in);
}

void gcm_decrypt_x86_vaes512(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<false>(key, out, tag, in);
}

}  // namespace cm
