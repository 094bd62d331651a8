// SPDX-License-Identifier: Apache-2.0
// gcm_x86_vaes256.cpp: AES-GCM (SP 800-38D) with VAES and VPCLMULQDQ on 256-bit registers, for CPUs without AVX-512.
// Built with its own -m flags: only the entry points may have external linkage, and no inline function of another
// header may be called here. No vector that holds a secret may go to the stack.
//
// GHASH in the form of POLYVAL (RFC 8452 appendix A): byte-reversed blocks, powers of H times x, products divided by
// x^128. key.h_powers holds H^22*x ... H^1*x, 16 bytes each, so that any run of up to 22 blocks finds its powers in
// order and needs one reduction; after a block of zeros come, for Karatsuba's multiplication, sums of halves: see half.
// POLYVAL itself takes blocks and H as they stand.
//
// The last 256 bytes of a message (all of a short one) are one flight of up to nine registers in which J0 stands before
// the text: see flight. AVX2 has no byte masks: the last register of a flight is apart: see tail.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

using V = __m256i;  // two blocks

constexpr int kWide = 8;                   // registers in flight in bulk
constexpr size_t kWideBytes = 32 * kWide;  // bytes a step of bulk
constexpr size_t kTailBytes = kWideBytes;  // longest text of a flight
constexpr size_t kPowers = 22;
constexpr size_t kHalves = 9;  // rows of sums of halves
static_assert(16 * (kPowers + 1 + kHalves) == sizeof(GcmKey::h_powers));
// kHeadAadBytes: AAD that needs no reduction of its own before the longest flight and the lengths.
constexpr size_t kHeadAadBytes = 16 * kPowers - kTailBytes - 16;

inline __m128i load128(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline void store128(uint8_t* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
inline V load(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const V*>(p)); }
inline void store(uint8_t* p, V v) { _mm256_storeu_si256(reinterpret_cast<V*>(p), v); }
inline V broadcast(const uint8_t* p) { return _mm256_broadcastsi128_si256(load128(p)); }
// low, high, only: one lane of two; a lane and zeros.
inline __m128i low(V v) { return _mm256_castsi256_si128(v); }
inline __m128i high(V v) { return _mm256_extracti128_si256(v, 1); }
inline V only(__m128i v) { return _mm256_zextsi128_si256(v); }

// power: address of H^n.
inline const uint8_t* power(const GcmKey& key, size_t n) { return key.h_powers + 16 * (kPowers - n); }
// half: address of the row with the sum of the two halves of H^n and that of H^(n+8). Rows go down as powers do, so
// that two rows serve a register H^n H^(n-1): with their low halves from n = 2 to 9, with their high halves, n being 8
// less, from 10 to 17.
inline const uint8_t* half(const GcmKey& key, size_t n) { return key.h_powers + sizeof key.h_powers - 16 * n; }

// Sixteen registers are few: constants are memory operands, and asm keeps them there, because compilers prefer
// registers for them and then spill.

// round_key: in both lanes. Volatile, because compilers would load all of them first.
[[gnu::always_inline]] inline V round_key(const uint8_t* p) {
  V v;
  __asm__ volatile("vbroadcasti128 %1, %0" : "=x"(v) : "m"(*reinterpret_cast<const __m128i*>(p)));
  return v;
}

// reverse: the byte order of blocks turned round.
alignas(32) constexpr uint8_t kReverse[32] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
                                              15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
[[gnu::always_inline]] inline V reverse(V v) {
  __asm__("vpshufb %1, %0, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kReverse)));
  return v;
}
[[gnu::always_inline]] inline __m128i reverse(__m128i v) {
  __asm__("vpshufb %1, %0, %0" : "+x"(v) : "m"(*reinterpret_cast<const __m128i*>(kReverse)));
  return v;
}

// kBytes: at kBytes + 32 - n the mask of the first n bytes of a register.
alignas(64) constexpr uint8_t kBytes[64] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

// plus: counters are byte-reversed blocks, so the 32-bit counter of SP 800-38D is the lowest word of a lane.
struct alignas(32) Step {
  uint32_t low[4], high[4];
};
constexpr Step step(uint32_t low, uint32_t high) { return {{low}, {high}}; }
constexpr Step kOne = step(1, 1), kSixteen = step(16, 16);
// kPair: the n-th is n and n + 1.
constexpr Step kPair[] = {step(0, 1),   step(1, 2),   step(2, 3),   step(3, 4),   step(4, 5),   step(5, 6),
                          step(6, 7),   step(7, 8),   step(8, 9),   step(9, 10),  step(10, 11), step(11, 12),
                          step(12, 13), step(13, 14), step(14, 15), step(15, 16), step(16, 17)};
[[gnu::always_inline]] inline V plus(V c, const Step& step) {
  V sum;
  __asm__("vpaddd %2, %1, %0" : "=x"(sum) : "x"(c), "m"(*reinterpret_cast<const V*>(&step)));
  return sum;
}

// kFlip, flip: what register j of a step differs in from a counter whose four low bits are 1, as bytes of the block;
// the last register, from the counter 16 higher.
constexpr Step flips(uint32_t low, uint32_t high) { return {{0, 0, 0, (low ^ 1) << 24}, {0, 0, 0, (high ^ 1) << 24}}; }
constexpr Step kFlip[] = {flips(2, 3),   flips(4, 5),   flips(6, 7),   flips(8, 9),
                          flips(10, 11), flips(12, 13), flips(14, 15), flips(0, 1)};
[[gnu::always_inline]] inline V flip(V v, const Step& step) {
  V flipped;
  __asm__("vpxor %2, %1, %0" : "=x"(flipped) : "x"(v), "m"(*reinterpret_cast<const V*>(&step)));
  return flipped;
}

// fold: the low halves of v times x^63 + x^62 + x^57.
alignas(32) constexpr uint64_t kPoly[4] = {0xc200000000000000u, 0, 0xc200000000000000u, 0};
[[gnu::always_inline]] inline V fold(V v) {
  __asm__("vpclmulqdq $0x00, %1, %0, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kPoly)));
  return v;
}

// add_clmul: one asm, so that no compiler keeps several products at once.
template <int Halves>
[[gnu::always_inline]] inline void add_clmul(V& sum, V a, const uint8_t* b) {
  V v;
  __asm__("vpclmulqdq %4, %3, %2, %1\n\tvpxor %1, %0, %0"
          : "+x"(sum), "=&x"(v)
          : "x"(a), "m"(*reinterpret_cast<const __m256i_u*>(b)), "i"(Halves));
}

inline V sum_of_halves(V a) { return _mm256_xor_si256(a, _mm256_shuffle_epi32(a, 0x4e)); }

// Product: two sums of unreduced 256-bit products; middle stands between the halves.
struct Product {
  V low, middle, high;

  [[gnu::always_inline]] inline void set(V a, V b) {
    low = _mm256_clmulepi64_epi128(a, b, 0x00);
    middle = _mm256_xor_si256(_mm256_clmulepi64_epi128(a, b, 0x01), _mm256_clmulepi64_epi128(a, b, 0x10));
    high = _mm256_clmulepi64_epi128(a, b, 0x11);
  }
  [[gnu::always_inline]] inline void add(V a, V b) {
    low = _mm256_xor_si256(low, _mm256_clmulepi64_epi128(a, b, 0x00));
    middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(a, b, 0x01));
    middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(a, b, 0x10));
    high = _mm256_xor_si256(high, _mm256_clmulepi64_epi128(a, b, 0x11));
  }

  // set_karatsuba, add_karatsuba: three multiplications instead of four, with the sums of halves in half Half of the
  // rows. The middle then has low and high in it, until swap; swap also goes the other way.
  template <int Half>
  [[gnu::always_inline]] inline void set_karatsuba(V a, const uint8_t* powers, const uint8_t* halves) {
    low = _mm256_clmulepi64_epi128(a, load(powers), 0x00);
    high = _mm256_clmulepi64_epi128(a, load(powers), 0x11);
    middle = _mm256_clmulepi64_epi128(sum_of_halves(a), load(halves), 16 * Half);
  }
  template <int Half>
  [[gnu::always_inline]] inline void add_karatsuba(V a, const uint8_t* powers, const uint8_t* halves) {
    add_clmul<0x00>(low, a, powers);
    add_clmul<0x11>(high, a, powers);
    add_clmul<16 * Half>(middle, sum_of_halves(a), halves);
  }
  [[gnu::always_inline]] inline void swap() { middle = _mm256_xor_si256(middle, _mm256_xor_si256(low, high)); }

  // reduce: in each lane two folds by 64 bits with x^63 + x^62 + x^57.
  [[gnu::always_inline]] inline V reduce() const {
    const V m = _mm256_xor_si256(_mm256_xor_si256(middle, _mm256_shuffle_epi32(low, 0x4e)), fold(low));
    return _mm256_xor_si256(_mm256_xor_si256(high, _mm256_shuffle_epi32(m, 0x4e)), fold(m));
  }

  // sum: the one element both lanes add up to.
  [[gnu::always_inline]] inline __m128i sum() const {
    const V r = reduce();
    return _mm_xor_si128(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
  }
};

inline Product none() { return {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()}; }

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
inline __m128i load_part(const uint8_t* p, size_t size) {
  uint64_t first, second = 0;
  if (size >= 8) {
    first = read<uint64_t>(p);
    if (size > 8) second = read<uint64_t>(p + size - 8) >> (8 * (16 - size));
  } else if (size >= 4) {
    first = read<uint32_t>(p) | read<uint32_t>(p + size - 4) << (8 * (size - 4));
  } else {
    first = read<uint8_t>(p) | read<uint8_t>(p + size / 2) << (8 * (size / 2)) |
            read<uint8_t>(p + size - 1) << (8 * (size - 1));
  }
  return _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
}

// store_part: the first size bytes (1 to 15) of v.
inline void store_part(uint8_t* p, __m128i v, size_t size) {
  const uint64_t first = static_cast<uint64_t>(_mm_cvtsi128_si64(v)),
                 second = static_cast<uint64_t>(_mm_extract_epi64(v, 1));
  if (size >= 8) {
    write<uint64_t>(p, first);
    if (size > 8) write<uint64_t>(p + size - 8, first >> (8 * (size - 8)) | second << (8 * (16 - size)));
  } else if (size >= 4) {
    write<uint32_t>(p, first);
    write<uint32_t>(p + size - 4, first >> (8 * (size - 4)));
  } else {
    write<uint8_t>(p, first);
    write<uint8_t>(p + size / 2, first >> (8 * (size / 2)));
    write<uint8_t>(p + size - 1, first >> (8 * (size - 1)));
  }
}

// load_bytes, store_bytes: the first size bytes, up to a register.
[[gnu::always_inline]] inline V load_bytes(const uint8_t* p, size_t size) {
  if (size == 0) return _mm256_setzero_si256();
  if (size < 16) return only(load_part(p, size));
  const V v = only(load128(p));
  if (size == 16) return v;
  return _mm256_inserti128_si256(v, size == 32 ? load128(p + 16) : load_part(p + 16, size - 16), 1);
}

[[gnu::always_inline]] inline void store_bytes(uint8_t* p, V v, size_t size) {
  if (size == 32) return store(p, v);
  __m128i last = low(v);
  if (size >= 16) {
    store128(p, last);
    last = high(v);
    p += 16;
    size -= 16;
  }
  if (size != 0) store_part(p, last, size);
}

// block_of: GHASH turns the bytes of a block round (kReverse), POLYVAL takes them as they stand.
template <bool kReverse, class Register>
[[gnu::always_inline]] inline Register block_of(Register v) {
  return kReverse ? reverse(v) : v;
}

// absorb: adds size bytes, the last block padded with zeros, to a product, with the powers from powers on.
template <bool kReverse>
[[gnu::always_inline]] inline void absorb(Product& product, const uint8_t* p, size_t size, const uint8_t* powers) {
  for (; size >= 32; size -= 32, p += 32, powers += 32) product.add(block_of<kReverse>(load(p)), load(powers));
  if (size >= 16) {
    product.add(only(block_of<kReverse>(load128(p))), only(load128(powers)));
    size -= 16;
    p += 16;
    powers += 16;
  }
  if (size != 0) product.add(only(block_of<kReverse>(load_part(p, size))), only(load128(powers)));
}

// hash_wide: y after the sixteen blocks at p.
template <bool kReverse>
[[gnu::always_inline]] inline __m128i hash_wide(const GcmKey& key, __m128i y, const uint8_t* p) {
  const uint8_t *const powers = power(key, 2 * kWide), *const halves = half(key, 8);
  Product product;
  product.set_karatsuba<1>(_mm256_xor_si256(block_of<kReverse>(load(p)), only(y)), powers, halves);
#pragma GCC unroll 8
  for (int i = 1; i < kWide; ++i) {
    const V data = block_of<kReverse>(load(p + 32 * i));
    if (i < 4)
      product.add_karatsuba<1>(data, powers + 32 * i, halves + 32 * i);
    else
      product.add_karatsuba<0>(data, powers + 32 * i, halves + 32 * (i - 4));
  }
  product.swap();
  return product.sum();
}

// hash: y after size more bytes, the last block padded with zeros; one reduction for up to 22 blocks.
template <bool kReverse>
[[gnu::always_inline]] inline __m128i hash(const GcmKey& key, __m128i y, const uint8_t* p, size_t size) {
  while (size != 0) {
    const size_t now = size < 16 * kPowers ? size : 16 * kPowers;
    const uint8_t* const powers = power(key, (now + 15) / 16);
    Product product;
    product.set(only(y), only(load128(powers)));  // what y would be, joined to the first block
    absorb<kReverse>(product, p, now, powers);
    y = product.sum();
    p += now;
    size -= now;
  }
  return y;
}

// polyval: the same for what may be long.
[[gnu::always_inline]] inline __m128i polyval(const GcmKey& key, __m128i y, const uint8_t* p, size_t size) {
  for (; size >= kWideBytes; size -= kWideBytes, p += kWideBytes) y = hash_wide<false>(key, y, p);
  return hash<false>(key, y, p, size);
}

// hash_lengths: y after the block of two sizes in bytes, which stand in it in bits.
[[gnu::always_inline]] inline __m128i hash_lengths(const GcmKey& key, __m128i y, size_t high, size_t low) {
  const __m128i lengths =
      _mm_set_epi64x(static_cast<int64_t>(uint64_t{high} * 8), static_cast<int64_t>(uint64_t{low} * 8));
  Product product;
  product.set(only(_mm_xor_si128(y, lengths)), only(load128(power(key, 1))));
  return product.sum();
}

// aes_round: round r of N registers in flight.
template <int N>
[[gnu::always_inline]] inline void aes_round(V (&x)[N], const uint8_t* rk, uint32_t r) {
  const V k = round_key(rk + 16 * r);
#pragma GCC unroll 9
  for (int j = 0; j < N; ++j) x[j] = _mm256_aesenc_epi128(x[j], k);
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

// Tail: the last part of a message. counter is the counter of the block before it, in both lanes; for a short message
// that is J0.
struct Tail {
  V j0, counter;
  uint8_t* out;
  const uint8_t* text;
  size_t size;
};

// pin: keeps the order of the source, cipher and hash interleaved, through the compiler's scheduler, and what it names
// in registers; no code.
[[gnu::always_inline]] inline void pin(V (&x)[kWide], Product& p, V& counter) {
  __asm__ volatile(""
                   : "+x"(x[0]), "+x"(x[1]), "+x"(x[2]), "+x"(x[3]), "+x"(x[4]), "+x"(x[5]), "+x"(x[6]), "+x"(x[7]),
                     "+x"(p.low), "+x"(p.middle), "+x"(p.high), "+x"(counter));
}
[[gnu::always_inline]] inline void pin(V& x, Product& p) {
  __asm__ volatile("" : "+x"(x), "+x"(p.low), "+x"(p.middle), "+x"(p.high));
}

// lengths: of AAD and text in bits, as they stand after the text in GHASH, in lane 0.
[[gnu::always_inline]] inline V lengths(const GcmInput& in) {
  uint64_t text = uint64_t{in.text_size} * 8;
  __asm__ volatile("" : "+r"(text));  // now and not earlier: a register more
  return only(_mm_set_epi64x(static_cast<int64_t>(uint64_t{in.aad_size} * 8), static_cast<int64_t>(text)));
}

// flight: takes J0 and N - 1 registers of a tail through the cipher and, less the last register, through GHASH. Blocks
// of text are lanes 1 to blocks, lane 0 is J0 and in GHASH the lengths. With one register it is the other way round, J0
// after the text, because the text is on the longer path. The cipher of J0, the pad of the tag, joins product.
// Returns the last register before its last round.
template <int N, bool Seal>
[[gnu::always_inline]] inline V flight(const GcmKey& key, const Tail& t, Product& product, const GcmInput& in) {
  const uint8_t* const rk = key.aes.encrypt;
  V x[N];
  V k = round_key(rk);
#pragma GCC unroll 9
  for (int j = 0; j < N; ++j) {
    V c = plus(t.counter, kPair[N == 1 ? 1 : 2 * j]);
    if (j == 0) c = _mm256_blend_epi32(c, t.j0, N == 1 ? 0xf0 : 0x0f);
    x[j] = _mm256_xor_si256(reverse(c), k);
  }
#pragma GCC unroll 8
  for (uint32_t r = 1; r <= 8; ++r) aes_round(x, rk, r);
  aes_late_rounds(x, key.aes);
  k = round_key(rk + 16 * key.aes.rounds);
  const V h = only(load128(power(key, 1)));
  if constexpr (N == 1) {
    product.add(lengths(in), h);
    const V pad = _mm256_aesenclast_epi128(x[0], k);
    product.high = _mm256_xor_si256(product.high, only(reverse(high(pad))));
  } else {
    const size_t blocks = (t.size + 15) / 16;
    const uint8_t* const powers = power(key, blocks + 1);
    V data = _mm256_inserti128_si256(_mm256_setzero_si256(), load128(t.text), 1);
    x[0] = reverse(_mm256_aesenclast_epi128(x[0], _mm256_xor_si256(k, data)));
    store128(t.out, reverse(high(x[0])));
    product.high = _mm256_xor_si256(product.high, only(low(x[0])));
    pin(x[0], product);
    product.add(_mm256_blend_epi32(Seal ? x[0] : reverse(data), lengths(in), 0x0f),
                _mm256_inserti128_si256(h, load128(powers), 1));
    constexpr bool kKaratsuba = N > 3;  // with fewer registers swap costs what it saves
    if constexpr (kKaratsuba) product.swap();
    // Register j begins with H^(2 * (N - j)), with an odd number of blocks one higher.
    const uint8_t* const halves = half(key, 8 + blocks % 2);
#pragma GCC unroll 9
    for (int j = 1; j < N - 1; ++j) {
      pin(x[j], product);
      data = load(t.text + 32 * j - 16);
      x[j] = _mm256_aesenclast_epi128(x[j], _mm256_xor_si256(round_key(rk + 16 * key.aes.rounds), data));
      store(t.out + 32 * j - 16, x[j]);
      const V block = reverse(Seal ? x[j] : data);
      if constexpr (!kKaratsuba)
        product.add(block, load(powers + 32 * j - 16));
      else if (N - j > 4)
        product.add_karatsuba<1>(block, powers + 32 * j - 16, halves + 32 * (8 - N + j));
      else
        product.add_karatsuba<0>(block, powers + 32 * j - 16, halves + 32 * (4 - N + j));
    }
    if constexpr (kKaratsuba) product.swap();
  }
  return x[N - 1];
}

// tail: seals or opens the last part and writes the tag. product is the sum of what stands before.
template <bool Seal>
[[gnu::always_inline]] inline void tail(const GcmKey& key, const Tail& t, Product product, uint8_t* tag,
                                        const GcmInput& in) {
  const size_t blocks = (t.size + 15) / 16;
  const size_t at = blocks < 2 ? 0 : 32 * (blocks / 2) - 16;  // of the last register in the text
  V last;
  switch (blocks / 2) {
    case 0:
      last = flight<1, Seal>(key, t, product, in);
      break;
    case 1:
      last = flight<2, Seal>(key, t, product, in);
      break;
    case 2:
      last = flight<3, Seal>(key, t, product, in);
      break;
    case 3:
      last = flight<4, Seal>(key, t, product, in);
      break;
    case 4:
      last = flight<5, Seal>(key, t, product, in);
      break;
    case 5:
      last = flight<6, Seal>(key, t, product, in);
      break;
    case 6:
      last = flight<7, Seal>(key, t, product, in);
      break;
    case 7:
      last = flight<8, Seal>(key, t, product, in);
      break;
    default:
      last = flight<9, Seal>(key, t, product, in);
      break;
  }
  const size_t bytes = t.size - at;
  V data = load_bytes(t.text + at, bytes);
  last = _mm256_aesenclast_epi128(last, _mm256_xor_si256(round_key(key.aes.encrypt + 16 * key.aes.rounds), data));
  if (Seal) data = _mm256_and_si256(last, load(kBytes + 32 - bytes));
  // The last block has H^2, after it come the lengths.
  product.add(reverse(data), load(power(key, bytes > 16 ? 3 : 2)));
  store128(tag, reverse(product.sum()));
  store_bytes(t.out + at, last, bytes);
}

// aes_some: a round of registers From to To - 1.
template <int From, int To>
[[gnu::always_inline]] inline void aes_some(V (&x)[kWide], V k) {
#pragma GCC unroll 8
  for (int j = From; j < To; ++j) x[j] = _mm256_aesenc_epi128(x[j], k);
}

// hash_wide: register I of a step of bulk joins product, between the parts of round I + 1.
template <int I>
[[gnu::always_inline]] inline void hash_wide(V (&x)[kWide], Product& product, V& counter, const uint8_t* rk, V y,
                                             const uint8_t* hashed, const uint8_t* powers, const uint8_t* halves) {
  const V k = round_key(rk + 16 * (I + 1));
  const V data = reverse(load(hashed + 32 * I));
  powers += 32 * I;
  halves += 32 * (I % 4);
  if constexpr (I == 0) {
    aes_some<0, 8>(x, k);
    product.set_karatsuba<1>(_mm256_xor_si256(data, y), powers, halves);
  } else {
    aes_some<0, 3>(x, k);
    pin(x, product, counter);
    add_clmul<0x00>(product.low, data, powers);
    pin(x, product, counter);
    aes_some<3, 5>(x, k);
    pin(x, product, counter);
    add_clmul<0x11>(product.high, data, powers);
    pin(x, product, counter);
    aes_some<5, 8>(x, k);
    pin(x, product, counter);
    constexpr int kHalf = I < 4 ? 0x10 : 0x00;
    add_clmul<kHalf>(product.middle, sum_of_halves(data), halves);
  }
  pin(x, product, counter);
}

// wide: one step of bulk. With Hash, the sixteen blocks at hashed join y, a register a round. With Aligned the counter
// of J0 is 1, as with an IV of 96 bits: then most of a step's counters differ from the one before in four bits only.
template <bool Hash, bool Aligned>
[[gnu::always_inline]] inline V wide(const GcmKey& key, V& counter, V y, uint8_t* out, const uint8_t* text,
                                     const uint8_t* hashed) {
  const uint8_t *rk = key.aes.encrypt, *powers = power(key, 2 * kWide), *halves = half(key, 8);
  // Opening hashes what it decrypts; with two loads of it, because one would have to be kept. Nor should an address be
  // kept for each operand.
  __asm__ volatile("" : "+r"(hashed), "+r"(rk), "+r"(powers), "+r"(halves));
  V x[kWide];
  V k = round_key(rk);
  if constexpr (Aligned) {
    const V near = _mm256_xor_si256(reverse(counter), k);
    counter = plus(counter, kSixteen);
    const V far = _mm256_xor_si256(reverse(counter), k);
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) x[j] = flip(j == kWide - 1 ? far : near, kFlip[j]);
  } else {
#pragma GCC unroll 8
    for (int j = 0; j < kWide; ++j) x[j] = _mm256_xor_si256(reverse(plus(counter, kPair[2 * j + 1])), k);
    counter = plus(counter, kSixteen);
  }
  if constexpr (Hash) {
    Product product;
    hash_wide<0>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<1>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<2>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<3>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<4>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<5>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<6>(x, product, counter, rk, y, hashed, powers, halves);
    hash_wide<7>(x, product, counter, rk, y, hashed, powers, halves);
    product.swap();
    y = only(product.sum());
  } else {
#pragma GCC unroll 8
    for (uint32_t r = 1; r <= 8; ++r) aes_round(x, rk, r);
  }
  aes_late_rounds(x, key.aes);
  k = round_key(rk + 16 * key.aes.rounds);
#pragma GCC unroll 8
  for (int j = 0; j < kWide; ++j)
    store(out + 32 * j, _mm256_aesenclast_epi128(x[j], _mm256_xor_si256(k, load(text + 32 * j))));
  return y;
}

// bulk: all whole steps of a message. Returns the hash; counter is the counter of the last block then, in both lanes.
template <bool Seal, bool Aligned>
[[gnu::always_inline]] inline V bulk(const GcmKey& key, V& counter, V y, uint8_t*& out, const uint8_t*& text,
                                     size_t& left) {
  if constexpr (Seal) {
    // GHASH runs a step behind the cipher.
    wide<false, Aligned>(key, counter, y, out, text, nullptr);
    for (;;) {
      out += kWideBytes;
      text += kWideBytes;
      left -= kWideBytes;
      if (left < kWideBytes) break;
      y = wide<true, Aligned>(key, counter, y, out, text, out - kWideBytes);
    }
    return only(hash_wide<true>(key, low(y), out - kWideBytes));
  } else {
    for (; left >= kWideBytes; left -= kWideBytes, out += kWideBytes, text += kWideBytes)
      y = wide<true, Aligned>(key, counter, y, out, text, text);
    return y;
  }
}

// word: four bytes of an IV. The empty asm keeps compilers from joining two loads: a caller has just written the IV,
// and a load that spans two stores waits for both to reach the cache.
inline __m128i word(const uint8_t* p) {
  uint32_t w;
  __builtin_memcpy(&w, p, sizeof w);
  __m128i v = _mm_cvtsi32_si128(static_cast<int>(w));
  __asm__("" : "+x"(v));
  return v;
}

// start: J0, byte-reversed, in both lanes.
[[gnu::always_inline]] inline V start(const GcmInput& in) {
  if (in.iv_size == 16) return reverse(broadcast(in.iv));
  const __m128i iv = _mm_unpacklo_epi64(_mm_unpacklo_epi32(word(in.iv), word(in.iv + 4)), word(in.iv + 8));
  return plus(_mm256_broadcastsi128_si256(reverse(iv)), kOne);
}

template <bool Seal>
[[gnu::always_inline]] inline void crypt(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  V j0 = start(in), counter = j0;
  const uint8_t* text = in.text;
  size_t left = in.text_size;
  Product product = none();
  if (left > kTailBytes || in.aad_size > kHeadAadBytes) {
    V y = only(hash<true>(key, _mm_setzero_si128(), in.aad, in.aad_size));
    if (left > kTailBytes) {
      y = in.iv_size == 12 ? bulk<Seal, true>(key, counter, y, out, text, left)
                           : bulk<Seal, false>(key, counter, y, out, text, left);
      // J0 is found again by counting back: no register is free to keep it.
      const int done = static_cast<int>(static_cast<uint32_t>((in.text_size - left) / 16));
      j0 = _mm256_sub_epi32(counter, _mm256_set_epi32(0, 0, 0, done, 0, 0, 0, done));
    }
    // y joins the first block that is left, or the lengths if there is none.
    product.set(y, only(load128(power(key, (left + 15) / 16 + 1))));
  } else {
    absorb<true>(product, in.aad, in.aad_size, power(key, (in.aad_size + 15) / 16 + (left + 15) / 16 + 1));
  }
  tail<Seal>(key, {j0, counter, out, text, left}, product, tag, in);
  wipe_ymm();
}

// multiply: a * b in each lane.
inline V multiply(V a, V b) {
  Product product;
  product.set(a, b);
  return product.reduce();
}

// set_powers: the first powers of h, which is in both lanes; count, up to kPowers, or a few more; with kPowers also the
// sums of halves, which hash_wide needs. A register of powers holds H^n H^(n-1) from the lowest lane up. Each round
// doubles how many there are, so that the multiplications of a round do not wait for each other.
[[gnu::always_inline]] inline void set_powers(GcmKey& key, V h, size_t count) {
  uint8_t* const end = key.h_powers + 16 * kPowers;
  store(end - 32, _mm256_blend_epi32(multiply(h, h), h, 0xf0));
  store128(end, _mm_setzero_si128());
  for (size_t have = 2; have < count; have *= 2) {
    const V by = broadcast(end - 16 * have);
    for (size_t n = 2; n <= have && have + n <= kPowers; n += 2)
      store(end - 16 * (have + n), multiply(load(end - 16 * n), by));
  }
  if (count < kPowers) return;
  for (size_t n = 1; n <= kHalves; ++n) {
    const __m128i a = load128(power(key, n)), b = load128(power(key, n + 8));
    store128(key.h_powers + sizeof key.h_powers - 16 * n,
             _mm_xor_si128(_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)));
  }
}

}  // namespace

void gcm_hash_key_x86_vaes256(GcmKey& key) {
  V x[1] = {broadcast(key.aes.encrypt)};  // the block of zeros after the first key addition
  for (uint32_t r = 1; r < key.aes.rounds; ++r) aes_round(x, key.aes.encrypt, r);
  const V h = reverse(_mm256_aesenclast_epi128(x[0], broadcast(key.aes.encrypt + 16 * key.aes.rounds)));
  // H*x: a shift by one; the bit that leaves comes back as x^127 + x^126 + x^121 + 1.
  const V carries = _mm256_srli_epi64(h, 63);
  const V out = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_unpackhi_epi64(carries, carries));
  const V poly = _mm256_broadcastsi128_si256(_mm_set_epi64x(static_cast<int64_t>(0xc200000000000000u), 1));
  const V shifted = _mm256_or_si256(_mm256_slli_epi64(h, 1), _mm256_bslli_epi128(carries, 8));
  set_powers(key, _mm256_xor_si256(shifted, _mm256_and_si256(out, poly)), kPowers);
  wipe_ymm();
}

void gcm_hash_iv_x86_vaes256(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  store128(j0, reverse(hash_lengths(key, hash<true>(key, _mm_setzero_si128(), iv, iv_size), 0, iv_size)));
  wipe_ymm();
}

void gcm_polyval_x86_vaes256(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in) {
  const size_t longest = in.aad_size > in.text_size ? in.aad_size : in.text_size;
  set_powers(key, broadcast(h), longest < kWideBytes ? (longest + 15) / 16 : kPowers);
  __m128i y = polyval(key, _mm_setzero_si128(), in.aad, in.aad_size);
  y = polyval(key, y, in.text, in.text_size);
  store128(s, hash_lengths(key, y, in.text_size, in.aad_size));
  wipe_ymm();
}

void gcm_seal_x86_vaes256(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<true>(key, out, tag, in);
}

void gcm_decrypt_x86_vaes256(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<false>(key, out, tag, in);
}

}  // namespace cm
