// SPDX-License-Identifier: Apache-2.0
// sha256.h: SHA-256 (FIPS 180-4 6.2) on a given lane, one-shot and streaming, and what SHA-224 (6.3) needs. Plain
// computation: no allocation, no locks; a context belongs to one thread at a time and may be copied as a value.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/bytes.h"
#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kSha256Size = 32;
inline constexpr size_t kSha256Block = 64;
inline constexpr uint64_t kSha256MaxInput = (uint64_t{1} << 61) - 1;  // bytes; FIPS 180-4: less than 2^64 bits

struct Sha256 {
  uint32_t state[8];
  uint64_t size;  // bytes taken in so far, at most kSha256MaxInput: callers see to that
  uint8_t buffer[kSha256Block];
  Lane lane;
};

// sha256_blocks: compresses whole blocks on the lane. The lane must be one this CPU can run.
void sha256_blocks(Lane lane, uint32_t* state, const uint8_t* blocks, size_t count);
// sha256_blocks_two: as many blocks of each of two messages, which are others and in other states. Faster than one
// after the other where the lane can have both in flight.
void sha256_blocks_two(Lane lane, uint32_t* state0, uint32_t* state1, const uint8_t* blocks0, const uint8_t* blocks1,
                       size_t count);
void sha256_initial_state(uint32_t* state);
// sha224_initial_state: SHA-224 is SHA-256 from this state on, of whose digest the first 28 bytes count.
void sha224_initial_state(uint32_t* state);

// sha256_words: compresses one block that is given as its sixteen message words in host order.
void sha256_words(Lane lane, uint32_t* state, const uint32_t* words);

// sha256_finish: takes in the last in_size bytes of a message and pads; state then is the digest as words in host
// order. total_size counts the whole message, the blocks already in state included.
void sha256_finish(Lane lane, uint32_t* state, uint64_t total_size, const uint8_t* in, size_t in_size);
// sha256_hmac: HMAC-SHA-256 (FIPS 198-1) from the states behind the blocks of the key; inner may be further on. The
// last in_size bytes of a message whose inner hash takes total_size, the block of the key included. mac takes 32 bytes,
// which may be the message's.
void sha256_hmac(Lane lane, uint8_t* mac, const uint32_t* inner, const uint32_t* outer, uint64_t total_size,
                 const uint8_t* in, size_t in_size);
// sha256_write_digest: 32 bytes, big endian.
void sha256_write_digest(uint8_t* digest, const uint32_t* state);

void sha256_init(Sha256& ctx, Lane lane);
void sha256_update(Sha256& ctx, const uint8_t* in, size_t in_size);
// sha256_final: writes 32 bytes and zeroises the context.
void sha256_final(Sha256& ctx, uint8_t* digest);
void sha256(Lane lane, uint8_t* digest, const uint8_t* in, size_t in_size);

}  // namespace cm
