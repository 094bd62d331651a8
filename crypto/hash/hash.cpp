// SPDX-License-Identifier: Apache-2.0
// hash.cpp: see hash.h. One switch for each thing that the cores do differently; buffering is the same for all. It must
// not choose a lane.
#include "crypto/hash/hash.h"

#include "crypto/base/secret.h"
#include "crypto/sha1/sha1.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha512.h"
#include "crypto/sha3/keccak.h"

namespace cm {
namespace {

constexpr uint8_t kSha3Suffix = 0x06;  // FIPS 202 6.1 and B.2: the two bits 01, then the padding's first bit

void finish_keccak(const HashRow& row, Lane lane, HashState& state, const uint8_t* in, size_t in_size) {
  const size_t rate = row.block_size;
  const size_t whole = in_size / rate, rest = in_size % rate;
  if (whole != 0) keccak_absorb(lane, state.w64, rate, in, whole);
  uint8_t last[kHashMaxBlock] = {};
  if (rest != 0) std::memcpy(last, in + whole * rate, rest);
  last[rest] = kSha3Suffix;
  last[rate - 1] |= 0x80;
  keccak_absorb(lane, state.w64, rate, last, 1);
  zeroise(last, sizeof last);
}

void write_words(uint8_t* digest, size_t digest_size, const uint64_t* words) {
  std::memcpy(digest, words, digest_size);  // little endian, as this machine is
}

}  // namespace

void hash_start(HashId id, HashState& state) {
  switch (id) {
    case HashId::kSha1:
      return sha1_initial_state(state.w32);
    case HashId::kSha224:
      return sha224_initial_state(state.w32);
    case HashId::kSha256:
      return sha256_initial_state(state.w32);
    case HashId::kSha384:
      return sha384_initial_state(state.w64);
    case HashId::kSha512:
      return sha512_initial_state(state.w64);
    case HashId::kSha512_224:
      return sha512_224_initial_state(state.w64);
    case HashId::kSha512_256:
      return sha512_256_initial_state(state.w64);
    case HashId::kSha3_224:
    case HashId::kSha3_256:
    case HashId::kSha3_384:
    case HashId::kSha3_512:
      std::memset(state.w64, 0, sizeof state.w64);
      return;
  }
}

void hash_blocks(HashId id, Lane lane, HashState& state, const uint8_t* blocks, size_t count) {
  switch (hash_row(id).core) {
    case HashCore::kSha1:
      return sha1_blocks(lane, state.w32, blocks, count);
    case HashCore::kSha256:
      return sha256_blocks(lane, state.w32, blocks, count);
    case HashCore::kSha512:
      return sha512_blocks(lane, state.w64, blocks, count);
    case HashCore::kKeccak:
      return keccak_absorb(lane, state.w64, hash_row(id).block_size, blocks, count);
  }
}

void hash_finish(HashId id, Lane lane, HashState& state, uint64_t total_size, const uint8_t* in, size_t in_size) {
  switch (hash_row(id).core) {
    case HashCore::kSha1:
      return sha1_finish(lane, state.w32, total_size, in, in_size);
    case HashCore::kSha256:
      return sha256_finish(lane, state.w32, total_size, in, in_size);
    case HashCore::kSha512:
      return sha512_finish(lane, state.w64, total_size, in, in_size);
    case HashCore::kKeccak:
      return finish_keccak(hash_row(id), lane, state, in, in_size);
  }
}

void hash_write_words(HashId id, uint8_t* digest, const uint32_t* words) {
  const size_t size = hash_row(id).digest_size;
  if (size == kSha256Size) return sha256_write_digest(digest, words);
  for (size_t i = 0; i < size; i += 4) store_be32(digest + i, words[i / 4]);
}

void hash_write_words(HashId id, uint8_t* digest, const uint64_t* words) {
  const size_t size = hash_row(id).digest_size;
  for (size_t i = 0; i + 8 <= size; i += 8) store_be64(digest + i, words[i / 8]);
  if (size % 8 != 0)  // SHA-512/224 ends in the middle of a word
    store_be32(digest + size - 4, static_cast<uint32_t>(words[size / 8] >> 32));
}

void hash_write(HashId id, uint8_t* digest, const HashState& state) {
  const HashRow& row = hash_row(id);
  switch (row.core) {
    case HashCore::kSha1:
    case HashCore::kSha256:
      return hash_write_words(id, digest, state.w32);
    case HashCore::kSha512:
      return hash_write_words(id, digest, state.w64);
    case HashCore::kKeccak:
      return write_words(digest, row.digest_size, state.w64);
  }
}

void hash_init(Hash& ctx, HashId id, Lane lane) {
  hash_start(id, ctx.state);
  ctx.size = 0;
  ctx.id = id;
  ctx.lane = lane;
}

void hash_update(Hash& ctx, const uint8_t* in, size_t in_size) {
  if (in_size == 0) return;
  const size_t block = hash_row(ctx.id).block_size;
  const size_t used = ctx.size % block;
  ctx.size += in_size;
  if (used != 0) {
    const size_t room = block - used;
    const size_t take = in_size < room ? in_size : room;
    std::memcpy(ctx.buffer + used, in, take);
    if (take < room) return;
    hash_blocks(ctx.id, ctx.lane, ctx.state, ctx.buffer, 1);
    in += take;
    in_size -= take;
  }
  const size_t whole = in_size / block, rest = in_size % block;
  if (whole != 0) hash_blocks(ctx.id, ctx.lane, ctx.state, in, whole);
  if (rest != 0) std::memcpy(ctx.buffer, in + whole * block, rest);
}

void hash_final(Hash& ctx, uint8_t* digest) {
  hash_finish(ctx.id, ctx.lane, ctx.state, ctx.size, ctx.buffer, ctx.size % hash_row(ctx.id).block_size);
  hash_write(ctx.id, digest, ctx.state);
  zeroise(&ctx, sizeof ctx);
}

void hash_digest(HashId id, Lane lane, uint8_t* digest, const uint8_t* in, size_t in_size) {
  HashState state;
  hash_start(id, state);
  hash_finish(id, lane, state, in_size, in, in_size);
  hash_write(id, digest, state);
  hash_wipe(id, state);
}

}  // namespace cm
