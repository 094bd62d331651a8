// SPDX-License-Identifier: Apache-2.0
// chain.h: hashing and assembling of frames (audit/frame.h), shared by writer and verifier. No I/O, no clock.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "audit/frame.h"
#include "crypto/base/lane.h"

namespace cm::audit {

using Digest = std::array<uint8_t, kDigestSize>;
using LogId = std::array<uint8_t, kIdSize>;

// best_sha256_lane: tests every SHA-256 lane this CPU can run against known answers and returns the fastest; ends the
// process with a message when one fails. Call once at start.
Lane best_sha256_lane();

// crc32c: Castagnoli polynomial, reflected, initial value and final xor 0xffffffff (RFC 3720 B.4).
uint32_t crc32c(std::span<const uint8_t> bytes);

// frame_head: SHA-256 over the 128 header bytes.
Digest frame_head(Lane lane, const FrameHeader& header);

// records_digest: SHA-256(var | records), of one frame; for many see audit/parallel_hash.h. When midstates is not empty
// it receives one word per record.
Digest records_digest(Lane lane, std::span<const uint8_t> var, std::span<const uint8_t> records,
                      std::span<uint32_t> midstates);

// ChainPosition: where the next frame goes.
struct ChainPosition {
  LogId log_id{};
  uint64_t next_frame_seq = 0;
  uint64_t next_record = 0;
  Digest prev_head{};
};

// build_frame: the complete bytes of the next frame. var is padded here. Advances position to after the frame.
std::vector<uint8_t> build_frame(Lane lane, ChainPosition& position, FrameType type, uint64_t writer_time_ns,
                                 std::span<const uint8_t> var, std::span<const Record> records, uint32_t carried = 0);

}  // namespace cm::audit
