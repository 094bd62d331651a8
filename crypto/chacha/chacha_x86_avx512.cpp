// SPDX-License-Identifier: Apache-2.0
// chacha_x86_avx512.cpp: ChaCha20-Poly1305 (RFC 8439 2.8) on 512-bit registers. Built with its own -m flags: only the
// entry points may have external linkage, and no inline function of another header that has it may be called here. No
// vector that holds a secret may go to the stack but to Hash, which is wiped.
//
// Short messages (Rows) are bound by the latency of the rounds, so that their blocks lie along the registers, four in a
// row, and one flight gives the one-time key and the first blocks of keystream. Bulk (flight) has a word of sixteen
// blocks in each register. Poly1305 takes blocks one by one on the integer multiplier where they are few, else eight
// or sixteen at a time with IFMA (Hash).
#if defined(__GNUC__) && !defined(__clang__)
// gcc 12 warns inside its own AVX-512 headers (GCC bug 105593: _mm512_undefined_epi32).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/chacha/poly1305_limbs.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

using V = __m512i;

constexpr size_t kBlock = 64;
constexpr size_t kFlightBytes = 16 * kBlock;
constexpr size_t kFirstBytes = 12 * kBlock;  // of a long message: whole steps of the hash
constexpr size_t kHeadAadBytes = 64;         // AAD that is hashed together with a short text
constexpr size_t kGroup = 8;                 // blocks of Poly1305 in a register
constexpr size_t kWideBlocks = 16;           // from here on IFMA is faster, the powers of r included

alignas(16) constexpr uint32_t kSigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // RFC 8439 2.3

inline __mmask64 byte_mask(size_t bytes) { return _bzhi_u64(~uint64_t{0}, static_cast<uint32_t>(bytes)); }

// hide: an address that the compiler does not know for one of the stack, so that stores there are as written.
template <class T>
[[gnu::always_inline]] inline T* hide(T* p) {
  __asm__("" : "+r"(p));
  return p;
}

// wipe: overwrites what nobody reads again.
template <class T>
[[gnu::always_inline]] inline void wipe(T* p) {
  __builtin_memset(static_cast<void*>(p), 0, sizeof *p);
  __asm__ volatile("" : : "r"(p) : "memory");
}

// ---- Poly1305, eight blocks at a time: limbs of 44, 44 and 42 bits, each in its own register.

constexpr uint64_t kMask44 = (uint64_t{1} << 44) - 1;
constexpr uint64_t kMask42 = (uint64_t{1} << 42) - 1;

inline V all(uint64_t v) { return _mm512_set1_epi64(static_cast<int64_t>(v)); }

struct Limbs {
  V l0, l1, l2;
};

// Power: a power of r, and its upper limbs times 20: 2^132 = 4 * 2^130 = 20 modulo 2^130 - 5.
struct Power {
  V r0, r1, r2, s1, s2;
};

// Hash: Poly1305 in progress. It stands on the stack of a call and is wiped. lanes: r^8, r^4, r^7, r^3, r^6, r^2, r^5,
// r^1, which is the order in which load leaves eight blocks. parts: a sum in eight parts; part i still wants to be
// multiplied by lane i of lanes.
struct alignas(64) Hash {
  PolyKey key;
  PolySum sum;
  alignas(64) Power r8, r16, lanes;
  Limbs parts;
};

// wipe_wide: what begin and absorb leave. The caller of hash_run wipes the rest.
[[gnu::always_inline]] inline void wipe_wide(Hash* h) {
  wipe(&h->r8);
  wipe(&h->r16);
  wipe(&h->lanes);
  wipe(&h->parts);
}
[[gnu::always_inline]] inline void wipe_narrow(Hash* h) {
  wipe(&h->key);
  wipe(&h->sum);
}

[[gnu::always_inline]] inline V times20(V v) {
  return _mm512_add_epi64(_mm512_slli_epi64(v, 4), _mm512_slli_epi64(v, 2));
}

[[gnu::always_inline]] inline Power power_of(const Limbs& r) {
  return {r.l0, r.l1, r.l2, times20(r.l1), times20(r.l2)};
}

// Product: a sum of products, low and high 52 bits of each apart.
struct Product {
  V low0, low1, low2, high0, high1, high2;

  [[gnu::always_inline]] inline explicit Product(const Limbs& start)
      : low0(start.l0),
        low1(start.l1),
        low2(start.l2),
        high0(_mm512_setzero_si512()),
        high1(_mm512_setzero_si512()),
        high2(_mm512_setzero_si512()) {}

  [[gnu::always_inline]] inline void add(const Limbs& a, const Power& p) {
    low0 = _mm512_madd52lo_epu64(low0, a.l0, p.r0);
    high0 = _mm512_madd52hi_epu64(high0, a.l0, p.r0);
    low1 = _mm512_madd52lo_epu64(low1, a.l0, p.r1);
    high1 = _mm512_madd52hi_epu64(high1, a.l0, p.r1);
    low2 = _mm512_madd52lo_epu64(low2, a.l0, p.r2);
    high2 = _mm512_madd52hi_epu64(high2, a.l0, p.r2);
    low0 = _mm512_madd52lo_epu64(low0, a.l1, p.s2);
    high0 = _mm512_madd52hi_epu64(high0, a.l1, p.s2);
    low1 = _mm512_madd52lo_epu64(low1, a.l1, p.r0);
    high1 = _mm512_madd52hi_epu64(high1, a.l1, p.r0);
    low2 = _mm512_madd52lo_epu64(low2, a.l1, p.r1);
    high2 = _mm512_madd52hi_epu64(high2, a.l1, p.r1);
    low0 = _mm512_madd52lo_epu64(low0, a.l2, p.s1);
    high0 = _mm512_madd52hi_epu64(high0, a.l2, p.s1);
    low1 = _mm512_madd52lo_epu64(low1, a.l2, p.s2);
    high1 = _mm512_madd52hi_epu64(high1, a.l2, p.s2);
    low2 = _mm512_madd52lo_epu64(low2, a.l2, p.r0);
    high2 = _mm512_madd52hi_epu64(high2, a.l2, p.r0);
  }

  // carry: back to limbs; the lowest may be a little over 44 bits. A high part of limb i stands at 2^(44 * i + 52),
  // that is 2^8 of the next limb; of the last limb at 2^140 = 5 * 2^10.
  [[gnu::always_inline]] inline Limbs carry() const {
    const V mask = all(kMask44);
    V t0 = _mm512_add_epi64(low0, _mm512_add_epi64(_mm512_slli_epi64(high2, 10), _mm512_slli_epi64(high2, 12)));
    V t1 = _mm512_add_epi64(low1, _mm512_slli_epi64(high0, 8));
    V t2 = _mm512_add_epi64(low2, _mm512_slli_epi64(high1, 8));
    t1 = _mm512_add_epi64(t1, _mm512_srli_epi64(t0, 44));
    t2 = _mm512_add_epi64(t2, _mm512_srli_epi64(t1, 44));
    const V top = _mm512_srli_epi64(t2, 42);
    t0 = _mm512_add_epi64(_mm512_and_si512(t0, mask), _mm512_add_epi64(top, _mm512_slli_epi64(top, 2)));
    return {t0, _mm512_and_si512(t1, mask), _mm512_and_si512(t2, all(kMask42))};
  }
};

[[gnu::always_inline]] inline Limbs multiply(const Limbs& a, const Power& p) {
  Product product({_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()});
  product.add(a, p);
  return product.carry();
}

[[gnu::always_inline]] inline Limbs blend(__mmask8 m, const Limbs& clear, const Limbs& set) {
  return {_mm512_mask_mov_epi64(clear.l0, m, set.l0), _mm512_mask_mov_epi64(clear.l1, m, set.l1),
          _mm512_mask_mov_epi64(clear.l2, m, set.l2)};
}

[[gnu::always_inline]] inline Limbs lowest(const Limbs& v) {
  return {_mm512_broadcastq_epi64(_mm512_castsi512_si128(v.l0)), _mm512_broadcastq_epi64(_mm512_castsi512_si128(v.l1)),
          _mm512_broadcastq_epi64(_mm512_castsi512_si128(v.l2))};
}

[[gnu::always_inline]] inline Limbs load(const Limbs& from) {
  return {_mm512_load_si512(&from.l0), _mm512_load_si512(&from.l1), _mm512_load_si512(&from.l2)};
}
[[gnu::always_inline]] inline void store(Limbs& to, const Limbs& v) {
  _mm512_store_si512(&to.l0, v.l0);
  _mm512_store_si512(&to.l1, v.l1);
  _mm512_store_si512(&to.l2, v.l2);
}
[[gnu::always_inline]] inline void store(Power& to, const Power& p) {
  _mm512_store_si512(&to.r0, p.r0);
  _mm512_store_si512(&to.r1, p.r1);
  _mm512_store_si512(&to.r2, p.r2);
  _mm512_store_si512(&to.s1, p.s1);
  _mm512_store_si512(&to.s2, p.s2);
}

[[gnu::always_inline]] inline void fill(Hash* h) {
  const PolyKey& key = h->key;
  const Limbs r = {all(key.r0 & kMask44), all((key.r0 >> 44 | key.r1 << 20) & kMask44), all(key.r1 >> 24)};
  const Power r1 = power_of(r);
  const Limbs r2 = multiply(r, r1);
  const Limbs e1 = blend(0x33, r, r2);                           // exponents 2 2 1 1 2 2 1 1
  const Limbs e2 = blend(0x0f, e1, multiply(e1, power_of(r2)));  // 4 4 3 3 2 2 1 1
  const Limbs e3 = multiply(e2, power_of(lowest(e2)));           // 8 8 7 7 6 6 5 5
  store(h->lanes, power_of(blend(0x55, e2, e3)));
  const Limbs r8 = lowest(e3);
  const Power p8 = power_of(r8);
  store(h->r8, p8);
  store(h->r16, power_of(multiply(r8, p8)));
}

// load_blocks: eight blocks with the bit above each (2.5.1: "Add one bit beyond the number of octets").
[[gnu::always_inline]] inline Limbs load_blocks(const uint8_t* p) {
  const V a = _mm512_loadu_si512(p), b = _mm512_loadu_si512(p + 64), mask = all(kMask44);
  const V low = _mm512_unpacklo_epi64(a, b), high = _mm512_unpackhi_epi64(a, b);
  return {_mm512_and_si512(low, mask),
          // (low >> 44 | high << 20) & mask
          _mm512_ternarylogic_epi64(_mm512_srli_epi64(low, 44), _mm512_slli_epi64(high, 20), mask, 0xa8),
          _mm512_or_si512(_mm512_srli_epi64(high, 24), all(uint64_t{1} << 40))};
}

inline V lane0(uint64_t v) { return _mm512_zextsi128_si512(_mm_cvtsi64_si128(static_cast<int64_t>(v))); }

inline uint64_t add_lanes(V v) {
  const __m256i four = _mm256_add_epi64(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
  return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two))));
}

// begin: powers, and the first eight blocks after h->sum.
[[gnu::always_inline]] inline void begin(Hash* h, const uint8_t* p) {
  fill(h);
  const PolySum& sum = h->sum;
  Limbs v = load_blocks(p);
  v.l0 = _mm512_add_epi64(v.l0, lane0(sum.h0 & kMask44));
  v.l1 = _mm512_add_epi64(v.l1, lane0((sum.h0 >> 44 | sum.h1 << 20) & kMask44));
  v.l2 = _mm512_add_epi64(v.l2, lane0(sum.h1 >> 24 | sum.h2 << 40));
  store(h->parts, v);
}

// absorb: as many more blocks, a multiple of eight.
[[gnu::always_inline]] inline void absorb(Hash* h, const uint8_t* p, size_t blocks) {
  Limbs v = load(h->parts);
  if (blocks % (2 * kGroup) != 0) {
    Product product(load_blocks(p));
    product.add(v, h->r8);
    v = product.carry();
    p += 16 * kGroup;
    blocks -= kGroup;
  }
  for (; blocks != 0; blocks -= 2 * kGroup, p += 32 * kGroup) {
    Product product(load_blocks(p + 16 * kGroup));
    product.add(load_blocks(p), h->r8);
    product.add(v, h->r16);
    v = product.carry();
  }
  store(h->parts, v);
}

// join: the parts together, in h->sum.
[[gnu::always_inline]] inline void join(Hash* h) {
  const Limbs parts = multiply(load(h->parts), h->lanes);
  const uint64_t l0 = add_lanes(parts.l0), l1 = add_lanes(parts.l1), l2 = add_lanes(parts.l2);
  const Wide low = (static_cast<Wide>(l1) << 44) + l0;
  const Wide value = low + (static_cast<Wide>(l2) << 88);
  PolySum sum;
  poly_carry(sum, value, (l2 >> 40) + (value < low));
  h->sum = sum;
}

// hash_blocks: whole blocks one by one.
[[gnu::always_inline]] inline void hash_blocks(Hash* h, const uint8_t* p, size_t blocks) {
  PolySum sum = poly_take(h->sum);
  for (; blocks != 0; --blocks, p += 16) poly_block(sum, h->key, p);
  h->sum = sum;
}

// hash_run: whole blocks, eight at a time where they are many.
[[gnu::noinline]] void hash_run(Hash* h, const uint8_t* p, size_t blocks) {
  if (blocks >= kWideBlocks) {
    const size_t wide = blocks / kGroup * kGroup;
    begin(h, p);
    absorb(h, p + 16 * kGroup, wide - kGroup);
    join(h);
    wipe_wide(h);
    p += 16 * wide;
    blocks -= wide;
  }
  hash_blocks(h, p, blocks);
}

// hash_padded: size bytes, the last block padded with zeros (RFC 8439 2.8).
[[gnu::noinline]] void hash_padded(Hash* h, const uint8_t* p, size_t size) {
  const size_t whole = size / 16 * 16;
  hash_run(h, p, whole / 16);
  poly_absorb(h->sum, h->key, p + whole, size - whole);
}

// ---- ChaCha20 with blocks along the registers.

inline V broadcast(const void* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p))); }

// word: four bytes of an IV. The empty asm keeps compilers from joining two loads: a caller has just written the IV,
// and a load that spans two stores waits for both to reach the cache.
inline int word(const uint8_t* p) {
  int w;
  __builtin_memcpy(&w, p, sizeof w);
  __asm__("" : "+r"(w));
  return w;
}

// counters: n in the lowest word of each lane.
inline V counters(int a, int b, int c, int d) {
  return _mm512_set_epi32(0, 0, 0, d, 0, 0, 0, c, 0, 0, 0, b, 0, 0, 0, a);
}

// Rows: the rows of 4 * N states (2.3), four a register.
template <int N>
struct Rows {
  V a[N], b[N], c[N], d[N];

  // Rows: keystream for the counters from counter on.
  [[gnu::always_inline]] inline Rows(const uint8_t* key, const uint8_t* iv, uint32_t counter) {
    start(a, b, c, d, key, iv, counter);
#pragma GCC unroll 1
    for (int r = 0; r < 10; ++r) {
      quarters();
      turn<0x93, 0x39, 0x4e>();
      quarters();
      turn<0x39, 0x93, 0x4e>();
    }
    // From memory again: to keep them would take too many registers.
    V a0[N], b0[N], c0[N], d0[N];
    __asm__("" : "+r"(counter));
    start(a0, b0, c0, d0, hide(key), hide(iv), counter);
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      a[j] = _mm512_add_epi32(a[j], a0[j]);
      b[j] = _mm512_add_epi32(b[j], b0[j]);
      c[j] = _mm512_add_epi32(c[j], c0[j]);
      d[j] = _mm512_add_epi32(d[j], d0[j]);
    }
  }

  [[gnu::always_inline]] static inline void start(V (&a)[N], V (&b)[N], V (&c)[N], V (&d)[N], const uint8_t* key,
                                                  const uint8_t* iv, uint32_t counter) {
    const uint32_t* const sigma = hide(kSigma);
    const V first = _mm512_add_epi32(
        _mm512_broadcast_i32x4(_mm_set_epi32(word(iv + 8), word(iv + 4), word(iv), static_cast<int>(counter))),
        counters(0, 1, 2, 3));
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      a[j] = broadcast(sigma);
      b[j] = broadcast(key);
      c[j] = broadcast(key + 16);
      d[j] = _mm512_add_epi32(first, counters(4 * j, 4 * j, 4 * j, 4 * j));
    }
  }

  // half: a += b, d = (d ^ a) <<< S (2.1), in all columns.
  template <int S>
  [[gnu::always_inline]] static inline void half(V (&x)[N], const V (&y)[N], V (&z)[N]) {
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) x[j] = _mm512_add_epi32(x[j], y[j]);
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) z[j] = _mm512_rol_epi32(_mm512_xor_si512(z[j], x[j]), S);
  }
  [[gnu::always_inline]] inline void quarters() {
    half<16>(a, b, d);
    half<12>(c, d, b);
    half<8>(a, b, d);
    half<7>(c, d, b);
  }

  // turn: columns to diagonals or back. Row b stays where it is: a round ends with it, and a shuffle of it would be
  // waited for.
  template <int A, int C, int D>
  [[gnu::always_inline]] inline void turn() {
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) {
      a[j] = _mm512_shuffle_epi32(a[j], static_cast<_MM_PERM_ENUM>(A));
      c[j] = _mm512_shuffle_epi32(c[j], static_cast<_MM_PERM_ENUM>(C));
      d[j] = _mm512_shuffle_epi32(d[j], static_cast<_MM_PERM_ENUM>(D));
    }
  }

  // one_time_key: from block 0 (2.6).
  [[gnu::always_inline]] inline void one_time_key(PolyKey& key) const {
    const __m128i r = _mm512_castsi512_si128(a[0]);
    poly_clamp(key, static_cast<uint64_t>(_mm_cvtsi128_si64(r)), static_cast<uint64_t>(_mm_extract_epi64(r, 1)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(key.s), _mm512_castsi512_si128(b[0]));
  }

  // block: keystream block i.
  template <int I>
  [[gnu::always_inline]] inline V block() const {
    constexpr int kJ = I / 4, kHalf = I % 4 / 2 == 0 ? 0x44 : 0xee, kOf = I % 2 == 0 ? 0x88 : 0xdd;
    return _mm512_shuffle_i32x4(_mm512_shuffle_i32x4(a[kJ], b[kJ], kHalf), _mm512_shuffle_i32x4(c[kJ], d[kJ], kHalf),
                                kOf);
  }

  // apply: encrypts or decrypts size bytes with the blocks from I on. The ciphertext also goes to hashed, its last
  // block padded with zeros.
  template <bool Seal, int I>
  [[gnu::always_inline]] inline void apply(uint8_t* out, const uint8_t* text, size_t size, uint8_t* hashed) const {
    if constexpr (I < 4 * N) {
      if (size == 0) return;
      const __mmask64 m = byte_mask(size < kBlock ? size : kBlock);
      const V before = _mm512_maskz_loadu_epi8(m, text);
      const V after = _mm512_maskz_mov_epi8(m, _mm512_xor_si512(before, block<I>()));
      _mm512_mask_storeu_epi8(out, m, after);
      _mm512_store_si512(hashed, Seal ? after : before);
      if (size <= kBlock) return;
      apply<Seal, I + 1>(out + kBlock, text + kBlock, size - kBlock, hashed + kBlock);
    }
  }
};

// ---- ChaCha20 with a word of sixteen blocks in each register.

// step: a += b, d = (d ^ a) <<< n (RFC 8439 2.1) in four quarter rounds side by side. In assembler, because gcc 12
// copies registers between rounds and clang 19 moves the hash out of the shadow of the cipher.
template <int N>
[[gnu::always_inline]] inline void step(V& a0, V& a1, V& a2, V& a3, const V& b0, const V& b1, const V& b2, const V& b3,
                                        V& d0, V& d1, V& d2, V& d3) {
  __asm__ volatile(
      "vpaddd %[b0], %[a0], %[a0]\n\t"
      "vpaddd %[b1], %[a1], %[a1]\n\t"
      "vpaddd %[b2], %[a2], %[a2]\n\t"
      "vpaddd %[b3], %[a3], %[a3]\n\t"
      "vpxord %[a0], %[d0], %[d0]\n\t"
      "vpxord %[a1], %[d1], %[d1]\n\t"
      "vpxord %[a2], %[d2], %[d2]\n\t"
      "vpxord %[a3], %[d3], %[d3]\n\t"
      "vprold %[n], %[d0], %[d0]\n\t"
      "vprold %[n], %[d1], %[d1]\n\t"
      "vprold %[n], %[d2], %[d2]\n\t"
      "vprold %[n], %[d3], %[d3]"
      : [a0] "+v"(a0), [a1] "+v"(a1), [a2] "+v"(a2), [a3] "+v"(a3), [d0] "+v"(d0), [d1] "+v"(d1), [d2] "+v"(d2),
        [d3] "+v"(d3)
      : [b0] "v"(b0), [b1] "v"(b1), [b2] "v"(b2), [b3] "v"(b3), [n] "i"(N));
}

// round: four quarter rounds, the diagonal ones (RFC 8439 2.3) when Turn is 1.
template <int Turn>
[[gnu::always_inline]] inline void round(V (&x)[16]) {
  constexpr int kB = 4, kC = 8, kD = 12;
  V &b0 = x[kB + Turn], &b1 = x[kB + (1 + Turn) % 4], &b2 = x[kB + (2 + Turn) % 4], &b3 = x[kB + (3 + Turn) % 4];
  V &c0 = x[kC + 2 * Turn], &c1 = x[kC + (1 + 2 * Turn) % 4], &c2 = x[kC + (2 + 2 * Turn) % 4],
    &c3 = x[kC + (3 + 2 * Turn) % 4];
  V &d0 = x[kD + 3 * Turn], &d1 = x[kD + (1 + 3 * Turn) % 4], &d2 = x[kD + (2 + 3 * Turn) % 4],
    &d3 = x[kD + (3 + 3 * Turn) % 4];
  step<16>(x[0], x[1], x[2], x[3], b0, b1, b2, b3, d0, d1, d2, d3);
  step<12>(c0, c1, c2, c3, d0, d1, d2, d3, b0, b1, b2, b3);
  step<8>(x[0], x[1], x[2], x[3], b0, b1, b2, b3, d0, d1, d2, d3);
  step<7>(c0, c1, c2, c3, d0, d1, d2, d3, b0, b1, b2, b3);
}

inline V spread(const uint32_t* w) { return _mm512_set1_epi32(static_cast<int>(*w)); }

// transpose: words 4g to 4g + 3 of sixteen blocks; afterwards lane k of v[j] is their part of block 4k + j.
[[gnu::always_inline]] inline void transpose(V& v0, V& v1, V& v2, V& v3) {
  const V t0 = _mm512_unpacklo_epi32(v0, v1), t1 = _mm512_unpackhi_epi32(v0, v1);
  const V t2 = _mm512_unpacklo_epi32(v2, v3), t3 = _mm512_unpackhi_epi32(v2, v3);
  v0 = _mm512_unpacklo_epi64(t0, t2);
  v1 = _mm512_unpackhi_epi64(t0, t2);
  v2 = _mm512_unpacklo_epi64(t1, t3);
  v3 = _mm512_unpackhi_epi64(t1, t3);
}

// Long: what a long message has on the stack.
struct alignas(64) Long {
  Hash hash;
  uint32_t state[16];                           // 2.3
  alignas(64) uint8_t text[kFlightBytes + 16];  // and the lengths
};

// flight: sixteen blocks of text; state is that of 2.3 with the first counter, and is advanced. At the same time units
// (at most 5) of sixteen blocks at hashed join the hash: the rounds alone leave every fifth slot of the vector units
// empty.
[[gnu::noinline]] void flight(Long* m, uint8_t* out, const uint8_t* text, const uint8_t* hashed, int units) {
  uint32_t* state = m->state;
  Hash* const h = &m->hash;
  const V iota = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  V x[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) x[i] = spread(state + i);
  x[12] = _mm512_add_epi32(x[12], iota);
  Limbs v = load(h->parts);
  int r = 0;
#pragma GCC unroll 1
  for (; r < units; ++r, hashed += 32 * kGroup) {
    const Hash* const here = hide(h);  // its powers as memory operands, or there are too few registers
    round<0>(x);
    Product product(load_blocks(hashed + 16 * kGroup));
    product.add(v, here->r16);
    round<1>(x);
    product.add(load_blocks(hashed), here->r8);
    round<0>(x);
    v = product.carry();
    round<1>(x);
  }
  store(h->parts, v);
#pragma GCC unroll 1
  for (; r < 5; ++r) {
    round<0>(x);
    round<1>(x);
    round<0>(x);
    round<1>(x);
  }
  state = hide(state);  // from memory again: kept registers would be too many
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) x[i] = _mm512_add_epi32(x[i], spread(state + i));
  x[12] = _mm512_add_epi32(x[12], iota);
#pragma GCC unroll 4
  for (int g = 0; g < 16; g += 4) transpose(x[g], x[g + 1], x[g + 2], x[g + 3]);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const V ab0 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0x44), ab1 = _mm512_shuffle_i32x4(x[j], x[4 + j], 0xee);
    const V cd0 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0x44),
            cd1 = _mm512_shuffle_i32x4(x[8 + j], x[12 + j], 0xee);
    const V y[4] = {_mm512_shuffle_i32x4(ab0, cd0, 0x88), _mm512_shuffle_i32x4(ab0, cd0, 0xdd),
                    _mm512_shuffle_i32x4(ab1, cd1, 0x88), _mm512_shuffle_i32x4(ab1, cd1, 0xdd)};
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      const size_t at = kBlock * static_cast<size_t>(4 * k + j);
      _mm512_storeu_si512(out + at, _mm512_xor_si512(_mm512_loadu_si512(text + at), y[k]));
    }
  }
  state[12] += 16;
}

// ---- Messages.

// Message: what Poly1305 reads of a text that one flight does: AAD, if it is short, right before the ciphertext, and
// the lengths behind it.
template <int N>
struct alignas(64) Message {
  Hash hash;
  uint8_t aad[kHeadAadBytes];
  uint8_t text[(4 * N - 1) * kBlock + 16];
};

template <int N, bool Seal>
[[gnu::noinline]] void crypt_short(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Message<N> on_stack;
  Message<N>* const m = hide(&on_stack);
  Hash* const h = &m->hash;
  const size_t text_blocks = (in.text_size + 15) / 16;
  const uint8_t* p = m->text;
  size_t blocks = text_blocks + 1;
  {
    const Rows<N> x(key.key, in.iv, 0);
    x.one_time_key(h->key);
    h->sum = {0, 0, 0};
    if (in.aad_size <= kHeadAadBytes) {
      const size_t aad_blocks = (in.aad_size + 15) / 16;
      p -= 16 * aad_blocks;
      blocks += aad_blocks;
      // An empty mask touches nothing, but the processor takes a hundred cycles to find that out of a null pointer.
      const uint8_t* const aad = in.aad_size != 0 ? in.aad : in.iv;
      _mm512_storeu_si512(m->text - 16 * aad_blocks, _mm512_maskz_loadu_epi8(byte_mask(in.aad_size), aad));
    }
    x.template apply<Seal, 1>(out, in.text, in.text_size, m->text);
  }
  poly_store(m->text + 16 * text_blocks, in.aad_size);
  poly_store(m->text + 16 * text_blocks + 8, in.text_size);
  if (in.aad_size > kHeadAadBytes) hash_padded(h, in.aad, in.aad_size);
  if (N == 1)
    hash_blocks(h, p, blocks);
  else
    hash_run(h, p, blocks);
  poly_tag(tag, h->sum, h->key);
  wipe_narrow(h);
  wipe_zmm();
}

// part: up to 4 * N blocks from counter on, and the ciphertext to m->text.
template <int N, bool Seal>
[[gnu::noinline]] void part(Long* m, uint8_t* out, const uint8_t* text, size_t size) {
  const uint8_t* const state = reinterpret_cast<const uint8_t*>(m->state);
  const Rows<N> x(state + 16, state + 52, m->state[12]);
  x.template apply<Seal, 0>(out, text, size, m->text);
}

// first_part: the one-time key and kFirstBytes.
template <bool Seal>
[[gnu::noinline]] void first_part(Long* m, uint8_t* out, const uint8_t* text) {
  const uint8_t* const state = reinterpret_cast<const uint8_t*>(m->state);
  const Rows<4> x(state + 16, state + 52, 0);
  x.one_time_key(m->hash.key);
  x.template apply<Seal, 1>(out, text, kFirstBytes, m->text);
}

template <bool Seal>
[[gnu::noinline]] void crypt_long(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Long on_stack;
  Long* const m = hide(&on_stack);
  Hash* const h = &m->hash;
  __builtin_memcpy(m->state, kSigma, 16);
  __builtin_memcpy(m->state + 4, key.key, 32);
  m->state[12] = 1 + kFirstBytes / kBlock;
  __builtin_memcpy(m->state + 13, in.iv, 12);
  const uint8_t* text = in.text;
  first_part<Seal>(m, out, text);
  h->sum = {0, 0, 0};
  if (in.aad_size != 0) hash_padded(h, in.aad, in.aad_size);
  // Sealing, a flight hashes the ciphertext of the one before; opening, its own, which must be read before it may be
  // overwritten.
  begin(h, m->text);
  absorb(h, m->text + 16 * kGroup, Seal ? kGroup : kFirstBytes / 16 - kGroup);
  const uint8_t* hashed = m->text + 32 * kGroup;
  int units = kFirstBytes / (32 * kGroup) - 1;
  size_t left = in.text_size - kFirstBytes;
  out += kFirstBytes;
  text += kFirstBytes;
  for (; left >= kFlightBytes; left -= kFlightBytes, out += kFlightBytes, text += kFlightBytes) {
    flight(m, out, text, Seal ? hashed : text, Seal ? units : kFlightBytes / (32 * kGroup));
    hashed = out;
    units = kFlightBytes / (32 * kGroup);
  }
  if (Seal) absorb(h, hashed, 2 * kGroup * static_cast<size_t>(units));
  switch ((left + 4 * kBlock - 1) / (4 * kBlock)) {
    case 0:
      break;
    case 1:
      part<1, Seal>(m, out, text, left);
      break;
    case 2:
      part<2, Seal>(m, out, text, left);
      break;
    case 3:
      part<3, Seal>(m, out, text, left);
      break;
    default:
      part<4, Seal>(m, out, text, left);
      break;
  }
  const size_t blocks = (left + 15) / 16, wide = blocks / kGroup * kGroup;
  absorb(h, m->text, wide);
  join(h);
  poly_store(m->text + 16 * blocks, in.aad_size);
  poly_store(m->text + 16 * blocks + 8, in.text_size);
  hash_blocks(h, m->text + 16 * wide, blocks + 1 - wide);
  poly_tag(tag, h->sum, h->key);
  wipe_wide(h);
  wipe_narrow(h);
  wipe(&m->state);
  wipe_zmm();
}

template <bool Seal>
[[gnu::always_inline]] inline void crypt(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  if (in.text_size <= 3 * kBlock) return crypt_short<1, Seal>(key, out, tag, in);
  if (in.text_size <= 7 * kBlock) return crypt_short<2, Seal>(key, out, tag, in);
  if (in.text_size <= 11 * kBlock) return crypt_short<3, Seal>(key, out, tag, in);
  if (in.text_size <= 15 * kBlock) return crypt_short<4, Seal>(key, out, tag, in);
  return crypt_long<Seal>(key, out, tag, in);
}

}  // namespace

void chacha_seal_x86_avx512(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  crypt<true>(key, out, tag, in);
}

void chacha_decrypt_x86_avx512(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  crypt<false>(key, out, tag, in);
}

void poly1305_x86_avx512(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size) {
  Hash on_stack;
  Hash* const h = hide(&on_stack);
  poly_key(h->key, key);
  h->sum = {0, 0, 0};
  hash_run(h, text, size / 16);
  poly_end(h->sum, h->key, text + size / 16 * 16, size % 16);
  poly_tag(tag, h->sum, h->key);
  wipe_narrow(h);
  wipe_zmm();
}

}  // namespace cm
