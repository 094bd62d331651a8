// SPDX-License-Identifier: Apache-2.0
// hmac_sha256.cpp: HMAC-SHA-256 (FIPS 198-1 section 4). The two key blocks are compressed once, when the key is set up.
// It must not keep the raw key: after hmac_sha256_key_init only the midstates exist.
#include "crypto/hmac/hmac_sha256.h"

#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr uint8_t kInnerPad = 0x36;
constexpr uint8_t kOuterPad = 0x5c;

// key_midstate: the state after the block key xor pad.
void key_midstate(Lane lane, uint32_t* state, const SecretArray<kSha256Block>& key_block, uint8_t pad) {
  SecretArray<kSha256Block> padded;
  for (size_t i = 0; i < kSha256Block; ++i) padded.expose()[i] = static_cast<uint8_t>(key_block.expose()[i] ^ pad);
  sha256_initial_state(state);
  sha256_blocks(lane, state, padded.expose(), 1);
}

// finish_outer: the outer hash over the inner digest, one block with its padding. inner holds the digest as words;
// both states are used up.
void finish_outer(Lane lane, uint32_t* outer, uint32_t* inner, uint8_t* mac) {
  constexpr uint32_t kBits = 8 * (kSha256Block + kSha256Size);
  uint32_t words[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0x80000000, 0, 0, 0, 0, 0, 0, kBits};
  std::memcpy(words, inner, kSha256Size);
  sha256_words(lane, outer, words);
  sha256_write_digest(mac, outer);
  zeroise(words, sizeof words);
  zeroise(inner, kSha256Size);
  zeroise(outer, kSha256Size);
}

}  // namespace

void hmac_sha256_key_init(HmacSha256Key& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  SecretArray<kSha256Block> block;
  if (raw_size > kSha256Block)
    sha256(lane, block.expose(), raw, raw_size);
  else if (raw_size != 0)
    std::memcpy(block.expose(), raw, raw_size);
  key_midstate(lane, key.inner, block, kInnerPad);
  key_midstate(lane, key.outer, block, kOuterPad);
  key.lane = lane;
}

void hmac_sha256_init(HmacSha256& ctx, const HmacSha256Key& key) {
  std::memcpy(ctx.inner.state, key.inner, sizeof ctx.inner.state);
  std::memcpy(ctx.outer, key.outer, sizeof ctx.outer);
  ctx.inner.size = kSha256Block;
  ctx.inner.lane = key.lane;
}

void hmac_sha256_update(HmacSha256& ctx, const uint8_t* in, size_t in_size) { sha256_update(ctx.inner, in, in_size); }

void hmac_sha256_final(HmacSha256& ctx, uint8_t* mac) {
  Sha256& inner = ctx.inner;
  sha256_finish(inner.lane, inner.state, inner.size, inner.buffer, inner.size % kSha256Block);
  finish_outer(inner.lane, ctx.outer, inner.state, mac);
  zeroise(&ctx, sizeof ctx);
}

void hmac_sha256(const HmacSha256Key& key, uint8_t* mac, const uint8_t* in, size_t in_size) {
  uint32_t inner[8];
  uint32_t outer[8];
  std::memcpy(inner, key.inner, sizeof inner);
  std::memcpy(outer, key.outer, sizeof outer);
  sha256_finish(key.lane, inner, kSha256Block + uint64_t{in_size}, in, in_size);
  finish_outer(key.lane, outer, inner, mac);
}

}  // namespace cm
