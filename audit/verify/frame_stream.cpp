// SPDX-License-Identifier: Apache-2.0
// frame_stream.cpp: see frame_stream.h. It must never skip a byte: a frame begins where the one before it ends, or at
// the start of a segment.
#include "audit/verify/frame_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "audit/torn_write.h"

namespace cm::audit::verify {
namespace {

constexpr size_t kHeaderSize = sizeof(FrameHeader);

}  // namespace

bool FrameStream::here(uint64_t offset, uint64_t size) const {
  return in_segment_ && offset >= buffer_offset_ && offset - buffer_offset_ <= buffer_.size() &&
         size <= buffer_.size() - (offset - buffer_offset_);
}

bool FrameStream::read_window(uint64_t offset, uint64_t size) {
  buffer_ = {};
  buffer_offset_ = offset;
  if (memory_size_ < size) {
    memory_.reset();  // first, so that there are never two
    memory_ = std::make_unique_for_overwrite<uint8_t[]>(size);
    memory_size_ = size;
  }
  if (!source_.read(segment_, offset, {memory_.get(), size})) return false;
  buffer_ = {memory_.get(), size};
  return true;
}

// window: size bytes of the current segment at offset; the caller has bounded size. Bytes that cannot be had are a
// problem of the frame that they belong to, not of one before it that is in the same window.
bool FrameStream::window(uint64_t offset, uint64_t size, std::span<const uint8_t>& out) {
  if (!here(offset, size) && !read_window(offset, std::min(std::max(size, window_), size_ - offset)) &&
      !read_window(offset, size))
    return false;
  out = buffer_.subspan(offset - buffer_offset_, size);
  return true;
}

bool FrameStream::next_is_here() const {
  if (next_offset_ == size_ || !here(next_offset_, kHeaderSize)) return false;
  const FrameHeader header = read_header(buffer_.subspan(next_offset_ - buffer_offset_));
  return !check_header(header) && here(next_offset_, frame_size(header.var_size, header.record_count));
}

void FrameStream::look_further() {
  if (buffer_offset_ + buffer_.size() < size_) window_ = std::min(2 * window_, kWindowMax);
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
    offset_ = next_offset_ = buffer_offset_ = std::exchange(start_, 0);
    buffer_ = {};
    in_segment_ = true;
    if (size_ == 0) return incomplete({FindingId::kFrameSize, "the segment is empty", 0, std::nullopt});
  }
  return cut();
}

Step FrameStream::cut() {
  std::span<const uint8_t> bytes;
  const uint64_t left = size_ - offset_;
  const Problem too_long{FindingId::kFrameSize, "the frame is longer than what is left", 0, std::nullopt};
  if (left < kHeaderSize) return incomplete(too_long);
  if (!window(offset_, kHeaderSize, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  frame_.header = read_header(bytes);
  if (auto problem = check_header(frame_.header))
    return problem->id == FindingId::kNotAFrame ? incomplete(std::move(*problem)) : fail(std::move(*problem));
  const uint64_t size = frame_size(frame_.header.var_size, frame_.header.record_count);
  if (size > left) return incomplete(too_long);
  if (!window(offset_, size, bytes)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  const FrameHeader again = read_header(bytes);  // another read, where the frame did not lie in the first window
  if (std::memcmp(&again, &frame_.header, sizeof again) != 0)
    return fail({FindingId::kIoError, "the log changes while it is read", 0, std::nullopt});
  frame_ = cut_frame(bytes);
  if (size == left && segment_ + 1 == source_.segment_count() && sector_missing(bytes, offset_) &&
      !checksum_agrees(frame_))
    return incomplete(too_long);
  next_offset_ = offset_ + size;
  return Step::kFrame;
}

// incomplete: no whole frame begins here. At the end of the log that may be what is left of an interrupted write.
Step FrameStream::incomplete(Problem problem) {
  const uint64_t left = size_ - offset_;
  next_offset_ = size_;
  if (segment_ + 1 != source_.segment_count() || left > kMaxFrameSize) return fail(std::move(problem));
  if (left == 0) return Step::kTorn;
  std::span<const uint8_t> rest;
  if (!window(offset_, left, rest)) return fail({FindingId::kIoError, "read", 0, std::nullopt});
  return looks_torn(rest, offset_) ? Step::kTorn : fail(std::move(problem));
}

}  // namespace cm::audit::verify
