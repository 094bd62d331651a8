// SPDX-License-Identifier: Apache-2.0
// parallel_hash.h: SHA-256 (FIPS 180-4 6.2) of many messages of whole blocks at once, for frames that lie in memory
// together: their records digests and heads do not depend on each other. Shared by writer and verifier. No I/O, no
// clock. What comes out is what records_digest and frame_head (audit/chain.h) give for one frame after the other.
#pragma once
#include <cstdint>
#include <span>

#include "audit/chain.h"

namespace cm::audit {

// best_wide_sha256_lane: the lane of the kernels for many messages. The first call tests, against known answers, every
// such kernel that this CPU can run, and the one for two messages, in each of their lanes; it ends the process with a
// message when one fails.
Lane best_wide_sha256_lane();

// HashJob: a message and what is found out about it. midstates: for each of the last blocks of the message the first
// word of the chaining value after it, little endian, as it stands in a trailer.
struct HashJob {
  std::span<const uint8_t> message;  // whole blocks
  std::span<const uint8_t> midstates;
  Digest digest{};               // out
  bool midstates_agree = false;  // out: all of them
};

// frame_jobs: the records digest with its midstates, and the head, of a whole frame.
struct FrameJobs {
  HashJob records;
  HashJob head;
};
FrameJobs frame_jobs(std::span<const uint8_t> frame, uint32_t var_size, uint32_t record_count);

// hash_jobs: single is a lane of best_sha256_lane, wide one of best_wide_sha256_lane; tests name others that this CPU
// can run.
void hash_jobs(Lane single, Lane wide, std::span<HashJob> jobs);

}  // namespace cm::audit
