// SPDX-License-Identifier: Apache-2.0
// gcm_x86_aesni.cpp: AES-GCM (SP 800-38D) with AES-NI and PCLMULQDQ: eight blocks in flight, GHASH of eight blocks with
// one reduction. Built with its own -m flags: only the entry points may have external linkage, and no inline function
// of another header may be called here. No vector that holds a secret may go to the stack.
//
// GHASH in the form of POLYVAL (RFC 8452 appendix A): byte-reversed blocks, powers of H times x, products divided by
// x^128. key.h_powers holds H^16*x ... H^1*x, 16 bytes each, so that any run of up to sixteen blocks finds its powers
// in order and needs one reduction; then for each power, for Karatsuba's multiplication, the sum of its two halves.
// POLYVAL itself takes blocks and H as they stand.
#include <immintrin.h>

#include "crypto/cpu/wipe_x86.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

using V = __m128i;

constexpr size_t kWide = 8;
constexpr size_t kWideBytes = 16 * kWide;
constexpr size_t kPowers = 16;
constexpr size_t kPolyvalPowers = 8;
constexpr size_t kHalves = 16 * kPowers;  // from a power of H to the sum of its halves
static_assert(2 * kHalves == sizeof(GcmKey::h_powers));
// kHeadAadBytes: AAD that needs no reduction of its own before less than a step of text and the lengths.
constexpr size_t kHeadAadBytes = 16 * (kPowers - kWide - 1);

inline V load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const V*>(p)); }
// load_aligned: for keys and powers; lets the compiler make them memory operands, which saves a register.
inline V load_aligned(const uint8_t* p) { return _mm_load_si128(reinterpret_cast<const V*>(p)); }
inline void store(uint8_t* p, V v) { _mm_storeu_si128(reinterpret_cast<V*>(p), v); }
// power: address of H^n.
inline const uint8_t* power(const GcmKey& key, size_t n) { return key.h_powers + 16 * (kPowers - n); }

// Sixteen registers are few: constants are memory operands, and asm keeps them there, because compilers prefer
// registers for them and then run out.

// reverse: the byte order of a block turned round.
alignas(16) constexpr uint8_t kReverse[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
[[gnu::always_inline]] inline V reverse(V v) {
  __asm__("pshufb %1, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kReverse)));
  return v;
}

// kBytes: at kBytes + 16 - n the mask of the first n bytes of a block.
alignas(32) constexpr uint8_t kBytes[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255};

// plus: counters are byte-reversed blocks, so the 32-bit counter of SP 800-38D is the lowest word.
struct alignas(16) Word {
  uint32_t words[4];
};
constexpr Word kPlus[] = {{{0}}, {{1}}, {{2}}, {{3}}, {{4}}, {{5}}, {{6}}, {{7}}, {{8}}};
[[gnu::always_inline]] inline V plus(V counter, const Word& n) {
  __asm__("paddd %1, %0" : "+x"(counter) : "m"(n));
  return counter;
}

// kFlip, flip: what counter j of a step differs in from a counter whose three low bits are 1, as bytes of the block;
// the last two, from the counter 8 higher.
constexpr Word flips(uint32_t low) { return {{0, 0, 0, (low ^ 1) << 24}}; }
constexpr Word kFlip[] = {flips(2), flips(3), flips(4), flips(5), flips(6), flips(7), flips(0), flips(1)};
[[gnu::always_inline]] inline V flip(V v, const Word& by) {
  __asm__("pxor %1, %0" : "+x"(v) : "m"(by));
  return v;
}

// fold: the low half of v times x^63 + x^62 + x^57.
alignas(16) constexpr uint8_t kPoly[16] = {0, 0, 0, 0, 0, 0, 0, 0xc2};
[[gnu::always_inline]] inline V fold(V v) {
  __asm__("pclmulqdq $0x00, %1, %0" : "+x"(v) : "m"(*reinterpret_cast<const V*>(kPoly)));
  return v;
}

inline V sum_of_halves(V a) { return _mm_xor_si128(a, _mm_shuffle_epi32(a, 0x4e)); }

// Product: a sum of unreduced 256-bit products, each with a power of H at b, by Karatsuba's three multiplications:
// middle stands between the halves and has both of them added to it.
struct Product {
  V low, middle, high;

  [[gnu::always_inline]] inline void set(V a, const uint8_t* b) {
    low = _mm_clmulepi64_si128(a, load_aligned(b), 0x00);
    high = _mm_clmulepi64_si128(a, load_aligned(b), 0x11);
    middle = _mm_clmulepi64_si128(sum_of_halves(a), load_aligned(b + kHalves), 0x00);
  }
  [[gnu::always_inline]] inline void add(V a, const uint8_t* b) {
    middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(sum_of_halves(a), load_aligned(b + kHalves), 0x00));
    high = _mm_xor_si128(high, _mm_clmulepi64_si128(a, load_aligned(b), 0x11));
    low = _mm_xor_si128(low, _mm_clmulepi64_si128(a, load_aligned(b), 0x00));
  }

  // reduce: two folds by 64 bits with x^63 + x^62 + x^57.
  [[gnu::always_inline]] inline V reduce() const {
    V m = _mm_xor_si128(middle, _mm_xor_si128(low, high));
    m = _mm_xor_si128(_mm_xor_si128(m, _mm_shuffle_epi32(low, 0x4e)), fold(low));
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

// absorb: adds size bytes, the last block padded with zeros, to a product, with the powers from powers on. kReverse:
// GHASH, which turns the bytes of a block round; else POLYVAL, which takes them as they stand.
template <bool kReverse>
[[gnu::always_inline]] inline void absorb(Product& product, const uint8_t* p, size_t size, const uint8_t* powers) {
  for (; size >= 16; size -= 16, p += 16, powers += 16) product.add(kReverse ? reverse(load(p)) : load(p), powers);
  if (size == 0) return;
  const V block = load_part(p, size);
  product.add(kReverse ? reverse(block) : block, powers);
}

// hash: y after size more bytes, the last block padded with zeros; one reduction for a run of blocks. The powers for
// POLYVAL serve one message, so it has fewer.
template <bool kReverse>
[[gnu::always_inline]] inline V hash(const GcmKey& key, V y, const uint8_t* p, size_t size) {
  constexpr size_t kRun = 16 * (kReverse ? kPowers : kPolyvalPowers);
  while (size != 0) {
    const size_t now = size < kRun ? size : kRun;
    const uint8_t* const powers = power(key, (now + 15) / 16);
    Product product;
    product.set(y, powers);  // what y would be, joined to the first block
    absorb<kReverse>(product, p, now, powers);
    y = product.reduce();
    p += now;
    size -= now;
  }
  return y;
}

// lengths: the block of two sizes in bytes, which stand in it in bits.
inline V lengths(size_t high, size_t low) {
  return _mm_set_epi64x(static_cast<int64_t>(uint64_t{high} * 8), static_cast<int64_t>(uint64_t{low} * 8));
}

[[gnu::always_inline]] inline V hash_lengths(const GcmKey& key, V y, size_t high, size_t low) {
  Product product;
  product.set(_mm_xor_si128(y, lengths(high, low)), power(key, 1));
  return product.reduce();
}

// aes_round: of N blocks, with the round key at rk.
template <size_t N>
[[gnu::always_inline]] inline void aes_round(V (&x)[N], const uint8_t* rk) {
  const V k = load_aligned(rk);
#pragma GCC unroll 8
  for (size_t j = 0; j < N; ++j) x[j] = _mm_aesenc_si128(x[j], k);
}

// aes_late_rounds: rounds 9 up to the last but one.
template <size_t N>
[[gnu::always_inline]] inline void aes_late_rounds(V (&x)[N], const uint8_t* rk, uint32_t rounds) {
  const uint8_t* const last = rk + 16 * rounds;
  for (rk += 16 * 9; rk != last; rk += 16) aes_round(x, rk);
}

// aes_rounds: all but the first key addition and the last round. The asm keeps compilers from holding round keys for
// the next blocks.
template <size_t N>
[[gnu::always_inline]] inline void aes_rounds(V (&x)[N], const AesKey& key) {
  const uint8_t* rk = key.encrypt;
  __asm__ volatile("" : "+r"(rk));
#pragma GCC unroll 8
  for (size_t r = 1; r <= 8; ++r) aes_round(x, rk + 16 * r);
  aes_late_rounds(x, rk, key.rounds);
}

[[gnu::always_inline]] inline V encrypt_block(const AesKey& key, V block) {
  V x[1] = {_mm_xor_si128(block, load_aligned(key.encrypt))};
  aes_rounds(x, key);
  return _mm_aesenclast_si128(x[0], load_aligned(key.encrypt + 16 * key.rounds));
}

// pin: keeps the order of the source, cipher and hash interleaved, through the compiler's scheduler; no code.
[[gnu::always_inline]] inline void pin(V (&x)[kWide], Product& p, V& counter) {
  __asm__ volatile(""
                   : "+x"(x[0]), "+x"(x[1]), "+x"(x[2]), "+x"(x[3]), "+x"(x[4]), "+x"(x[5]), "+x"(x[6]), "+x"(x[7]),
                     "+x"(p.low), "+x"(p.middle), "+x"(p.high), "+x"(counter));
}
[[gnu::always_inline]] inline void pin(V& x, Product& p) {
  __asm__ volatile("" : "+x"(x), "+x"(p.low), "+x"(p.middle), "+x"(p.high));
}

// counters: the next eight counter blocks after the first key addition.
[[gnu::always_inline]] inline void counters(V (&x)[kWide], V& counter, const uint8_t* rk, bool aligned) {
  if (aligned) {
    const V near = _mm_xor_si128(reverse(counter), load_aligned(rk));
    counter = plus(counter, kPlus[kWide]);
    const V far = _mm_xor_si128(reverse(counter), load_aligned(rk));
#pragma GCC unroll 8
    for (size_t j = 0; j < kWide; ++j) x[j] = flip(j < kWide - 2 ? near : far, kFlip[j]);
  } else {
#pragma GCC unroll 8
    for (size_t j = 0; j < kWide; ++j) x[j] = _mm_xor_si128(reverse(plus(counter, kPlus[j + 1])), load_aligned(rk));
    counter = plus(counter, kPlus[kWide]);
  }
}

// ctr_wide: eight blocks of in to out; at the same time, when Hash, eight blocks at hashed join y: a block a round.
template <bool Hash>
[[gnu::always_inline]] inline V ctr_wide(const GcmKey& key, V& counter, bool aligned, uint8_t* out, const uint8_t* in,
                                         V y, const uint8_t* hashed) {
  // Decryption hashes what it decrypts; with two loads of it, because one would have to be kept.
  __asm__("" : "+r"(hashed));
  const uint8_t *const rk = key.aes.encrypt, *const powers = power(key, kWide);
  V x[kWide];
  counters(x, counter, rk, aligned);
  if constexpr (Hash) {
    Product product;
#pragma GCC unroll 8
    for (size_t r = 0; r < kWide; ++r) {
      aes_round(x, rk + 16 * (r + 1));
      const V block = reverse(load(hashed + 16 * r));
      if (r == 0)
        product.set(_mm_xor_si128(block, y), powers);
      else
        product.add(block, powers + 16 * r);
      pin(x, product, counter);
    }
    y = product.reduce();
    aes_late_rounds(x, rk, key.aes.rounds);
  } else {
    aes_rounds(x, key.aes);
  }
  const uint8_t* const last = rk + 16 * key.aes.rounds;
#pragma GCC unroll 8
  for (size_t j = 0; j < kWide; ++j)
    store(out + 16 * j, _mm_aesenclast_si128(x[j], _mm_xor_si128(load(in + 16 * j), load_aligned(last))));
  return y;
}

// start: J0, byte-reversed.
inline V start(const GcmInput& in) {
  const uint64_t low = read<uint64_t>(in.iv), high = read<uint32_t>(in.iv + 8);
  const uint64_t number = in.iv_size == 16 ? read<uint32_t>(in.iv + 12) : uint64_t{1} << 24;
  return reverse(_mm_set_epi64x(static_cast<int64_t>(high | number << 32), static_cast<int64_t>(low)));
}

// bulk: all whole steps of a message. Returns the hash; counter is the counter of the last block then.
template <bool Seal>
[[gnu::always_inline]] inline V bulk(const GcmKey& key, V& counter, bool aligned, V y, uint8_t*& out,
                                     const uint8_t*& text, size_t& left) {
  if constexpr (Seal) {
    // GHASH runs a step behind the cipher.
    ctr_wide<false>(key, counter, aligned, out, text, y, nullptr);
    for (;;) {
      out += kWideBytes;
      text += kWideBytes;
      left -= kWideBytes;
      if (left < kWideBytes) break;
      y = ctr_wide<true>(key, counter, aligned, out, text, y, out - kWideBytes);
    }
    return hash<true>(key, y, out - kWideBytes, kWideBytes);
  } else {
    for (; left >= kWideBytes; left -= kWideBytes, out += kWideBytes, text += kWideBytes)
      y = ctr_wide<true>(key, counter, aligned, out, text, y, text);
    return y;
  }
}

// Tail: what is left of a message after bulk, or all of a short one, with the powers of H from its next block on.
// counter is the counter of the block before it.
struct Tail {
  V counter;
  uint8_t* out;
  const uint8_t *text, *powers;
};

// tail_blocks: seals or opens the next N blocks of a tail.
template <bool Seal, size_t N>
[[gnu::always_inline]] inline void tail_blocks(const AesKey& key, Tail& t, Product& product) {
  V x[N];
#pragma GCC unroll 4
  for (size_t j = 0; j < N; ++j)
    x[j] = _mm_xor_si128(reverse(plus(t.counter, kPlus[j + 1])), load_aligned(key.encrypt));
  t.counter = plus(t.counter, kPlus[N]);
  aes_rounds(x, key);
  const uint8_t* const last = key.encrypt + 16 * key.rounds;
#pragma GCC unroll 4
  for (size_t j = 0; j < N; ++j) {
    pin(x[j], product);
    const V text = load(t.text + 16 * j);
    x[j] = _mm_aesenclast_si128(x[j], _mm_xor_si128(text, load_aligned(last)));
    store(t.out + 16 * j, x[j]);
    product.add(reverse(Seal ? x[j] : text), t.powers + 16 * j);
  }
  pin(x[0], product);
  t.out += 16 * N;
  t.text += 16 * N;
  t.powers += 16 * N;
}

// tail_part: seals or opens the last size bytes (1 to 15).
template <bool Seal>
[[gnu::always_inline]] inline void tail_part(const AesKey& key, const Tail& t, size_t size, Product& product) {
  V x = encrypt_block(key, reverse(plus(t.counter, kPlus[1])));
  V block = load_part(t.text, size);
  x = _mm_xor_si128(x, block);
  store_part(t.out, x, size);
  if (Seal) block = _mm_and_si128(x, load(kBytes + 16 - size));
  product.add(reverse(block), t.powers);
}

// tail: seals or opens the last size bytes, fewer than a step, and writes the tag. product is the sum of what stands
// before.
template <bool Seal>
[[gnu::always_inline]] inline void tail(const GcmKey& key, Tail t, size_t size, Product product, uint8_t* tag,
                                        const GcmInput& in) {
  // J0 is found by counting back: no register is free to keep it.
  const int done = static_cast<int>(static_cast<uint32_t>((in.text_size - size) / 16));
  V pad = encrypt_block(key.aes, reverse(_mm_sub_epi32(t.counter, _mm_cvtsi32_si128(done))));
  pin(pad, product);
  if (size & 64) tail_blocks<Seal, 4>(key.aes, t, product);
  if (size & 32) tail_blocks<Seal, 2>(key.aes, t, product);
  if (size & 16) tail_blocks<Seal, 1>(key.aes, t, product);
  if (size % 16 != 0) tail_part<Seal>(key.aes, t, size % 16, product);
  product.add(lengths(in.aad_size, in.text_size), power(key, 1));
  store(tag, _mm_xor_si128(reverse(product.reduce()), pad));
}

template <bool Seal>
[[gnu::always_inline]] inline void crypt(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  V counter = start(in);
  const uint8_t* text = in.text;
  size_t left = in.text_size;
  Product product = none();
  if (left >= kWideBytes || in.aad_size > kHeadAadBytes) {
    V y = hash<true>(key, _mm_setzero_si128(), in.aad, in.aad_size);
    if (left >= kWideBytes) y = bulk<Seal>(key, counter, in.iv_size == 12, y, out, text, left);
    // y joins the first block that is left, or the lengths if there is none.
    product.set(y, power(key, (left + 15) / 16 + 1));
  } else {
    absorb<true>(product, in.aad, in.aad_size, power(key, (in.aad_size + 15) / 16 + (left + 15) / 16 + 1));
  }
  tail<Seal>(key, {counter, out, text, power(key, (left + 15) / 16 + 1)}, left, product, tag, in);
  wipe_xmm();
}

// set_power: H^n; end is where H^0 would stand.
inline void set_power(uint8_t* end, size_t n, V power) {
  store(end - 16 * n, power);
  store(end - 16 * n + kHalves, sum_of_halves(power));
}

// set_powers: the first powers of h, up to kPowers; each from two about half as high, so that few wait for each other.
[[gnu::noinline]] void set_powers(GcmKey& key, V h, size_t count) {
  uint8_t* const end = key.h_powers + 16 * kPowers;
  set_power(end, 1, h);
  for (size_t n = 2; n <= count; ++n) {
    Product product;
    product.set(load(power(key, n / 2)), power(key, n - n / 2));
    set_power(end, n, product.reduce());
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
  set_powers(key, hx, kPowers);
  wipe_xmm();
}

void gcm_hash_iv_x86_aesni(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  store(j0, reverse(hash_lengths(key, hash<true>(key, _mm_setzero_si128(), iv, iv_size), 0, iv_size)));
  wipe_xmm();
}

void gcm_polyval_x86_aesni(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in) {
  const size_t blocks = ((in.aad_size > in.text_size ? in.aad_size : in.text_size) + 15) / 16;
  set_powers(key, load(h), blocks < kPolyvalPowers ? blocks : kPolyvalPowers);
  V y = hash<false>(key, _mm_setzero_si128(), in.aad, in.aad_size);
  y = hash<false>(key, y, in.text, in.text_size);
  store(s, hash_lengths(key, y, in.text_size, in.aad_size));
  wipe_xmm();
}

void gcm_seal_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<true>(key, out, tag, in);
}

void gcm_decrypt_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  crypt<false>(key, out, tag, in);
}

}  // namespace cm
