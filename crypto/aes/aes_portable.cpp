// SPDX-License-Identifier: Apache-2.0
// aes_portable.cpp: AES (FIPS 197) for any CPU, bitsliced, four blocks at once. Constant time: no table is indexed and
// no branch taken by key, text or counter; only the number of rounds and of blocks steer the code.
//
// A state is eight 64-bit planes; plane i holds bit i of all 64 bytes. The byte in row r, column c of block b is bit
// 16r + 4c + b of each plane. ShiftRows is never carried out inside a cipher ("fixslicing", Adomnicai and Peyrin, TCHES
// 2021/1): after n rounds the byte of logical column c in row r stands in column c + n*r, which only n mod 4 decides.
// Round keys are stored in the arrangement ("frame") of their round.
#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/ct.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr size_t kLot = 4;  // blocks in a state
constexpr size_t kLotBytes = kLot * kAesBlock;

struct State {
  uint64_t plane[8];
};

// sub_bytes: the S-box (FIPS 197 5.1.1) as the Boolean circuit of Boyar and Peralta, "A depth-16 circuit for the AES
// S-box" (IACR ePrint 2011/332): a linear layer, inversion in GF(((2^2)^2)^2), a linear layer. Plane 7 is their U0.
void sub_bytes(State& s) {
  uint64_t* const p = s.plane;
  const uint64_t u0 = p[7], u1 = p[6], u2 = p[5], u3 = p[4], u4 = p[3], u5 = p[2], u6 = p[1], u7 = p[0];

  const uint64_t y14 = u3 ^ u5, y13 = u0 ^ u6, y9 = u0 ^ u3, y8 = u0 ^ u5, t0 = u1 ^ u2;
  const uint64_t y1 = t0 ^ u7, y4 = y1 ^ u3, y12 = y13 ^ y14, y2 = y1 ^ u0, y5 = y1 ^ u6, y3 = y5 ^ y8;
  const uint64_t t1 = u4 ^ y12, y15 = t1 ^ u5, y20 = t1 ^ u1, y6 = y15 ^ u7, y10 = y15 ^ t0, y11 = y20 ^ y9;
  const uint64_t y7 = u7 ^ y11, y17 = y10 ^ y11, y19 = y10 ^ y8, y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = u0 ^ y16;

  // Products that feed the inversion in the subfield.
  const uint64_t t2 = y12 & y15, t4 = (y3 & y6) ^ t2, t6 = (y4 & u7) ^ t2;
  const uint64_t t7 = y13 & y16, t9 = (y5 & y1) ^ t7, t11 = (y2 & y7) ^ t7;
  const uint64_t t12 = y9 & y11, t14 = (y14 & y17) ^ t12, t16 = (y8 & y10) ^ t12;
  const uint64_t t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19, t23 = t9 ^ t14 ^ y21, t24 = t11 ^ t16 ^ y18;

  // Inversion in GF((2^2)^2).
  const uint64_t t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26, t29 = (t25 & t27) ^ t22;
  const uint64_t t30 = t23 ^ t24, t31 = t22 ^ t26, t33 = (t31 & t30) ^ t24;
  const uint64_t t36 = t24 & (t27 ^ t33), t37 = t36 ^ t23 ^ t33, t38 = t27 ^ t36, t40 = t25 ^ (t29 & t38);
  const uint64_t t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;

  // Products back in the large field.
  const uint64_t z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & u7, z3 = t43 & y16, z4 = t40 & y1, z5 = t29 & y7;
  const uint64_t z6 = t42 & y11, z7 = t45 & y17, z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;
  const uint64_t z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9, z16 = t45 & y14, z17 = t41 & y8;

  // Output layer with the affine map; the complements are the constant 0x63.
  const uint64_t t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10, t50 = z2 ^ z12, t51 = z2 ^ z5;
  const uint64_t t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7, t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53;
  const uint64_t t58 = z4 ^ t46, t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58, t63 = t49 ^ t58;
  const uint64_t t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63, t67 = t64 ^ t65, s3 = t53 ^ t66;
  p[7] = t59 ^ t63;
  p[6] = ~(t64 ^ s3);
  p[5] = ~(t55 ^ t67);
  p[4] = s3;
  p[3] = t51 ^ t66;
  p[2] = t47 ^ t65;
  p[1] = ~(t56 ^ t62);
  p[0] = ~(t48 ^ t60);
}

// inv_affine: inverse of the affine map of the S-box (FIPS 197 5.3.2): bit i becomes b[i+2] ^ b[i+5] ^ b[i+7] ^
// 0x05[i].
void inv_affine(State& s) {
  State in = s;
  for (size_t i = 0; i < 8; ++i) s.plane[i] = in.plane[(i + 2) & 7] ^ in.plane[(i + 5) & 7] ^ in.plane[(i + 7) & 7];
  s.plane[0] = ~s.plane[0];
  s.plane[2] = ~s.plane[2];
}

// inv_sub_bytes: with S = A o inversion, the inverse is A^-1 o S o A^-1, so that one circuit serves both directions.
void inv_sub_bytes(State& s) {
  inv_affine(s);
  sub_bytes(s);
  inv_affine(s);
}

// add_round_key: straight from the key object: a copy of a round key would stay behind on the stack.
void add_round_key(State& s, const AesKey& key, unsigned round) {
  for (size_t i = 0; i < 8; ++i) s.plane[i] ^= load_le64(key.encrypt + 64 * round + 8 * i);
}

// rotate_columns: every 16-bit row group takes its column c from column c + Columns.
template <unsigned Columns>
uint64_t rotate_columns(uint64_t x) {
  if constexpr (Columns == 0) return x;
  constexpr unsigned kRight = 4 * Columns, kLeft = 16 - kRight;
  constexpr uint64_t kKeep = 0x0001000100010001u * (0xffffu >> kRight);
  return ((x >> kRight) & kKeep) | ((x << kLeft) & ~kKeep);
}

// next_row<Rows, Frame>: each byte is replaced by the byte Rows below it in its logical column.
template <unsigned Rows, unsigned Frame>
uint64_t next_row(uint64_t x) {
  return rotate_columns < (Rows * Frame) & 3 > ((x >> (16 * Rows)) | (x << (64 - 16 * Rows)));
}

// mix_columns (FIPS 197 5.1.3): with b the byte below a and t = a ^ b, the column's byte becomes 2t ^ b ^ t two below.
template <unsigned Frame>
void mix_columns(State& s) {
  uint64_t below[8], t[8];
  for (size_t i = 0; i < 8; ++i) {
    below[i] = next_row<1, Frame>(s.plane[i]);
    t[i] = s.plane[i] ^ below[i];
  }
  for (size_t i = 0; i < 8; ++i) s.plane[i] = below[i] ^ next_row<2, Frame>(t[i]) ^ t[(i + 7) & 7];
  s.plane[1] ^= t[7];
  s.plane[3] ^= t[7];
  s.plane[4] ^= t[7];
}

// inv_mix_columns (FIPS 197 5.3.3): the inverse matrix is that of MixColumns times circ(5, 0, 4, 0).
template <unsigned Frame>
void inv_mix_columns(State& s) {
  uint64_t d[8];
  for (size_t i = 0; i < 8; ++i) d[i] = s.plane[i] ^ next_row<2, Frame>(s.plane[i]);
  // 4d: x^8 = x^4 + x^3 + x + 1, x^9 = x^5 + x^4 + x^2 + x.
  s.plane[0] ^= d[6];
  s.plane[1] ^= d[6] ^ d[7];
  s.plane[2] ^= d[0] ^ d[7];
  s.plane[3] ^= d[1] ^ d[6];
  s.plane[4] ^= d[2] ^ d[6] ^ d[7];
  s.plane[5] ^= d[3] ^ d[7];
  s.plane[6] ^= d[4];
  s.plane[7] ^= d[5];
  mix_columns<Frame>(s);
}

// shift_rows: frame 0 to the frame in which row r is moved left by times*r columns; used for keys and at the ends.
void shift_rows(State& s, unsigned times) {
  for (uint64_t& plane : s.plane) {
    uint64_t moved = 0;
    for (unsigned r = 0; r < 4; ++r) {
      const uint64_t row = (plane >> (16 * r)) & 0xffff;
      const unsigned by = 4 * ((times * r) & 3);
      moved |= (((row >> by) | (row << (16 - by))) & 0xffff) << (16 * r);
    }
    plane = moved;
  }
}

// swap_bits: exchanges the bits of a under mask << shift with the bits of b under mask.
void swap_bits(uint64_t& a, uint64_t& b, unsigned shift, uint64_t mask) {
  const uint64_t t = ((a >> shift) ^ b) & mask;
  b ^= t;
  a ^= t << shift;
}

// transpose: bit i of byte n of word j becomes bit j of byte n of word i. Its own inverse.
void transpose(State& s) {
  uint64_t* const w = s.plane;
  for (size_t j = 0; j < 8; j += 2) swap_bits(w[j], w[j + 1], 1, 0x5555555555555555u);
  for (size_t j = 0; j < 8; j += (j & 1) ? 3 : 1) swap_bits(w[j], w[j + 2], 2, 0x3333333333333333u);
  for (size_t j = 0; j < 4; ++j) swap_bits(w[j], w[j + 4], 4, 0x0f0f0f0f0f0f0f0fu);
}

uint64_t spread_bytes(uint64_t x) {
  x = (x | (x << 16)) & 0x0000ffff0000ffffu;
  return (x | (x << 8)) & 0x00ff00ff00ff00ffu;
}
uint32_t gather_bytes(uint64_t x) {
  x &= 0x00ff00ff00ff00ffu;
  x = (x | (x >> 8)) & 0x0000ffff0000ffffu;
  return static_cast<uint32_t>(x | (x >> 16));
}

void load(State& s, const uint8_t* in) {
  for (size_t b = 0; b < kLot; ++b)
    for (size_t c = 0; c < 2; ++c)
      s.plane[4 * c + b] =
          spread_bytes(load_le32(in + 16 * b + 4 * c)) | (spread_bytes(load_le32(in + 16 * b + 4 * c + 8)) << 8);
  transpose(s);
}
void store(State& s, uint8_t* out) {
  transpose(s);
  for (size_t b = 0; b < kLot; ++b)
    for (size_t c = 0; c < 2; ++c) {
      store_le32(out + 16 * b + 4 * c, gather_bytes(s.plane[4 * c + b]));
      store_le32(out + 16 * b + 4 * c + 8, gather_bytes(s.plane[4 * c + b] >> 8));
    }
}

template <unsigned Frame>
void encrypt_round(State& s, const AesKey& key, unsigned round) {
  sub_bytes(s);
  mix_columns<Frame>(s);
  add_round_key(s, key, round);
}
template <unsigned Frame>
void decrypt_round(State& s, const AesKey& key, unsigned round) {
  add_round_key(s, key, round);
  inv_mix_columns<Frame>(s);
  inv_sub_bytes(s);
}

// encrypt_lot: rounds is 10, 12 or 14, so the last frame is 2, 0 or 2; every round's frame is its number mod 4.
[[gnu::noinline]] void encrypt_lot(const AesKey& key, State& s) {
  add_round_key(s, key, 0);
  unsigned round = 1;
  for (;;) {
    encrypt_round<1>(s, key, round++);
    if (round == key.rounds) break;
    encrypt_round<2>(s, key, round++);
    encrypt_round<3>(s, key, round++);
    if (round == key.rounds) break;
    encrypt_round<0>(s, key, round++);
  }
  sub_bytes(s);
  add_round_key(s, key, round);
  shift_rows(s, round & 3);
}

[[gnu::noinline]] void decrypt_lot(const AesKey& key, State& s) {
  unsigned round = key.rounds;
  shift_rows(s, (4 - round) & 3);
  add_round_key(s, key, round);
  inv_sub_bytes(s);
  --round;
  if ((round & 3) == 3) {
    decrypt_round<3>(s, key, round--);
    decrypt_round<2>(s, key, round--);
  }
  for (;;) {
    decrypt_round<1>(s, key, round--);
    if (round == 0) break;
    decrypt_round<0>(s, key, round--);
    decrypt_round<3>(s, key, round--);
    decrypt_round<2>(s, key, round--);
  }
  add_round_key(s, key, 0);
}

// sub_word (FIPS 197 5.2): the four bytes lie in bits 0, 8, 16, 24 of the planes.
uint32_t sub_word(uint32_t w) {
  State s;
  for (unsigned i = 0; i < 8; ++i) s.plane[i] = (w >> i) & 0x01010101u;
  sub_bytes(s);
  uint64_t out = 0;
  for (unsigned i = 0; i < 8; ++i) out |= (s.plane[i] & 0x01010101u) << i;
  zeroise(&s, sizeof s);
  return static_cast<uint32_t>(out);
}

// wipe_dead_stack: the compiler keeps words of round keys and state on the stack of a lot cipher. It is called from
// where the cipher was called, so it covers the same addresses. 1 KiB is more than the ciphers use.
[[gnu::noinline]] void wipe_dead_stack() {
  uint8_t area[1024];
  zeroise(area, sizeof area);
}

using LotCipher = void (*)(const AesKey&, State&);

template <LotCipher Cipher>
void apply(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  State s;
  for (; count >= kLot; count -= kLot, in += kLotBytes, out += kLotBytes) {
    load(s, in);
    Cipher(key, s);
    store(s, out);
  }
  if (count != 0) {
    uint8_t lot[kLotBytes] = {};
    std::memcpy(lot, in, count * kAesBlock);
    load(s, lot);
    Cipher(key, s);
    store(s, lot);
    std::memcpy(out, lot, count * kAesBlock);
    zeroise(lot, sizeof lot);
  }
  zeroise(&s, sizeof s);
  wipe_dead_stack();
}

}  // namespace

void aes_key_init_portable(AesKey& key, const uint8_t* raw, size_t raw_size) {
  constexpr size_t kWordsMax = 4 * 15;
  uint32_t w[kWordsMax] = {};
  const size_t raw_words = raw_size == 16 ? 4 : raw_size == 24 ? 6 : 8, words = 4 * (key.rounds + 1);
  for (size_t i = 0; i < raw_words; ++i) w[i] = load_le32(raw + 4 * i);
  uint32_t rcon = 1;
  for (size_t i = raw_words; i < words; ++i) {
    uint32_t t = w[i - 1];
    if (i % raw_words == 0) {
      t = sub_word((t >> 8) | (t << 24)) ^ rcon;
      rcon = (rcon << 1) ^ ((rcon >> 7) * 0x11b);
    } else if (raw_words == 8 && i % 8 == 4) {
      t = sub_word(t);
    }
    w[i] = w[i - raw_words] ^ t;
  }
  uint8_t lot[kLotBytes];
  State s;
  for (unsigned round = 0; round <= key.rounds; ++round) {
    for (size_t b = 0; b < kLot; ++b) std::memcpy(lot + b * kAesBlock, w + 4 * round, kAesBlock);
    load(s, lot);
    shift_rows(s, (4 - round) & 3);
    std::memcpy(key.encrypt + 64 * round, s.plane, sizeof s.plane);
  }
  zeroise(w, sizeof w);
  zeroise(lot, sizeof lot);
  zeroise(&s, sizeof s);
}

void aes_encrypt_blocks_portable(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  apply<encrypt_lot>(key, out, in, count);
}

void aes_decrypt_blocks_portable(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  apply<decrypt_lot>(key, out, in, count);
}

void aes_ctr_keystream_portable(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count) {
  uint64_t high = load_be64(counter), low = load_be64(counter + 8);
  uint8_t lot[kLotBytes] = {};
  while (count != 0) {
    const size_t now = count < kLot ? count : kLot;
    for (size_t b = 0; b < now; ++b) {
      store_be64(lot + 16 * b, high);
      store_be64(lot + 16 * b + 8, low);
      // The counter may be a DRBG's secret V: the carry is no comparison, and the barrier keeps gcc 12 from counting
      // the loop with it.
      const uint64_t next = ct::value_barrier(low + 1);
      high += (low & ~next) >> 63;
      low = next;
    }
    aes_encrypt_blocks_portable(key, out, lot, now);
    out += now * kAesBlock;
    count -= now;
  }
  store_be64(counter, high);
  store_be64(counter + 8, low);
  zeroise(lot, sizeof lot);
}

}  // namespace cm
