// SPDX-License-Identifier: Apache-2.0
// sha512.h: SHA-512 (FIPS 180-4 6.4) on a given lane, and the states from which it is SHA-384 (6.5), SHA-512/224 (6.6)
// or SHA-512/256 (6.7): blocks, padding and the digest. Plain computation: no allocation, no locks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kSha512Size = 64;
inline constexpr size_t kSha512Block = 128;
// Bytes; FIPS 180-4 allows 2^125 - 1, but one rule holds for all hashes.
inline constexpr uint64_t kSha512MaxInput = (uint64_t{1} << 61) - 1;

// sha512_blocks: compresses whole blocks on the lane; state is eight words. The lane must be one this CPU can run.
void sha512_blocks(Lane lane, uint64_t* state, const uint8_t* blocks, size_t count);

// Of the digest of the other three the first 48, 28 or 32 bytes count.
void sha512_initial_state(uint64_t* state);
void sha384_initial_state(uint64_t* state);
void sha512_224_initial_state(uint64_t* state);
void sha512_256_initial_state(uint64_t* state);

// sha512_finish: takes in the last in_size bytes of a message and pads; state then is the digest as words in host
// order. total_size counts the whole message, the blocks already in state included.
void sha512_finish(Lane lane, uint64_t* state, uint64_t total_size, const uint8_t* in, size_t in_size);
// sha512_write_digest: 64 bytes, big endian.
void sha512_write_digest(uint8_t* digest, const uint64_t* state);

}  // namespace cm
