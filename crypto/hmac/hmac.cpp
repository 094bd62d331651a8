// SPDX-License-Identifier: Apache-2.0
// hmac.cpp: HMAC (FIPS 198-1 section 4). The two key blocks are compressed once, when the key is set up. It must not
// keep the raw key: after hmac_key_init only the midstates exist.
#include "crypto/hmac/hmac.h"

#include "crypto/base/secret.h"
#include "crypto/sha2/sha256.h"

namespace cm {
namespace {

// Sixteen bytes at once: kernels load them so, and could not be served from two pieces that are still on their way.
using Piece = uint64_t __attribute__((vector_size(16)));
constexpr Piece kInnerPad = {0x3636363636363636, 0x3636363636363636};
constexpr Piece kOuterPad = {0x5c5c5c5c5c5c5c5c, 0x5c5c5c5c5c5c5c5c};

static_assert(kHashMaxBlock % sizeof(Piece) == 0);

// PaddedKeys: the key block xor ipad and xor opad.
struct PaddedKeys {
  SecretArray<kHashMaxBlock> inner, outer;
};

// pad_key: the last piece may be half used: block sizes are multiples of 8, and the room is one of 16.
void pad_key(PaddedKeys& padded, const uint8_t* block, size_t block_size) {
  for (size_t i = 0; i < block_size; i += sizeof(Piece)) {
    Piece piece;
    std::memcpy(&piece, block + i, sizeof piece);
    const Piece inner = piece ^ kInnerPad, outer = piece ^ kOuterPad;
    std::memcpy(padded.inner.expose() + i, &inner, sizeof inner);
    std::memcpy(padded.outer.expose() + i, &outer, sizeof outer);
  }
}

// finish_outer: outer ends with the MAC.
void finish_outer(HashId id, Lane lane, HashState& outer, const HashState& inner) {
  const HashRow& row = hash_row(id);
  uint8_t digest[kHashMaxSize];
  hash_write(id, digest, inner);
  hash_finish(id, lane, outer, uint64_t{row.block_size} + row.digest_size, digest, row.digest_size);
  zeroise(digest, row.digest_size);
}

// finish: the inner hash over what is left, and the outer one over its digest. Both states are used up.
void finish(HashId id, Lane lane, HashState& inner, HashState& outer, uint64_t inner_size, const uint8_t* in,
            size_t in_size, uint8_t* mac) {
  hash_finish(id, lane, inner, inner_size, in, in_size);
  finish_outer(id, lane, outer, inner);
  hash_write(id, mac, outer);
  hash_wipe(id, inner);
  hash_wipe(id, outer);
}

}  // namespace

void hmac_key_init(HmacKey& key, HashId id, Lane lane, const uint8_t* raw, size_t raw_size) {
  SecretArray<kHashMaxBlock> block;
  if (raw_size > hash_row(id).block_size)
    hash_digest(id, lane, block.expose(), raw, raw_size);
  else if (raw_size != 0)
    std::memcpy(block.expose(), raw, raw_size);
  PaddedKeys padded;
  pad_key(padded, block.expose(), hash_row(id).block_size);
  hash_start(id, key.inner);
  hash_start(id, key.outer);
  if (hash_row(id).core == HashCore::kSha256) {  // the one that has a kernel for two messages
    sha256_blocks_two(lane, key.inner.w32, key.outer.w32, padded.inner.expose(), padded.outer.expose(), 1);
  } else {
    hash_blocks(id, lane, key.inner, padded.inner.expose(), 1);
    hash_blocks(id, lane, key.outer, padded.outer.expose(), 1);
  }
  key.id = id;
  key.lane = lane;
}

void hmac_init(Hmac& ctx, const HmacKey& key) {
  hash_copy(key.id, ctx.inner.state, key.inner);
  hash_copy(key.id, ctx.outer, key.outer);
  ctx.inner.size = hash_row(key.id).block_size;
  ctx.inner.id = key.id;
  ctx.inner.lane = key.lane;
}

void hmac_update(Hmac& ctx, const uint8_t* in, size_t in_size) { hash_update(ctx.inner, in, in_size); }

void hmac_final(Hmac& ctx, uint8_t* mac) {
  Hash& inner = ctx.inner;
  const size_t rest = inner.size % hash_row(inner.id).block_size;
  if (inner.id == HashId::kSha256)
    sha256_hmac(inner.lane, mac, inner.state.w32, ctx.outer.w32, inner.size, inner.buffer, rest);
  else
    finish(inner.id, inner.lane, inner.state, ctx.outer, inner.size, inner.buffer, rest, mac);
  zeroise(&ctx, sizeof ctx);
}

void hmac(const HmacKey& key, uint8_t* mac, const uint8_t* in, size_t in_size) {
  const uint64_t inner_size = hash_row(key.id).block_size + uint64_t{in_size};
  if (key.id == HashId::kSha256)
    return sha256_hmac(key.lane, mac, key.inner.w32, key.outer.w32, inner_size, in, in_size);
  HashState inner;
  HashState outer;
  hash_copy(key.id, inner, key.inner);
  hash_copy(key.id, outer, key.outer);
  finish(key.id, key.lane, inner, outer, inner_size, in, in_size, mac);
}

}  // namespace cm
