// SPDX-License-Identifier: Apache-2.0
// hash.h: the hash functions with a digest of fixed size (FIPS 180-4, FIPS 202) behind one interface, for HMAC, key
// derivation and the hash services. Each works on a given lane of its core. Plain computation: no allocation, no locks;
// a context belongs to one thread at a time and may be copied as a value.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/bytes.h"
#include "crypto/base/lane.h"
#include "crypto/base/secret.h"

namespace cm {

// HashId: the numbers are those of CM_HASH_*.
enum class HashId : uint8_t {
  kSha256 = 1,
  kSha1 = 2,
  kSha224 = 3,
  kSha384 = 4,
  kSha512 = 5,
  kSha512_224 = 6,
  kSha512_256 = 7,
  kSha3_224 = 8,
  kSha3_256 = 9,
  kSha3_384 = 10,
  kSha3_512 = 11,
};

// HashCore: the compression function, which has the kernels and the lanes.
enum class HashCore : uint8_t { kSha1, kSha256, kSha512, kKeccak };

struct HashRow {
  HashId id;
  HashCore core;
  uint8_t digest_size;
  uint8_t block_size;  // of Keccak the rate
  uint8_t state_size;  // of HashState in use
  char name[16];
};

constexpr HashRow kHashes[] = {
    {HashId::kSha256, HashCore::kSha256, 32, 64, 32, "SHA-256"},
    {HashId::kSha1, HashCore::kSha1, 20, 64, 20, "SHA-1"},
    {HashId::kSha224, HashCore::kSha256, 28, 64, 32, "SHA-224"},
    {HashId::kSha384, HashCore::kSha512, 48, 128, 64, "SHA-384"},
    {HashId::kSha512, HashCore::kSha512, 64, 128, 64, "SHA-512"},
    {HashId::kSha512_224, HashCore::kSha512, 28, 128, 64, "SHA-512/224"},
    {HashId::kSha512_256, HashCore::kSha512, 32, 128, 64, "SHA-512/256"},
    {HashId::kSha3_224, HashCore::kKeccak, 28, 144, 200, "SHA3-224"},
    {HashId::kSha3_256, HashCore::kKeccak, 32, 136, 200, "SHA3-256"},
    {HashId::kSha3_384, HashCore::kKeccak, 48, 104, 200, "SHA3-384"},
    {HashId::kSha3_512, HashCore::kKeccak, 64, 72, 200, "SHA3-512"},
};
inline constexpr size_t kHashCount = sizeof kHashes / sizeof kHashes[0];
inline constexpr size_t kHashMaxSize = 64;
inline constexpr size_t kHashMaxBlock = 144;
inline constexpr uint64_t kHashMaxInput = (uint64_t{1} << 61) - 1;  // bytes: the least of the limits of FIPS 180-4

constexpr const HashRow& hash_row(HashId id) { return kHashes[static_cast<size_t>(id) - 1]; }

namespace detail {
constexpr bool hashes_count_from_one() {
  for (size_t i = 0; i < kHashCount; ++i)
    if (static_cast<size_t>(kHashes[i].id) != i + 1 || kHashes[i].digest_size > kHashMaxSize ||
        kHashes[i].block_size > kHashMaxBlock)
      return false;
  return true;
}
}  // namespace detail
static_assert(detail::hashes_count_from_one(), "hash_row finds a row by its place");

// hash_takes: whether a message of `before` bytes may go on for so many more.
constexpr bool hash_takes(uint64_t before, uint64_t more) {
  return before <= kHashMaxInput && more <= kHashMaxInput - before;
}

// HashLanes: the lane of each core.
struct HashLanes {
  Lane sha1;
  Lane sha256;
  Lane sha512;
  Lane keccak;
};
constexpr Lane hash_lane(HashId id, const HashLanes& lanes) {
  switch (hash_row(id).core) {
    case HashCore::kSha1:
      return lanes.sha1;
    case HashCore::kSha256:
      return lanes.sha256;
    case HashCore::kSha512:
      return lanes.sha512;
    case HashCore::kKeccak:
      return lanes.keccak;
  }
  return Lane::kNone;
}

// HashState: the words of a core in host order; its first state_size bytes are in use.
union alignas(64) HashState {
  uint32_t w32[8];
  uint64_t w64[25];
};

// hash_copy, hash_wipe: of what is in use. In line and with sizes that the compiler knows: a short HMAC has little else
// to do.
inline void hash_copy(HashId id, HashState& to, const HashState& from) {
  switch (hash_row(id).core) {
    case HashCore::kSha1:
    case HashCore::kSha256:
      std::memcpy(to.w32, from.w32, sizeof to.w32);
      return;
    case HashCore::kSha512:
      std::memcpy(to.w64, from.w64, 64);
      return;
    case HashCore::kKeccak:
      std::memcpy(to.w64, from.w64, sizeof to.w64);
      return;
  }
}
inline void hash_wipe(HashId id, HashState& state) {
  switch (hash_row(id).core) {
    case HashCore::kSha1:
    case HashCore::kSha256:
      return zeroise(state.w32, sizeof state.w32);
    case HashCore::kSha512:
      return zeroise(state.w64, 64);
    case HashCore::kKeccak:
      return zeroise(state.w64, sizeof state.w64);
  }
}

// ---- by blocks: what HMAC keeps are states in the middle of a message.

void hash_start(HashId id, HashState& state);
void hash_blocks(HashId id, Lane lane, HashState& state, const uint8_t* blocks, size_t count);
// hash_finish: takes in the last in_size bytes of a message and pads. total_size counts the whole message, the blocks
// already in state included; at most kHashMaxInput.
void hash_finish(HashId id, Lane lane, HashState& state, uint64_t total_size, const uint8_t* in, size_t in_size);
// hash_write: the digest of a state that is finished; hash_write_words: of its words, for the hashes of FIPS 180-4.
void hash_write(HashId id, uint8_t* digest, const HashState& state);
void hash_write_words(HashId id, uint8_t* digest, const uint32_t* words);
void hash_write_words(HashId id, uint8_t* digest, const uint64_t* words);

// ---- a message

// Hash: a message in pieces. What of buffer is in use follows from size.
struct Hash {
  HashState state;
  uint64_t size;  // bytes taken in so far: callers ask hash_takes before an update
  uint8_t buffer[kHashMaxBlock];
  HashId id;
  Lane lane;
};
void hash_init(Hash& ctx, HashId id, Lane lane);
void hash_update(Hash& ctx, const uint8_t* in, size_t in_size);
// hash_final: writes digest_size bytes and zeroises the context.
void hash_final(Hash& ctx, uint8_t* digest);
// hash_digest: a whole message.
void hash_digest(HashId id, Lane lane, uint8_t* digest, const uint8_t* in, size_t in_size);

}  // namespace cm
