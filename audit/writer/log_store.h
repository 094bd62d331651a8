// SPDX-License-Identifier: Apache-2.0
// log_store.h: the segment files of a log: appends whole frames and makes them durable. A frame is either in the log
// completely or not at all when append returns; what lies behind the last complete frame is cut off before it returns.
// A file that was deleted, exchanged or changed in length by somebody else ends the writing: what it would say from
// then on nobody could find. It must not interpret frames; when a segment is full its caller decides what ends it.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "audit/writer/error.h"
#include "audit/writer/unique_fd.h"

namespace cm::audit {

// Appended: kNoSpace: nothing was written and it may be tried again; kFatal: the state of the disk is not known, the
// process must end (after a failed fsync the page cache cannot be trusted).
enum class Appended { kDone, kNoSpace, kFatal };

std::string segment_name(uint32_t segment);

class LogStore {
 public:
  LogStore(int dir_fd, uint64_t segment_size) : dir_fd_(dir_fd), segment_size_(segment_size) {}

  // resume: the next append goes to this segment after size bytes, or to the one after it when it is closed. Without it
  // a log begins with segment 0.
  Error resume(uint32_t segment, uint64_t size, bool closed);
  Appended append(std::span<const uint8_t> frame, Error& error);

  // close_segment: the next append goes to the next segment; this one may only be read from now on.
  Error close_segment();

  uint32_t segment() const { return segment_; }
  uint64_t size() const { return size_; }
  // open: frames are in the segment and it is not closed.
  bool open() const { return file_.valid() && !closed_ && size_ > 0; }
  // full_for: a frame of this size would make an open segment larger than it may be.
  bool full_for(uint64_t frame) const { return open() && size_ + frame > segment_size_; }

 private:
  Appended append_to(int fd, uint64_t offset, std::span<const uint8_t> frame, Error& error);
  Appended append_to_next(std::span<const uint8_t> frame, Error& error);
  Error look_at_file() const;

  const int dir_fd_;
  const uint64_t segment_size_;
  UniqueFd file_;
  uint32_t segment_ = 0;
  uint64_t size_ = 0;
  bool closed_ = false;
};

}  // namespace cm::audit
