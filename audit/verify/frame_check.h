// SPDX-License-Identifier: Apache-2.0
// frame_check.h: the first two steps of the verifier: cutting a frame out of bytes, and the checks that need nothing
// but the frame itself. Pure functions of their input, so that frames may be checked in parallel. Every length is
// bounded before it is used. docs/audit-format.md, "Frame".
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "audit/chain.h"
#include "audit/frame.h"
#include "audit/parallel_hash.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

inline constexpr uint64_t kMaxFrameSize = frame_size(kMaxVarSize, kMaxFrameRecords);

// FrameView: the parts of one frame. The spans point into the bytes it was cut from.
struct FrameView {
  FrameHeader header{};
  std::span<const uint8_t> bytes;
  std::span<const uint8_t> var;
  std::span<const uint8_t> records;
  std::span<const uint8_t> trailer;

  Record record(size_t index) const {
    Record r;
    std::memcpy(&r, records.data() + index * kRecordSize, sizeof r);
    return r;
  }
  FrameType type() const { return static_cast<FrameType>(header.type); }
};

// read_header: from at least sizeof(FrameHeader) bytes.
FrameHeader read_header(std::span<const uint8_t> bytes);

// check_header: magic, version, type, carried, bounds of the sizes. A header that passes has a frame_size within
// kMaxFrameSize.
std::optional<Problem> check_header(const FrameHeader& header);

// cut_frame: the frame at the start of bytes; bytes must hold the whole frame and the header must have passed.
FrameView cut_frame(std::span<const uint8_t> bytes);

// check_frame: tail, records_digest, midstates, padding, checksum. Names the record, or the one flipped bit, that
// explains a mismatch where there is one.
std::optional<Problem> check_frame(Lane lane, const FrameView& frame);

// frame_sound: check_frame finds no problem; for a frame whose records were hashed already. What the problem is, only
// check_frame says.
bool frame_sound(const FrameView& frame, const HashJob& records);

// checksum_agrees: the CRC in the tail is that of the frame's bytes.
bool checksum_agrees(const FrameView& frame);

// place_record: number, ring, sequence (from the batch's marks where they decode) and event of a record.
RecordPlace place_record(const FrameView& frame, size_t index);

}  // namespace cm::audit::verify
