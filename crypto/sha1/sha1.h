// SPDX-License-Identifier: Apache-2.0
// sha1.h: SHA-1 (FIPS 180-4 6.1) on a given lane: blocks, padding and the digest. Plain computation: no allocation, no
// locks. It must not decide who may still use SHA-1 (SP 800-131A: not for new signatures); that is its callers' affair.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kSha1Size = 20;
inline constexpr size_t kSha1Block = 64;
inline constexpr uint64_t kSha1MaxInput = (uint64_t{1} << 61) - 1;  // bytes; FIPS 180-4: less than 2^64 bits

// sha1_blocks: compresses whole blocks on the lane; state is five words. The lane must be one this CPU can run.
void sha1_blocks(Lane lane, uint32_t* state, const uint8_t* blocks, size_t count);
void sha1_initial_state(uint32_t* state);

// sha1_finish: takes in the last in_size bytes of a message and pads; state then is the digest as words in host order.
// total_size counts the whole message, the blocks already in state included.
void sha1_finish(Lane lane, uint32_t* state, uint64_t total_size, const uint8_t* in, size_t in_size);
// sha1_write_digest: 20 bytes, big endian.
void sha1_write_digest(uint8_t* digest, const uint32_t* state);

}  // namespace cm
