// SPDX-License-Identifier: Apache-2.0
// torn_write.h: what an interrupted write can leave where the last frame of a log should be. Writer and verifier ask
// the same question: the writer cuts such bytes off, the verifier calls them incomplete; any other change is damage to
// both.
//
// A frame is written at the end of the file and made durable alone, so what a crash leaves is (1) its beginning, when
// the writer died, or (2) its full length, or its beginning, with sectors that never reached the disk, when the machine
// did: they are zero, in no particular order. Whoever wants to pass a change off as (2) could as well cut the frame
// off: the verdict is the same.
#pragma once
#include <algorithm>
#include <cstring>
#include <span>

#include "audit/frame.h"

namespace cm::audit {

inline constexpr uint64_t kSectorSize = 512;  // the least that a disk writes whole

inline bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

// sector_missing: whether the part of some sector that lies in the bytes is zero, as it is in no frame that was written
// whole: no payload, record or trailer holds so many zero bytes. offset: of the bytes in their file.
inline bool sector_missing(std::span<const uint8_t> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(kSectorSize - offset % kSectorSize, bytes.size()));
    if (all_zero(bytes.first(size))) return true;
    bytes = bytes.subspan(size);
    offset += size;
  }
  return false;
}

// looks_torn: rest is everything from the end of the last whole frame, at offset, to the end of the last segment, and
// no whole frame. Nothing at all is what an interrupted write leaves of a new segment.
inline bool looks_torn(std::span<const uint8_t> rest, uint64_t offset) {
  FrameTail tail{};
  if (rest.size() >= sizeof tail) std::memcpy(&tail, rest.last(sizeof tail).data(), sizeof tail);
  const bool ended = tail.magic == kTailMagic && tail.frame_size <= rest.size() && tail.frame_size % kFrameAlign == 0;
  const auto in_first = static_cast<size_t>(std::min<uint64_t>(kSectorSize - offset % kSectorSize, rest.size()));
  if (all_zero(rest.first(in_first))) return !ended || tail.frame_size == rest.size();

  FrameHeader header{};
  std::memcpy(&header, rest.data(), std::min(rest.size(), sizeof header));
  if (std::memcmp(&header, &kFrameMagic, std::min(rest.size(), sizeof kFrameMagic)) != 0) return false;
  const uint64_t whole = frame_size(header.var_size, header.record_count);
  if (rest.size() < sizeof header || whole > rest.size()) return !ended;
  return whole == rest.size() && sector_missing(rest, offset);
}

}  // namespace cm::audit
