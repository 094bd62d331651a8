// SPDX-License-Identifier: Apache-2.0
// gcm_portable.cpp: AES-GCM (SP 800-38D) for any CPU. Constant time: GHASH multiplies with the integer multiplier on
// operands with holes, so that carries of a carry-less product die in the holes; no table, no secret branch. (The
// 64-bit multiplication of every x86-64 takes the same time for all operands.)
//
// GHASH in the form of POLYVAL (RFC 8452 appendix A): blocks are read as byte-reversed 128-bit integers, the key is
// H*x, and a product is divided by x^128, which needs no bit reversal. POLYVAL itself reads blocks as they stand, and
// its key is H.
#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

__extension__ using Wide = unsigned __int128;

// Every fifth bit of an operand is in one class. A product of two classes adds at most 13 bits in a place, which needs
// four bits, so the fifth is free of carries.
constexpr size_t kClasses = 5;
constexpr uint64_t kEveryFifth = 0x1084210842108421u;

// class_mask: bits n, n + 5, n + 10, ... below 64.
constexpr uint64_t class_mask(size_t n) { return kEveryFifth << n; }
// wide_class_mask: the same below 128; bit 65 is in class 0, so the high half starts one class later.
constexpr Wide wide_class_mask(size_t n) {
  return (static_cast<Wide>(class_mask((n + 1) % kClasses)) << 64) | class_mask(n);
}

struct Classes {
  uint64_t part[kClasses];
};
// HashKey: H*x split for the multiplier: low half, high half, their sum (Karatsuba).
struct HashKey {
  Classes low, high, sum;
};
static_assert(sizeof(HashKey) <= sizeof(GcmKey::h_powers));

struct Element {
  uint64_t low, high;
};

Classes split(uint64_t v) {
  Classes c;
  for (size_t i = 0; i < kClasses; ++i) c.part[i] = v & class_mask(i);
  return c;
}

// clmul: carry-less 64 x 64 product.
Wide clmul(const Classes& a, uint64_t b) {
  const Classes y = split(b);
  Wide product = 0;
  for (size_t n = 0; n < kClasses; ++n) {
    Wide sum = 0;
    for (size_t i = 0; i < kClasses; ++i) sum ^= static_cast<Wide>(a.part[i]) * y.part[(n + kClasses - i) % kClasses];
    product |= sum & wide_class_mask(n);
  }
  return product;
}

// multiply: y * (H*x) / x^128 mod x^128 + x^127 + x^126 + x^121 + 1.
Element multiply(const HashKey& h, Element y) {
  const Wide low = clmul(h.low, y.low), high = clmul(h.high, y.high);
  const Wide middle = clmul(h.sum, y.low ^ y.high) ^ low ^ high;
  const uint64_t p0 = static_cast<uint64_t>(low);
  uint64_t p1 = static_cast<uint64_t>(low >> 64) ^ static_cast<uint64_t>(middle);
  uint64_t p2 = static_cast<uint64_t>(high) ^ static_cast<uint64_t>(middle >> 64);
  uint64_t p3 = static_cast<uint64_t>(high >> 64);
  // Two folds by 64 bits each: the low word times x^63 + x^62 + x^57, and itself 64 bits higher.
  p1 ^= (p0 << 63) ^ (p0 << 62) ^ (p0 << 57);
  p2 ^= p0 ^ (p0 >> 1) ^ (p0 >> 2) ^ (p0 >> 7);
  p2 ^= (p1 << 63) ^ (p1 << 62) ^ (p1 << 57);
  p3 ^= p1 ^ (p1 >> 1) ^ (p1 >> 2) ^ (p1 >> 7);
  return {p2, p3};
}

// Hash: GHASH, which turns the bytes of a block round, or POLYVAL, which takes them as they stand.
template <bool kReverse>
struct Hash {
  const HashKey& h;
  Element y{0, 0};

  void block(uint64_t low, uint64_t high) { y = multiply(h, {y.low ^ low, y.high ^ high}); }
  void block(const uint8_t* p) {
    if constexpr (kReverse)
      block(load_be64(p + 8), load_be64(p));
    else
      block(load_le64(p), load_le64(p + 8));
  }

  // update: hashes size bytes, the last block padded with zeros.
  void update(const uint8_t* p, size_t size) {
    for (; size >= 16; size -= 16, p += 16) block(p);
    if (size == 0) return;
    SecretArray<16> last;
    std::memcpy(last.expose(), p, size);
    block(last.expose());
  }
  void lengths(size_t aad_size, size_t text_size) { block(uint64_t{text_size} * 8, uint64_t{aad_size} * 8); }
};

using Ghash = Hash<true>;
using Polyval = Hash<false>;

void set_hash_key(GcmKey& key, uint64_t low, uint64_t high) {
  HashKey split_key{split(low), split(high), split(low ^ high)};
  std::memcpy(key.h_powers, &split_key, sizeof split_key);
  zeroise(&split_key, sizeof split_key);
}

const HashKey& hash_key(const GcmKey& key) { return *reinterpret_cast<const HashKey*>(key.h_powers); }

void start_counter(uint8_t* j0, const GcmInput& in) {
  std::memcpy(j0, in.iv, in.iv_size);
  if (in.iv_size == 12) store_be32(j0 + 12, 1);
}

// apply_ctr: GCTR (SP 800-38D 6.5) from inc32(J0) on, four blocks at a time.
void apply_ctr(const GcmKey& key, const uint8_t* j0, uint8_t* out, const uint8_t* in, size_t size) {
  constexpr size_t kLot = 4 * kAesBlock;
  SecretArray<kLot> stream;
  uint32_t counter = load_be32(j0 + 12);
  while (size != 0) {
    uint8_t* const s = stream.expose();
    const size_t now = size < kLot ? size : kLot;
    for (size_t b = 0; b < kLot; b += kAesBlock) {
      std::memcpy(s + b, j0, 12);
      store_be32(s + b + 12, ++counter);
    }
    aes_encrypt_blocks_portable(key.aes, s, s, 4);
    for (size_t i = 0; i < now; ++i) out[i] = in[i] ^ s[i];
    out += now;
    in += now;
    size -= now;
  }
}

// finish: T = E(J0) ^ GHASH.
void finish(const GcmKey& key, uint8_t* tag, const uint8_t* j0, Element y) {
  SecretArray<kAesBlock> pad;
  aes_encrypt_blocks_portable(key.aes, pad.expose(), j0, 1);
  store_be64(tag, y.high ^ load_be64(pad.expose()));
  store_be64(tag + 8, y.low ^ load_be64(pad.expose() + 8));
}

}  // namespace

void gcm_hash_key_portable(GcmKey& key) {
  SecretArray<kAesBlock> h;
  aes_encrypt_blocks_portable(key.aes, h.expose(), h.expose(), 1);
  const uint64_t high = load_be64(h.expose()), low = load_be64(h.expose() + 8);
  // H*x: a shift by one; the bit that leaves comes back as x^127 + x^126 + x^121 + 1.
  const uint64_t out = 0 - (high >> 63);
  set_hash_key(key, (low << 1) ^ (out & 1), ((high << 1) | (low >> 63)) ^ (out & 0xc200000000000000u));
}

void gcm_hash_iv_portable(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  Ghash ghash{hash_key(key)};
  ghash.update(iv, iv_size);
  ghash.lengths(0, iv_size);
  store_be64(j0, ghash.y.high);
  store_be64(j0 + 8, ghash.y.low);
}

void gcm_polyval_portable(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in) {
  set_hash_key(key, load_le64(h), load_le64(h + 8));
  Polyval polyval{hash_key(key)};
  polyval.update(in.aad, in.aad_size);
  polyval.update(in.text, in.text_size);
  polyval.block(uint64_t{in.aad_size} * 8, uint64_t{in.text_size} * 8);
  store_le64(s, polyval.y.low);
  store_le64(s + 8, polyval.y.high);
}

void gcm_seal_portable(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  SecretArray<kAesBlock> j0;
  start_counter(j0.expose(), in);
  Ghash ghash{hash_key(key)};
  ghash.update(in.aad, in.aad_size);
  apply_ctr(key, j0.expose(), out, in.text, in.text_size);
  ghash.update(out, in.text_size);
  ghash.lengths(in.aad_size, in.text_size);
  finish(key, tag, j0.expose(), ghash.y);
}

void gcm_decrypt_portable(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  SecretArray<kAesBlock> j0;
  start_counter(j0.expose(), in);
  Ghash ghash{hash_key(key)};
  ghash.update(in.aad, in.aad_size);
  ghash.update(in.text, in.text_size);
  ghash.lengths(in.aad_size, in.text_size);
  apply_ctr(key, j0.expose(), out, in.text, in.text_size);
  finish(key, tag, j0.expose(), ghash.y);
}

}  // namespace cm
