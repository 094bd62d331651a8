// SPDX-License-Identifier: Apache-2.0
// cmac.cpp: AES-CMAC (SP 800-38B section 6): subkeys, the last block, and comparison. The chain itself is aes_cbc_mac.
#include "crypto/cmac/cmac.h"

#include "crypto/aes/aes_modes.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

// twice: a subkey from the one before (6.1 steps 2 and 3): a shift; the bit that leaves comes back by a mask.
void twice(uint8_t* out, const uint8_t* in) {
  const uint64_t high = load_be64(in), low = load_be64(in + 8);
  store_be64(out, (high << 1) | (low >> 63));
  store_be64(out + 8, (low << 1) ^ ((0 - (high >> 63)) & 0x87));
}

// end: the last block of a message into the MAC.
void end(const CmacKey& key, uint8_t* mac, const uint8_t* last, size_t size) {
  SecretArray<kAesBlock> block;
  cmac_last_block(key, block.expose(), last, size);
  aes_cbc_mac(key.aes, mac, block.expose(), 1);
}

}  // namespace

Status cmac_key_init(CmacKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (const Status s = aes_key_init(key.aes, lane, raw, raw_size); !succeeded(s)) return s;
  SecretArray<kAesBlock> l;
  aes_encrypt_block(key.aes, l.expose(), l.expose());
  twice(key.k1, l.expose());
  twice(key.k2, key.k1);
  return Status::kOk;
}

void cmac_last_block(const CmacKey& key, uint8_t* block, const uint8_t* last, size_t size) {
  const uint8_t* subkey = key.k1;
  if (size != kAesBlock) {
    subkey = key.k2;
    std::memset(block, 0, kAesBlock);
    if (size != 0) std::memcpy(block, last, size);
    block[size] = 0x80;
    last = block;
  }
  for (size_t i = 0; i < kAesBlock; i += 8) store_le64(block + i, load_le64(last + i) ^ load_le64(subkey + i));
}

void cmac(const CmacKey& key, uint8_t* tag, const uint8_t* in, size_t in_size) {
  const size_t blocks = cmac_blocks_before_last(in_size), straight = blocks * kAesBlock;
  SecretArray<kAesBlock> mac;
  if (blocks != 0) aes_cbc_mac(key.aes, mac.expose(), in, blocks);
  end(key, mac.expose(), in + straight, in_size - straight);
  std::memcpy(tag, mac.expose(), kCmacTag);
}

Status cmac_verify(const CmacKey& key, const uint8_t* tag, size_t tag_size, const uint8_t* in, size_t in_size) {
  if (tag_size < kCmacMinTag || tag_size > kCmacTag) return Status::kLength;
  SecretArray<kCmacTag> computed;  // of a forgery, this is the tag the forger wants
  cmac(key, computed.expose(), in, in_size);
  return ct::declassify(ct::equal_bytes(computed.expose(), tag, tag_size)) ? Status::kOk : Status::kAuth;
}

void cmac_init(CmacState& state, const CmacKey& key) {
  std::memset(&state, 0, sizeof state);
  state.key = &key;
}

void cmac_update(CmacState& state, const uint8_t* in, size_t in_size) {
  if (in_size == 0) return;
  const size_t room = kAesBlock - state.held_size, now = in_size < room ? in_size : room;
  if (state.held_size != 0) {
    std::memcpy(state.held + state.held_size, in, now);
    state.held_size += now;
    in += now;
    in_size -= now;
    if (in_size == 0) return;
    aes_cbc_mac(state.key->aes, state.mac, state.held, 1);
  }
  const size_t blocks = cmac_blocks_before_last(in_size), straight = blocks * kAesBlock;
  aes_cbc_mac(state.key->aes, state.mac, in, blocks);
  state.held_size = in_size - straight;
  std::memcpy(state.held, in + straight, state.held_size);
}

void cmac_final(CmacState& state, uint8_t* tag) {
  end(*state.key, state.mac, state.held, state.held_size);
  std::memcpy(tag, state.mac, kCmacTag);
  zeroise(&state, sizeof state);
}

}  // namespace cm
