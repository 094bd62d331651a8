// SPDX-License-Identifier: Apache-2.0
// chacha_x86_avx2.cpp: ChaCha20-Poly1305 (RFC 8439 2.8) on 256-bit registers, with Poly1305 on the integer multiplier
// in the shadow of the cipher. Built with its own -m flags: only the entry points may have external linkage, and no
// inline function of another header that has it may be called here. No vector that holds a secret may go to the stack
// but to Long and Message, which are wiped.
//
// Short messages (rows) have their blocks along the registers, two in a row, and one flight gives the one-time key and
// the first blocks of keystream. Bulk (flight) has a word of eight blocks in each register.
#include <immintrin.h>

#include <cstddef>

#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/chacha/poly1305_limbs.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {
namespace {

using V = __m256i;

constexpr size_t kBlock = 64;
constexpr size_t kFlightBytes = 8 * kBlock;
constexpr size_t kFirstBytes = 4 * kBlock;  // of a long message: a power of two for the hash

alignas(16) constexpr uint32_t kSigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // RFC 8439 2.3

alignas(32) constexpr uint8_t kRotate16[32] = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                                               2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
alignas(32) constexpr uint8_t kRotate8[32] = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
                                              3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};
alignas(32) constexpr uint32_t kIota[8] = {0, 1, 2, 3, 4, 5, 6, 7};
alignas(32) constexpr uint8_t kByteIota[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                               16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

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

[[gnu::always_inline]] inline V load(const void* p) { return _mm256_loadu_si256(static_cast<const V*>(p)); }
[[gnu::always_inline]] inline void store(void* p, V v) { _mm256_storeu_si256(static_cast<V*>(p), v); }

// rotate: a rotation of each word. In assembler, with the masks as memory operands and one temporary: compilers take
// more registers and then run out of them.
template <int S>
[[gnu::always_inline]] inline V rotate(V v) {
  if constexpr (S == 16) {
    __asm__("vpshufb %1, %0, %0" : "+x"(v) : "m"(kRotate16));
  } else if constexpr (S == 8) {
    __asm__("vpshufb %1, %0, %0" : "+x"(v) : "m"(kRotate8));
  } else {
    V t;
    __asm__("vpslld %2, %0, %1\n\tvpsrld %3, %0, %0\n\tvpor %1, %0, %0" : "+x"(v), "=&x"(t) : "i"(S), "i"(32 - S));
  }
  return v;
}

// copy_part: size bytes (1 to 31), by overlapping pieces.
[[gnu::always_inline]] inline void copy_part(uint8_t* to, const uint8_t* from, size_t size) {
  if (size >= 16) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i end = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + size - 16));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + size - 16), end);
  } else if (size >= 8) {
    const uint64_t first = poly_load(from), end = poly_load(from + size - 8);
    poly_store(to, first);
    poly_store(to + size - 8, end);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

// ---- ChaCha20 with blocks along the registers.

// word: four bytes of an IV. The empty asm keeps compilers from joining two loads: a caller has just written the IV,
// and a load that spans two stores waits for both to reach the cache.
[[gnu::always_inline]] inline int word(const uint8_t* p) {
  int w;
  __builtin_memcpy(&w, p, sizeof w);
  __asm__("" : "+r"(w));
  return w;
}

[[gnu::always_inline]] inline V broadcast(const void* p) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}

[[gnu::always_inline]] inline V counters(const uint8_t* iv, uint32_t counter) {
  return _mm256_add_epi32(
      _mm256_broadcastsi128_si256(_mm_set_epi32(word(iv + 8), word(iv + 4), word(iv), static_cast<int>(counter))),
      _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0));
}
[[gnu::always_inline]] inline V two_more(V d) { return _mm256_add_epi32(d, _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2)); }

// put_blocks: two blocks of keystream from their rows after the rounds; d0 is the fourth row before them (2.3: the
// state is added). Everything else of that state comes from memory again.
[[gnu::always_inline]] inline void put_blocks(uint8_t* stream, V a, V b, V c, V d, V d0, const uint8_t* key) {
  a = _mm256_add_epi32(a, broadcast(hide(kSigma)));
  b = _mm256_add_epi32(b, broadcast(key));
  c = _mm256_add_epi32(c, broadcast(key + 16));
  d = _mm256_add_epi32(d, d0);
  store(stream, _mm256_permute2x128_si256(a, b, 0x20));
  store(stream + 32, _mm256_permute2x128_si256(c, d, 0x20));
  store(stream + 64, _mm256_permute2x128_si256(a, b, 0x31));
  store(stream + 96, _mm256_permute2x128_si256(c, d, 0x31));
}

// half: a += b, d = (d ^ a) <<< S (2.1), in all columns.
template <int S, int N>
[[gnu::always_inline]] inline void half(V (&x)[N], const V (&y)[N], V (&z)[N]) {
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j) x[j] = _mm256_add_epi32(x[j], y[j]);
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j) z[j] = rotate<S>(_mm256_xor_si256(z[j], x[j]));
}

// round: the quarter rounds, then columns to diagonals or back. Row b stays where it is: a round ends with it, and a
// shuffle of it would be waited for.
template <int A, int C, int D, int N>
[[gnu::always_inline]] inline void round(V (&a)[N], V (&b)[N], V (&c)[N], V (&d)[N]) {
  half<16>(a, b, d);
  half<12>(c, d, b);
  half<8>(a, b, d);
  half<7>(c, d, b);
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j) {
    a[j] = _mm256_shuffle_epi32(a[j], A);
    c[j] = _mm256_shuffle_epi32(c[j], C);
    d[j] = _mm256_shuffle_epi32(d[j], D);
  }
}

// rows: 2 * N blocks of keystream for the counters from counter on.
template <int N>
[[gnu::always_inline]] inline void rows(uint8_t* stream, const uint8_t* key, const uint8_t* iv, uint32_t counter) {
  V a[N], b[N], c[N], d[N];
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j) {
    a[j] = broadcast(hide(kSigma));
    b[j] = broadcast(key);
    c[j] = broadcast(key + 16);
    d[j] = j == 0 ? counters(iv, counter) : two_more(d[j - 1]);
  }
#pragma GCC unroll 1
  for (int r = 0; r < 10; ++r) {
    round<0x93, 0x39, 0x4e>(a, b, c, d);
    round<0x39, 0x93, 0x4e>(a, b, c, d);
  }
  V d0 = counters(hide(iv), counter);
#pragma GCC unroll 2
  for (int j = 0; j < N; ++j, d0 = two_more(d0)) put_blocks(stream + 128 * j, a[j], b[j], c[j], d[j], d0, hide(key));
}

// CM_THREE: the rounds for three registers a row, in assembler and in named registers, because compilers find too few:
// rows in ymm0 to ymm2, ymm3 to ymm5, ymm6 to ymm8, ymm9 to ymm11; ymm12 to ymm14 are temporaries.
#define CM_EACH(op, x0, x1, x2, y0, y1, y2)                                                                \
  op " %%ymm" #y0 ", %%ymm" #x0 ", %%ymm" #x0 "\n\t" op " %%ymm" #y1 ", %%ymm" #x1 ", %%ymm" #x1 "\n\t" op \
     " %%ymm" #y2 ", %%ymm" #x2 ", %%ymm" #x2 "\n\t"
#define CM_WITH(op, x0, x1, x2) \
  op ", %%ymm" #x0 ", %%ymm" #x0 "\n\t" op ", %%ymm" #x1 ", %%ymm" #x1 "\n\t" op ", %%ymm" #x2 ", %%ymm" #x2 "\n\t"
#define CM_ADD_XOR_AD CM_EACH("vpaddd", 0, 1, 2, 3, 4, 5) CM_EACH("vpxor", 9, 10, 11, 0, 1, 2)
#define CM_ADD_XOR_CB CM_EACH("vpaddd", 6, 7, 8, 9, 10, 11) CM_EACH("vpxor", 3, 4, 5, 6, 7, 8)
#define CM_ROTATE_B(left, right) \
  "vpslld $" #left               \
  ", %%ymm3, %%ymm12\n\t"        \
  "vpslld $" #left               \
  ", %%ymm4, %%ymm13\n\t"        \
  "vpslld $" #left ", %%ymm5, %%ymm14\n\t" CM_WITH("vpsrld $" #right, 3, 4, 5) CM_EACH("vpxor", 3, 4, 5, 12, 13, 14)
#define CM_THREE(turn_a, turn_c)                                                              \
  CM_ADD_XOR_AD CM_WITH("vpshufb %[rotate16]", 9, 10, 11) CM_ADD_XOR_CB CM_ROTATE_B(12, 20)   \
      CM_ADD_XOR_AD CM_WITH("vpshufb %[rotate8]", 9, 10, 11) CM_ADD_XOR_CB CM_ROTATE_B(7, 25) \
          CM_WITH("vpshufd $" #turn_a, 0, 1, 2) CM_WITH("vpshufd $" #turn_c, 6, 7, 8)         \
              CM_WITH("vpshufd $0x4e", 9, 10, 11)

template <>
[[gnu::always_inline]] inline void rows<3>(uint8_t* stream, const uint8_t* key, const uint8_t* iv, uint32_t counter) {
  register V a0 __asm__("ymm0") = broadcast(hide(kSigma)), a1 __asm__("ymm1") = a0, a2 __asm__("ymm2") = a0;
  register V b0 __asm__("ymm3") = broadcast(key), b1 __asm__("ymm4") = b0, b2 __asm__("ymm5") = b0;
  register V c0 __asm__("ymm6") = broadcast(key + 16), c1 __asm__("ymm7") = c0, c2 __asm__("ymm8") = c0;
  register V d0 __asm__("ymm9") = counters(iv, counter);
  register V d1 __asm__("ymm10") = two_more(d0), d2 __asm__("ymm11") = two_more(d1);
#pragma GCC unroll 1
  for (int r = 0; r < 10; ++r)
    __asm__ volatile(CM_THREE(0x93, 0x39) CM_THREE(0x39, 0x93)
                     : "+x"(a0), "+x"(a1), "+x"(a2), "+x"(b0), "+x"(b1), "+x"(b2), "+x"(c0), "+x"(c1), "+x"(c2),
                       "+x"(d0), "+x"(d1), "+x"(d2)
                     : [rotate16] "m"(kRotate16), [rotate8] "m"(kRotate8)
                     : "xmm12", "xmm13", "xmm14");
  V start = counters(hide(iv), counter);
  put_blocks(stream, a0, b0, c0, d0, start, hide(key));
  start = two_more(start);
  put_blocks(stream + 128, a1, b1, c1, d1, start, hide(key));
  start = two_more(start);
  put_blocks(stream + 256, a2, b2, c2, d2, start, hide(key));
}
#undef CM_THREE
#undef CM_ROTATE_B
#undef CM_ADD_XOR_CB
#undef CM_ADD_XOR_AD
#undef CM_WITH
#undef CM_EACH

// xor_text: encrypts or decrypts size bytes. The ciphertext also goes to hashed, its last block of Poly1305 padded with
// zeros. edge: 64 bytes to work in.
template <bool Seal>
[[gnu::noinline]] void xor_text(uint8_t* out, const uint8_t* text, size_t size, const uint8_t* stream, uint8_t* hashed,
                                uint8_t* edge) {
  for (; size >= 32; size -= 32, out += 32, text += 32, stream += 32, hashed += 32) {
    const V before = load(text), after = _mm256_xor_si256(before, load(stream));
    store(out, after);
    store(hashed, Seal ? after : before);
  }
  if (size == 0) return;
  store(edge, _mm256_setzero_si256());
  copy_part(edge, text, size);
  const V mask = _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(size)), load(kByteIota));
  if (!Seal) store(hashed, load(edge));
  const V after = _mm256_and_si256(_mm256_xor_si256(load(edge), load(stream)), mask);
  if (Seal) store(hashed, after);
  store(edge, after);
  copy_part(out, edge, size);
}

// ---- ChaCha20 with a word of eight blocks in each register.

// Long: what a long message has on the stack. parked: the third row (2.3) where it has no register; with the masks at
// offsets that CM_QUARTERS and CM_ROUND know.
struct alignas(64) Long {
  uint8_t parked[4][32];
  uint8_t rotate16[32], rotate8[32];
  uint32_t state[16];  // 2.3
  uint8_t stream[6 * kBlock];
  uint8_t edge[32];
  PolyKey key;
  PolySum sum, power8, power16;
  alignas(64) uint8_t text[kFlightBytes];
};
static_assert(offsetof(Long, parked) == 0 && offsetof(Long, rotate16) == 128 && offsetof(Long, rotate8) == 160);

// CM_QUARTERS, CM_ROUND: four quarter rounds (2.1), two side by side, on registers given by number. In assembler,
// because all sixteen are in use: the state is in ymm0 to ymm13, of its third row only the two words that are worked on
// (ymm8 and ymm9), ymm14 and ymm15 are temporaries. LEAVE, ENTER: the places in Long of the pair that goes in the
// middle of the round and of the pair that comes.
#define CM_Y(n) "%%ymm" #n
#define CM_QUARTERS(a0, b0, d0, a1, b1, d1) \
  "vpaddd " CM_Y(b0) ", " CM_Y(a0) ", " CM_Y(a0) "\n\tvpaddd " CM_Y(b1) ", " CM_Y(a1) ", " CM_Y(a1) "\n\t" \
  "vpxor " CM_Y(a0) ", " CM_Y(d0) ", " CM_Y(d0) "\n\tvpxor " CM_Y(a1) ", " CM_Y(d1) ", " CM_Y(d1) "\n\t" \
  "vpshufb 128(%[m]), " CM_Y(d0) ", " CM_Y(d0) "\n\tvpshufb 128(%[m]), " CM_Y(d1) ", " CM_Y(d1) "\n\t" \
  "vpaddd " CM_Y(d0) ", %%ymm8, %%ymm8\n\tvpaddd " CM_Y(d1) ", %%ymm9, %%ymm9\n\t" \
  "vpxor %%ymm8, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpxor %%ymm9, " CM_Y(b1) ", " CM_Y(b1) "\n\t" \
  "vpslld $12, " CM_Y(b0) ", %%ymm14\n\tvpslld $12, " CM_Y(b1) ", %%ymm15\n\t" \
  "vpsrld $20, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpsrld $20, " CM_Y(b1) ", " CM_Y(b1) "\n\t" \
  "vpxor %%ymm14, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpxor %%ymm15, " CM_Y(b1) ", " CM_Y(b1) "\n\t" \
  "vpaddd " CM_Y(b0) ", " CM_Y(a0) ", " CM_Y(a0) "\n\tvpaddd " CM_Y(b1) ", " CM_Y(a1) ", " CM_Y(a1) "\n\t" \
  "vpxor " CM_Y(a0) ", " CM_Y(d0) ", " CM_Y(d0) "\n\tvpxor " CM_Y(a1) ", " CM_Y(d1) ", " CM_Y(d1) "\n\t" \
  "vpshufb 160(%[m]), " CM_Y(d0) ", " CM_Y(d0) "\n\tvpshufb 160(%[m]), " CM_Y(d1) ", " CM_Y(d1) "\n\t" \
  "vpaddd " CM_Y(d0) ", %%ymm8, %%ymm8\n\tvpaddd " CM_Y(d1) ", %%ymm9, %%ymm9\n\t" \
  "vpxor %%ymm8, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpxor %%ymm9, " CM_Y(b1) ", " CM_Y(b1) "\n\t" \
  "vpslld $7, " CM_Y(b0) ", %%ymm14\n\tvpslld $7, " CM_Y(b1) ", %%ymm15\n\t" \
  "vpsrld $25, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpsrld $25, " CM_Y(b1) ", " CM_Y(b1) "\n\t" \
  "vpxor %%ymm14, " CM_Y(b0) ", " CM_Y(b0) "\n\tvpxor %%ymm15, " CM_Y(b1) ", " CM_Y(b1) "\n\t"
#define CM_ROUND(LEAVE, ENTER, b0, b1, b2, b3, d0, d1, d2, d3)                                                        \
  __asm__ volatile(CM_QUARTERS(0, b0, d0, 1, b1, d1) "vmovdqa %%ymm8, " #LEAVE "(%[m])\n\tvmovdqa %%ymm9, 32+" #LEAVE \
                                                     "(%[m])\n\t"                                                     \
                                                     "vmovdqa " #ENTER "(%[m]), %%ymm8\n\tvmovdqa 32+" #ENTER         \
                                                     "(%[m]), %%ymm9\n\t" CM_QUARTERS(2, b2, d2, 3, b3, d3)           \
                   : "+x"(x0), "+x"(x1), "+x"(x2), "+x"(x3), "+x"(x4), "+x"(x5), "+x"(x6), "+x"(x7), "+x"(c0),        \
                     "+x"(c1), "+x"(x12), "+x"(x13), "+x"(x14), "+x"(x15)                                             \
                   : [m] "r"(m)                                                                                       \
                   : "xmm14", "xmm15", "memory")

[[gnu::always_inline]] inline V spread(const uint32_t* w) { return _mm256_set1_epi32(static_cast<int>(*w)); }

// transpose: four words of eight blocks; afterwards lane k of v[j] is their part of block 4k + j.
[[gnu::always_inline]] inline void transpose(V& v0, V& v1, V& v2, V& v3) {
  const V t0 = _mm256_unpacklo_epi32(v0, v1), t1 = _mm256_unpackhi_epi32(v0, v1);
  const V t2 = _mm256_unpacklo_epi32(v2, v3), t3 = _mm256_unpackhi_epi32(v2, v3);
  v0 = _mm256_unpacklo_epi64(t0, t2);
  v1 = _mm256_unpackhi_epi64(t0, t2);
  v2 = _mm256_unpacklo_epi64(t1, t3);
  v3 = _mm256_unpackhi_epi64(t1, t3);
}

// put: words 0 to 7 or 8 to 15 of eight blocks.
[[gnu::always_inline]] inline void put(V (&x)[8], const uint32_t* state, uint8_t* out, const uint8_t* text) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) x[i] = _mm256_add_epi32(x[i], spread(state + i));
  transpose(x[0], x[1], x[2], x[3]);
  transpose(x[4], x[5], x[6], x[7]);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const size_t at = kBlock * static_cast<size_t>(j);
    store(out + at, _mm256_xor_si256(_mm256_permute2x128_si256(x[j], x[4 + j], 0x20), load(text + at)));
    store(out + 4 * kBlock + at,
          _mm256_xor_si256(_mm256_permute2x128_si256(x[j], x[4 + j], 0x31), load(text + 4 * kBlock + at)));
  }
}

// flight: eight blocks of text; m->state has the first counter, and is advanced. At the same time 4 * steps blocks at
// hashed (16 or 32) join the hash, in two halves whose sums do not wait for each other.
[[gnu::noinline]] void flight(Long* m, uint8_t* out, const uint8_t* text, const uint8_t* hashed, int steps) {
  PolySum first = poly_take(m->sum), second = {0, 0, 0};
  const size_t half = 32 * static_cast<size_t>(steps);
  const uint32_t* state = m->state;
  store(m->parked[2], spread(state + 10));
  store(m->parked[3], spread(state + 11));
  __asm__ volatile("" : : : "memory");  // these two first: they have no registers for long
  register V x0 __asm__("ymm0") = spread(state), x1 __asm__("ymm1") = spread(state + 1);
  register V x2 __asm__("ymm2") = spread(state + 2), x3 __asm__("ymm3") = spread(state + 3);
  register V x4 __asm__("ymm4") = spread(state + 4), x5 __asm__("ymm5") = spread(state + 5);
  register V x6 __asm__("ymm6") = spread(state + 6), x7 __asm__("ymm7") = spread(state + 7);
  register V c0 __asm__("ymm8") = spread(state + 8), c1 __asm__("ymm9") = spread(state + 9);
  register V x12 __asm__("ymm10") = _mm256_add_epi32(spread(state + 12), load(kIota));
  register V x13 __asm__("ymm11") = spread(state + 13), x14 __asm__("ymm12") = spread(state + 14);
  register V x15 __asm__("ymm13") = spread(state + 15);
#pragma GCC unroll 1
  for (int r = 0; r < 10; ++r) {
    CM_ROUND(0, 64, 4, 5, 6, 7, 10, 11, 12, 13);
    if (r < steps) {
      poly_block(first, m->key, hashed);
      poly_block(second, m->key, hashed + half);
    }
    CM_ROUND(64, 0, 5, 6, 7, 4, 13, 10, 11, 12);  // diagonals (2.3)
    if (r < steps) {
      poly_block(first, m->key, hashed + 16);
      poly_block(second, m->key, hashed + half + 16);
    }
    hashed += 32;
  }
  store(m->parked[0], c0);
  store(m->parked[1], c1);
  V last = _mm256_add_epi32(x12, load(kIota));
  __asm__ volatile("" : : : "memory");
  V low[8] = {x0, x1, x2, x3, x4, x5, x6, x7};
  put(low, state, out, text);
  __asm__ volatile("" : : : "memory");
  V high[8] = {load(m->parked[0]), load(m->parked[1]), load(m->parked[2]), load(m->parked[3]), last, x13, x14, x15};
  put(high, state + 8, out + 32, text + 32);
  m->state[12] += 8;
  m->sum = poly_join(first, steps == 8 ? m->power16 : m->power8, second);
}

// wipe_below: the stack that flight had. It has no register left for its sums, which tell about the one-time key.
[[gnu::noinline]] void wipe_below() {
  uint64_t below[64];
  wipe(hide(&below));
}

// ---- Messages.

// Message: a text that one flight does.
template <int N>
struct alignas(64) Message {
  uint8_t stream[2 * N * kBlock];
  uint8_t edge[32];
  PolyKey key;
  PolySum sum;
  alignas(64) uint8_t text[(2 * N - 1) * kBlock];
};

// hash_blocks: whole blocks one by one.
[[gnu::always_inline]] inline void hash_blocks(PolySum& sum, const PolyKey& key, const uint8_t* p, size_t blocks) {
  PolySum h = poly_take(sum);
  for (; blocks != 0; --blocks, p += 16) poly_block(h, key, p);
  sum = h;
}

template <int N, bool Seal>
[[gnu::noinline]] void crypt_short(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Message<N> on_stack;
  Message<N>* const m = hide(&on_stack);
  rows<N>(m->stream, key.key, in.iv, 0);
  poly_key(m->key, m->stream);
  xor_text<Seal>(out, in.text, in.text_size, m->stream + kBlock, m->text, m->edge);
  m->sum = {0, 0, 0};
  poly_absorb(m->sum, m->key, in.aad, in.aad_size);
  hash_blocks(m->sum, m->key, m->text, (in.text_size + 15) / 16);
  poly_block(m->sum, m->key, in.aad_size, in.text_size, 1);
  poly_tag(tag, m->sum, m->key);
  wipe(&m->stream);
  wipe(&m->edge);
  wipe(&m->key);
  wipe(&m->sum);
  wipe_ymm();
}

// part: up to 2 * N blocks from the counter on, and the ciphertext to hashed.
template <int N, bool Seal>
[[gnu::noinline]] void part(Long* m, uint8_t* out, const uint8_t* text, size_t size, uint8_t* hashed) {
  const uint8_t* const state = reinterpret_cast<const uint8_t*>(m->state);
  rows<N>(m->stream, state + 16, state + 52, m->state[12]);
  xor_text<Seal>(out, text, size, m->stream, hashed, m->edge);
  m->state[12] += 2 * N;
}

// first_part: the one-time key and kFirstBytes.
template <bool Seal>
[[gnu::noinline]] void first_part(Long* m, uint8_t* out, const uint8_t* text) {
  const uint8_t* const state = reinterpret_cast<const uint8_t*>(m->state);
  rows<3>(m->stream, state + 16, state + 52, 0);
  poly_key(m->key, m->stream);
  xor_text<Seal>(out, text, kFirstBytes, m->stream + kBlock, m->text, m->edge);
}

template <bool Seal>
[[gnu::noinline]] void crypt_long(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Long on_stack;
  Long* const m = hide(&on_stack);
  __builtin_memcpy(m->state, kSigma, 16);
  __builtin_memcpy(m->state + 4, key.key, 32);
  m->state[12] = 1 + kFirstBytes / kBlock;
  __builtin_memcpy(m->state + 13, in.iv, 12);
  const uint8_t* text = in.text;
  first_part<Seal>(m, out, text);
  m->sum = {0, 0, 0};
  poly_absorb(m->sum, m->key, in.aad, in.aad_size);
  size_t left = in.text_size - kFirstBytes;
  out += kFirstBytes;
  text += kFirstBytes;
  const uint8_t* hashed = m->text;
  size_t unhashed = kFirstBytes;
  if (left >= kFlightBytes) {
    PolySum power = {m->key.r0, m->key.r1, 0};
    for (int i = 0; i < 3; ++i) power = poly_join(power, power, {0, 0, 0});
    m->power8 = power;
    store(m->rotate16, load(kRotate16));
    store(m->rotate8, load(kRotate8));
    m->power16 = poly_join(power, power, {0, 0, 0});
    if (!Seal) hash_blocks(m->sum, m->key, hashed, unhashed / 16);
    // Sealing, a flight hashes the ciphertext of the one before; opening, its own, which must be read before it may be
    // overwritten.
    for (; left >= kFlightBytes; left -= kFlightBytes, out += kFlightBytes, text += kFlightBytes) {
      flight(m, out, text, Seal ? hashed : text, Seal && unhashed == kFirstBytes ? 4 : 8);
      hashed = out;
      unhashed = kFlightBytes;
    }
    wipe_below();
    if (!Seal) unhashed = 0;
  }
  hash_blocks(m->sum, m->key, hashed, unhashed / 16);
  uint8_t* to = m->text;
  const size_t blocks = (left + 15) / 16;
  for (size_t now; left != 0; left -= now, out += now, text += now, to += now) {
    now = left < 6 * kBlock ? left : 6 * kBlock;
    if (now <= 2 * kBlock)
      part<1, Seal>(m, out, text, now, to);
    else if (now <= 4 * kBlock)
      part<2, Seal>(m, out, text, now, to);
    else
      part<3, Seal>(m, out, text, now, to);
  }
  hash_blocks(m->sum, m->key, m->text, blocks);
  poly_block(m->sum, m->key, in.aad_size, in.text_size, 1);
  poly_tag(tag, m->sum, m->key);
  wipe(&m->state);
  wipe(&m->parked);
  wipe(&m->stream);
  wipe(&m->edge);
  wipe(&m->key);
  wipe(&m->sum);
  wipe(&m->power8);
  wipe(&m->power16);
  wipe_ymm();
}

template <bool Seal>
[[gnu::always_inline]] inline void crypt(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  if (in.text_size <= kBlock) return crypt_short<1, Seal>(key, out, tag, in);
  if (in.text_size <= 3 * kBlock) return crypt_short<2, Seal>(key, out, tag, in);
  if (in.text_size <= 5 * kBlock) return crypt_short<3, Seal>(key, out, tag, in);
  return crypt_long<Seal>(key, out, tag, in);
}

}  // namespace

void chacha_seal_x86_avx2(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  crypt<true>(key, out, tag, in);
}

void chacha_decrypt_x86_avx2(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  crypt<false>(key, out, tag, in);
}

void poly1305_x86_avx2(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size) {
  PolyKey on_stack;
  PolyKey* const k = hide(&on_stack);
  poly_key(*k, key);
  PolySum sum{0, 0, 0};
  hash_blocks(sum, *k, text, size / 16);
  poly_end(sum, *k, text + size / 16 * 16, size % 16);
  poly_tag(tag, sum, *k);
  wipe(k);
  wipe_ymm();
}

}  // namespace cm
