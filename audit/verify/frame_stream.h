// SPDX-License-Identifier: Apache-2.0
// frame_stream.h: walks over the frames of a log in file order. Holds one window of the current segment, of at most
// kWindowMax bytes whatever the log says. It judges sizes and the shape of headers, nothing else.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "audit/verify/client_rules.h"
#include "audit/verify/frame_check.h"
#include "audit/verify/log_source.h"

namespace cm::audit::verify {

enum class Step : uint8_t {
  kFrame,    // frame and place are set; the frame's spans are valid until the window moves
  kEnd,      // every byte was seen
  kTorn,     // what is left of the last segment is the beginning of a frame, or bytes that never reached the disk
  kProblem,  // problem and place are set: no frame can be cut here
};

inline constexpr uint64_t kWindowMin = 4u << 20;   // most logs: the window stays in the CPU's cache
inline constexpr uint64_t kWindowMax = 72u << 20;  // sixteen frames of as many records as one may hold
static_assert(kMaxFrameSize <= kWindowMax && 16 * frame_size(4096, kMaxFrameRecords) <= kWindowMax);

// LogPosition: where a frame begins, or will begin.
struct LogPosition {
  size_t segment = 0;
  uint64_t offset = 0;
  bool operator==(const LogPosition&) const = default;
};

class FrameStream {
 public:
  // from: the start of the log, or what after() said of another stream over the same log.
  explicit FrameStream(LogSource& source, LogPosition from = {})
      : source_(source), segment_(from.segment), start_(from.offset) {}
  Step next();
  // next_is_here: the frame after this one is in the window, so that the next step does not move it.
  bool next_is_here() const;
  // look_further: for whoever finds too few frames in a window.
  void look_further();

  const FrameView& frame() const { return frame_; }
  FramePlace place() const { return {name_, offset_, frame_.header.frame_seq}; }
  const Problem& problem() const { return problem_; }
  // after: where the frame at hand ends.
  LogPosition after() const { return {segment_, next_offset_}; }
  // left: bytes of the segment from the place on.
  uint64_t left() const { return size_ - offset_; }

 private:
  bool here(uint64_t offset, uint64_t size) const;
  bool read_window(uint64_t offset, uint64_t size);
  bool window(uint64_t offset, uint64_t size, std::span<const uint8_t>& out);
  Step cut();
  Step incomplete(Problem problem);
  Step fail(Problem problem);

  LogSource& source_;
  size_t segment_;
  uint64_t start_;  // in the first segment that is entered
  bool in_segment_ = false;
  std::string name_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  uint64_t next_offset_ = 0;
  uint64_t window_ = kWindowMin;  // to be read at once
  std::unique_ptr<uint8_t[]> memory_;
  uint64_t memory_size_ = 0;
  std::span<const uint8_t> buffer_;  // what of memory_ was read
  uint64_t buffer_offset_ = 0;
  FrameView frame_;
  Problem problem_;
};

}  // namespace cm::audit::verify
