// SPDX-License-Identifier: Apache-2.0
// aes_modes_portable.cpp: the modes of operation for any CPU, over the bitsliced cipher. What the cipher can do for
// many blocks at once is given to it in lots; keystream and masked text pass through one buffer that is zeroised.
#include "crypto/aes/aes_modes.h"
#include "crypto/aes/aes_modes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr size_t kLot = 16;  // blocks: four states of the cipher
using LotBuffer = SecretArray<kLot * kAesBlock>;

size_t lot_of(size_t count) { return count < kLot ? count : kLot; }

// exclusive_or: out = a ^ b over whole blocks; out may be a or b.
void exclusive_or(uint8_t* out, const uint8_t* a, const uint8_t* b, size_t blocks) {
  for (size_t i = 0; i < 2 * blocks; ++i) store_le64(out + 8 * i, load_le64(a + 8 * i) ^ load_le64(b + 8 * i));
}

void encrypt_one(const AesKey& key, uint8_t* block) { aes_encrypt_blocks_portable(key, block, block, 1); }

// times_x: the next tweak (IEEE 1619 5.2); the bit that leaves comes back by a mask.
void times_x(uint8_t* tweak) {
  const uint64_t low = load_le64(tweak), high = load_le64(tweak + 8);
  store_le64(tweak, (low << 1) ^ ((0 - (high >> 63)) & 0x87));
  store_le64(tweak + 8, (high << 1) | (low >> 63));
}

using BlockCipher = void (*)(const AesKey&, uint8_t*, const uint8_t*, size_t);

template <BlockCipher Cipher>
void xts(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  LotBuffer tweaks, text;
  while (count != 0) {
    const size_t now = lot_of(count);
    for (size_t i = 0; i < now; ++i) {
      std::memcpy(tweaks.expose() + i * kAesBlock, tweak, kAesBlock);
      times_x(tweak);
    }
    exclusive_or(text.expose(), in, tweaks.expose(), now);
    Cipher(key, text.expose(), text.expose(), now);
    exclusive_or(out, text.expose(), tweaks.expose(), now);
    in += now * kAesBlock;
    out += now * kAesBlock;
    count -= now;
  }
}

}  // namespace

void aes_encrypt_block_portable(const AesKey& key, uint8_t* out, const uint8_t* in) {
  aes_encrypt_blocks_portable(key, out, in, 1);
}

void aes_ctr_portable(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  LotBuffer stream;
  while (count != 0) {
    const size_t now = lot_of(count);
    aes_ctr_keystream_portable(key, counter, stream.expose(), now);
    exclusive_or(out, in, stream.expose(), now);
    in += now * kAesBlock;
    out += now * kAesBlock;
    count -= now;
  }
}

void aes_ctr_le32_portable(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  LotBuffer stream;
  while (count != 0) {
    const size_t now = lot_of(count);
    for (size_t i = 0; i < now; ++i) {
      std::memcpy(stream.expose() + i * kAesBlock, counter, kAesBlock);
      store_le32(counter, load_le32(counter) + 1);
    }
    aes_encrypt_blocks_portable(key, stream.expose(), stream.expose(), now);
    exclusive_or(out, in, stream.expose(), now);
    in += now * kAesBlock;
    out += now * kAesBlock;
    count -= now;
  }
}

void aes_cbc_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count != 0; --count, in += kAesBlock, out += kAesBlock) {
    exclusive_or(iv, iv, in, 1);
    encrypt_one(key, iv);
    std::memcpy(out, iv, kAesBlock);
  }
}

void aes_cbc_decrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  LotBuffer text;
  uint8_t next[kAesBlock];
  while (count != 0) {
    const size_t now = lot_of(count);
    aes_decrypt_blocks_portable(key, text.expose(), in, now);
    exclusive_or(text.expose(), text.expose(), iv, 1);
    exclusive_or(text.expose() + kAesBlock, text.expose() + kAesBlock, in, now - 1);
    std::memcpy(next, in + (now - 1) * kAesBlock, kAesBlock);  // before out, which may be in
    std::memcpy(iv, next, kAesBlock);
    std::memcpy(out, text.expose(), now * kAesBlock);
    in += now * kAesBlock;
    out += now * kAesBlock;
    count -= now;
  }
}

void aes_cfb128_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count != 0; --count, in += kAesBlock, out += kAesBlock) {
    encrypt_one(key, iv);
    exclusive_or(iv, iv, in, 1);
    std::memcpy(out, iv, kAesBlock);
  }
}

void aes_cfb128_decrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  LotBuffer stream;
  while (count != 0) {
    const size_t now = lot_of(count);
    std::memcpy(stream.expose(), iv, kAesBlock);
    std::memcpy(stream.expose() + kAesBlock, in, (now - 1) * kAesBlock);
    std::memcpy(iv, in + (now - 1) * kAesBlock, kAesBlock);
    aes_encrypt_blocks_portable(key, stream.expose(), stream.expose(), now);
    exclusive_or(out, in, stream.expose(), now);
    in += now * kAesBlock;
    out += now * kAesBlock;
    count -= now;
  }
}

void aes_ofb_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  for (; count != 0; --count, in += kAesBlock, out += kAesBlock) {
    encrypt_one(key, iv);
    exclusive_or(out, iv, in, 1);
  }
}

void aes_cfb8_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  SecretArray<kAesBlock> stream;
  for (; count != 0; --count, ++in, ++out) {
    aes_encrypt_blocks_portable(key, stream.expose(), iv, 1);
    *out = *in ^ stream.expose()[0];
    std::memmove(iv, iv + 1, kAesBlock - 1);
    iv[kAesBlock - 1] = *out;
  }
}

void aes_xts_encrypt_portable(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  xts<aes_encrypt_blocks_portable>(key, tweak, out, in, count);
}

void aes_xts_decrypt_portable(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  xts<aes_decrypt_blocks_portable>(key, tweak, out, in, count);
}

void aes_cbc_mac_portable(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count) {
  for (; count != 0; --count, in += kAesBlock) {
    exclusive_or(mac, mac, in, 1);
    encrypt_one(key, mac);
  }
}

// CCM in two passes: the MAC needs one state of the cipher a block, beside which the keystream is cheap.
void aes_ccm_encrypt_portable(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                              size_t count) {
  aes_cbc_mac_portable(key, mac, in, count);
  aes_ctr_portable(key, counter, out, in, count);
}

void aes_ccm_decrypt_portable(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                              size_t count) {
  aes_ctr_portable(key, counter, out, in, count);
  aes_cbc_mac_portable(key, mac, out, count);
}

}  // namespace cm
