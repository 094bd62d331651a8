// SPDX-License-Identifier: Apache-2.0
// frame_stream.cpp: see frame_stream.h. It must never skip a byte: a frame begins where the one before it ends, or at
// the start of a segment.
#include "audit/verify/frame_stream.h"

#include <algorithm>
#include <cstring>

namespace cm::audit::verify {
namespace {

constexpr uint64_t kReadAhead = 4u << 20;
constexpr size_t kHeaderSize = sizeof(FrameHeader);

bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

}  // namespace

// window: size bytes of the current segment at offset; the caller has bounded size.
bool FrameStream::window(uint64_t offset, uint64_t size, std::span<const uint8_t>& out) {
  const bool have = in_segment_ && offset >= buffer_offset_ && offset - buffer_offset_ <= buffer_.size() &&
                    size <= buffer_.size() - (offset - buffer_offset_);
  if (!have) {
    buffer_.resize(std::min(std::max(size, kReadAhead), size_ - offset));
    buffer_offset_ = offset;
    if (!source_.read(segment_, offset, buffer_)) {
      buffer_.clear();
      return false;
    }
  }
  out = std::span<const uint8_t>(buffer_).subspan(offset - buffer_offset_, size);
  return true;
}

Step FrameStream::fail(Problem problem) {
  problem_ = std::move(problem);
  return Step::kProblem;
}

Step FrameStream::next() {
  offset_ = next_offset_;
  while (!in_segment_ || offset_ == size_) {
    if (in_segment_) ++segment_;
    if (segment_ >= source_.segment_count()) return Step::kEnd;
    name_ = source_.segment_name(segment_);
    size_ = source_.segment_size(segment_);
    offset_ = next_offset_ = buffer_offset_ = 0;
    buffer_.clear();
    in_segment_ = true;
    if (size_ == 0) return incomplete();
  }
  return cut();
}

Step FrameStream::cut() {
  std::span<const uint8_t> bytes;
  const uint64_t left = size_ - offset_;
  if (left < kHeaderSize) return incomplete();
  if (!window(offset_, kHeaderSize, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  frame_.header = read_header(bytes);
  if (auto problem = check_header(frame_.header)) return all_zero(bytes) ? incomplete() : fail(std::move(*problem));
  const uint64_t size = frame_size(frame_.header.var_size, frame_.header.record_count);
  if (size > left) return incomplete();
  if (!window(offset_, size, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  // A whole frame's last bytes are never zero; at the end of the log they are when the data did not reach the disk.
  if (size == left && all_zero(bytes.last(sizeof(FrameTail)))) return incomplete();
  frame_ = cut_frame(bytes);
  next_offset_ = offset_ + size;
  return Step::kFrame;
}

// zero_to_end: whether the rest of the segment is zero.
bool FrameStream::zero_to_end() {
  for (uint64_t at = offset_; at < size_;) {
    std::span<const uint8_t> bytes;
    const uint64_t n = std::min(kReadAhead, size_ - at);
    if (!window(at, n, bytes) || !all_zero(bytes)) return false;
    at += n;
  }
  return true;
}

// incomplete: no whole frame begins here. That is a torn write only at the end of the log, and only when what is there
// began as a frame (or never reached the disk) and does not end as one: a damaged size is not a torn write.
Step FrameStream::incomplete() {
  const uint64_t left = size_ - offset_;
  const Problem problem{FindingId::kFrameSize,
                        left == 0 ? "the segment is empty" : "the frame is longer than what is left", 0, std::nullopt};
  next_offset_ = size_;
  if (segment_ + 1 != source_.segment_count()) return fail(problem);
  if (left == 0) return Step::kTorn;
  std::span<const uint8_t> bytes;
  const uint64_t tail_size = std::min<uint64_t>(left, sizeof(FrameTail));
  if (!window(size_ - tail_size, tail_size, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  if (ends_with_frame(bytes, left)) return fail(problem);
  const uint64_t magic_size = std::min<uint64_t>(left, sizeof kFrameMagic);
  if (!window(offset_, magic_size, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  if (std::memcmp(bytes.data(), &kFrameMagic, magic_size) == 0 || zero_to_end()) return Step::kTorn;
  return fail({FindingId::kNotAFrame, "no frame magic", 0, std::nullopt});
}

}  // namespace cm::audit::verify
