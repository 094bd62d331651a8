// SPDX-License-Identifier: Apache-2.0
// frame.h: the on-disk format of the audit log, version 1: frame header, trailer, frame types and the payload of each.
// All integers little endian. This file and docs/audit-format.md say the same; a test compares them with golden bytes.
//
//   frame = header (128) | variable section (multiple of 64) | records (64 each) | trailer (multiple of 64)
//
//   records_digest = SHA-256(variable section | records);  head = SHA-256(header);  the next header carries head.
//   A record is exactly one SHA-256 block, so the chaining value after each record is a free per-record commitment; its
//   first four bytes (big-endian word 0 of the state, stored little endian as a u32) stand in the trailer.
//   trailer = u32 midstate per record | zero padding | tail (16): u32 crc32c of all frame bytes before it,
//             u32 tail magic, u64 length of the whole frame. The padding makes the trailer a multiple of 64.
//
// A log is a directory of segments named "%08u.cmlog", counted from 0, and nothing else. Frames do not span segments.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/record.h"

namespace cm::audit {

inline constexpr uint64_t kFrameMagic = 0x3154494455414d43;  // "CMAUDIT1" read as bytes
inline constexpr uint32_t kTailMagic = 0x4c544d43;           // "CMTL"
inline constexpr uint16_t kFormatVersion = 1;
inline constexpr size_t kFrameAlign = 64;
inline constexpr uint32_t kMaxFrameRecords = 65536;
inline constexpr uint32_t kMaxVarSize = 4u << 20;
inline constexpr uint32_t kMaxCarried = 65536;
inline constexpr char kSegmentNameFormat[] = "%08u.cmlog";

// PCR replay: genesis, boot and unexplained-extend say which value the PCR had before their own head was extended, and
// replay starts from that value. Between two of them every head is extended in order, except those that a later frame
// carries, and the last ones before a boot or unexplained-extend frame: the TPM may have gone before it took them.
// Start of a writer, in this order: boot when the TPM was reset since, else unexplained-extend when the PCR is not
// explained; then recovery after an unclean end, or boot after an end frame when none stands there yet.
enum class FrameType : uint16_t {
  kGenesis = 1,  // first frame of a log
  kBoot = 2,     // a writer began on a TPM that was reset since, or after an end frame
  kClock = 3,    // parameters that turn TSC ticks into UTC for the records that follow
  kClientAttach = 4,
  kClientDetach = 5,       // a client said goodbye
  kClientLost = 6,         // a client died: its open entries are named
  kBatch = 7,              // records
  kAnchor = 8,             // TPM quote and certified counter over the head before this frame
  kUnexplainedExtend = 9,  // the PCR holds a value this log does not explain
  kSealBroken = 10,        // a record's seal or its place in the ring is wrong: the client broke its ring
  kRecovery = 11,          // a writer began after one that did not write an end frame
  kSegmentSeal = 12,       // the last frame of a segment that is not the last
  kEnd = 13,               // orderly shutdown
};

// FrameTypeRow: the name of a type, as verifier and metrics print it.
struct FrameTypeRow {
  FrameType type;
  char name[20];
};
inline constexpr FrameTypeRow kFrameTypeTable[] = {
    {FrameType::kGenesis, "genesis"},
    {FrameType::kBoot, "boot"},
    {FrameType::kClock, "clock"},
    {FrameType::kClientAttach, "client-attach"},
    {FrameType::kClientDetach, "client-detach"},
    {FrameType::kClientLost, "client-lost"},
    {FrameType::kBatch, "batch"},
    {FrameType::kAnchor, "anchor"},
    {FrameType::kUnexplainedExtend, "unexplained-extend"},
    {FrameType::kSealBroken, "seal-broken"},
    {FrameType::kRecovery, "recovery"},
    {FrameType::kSegmentSeal, "segment-seal"},
    {FrameType::kEnd, "end"},
};

// writer_time_ns never decreases from frame to frame, with two exceptions: after boot and recovery, and before an
// anchor. An anchor frame has the time of its request, or the anchored frame's if that is later; the quote covers it.
// Frames that became durable while the quote was made may stand before the anchor with a later one.
//
// carried: so many frames directly before this one did not go into the PCR by themselves, because the TPM was behind:
// the head of this one, which commits to them, does. None of them began a replay or is covered by an anchor before.
// Zero in genesis, boot and unexplained-extend. [docs/design/0016]
struct FrameHeader {
  uint64_t magic;              //   0
  uint16_t version;            //   8
  uint16_t type;               //  10  FrameType
  uint32_t carried;            //  12  at most kMaxCarried
  uint8_t log_id[16];          //  16
  uint64_t frame_seq;          //  32  0 for genesis, then gapless
  uint64_t first_record;       //  40  global number of the first record of this frame = records before it
  uint32_t record_count;       //  48
  uint32_t var_size;           //  52  multiple of 64, at most kMaxVarSize
  uint64_t writer_time_ns;     //  56  CLOCK_REALTIME of the writer, see below
  uint8_t prev_head[32];       //  64  head of the frame before, zero for genesis
  uint8_t records_digest[32];  // 96
};
static_assert(sizeof(FrameHeader) == 128);

struct FrameTail {
  uint32_t crc32c;
  uint32_t magic;
  uint64_t frame_size;
};
static_assert(sizeof(FrameTail) == 16);

// begins_replay: the frame says itself which value the PCR had before it.
constexpr bool begins_replay(FrameType type) {
  return type == FrameType::kGenesis || type == FrameType::kBoot || type == FrameType::kUnexplainedExtend;
}
constexpr bool carried_plausible(const FrameHeader& h) {
  return h.carried <= (begins_replay(static_cast<FrameType>(h.type)) ? 0 : kMaxCarried);
}

constexpr uint64_t trailer_size(uint32_t record_count) {
  return (uint64_t{record_count} * 4 + sizeof(FrameTail) + kFrameAlign - 1) / kFrameAlign * kFrameAlign;
}
constexpr uint64_t frame_size(uint32_t var_size, uint32_t record_count) {
  return sizeof(FrameHeader) + var_size + uint64_t{record_count} * kRecordSize + trailer_size(record_count);
}

// The variable section of every type is the fields below in order, then zero bytes up to a multiple of 64. Strings and
// blobs are u16 length + bytes; a u32 count precedes a list. audit/payload.{h,cpp} encodes and decodes them.

inline constexpr size_t kDigestSize = 32;
inline constexpr size_t kIdSize = 16;

// qualifyingData of quote and NV certify = SHA-256( kAnchorDomain (16 bytes) | log_id | anchored frame_seq u64 |
//   anchored head | digest of the previous anchor's quote attest blob (zero for the first) | challenge (32) |
//   nv value u64 | anchor frame's writer_time_ns u64 )
inline constexpr char kAnchorDomain[17] = "cryptomod-anchor";

}  // namespace cm::audit
