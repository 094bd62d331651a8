// SPDX-License-Identifier: Apache-2.0
// hash_multi.h: SHA-1, SHA-256 and SHA-512 (FIPS 180-4 6.1, 6.2, 6.4) of independent messages at once. A job begins
// with a state, that of the standard for a hash or one after some blocks for an HMAC (FIPS 198-1), and ends with the
// state behind the padding, from which a digest of any of the hash's lengths is cut. A job with an outer state goes on
// as HMAC does: from that state, which is behind one block, with the digest as the rest of the message. What comes out
// is what one message after the other gives, whatever else stands in the batch.
//
// single is the lane of the code for one message, wide that of the kernels for many; both must be ones this CPU can
// run. At most kHashMultiMax jobs stand in one call, and each message fits its hash (hash_takes). No end may overlap
// a buffer of another job; it may be the start of its own. Nothing is allocated, and nothing is kept after the call,
// which takes less than 16 KiB of stack.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kHashMultiMax = 64;

struct Sha1Job {
  const uint32_t* start;  // 5 words in host order
  uint64_t before;        // bytes that are in start already: whole blocks
  const uint8_t* in;
  size_t in_size;
  uint32_t* end;          // 5 words in host order
  const uint32_t* outer;  // null for none
  size_t digest_size;     // of the inner hash, where there is an outer one
};
void sha1_multi(Lane single, Lane wide, const Sha1Job* jobs, size_t count);

struct Sha256Job {
  const uint32_t* start;  // 8 words
  uint64_t before;
  const uint8_t* in;
  size_t in_size;
  uint32_t* end;  // 8 words
  const uint32_t* outer;
  size_t digest_size;
};
void sha256_multi(Lane single, Lane wide, const Sha256Job* jobs, size_t count);

struct Sha512Job {
  const uint64_t* start;  // 8 words
  uint64_t before;
  const uint8_t* in;
  size_t in_size;
  uint64_t* end;  // 8 words
  const uint64_t* outer;
  size_t digest_size;
};
void sha512_multi(Lane single, Lane wide, const Sha512Job* jobs, size_t count);

}  // namespace cm
