// SPDX-License-Identifier: Apache-2.0
// chacha_portable.cpp: ChaCha20-Poly1305 (RFC 8439) for any CPU. Constant time by construction: additions, exclusive
// ors, rotations by constants, and 64-bit multiplications, which take the same time for all operands on every x86-64.
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/chacha/poly1305_limbs.h"

namespace cm {
namespace {

constexpr size_t kBlock = 64;
constexpr size_t kWords = 16;
constexpr uint32_t kSigma[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};  // RFC 8439 2.3

inline uint32_t rotl(uint32_t v, int n) { return (v << n) | (v >> (32 - n)); }

inline void quarter(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b;
  d = rotl(d ^ a, 16);
  c += d;
  b = rotl(b ^ c, 12);
  a += b;
  d = rotl(d ^ a, 8);
  c += d;
  b = rotl(b ^ c, 7);
}

// Cipher: the state of RFC 8439 2.3 and the block it stands for, both zeroised when they go.
struct Cipher {
  uint32_t state[kWords];
  uint8_t stream[kBlock];

  Cipher(const uint8_t* key, const uint8_t* iv) {
    for (size_t i = 0; i < 4; ++i) state[i] = kSigma[i];
    for (size_t i = 0; i < 8; ++i) state[4 + i] = load_le32(key + 4 * i);
    state[12] = 0;
    for (size_t i = 0; i < 3; ++i) state[13 + i] = load_le32(iv + 4 * i);
  }
  ~Cipher() { zeroise(this, sizeof *this); }
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  // next: the block of the counter into stream, and the counter goes on.
  [[gnu::noinline]] void next() {
    uint32_t x[kWords];
    std::memcpy(x, state, sizeof x);
    for (int round = 0; round < 20; round += 2) {
      quarter(x[0], x[4], x[8], x[12]);
      quarter(x[1], x[5], x[9], x[13]);
      quarter(x[2], x[6], x[10], x[14]);
      quarter(x[3], x[7], x[11], x[15]);
      quarter(x[0], x[5], x[10], x[15]);
      quarter(x[1], x[6], x[11], x[12]);
      quarter(x[2], x[7], x[8], x[13]);
      quarter(x[3], x[4], x[9], x[14]);
    }
    for (size_t i = 0; i < kWords; ++i) store_le32(stream + 4 * i, x[i] + state[i]);
    zeroise(x, sizeof x);
    ++state[12];
  }

  void apply(uint8_t* out, const uint8_t* in, size_t size) {
    while (size != 0) {
      const size_t now = size < kBlock ? size : kBlock;
      next();
      for (size_t i = 0; i < now; ++i) out[i] = in[i] ^ stream[i];
      out += now;
      in += now;
      size -= now;
    }
  }
};

// Hash: Poly1305 under the first half of a keystream block or under a key given, zeroised when it goes. The functions
// that compute are not inlined, so that what they put on the stack lies where wipe_below finds it.
struct Hash {
  PolyKey key;
  PolySum sum{0, 0, 0};

  explicit Hash(const uint8_t* raw) { poly_key(key, raw); }
  ~Hash() { zeroise(this, sizeof *this); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  // update: size bytes, the last block padded with zeros (RFC 8439 2.8).
  [[gnu::noinline]] void update(const uint8_t* p, size_t size) { poly_absorb(sum, key, p, size); }
  // end: the lengths (2.8), or what is left of a message that is hashed as it is.
  [[gnu::noinline]] void lengths(const ChaChaInput& in) { poly_block(sum, key, in.aad_size, in.text_size, 1); }
  [[gnu::noinline]] void end(const uint8_t* p, size_t size) { poly_end(sum, key, p, size); }
  [[gnu::noinline]] void finish(uint8_t* tag) { poly_tag(tag, sum, key); }
};

// wipe_below: the stack that the functions of Hash had: compilers keep copies of r there.
[[gnu::noinline]] void wipe_below() {
  uint8_t below[512];
  zeroise(below, sizeof below);
}

}  // namespace

void chacha_seal_portable(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Cipher cipher(key.key, in.iv);
  cipher.next();
  Hash hash(cipher.stream);
  hash.update(in.aad, in.aad_size);
  cipher.apply(out, in.text, in.text_size);
  hash.update(out, in.text_size);
  hash.lengths(in);
  hash.finish(tag);
  wipe_below();
}

void chacha_decrypt_portable(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  Cipher cipher(key.key, in.iv);
  cipher.next();
  Hash hash(cipher.stream);
  hash.update(in.aad, in.aad_size);
  hash.update(in.text, in.text_size);
  hash.lengths(in);
  hash.finish(tag);
  cipher.apply(out, in.text, in.text_size);
  wipe_below();
}

void poly1305_portable(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size) {
  Hash hash(key);
  const size_t whole = size & ~size_t{15};
  hash.update(text, whole);
  hash.end(text + whole, size - whole);
  hash.finish(tag);
  wipe_below();
}

}  // namespace cm
