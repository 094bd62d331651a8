// SPDX-License-Identifier: Apache-2.0
// xts.cpp: data units of XTS-AES (IEEE 1619 section 5): the tweak, ciphertext stealing at the end, and many units in a
// row, whose tweaks are enciphered together. It must not know lanes.
#include "crypto/xts/xts.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/ct.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

bool is_unit(size_t size) { return size >= kAesBlock && size <= kXtsMaxUnit; }

// times_x: the tweak of the next block (IEEE 1619 5.2).
void times_x(uint8_t* out, const uint8_t* tweak) {
  const uint64_t low = load_le64(tweak), high = load_le64(tweak + 8);
  store_le64(out, (low << 1) ^ ((0 - (high >> 63)) & 0x87));
  store_le64(out + 8, (high << 1) | (low >> 63));
}

// Unit: tweak is T of the first block and is used up.
using Unit = void (*)(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t size);

// encrypt_unit (5.3.2): the block before a short one gives its end away to fill it, and takes its place.
void encrypt_unit(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t size) {
  const size_t blocks = size / kAesBlock, rest = size % kAesBlock, whole = blocks * kAesBlock;
  aes_xts_encrypt(key, tweak, out, in, blocks);
  if (rest == 0) return;
  uint8_t* const before = out + whole - kAesBlock;
  SecretArray<kAesBlock> last;
  std::memcpy(last.expose(), in + whole, rest);
  std::memcpy(last.expose() + rest, before + rest, kAesBlock - rest);
  std::memcpy(out + whole, before, rest);
  aes_xts_encrypt(key, tweak, before, last.expose(), 1);
}

// decrypt_unit (5.4.2): the block before a short one was enciphered last, with the last tweak.
void decrypt_unit(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t size) {
  const size_t blocks = size / kAesBlock, rest = size % kAesBlock;
  if (rest == 0) return aes_xts_decrypt(key, tweak, out, in, blocks);
  const size_t straight = (blocks - 1) * kAesBlock;
  aes_xts_decrypt(key, tweak, out, in, blocks - 1);
  in += straight;
  out += straight;
  SecretArray<kAesBlock> last_tweak, last;
  times_x(last_tweak.expose(), tweak);
  uint8_t stolen[kAesBlock];
  std::memcpy(stolen, in + kAesBlock, rest);  // before out, which may be in
  aes_xts_decrypt(key, last_tweak.expose(), last.expose(), in, 1);
  std::memcpy(out + kAesBlock, last.expose(), rest);
  std::memcpy(last.expose(), stolen, rest);
  aes_xts_decrypt(key, tweak, out, last.expose(), 1);
}

template <Unit Crypt>
Status one_unit(const XtsKey& key, const uint8_t* i, uint8_t* out, const uint8_t* in, size_t size) {
  if (!is_unit(size)) return Status::kLength;
  SecretArray<kAesBlock> tweak;
  aes_encrypt_block(key.tweak, tweak.expose(), i);
  Crypt(key.data, tweak.expose(), out, in, size);
  return Status::kOk;
}

template <Unit Crypt>
Status sectors(const XtsKey& key, uint64_t first, uint8_t* out, const uint8_t* in, size_t unit_size, size_t count) {
  constexpr size_t kLot = 32;  // tweaks at once: enough for every lane's widest loop
  if (!is_unit(unit_size)) return Status::kLength;
  if (count != 0 && count - 1 > UINT64_MAX - first) return Status::kArgument;
  SecretArray<kLot * kAesBlock> tweaks;
  while (count != 0) {
    const size_t now = count < kLot ? count : kLot;
    for (size_t n = 0; n < now; ++n) {
      store_le64(tweaks.expose() + n * kAesBlock, first++);
      store_le64(tweaks.expose() + n * kAesBlock + 8, 0);
    }
    aes_encrypt_blocks(key.tweak, tweaks.expose(), tweaks.expose(), now);
    for (size_t n = 0; n < now; ++n, in += unit_size, out += unit_size)
      Crypt(key.data, tweaks.expose() + n * kAesBlock, out, in, unit_size);
    count -= now;
  }
  return Status::kOk;
}

}  // namespace

Status xts_key_init(XtsKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (raw_size != 32 && raw_size != 64) return Status::kLength;
  const size_t half = raw_size / 2;
  if (ct::declassify(ct::equal_bytes(raw, raw + half, half))) return Status::kArgument;
  if (const Status s = aes_key_init(key.data, lane, raw, half); !succeeded(s)) return s;
  return aes_key_init(key.tweak, lane, raw + half, half);
}

Status xts_encrypt(const XtsKey& key, const uint8_t* i, uint8_t* out, const uint8_t* in, size_t size) {
  return one_unit<encrypt_unit>(key, i, out, in, size);
}

Status xts_decrypt(const XtsKey& key, const uint8_t* i, uint8_t* out, const uint8_t* in, size_t size) {
  return one_unit<decrypt_unit>(key, i, out, in, size);
}

Status xts_encrypt_sectors(const XtsKey& key, uint64_t first, uint8_t* out, const uint8_t* in, size_t unit_size,
                           size_t count) {
  return sectors<encrypt_unit>(key, first, out, in, unit_size, count);
}

Status xts_decrypt_sectors(const XtsKey& key, uint64_t first, uint8_t* out, const uint8_t* in, size_t unit_size,
                           size_t count) {
  return sectors<decrypt_unit>(key, first, out, in, unit_size, count);
}

}  // namespace cm
