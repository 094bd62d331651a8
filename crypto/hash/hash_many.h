// SPDX-License-Identifier: Apache-2.0
// hash_many.h: independent messages through the hashes of hash.h at once, each with a hash of its own. Those of one
// core go side by side (hash_multi.h, keccak_multi.h). What comes out is what one message after the other gives.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/hash/hash.h"

namespace cm {

inline constexpr size_t kHashManyMax = 64;

// HashJob: start is a state in the middle of a message, behind `before` bytes, which are whole blocks; null and 0 for a
// message from its beginning. digest takes the digest size of the hash. No digest may overlap a buffer of another job;
// it may be the beginning of its own in. outer: where an HMAC goes on with the digest, whose MAC is then written
// instead, a state behind one block; not of Keccak, whose jobs have null.
struct HashJob {
  HashId id;
  const HashState* start;
  uint64_t before;
  const uint8_t* in;
  size_t in_size;
  uint8_t* digest;
  const HashState* outer;
};

// hash_many: at most kHashManyMax jobs, of any lengths that hash_takes allows. wide: the lane for many messages. Takes
// less than 32 KiB of stack and leaves nothing there.
void hash_many(const HashLanes& single, Lane wide, const HashJob* jobs, size_t count);

}  // namespace cm
