// SPDX-License-Identifier: Apache-2.0
// poly1305_limbs.h: Poly1305 (RFC 8439 2.5) on the integer multiplier, for the kernels of this folder: they run it in
// the shadow of the cipher, which leaves that multiplier free. Internal linkage, because some of those files are
// compiled with flags that other CPUs do not have. Nothing here branches on data.
//
// A sum is h0 + h1 * 2^64 + h2 * 2^128, not fully reduced: h2 <= 4 between blocks. r1 is a multiple of 4 (2.5.1: "r[4],
// r[8], and r[12] are required to have their bottom two bits clear"), so r1 * 2^128 = (r1 / 4) * 2^130, which is
// 5 * (r1 / 4) modulo 2^130 - 5.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm {

__extension__ using Wide = unsigned __int128;

struct PolySum {
  uint64_t h0, h1, h2;
};

// PolyKey: s1 = 5 * (r1 / 4); s is what is added at the end.
struct PolyKey {
  uint64_t r0, r1, s1;
  uint64_t s[2];
};

// poly_take: a copy in three registers. Word by word, because gcc 12 would take two of them at once into a vector
// register and from there over the stack.
[[gnu::always_inline]] static inline PolySum poly_take(const PolySum& from) {
  PolySum to = from;
  __asm__("" : "+r"(to.h0), "+r"(to.h1), "+r"(to.h2));
  return to;
}

[[gnu::always_inline]] static inline uint64_t poly_low(Wide v) { return static_cast<uint64_t>(v); }
[[gnu::always_inline]] static inline uint64_t poly_high(Wide v) { return static_cast<uint64_t>(v >> 64); }
[[gnu::always_inline]] static inline Wide poly_mul(uint64_t a, uint64_t b) { return static_cast<Wide>(a) * b; }

[[gnu::always_inline]] static inline uint64_t poly_load(const uint8_t* p) {
  uint64_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
[[gnu::always_inline]] static inline void poly_store(uint8_t* p, uint64_t v) { __builtin_memcpy(p, &v, sizeof v); }

// poly_load_part: the first size bytes (1 to 15) at p, then zeros, without reading further; by overlapping loads, so
// that no text passes through the stack.
[[gnu::always_inline]] static inline Wide poly_load_part(const uint8_t* p, size_t size) {
  uint64_t low, high = 0;
  if (size >= 8) {
    low = poly_load(p);
    if (size > 8) high = poly_load(p + size - 8) >> (8 * (16 - size));
  } else if (size >= 4) {
    uint32_t first, last;
    __builtin_memcpy(&first, p, sizeof first);
    __builtin_memcpy(&last, p + size - 4, sizeof last);
    low = first | uint64_t{last} << (8 * (size - 4));
  } else {
    low = p[0] | uint64_t{p[size / 2]} << (8 * (size / 2)) | uint64_t{p[size - 1]} << (8 * (size - 1));
  }
  return (static_cast<Wide>(high) << 64) | low;
}

// poly_clamp: r from the first half of the one-time key (2.5.1).
[[gnu::always_inline]] static inline void poly_clamp(PolyKey& key, uint64_t r0, uint64_t r1) {
  key.r0 = r0 & 0x0ffffffc0fffffffu;
  key.r1 = r1 & 0x0ffffffc0ffffffcu;
  key.s1 = key.r1 + (key.r1 >> 2);
}

[[gnu::always_inline]] static inline void poly_key(PolyKey& key, const uint8_t* one_time) {
  poly_clamp(key, poly_load(one_time), poly_load(one_time + 8));
  __builtin_memcpy(key.s, one_time + 16, sizeof key.s);
  __asm__ volatile("" : : : "memory");  // from now on only there, not in a register that may be spilled
}

// poly_carry: takes what is above 2^130 down, times 5. t and h2 come from additions below 2^64 * 0.8 for h2.
[[gnu::always_inline]] static inline void poly_carry(PolySum& h, Wide t, uint64_t h2) {
  const uint64_t c = (h2 >> 2) + (h2 & ~uint64_t{3});
  const Wide sum = t + c;
  h.h0 = poly_low(sum);
  h.h1 = poly_high(sum);
  h.h2 = (h2 & 3) + (sum < t);
}

// poly_block: h = (h + m + bit * 2^128) * r, and the same for a whole block at p.
#if defined(__BMI2__)
// In assembler: gcc 12 keeps 128-bit integers in memory where vector code surrounds them, which takes three times as
// long, and both compilers put copies of the key on the stack. h0 and h1 serve as temporaries once they are in rdx. The
// key stays in memory: that leaves enough registers for two sums.
#define CM_POLY_BLOCK                           \
  "addq %[m0], %[h0]\n\t"                       \
  "adcq %[m1], %[h1]\n\t"                       \
  "adcq %[bit], %[h2]\n\t"                      \
  "movq %[h0], %%rdx\n\t"                       \
  "mulxq %[r0], %[d0], %[d0_high]\n\t"          \
  "mulxq %[r1], %[d1], %[d1_high]\n\t"          \
  "movq %[h1], %%rdx\n\t"                       \
  "mulxq %[s1], %[h0], %[h1]\n\t"               \
  "addq %[h0], %[d0]\n\t"                       \
  "adcq %[h1], %[d0_high]\n\t"                  \
  "mulxq %[r0], %[h0], %[h1]\n\t"               \
  "movq %[s1], %%rdx\n\t"                       \
  "imulq %[h2], %%rdx\n\t"                      \
  "imulq %[r0], %[h2]\n\t"                      \
  "addq %[h0], %[d1]\n\t"                       \
  "adcq %[h1], %[d1_high]\n\t"                  \
  "addq %%rdx, %[d1]\n\t"                       \
  "adcq $0, %[d1_high]\n\t"                     \
  "addq %[d0_high], %[d1]\n\t"                  \
  "adcq %[h2], %[d1_high]\n\t"                  \
  "movq %[d1_high], %[h2]\n\t" /* poly_carry */ \
  "movq %[d1_high], %%rdx\n\t"                  \
  "andq $-4, %[d1_high]\n\t"                    \
  "shrq $2, %%rdx\n\t"                          \
  "addq %%rdx, %[d1_high]\n\t"                  \
  "andl $3, %k[h2]\n\t"                         \
  "addq %[d1_high], %[d0]\n\t"                  \
  "adcq $0, %[d1]\n\t"                          \
  "adcq $0, %[h2]"
[[gnu::always_inline]] static inline void poly_block(PolySum& h, const PolyKey& key, const uint8_t* p) {
  struct [[gnu::packed]] Block {
    uint64_t low, high;
  };
  const Block& m = *reinterpret_cast<const Block*>(p);
  uint64_t h0 = h.h0, h1 = h.h1, h2 = h.h2, d0, d0_high, d1, d1_high;
  __asm__(CM_POLY_BLOCK
          : [h0] "+&r"(h0), [h1] "+&r"(h1), [h2] "+&r"(h2), [d0] "=&r"(d0), [d0_high] "=&r"(d0_high), [d1] "=&r"(d1),
            [d1_high] "=&r"(d1_high)
          : [m0] "m"(m.low), [m1] "m"(m.high), [bit] "i"(1), [r0] "m"(key.r0), [r1] "m"(key.r1), [s1] "m"(key.s1)
          : "rdx", "cc");
  h = {d0, d1, h2};
}
[[gnu::always_inline]] static inline void poly_block(PolySum& h, const PolyKey& key, uint64_t m0, uint64_t m1,
                                                     uint64_t bit) {
  uint64_t h0 = h.h0, h1 = h.h1, h2 = h.h2, d0, d0_high, d1, d1_high;
  __asm__(CM_POLY_BLOCK
          : [h0] "+&r"(h0), [h1] "+&r"(h1), [h2] "+&r"(h2), [d0] "=&r"(d0), [d0_high] "=&r"(d0_high), [d1] "=&r"(d1),
            [d1_high] "=&r"(d1_high)
          : [m0] "r"(m0), [m1] "r"(m1), [bit] "r"(bit), [r0] "m"(key.r0), [r1] "m"(key.r1), [s1] "m"(key.s1)
          : "rdx", "cc");
  h = {d0, d1, h2};
}
#undef CM_POLY_BLOCK
#else
[[gnu::always_inline]] static inline void poly_block(PolySum& h, const PolyKey& key, uint64_t m0, uint64_t m1,
                                                     uint64_t bit) {
  const Wide m = (static_cast<Wide>(m1) << 64) | m0;
  const Wide sum = ((static_cast<Wide>(h.h1) << 64) | h.h0) + m;
  const uint64_t h0 = poly_low(sum), h1 = poly_high(sum), h2 = h.h2 + bit + (sum < m);
  const Wide d0 = poly_mul(h0, key.r0) + poly_mul(h1, key.s1);
  const Wide d1 = poly_mul(h0, key.r1) + poly_mul(h1, key.r0) + h2 * key.s1 + poly_high(d0);
  poly_carry(h, (static_cast<Wide>(poly_low(d1)) << 64) | poly_low(d0), h2 * key.r0 + poly_high(d1));
}
[[gnu::always_inline]] static inline void poly_block(PolySum& h, const PolyKey& key, const uint8_t* p) {
  poly_block(h, key, poly_load(p), poly_load(p + 8), 1);
}
#endif

// poly_join: a * power + b, where power is a sum like any other.
[[gnu::always_inline]] static inline PolySum poly_join(const PolySum& a, const PolySum& power, const PolySum& b) {
  const Wide p0 = poly_mul(a.h0, power.h0);
  const Wide p1 = poly_mul(a.h0, power.h1) + poly_high(p0);
  const Wide q1 = poly_mul(a.h1, power.h0) + poly_low(p1);
  const Wide p2 = poly_mul(a.h1, power.h1) + poly_high(p1) + poly_high(q1);
  const Wide q2 = poly_mul(a.h0, power.h2) + poly_mul(a.h2, power.h0) + poly_low(p2);
  const Wide p3 = poly_mul(a.h1, power.h2) + poly_mul(a.h2, power.h1) + poly_high(p2) + poly_high(q2);
  const uint64_t x2 = poly_low(q2), x3 = poly_low(p3), x4 = poly_high(p3) + a.h2 * power.h2;
  // high: the product from 2^130 up; its third limb is small.
  const uint64_t high0 = (x2 >> 2) | (x3 << 62), high1 = (x3 >> 2) | (x4 << 62), high2 = x4 >> 2;
  const Wide y0 = static_cast<Wide>(poly_low(p0)) + b.h0 + poly_mul(high0, 5);
  const Wide y1 = static_cast<Wide>(poly_low(q1)) + b.h1 + poly_mul(high1, 5) + poly_high(y0);
  PolySum sum;
  poly_carry(sum, (static_cast<Wide>(poly_low(y1)) << 64) | poly_low(y0), (x2 & 3) + b.h2 + 5 * high2 + poly_high(y1));
  return sum;
}

// poly_tag: h modulo 2^130 - 5, plus s modulo 2^128.
[[gnu::always_inline]] static inline void poly_tag(uint8_t* tag, const PolySum& h, const PolyKey& key) {
  // h is below 2p. h + 5 reaches 2^130 exactly when h is p or more; what is then above 2^130 falls away with the rest
  // above 2^128.
  const Wide value = (static_cast<Wide>(h.h1) << 64) | h.h0;
  const Wide plus5 = value + 5;
  uint64_t mask = 0 - ((h.h2 + (plus5 < value)) >> 2);
  __asm__("" : "+r"(mask));
  const uint64_t low = (poly_low(value) & ~mask) | (poly_low(plus5) & mask);
  const uint64_t high = (poly_high(value) & ~mask) | (poly_high(plus5) & mask);
  const Wide sum = ((static_cast<Wide>(high) << 64) | low) + ((static_cast<Wide>(key.s[1]) << 64) | key.s[0]);
  poly_store(tag, poly_low(sum));
  poly_store(tag + 8, poly_high(sum));
}

// poly_absorb: size bytes, the last block padded with zeros (RFC 8439 2.8).
[[gnu::always_inline]] static inline void poly_absorb(PolySum& h, const PolyKey& key, const uint8_t* p, size_t size) {
  PolySum sum = poly_take(h);
  for (; size >= 16; size -= 16, p += 16) poly_block(sum, key, p);
  if (size != 0) {
    const Wide last = poly_load_part(p, size);
    poly_block(sum, key, poly_low(last), poly_high(last), 1);
  }
  h = sum;
}

// poly_end: the last block of a message that is hashed as it is, size bytes (0 to 15) and the bit behind them
// (2.5.1); nothing when there are none.
[[gnu::always_inline]] static inline void poly_end(PolySum& h, const PolyKey& key, const uint8_t* p, size_t size) {
  if (size == 0) return;
  const Wide last = poly_load_part(p, size) | static_cast<Wide>(1) << (8 * size);
  poly_block(h, key, poly_low(last), poly_high(last), 0);
}

}  // namespace cm
