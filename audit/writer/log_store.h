// SPDX-License-Identifier: Apache-2.0
// log_store.h: the segment files of a log: appends whole frames and makes them durable. A frame is either in the log
// completely or not at all when append returns; what lies behind the last complete frame is cut off before it returns.
// It must not interpret frames.
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

  // resume: the next append goes to this segment after size bytes. Without it a log begins with segment 0.
  Error resume(uint32_t segment, uint64_t size);
  Appended append(std::span<const uint8_t> frame, Error& error);

  uint64_t bytes_written() const { return bytes_written_; }

 private:
  Appended append_to(int fd, uint64_t offset, std::span<const uint8_t> frame, Error& error);
  Appended append_to_next(std::span<const uint8_t> frame, Error& error);

  const int dir_fd_;
  const uint64_t segment_size_;
  UniqueFd file_;
  uint32_t segment_ = 0;
  uint64_t size_ = 0;
  uint64_t bytes_written_ = 0;
};

}  // namespace cm::audit
