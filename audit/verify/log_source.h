// SPDX-License-Identifier: Apache-2.0
// log_source.h: where the bytes of a log come from: a directory of segments, or memory (tests and fuzzing). Sizes are
// those at the time of opening, so a log that is being written can be read: what comes later is not looked at, unless
// somebody asks for it (refresh).
// Read-only, and by copying: a file that shrinks under the verifier is a read error, not a fault.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/verify/report.h"

namespace cm::audit::verify {

class LogSource {
 public:
  LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;
  virtual ~LogSource() = default;
  virtual size_t segment_count() const = 0;
  virtual std::string segment_name(size_t index) const = 0;
  virtual uint64_t segment_size(size_t index) const = 0;
  // read: fills out from the segment at offset; false when the bytes cannot be had.
  virtual bool read(size_t index, uint64_t offset, std::span<uint8_t> out) = 0;
};

std::string segment_file_name(uint32_t number);

// MemorySource: segments 0.. in memory that outlives it.
class MemorySource final : public LogSource {
 public:
  explicit MemorySource(std::vector<std::span<const uint8_t>> segments) : segments_(std::move(segments)) {}
  size_t segment_count() const override { return segments_.size(); }
  std::string segment_name(size_t index) const override { return segment_file_name(static_cast<uint32_t>(index)); }
  uint64_t segment_size(size_t index) const override { return segments_[index].size(); }
  bool read(size_t index, uint64_t offset, std::span<uint8_t> out) override;

 private:
  std::vector<std::span<const uint8_t>> segments_;
};

// DirectorySource: one segment is open at a time.
class DirectorySource final : public LogSource {
 public:
  DirectorySource() = default;
  ~DirectorySource() override;
  // open: lists the directory. Adds io-error, no-segments, foreign-file and segment-missing to the report; false when
  // there is nothing to read. Segments before the first missing number are kept.
  bool open(const std::string& directory, Report& report);

  // refresh: looks at sizes again, from this segment on, and for segments that came. False when one is not there any
  // more.
  bool refresh(size_t from);

  size_t segment_count() const override { return sizes_.size(); }
  std::string segment_name(size_t index) const override { return segment_file_name(static_cast<uint32_t>(index)); }
  uint64_t segment_size(size_t index) const override { return sizes_[index]; }
  bool read(size_t index, uint64_t offset, std::span<uint8_t> out) override;

 private:
  std::optional<uint64_t> size_of(size_t index) const;
  bool list(Report& report, std::vector<std::pair<uint32_t, uint64_t>>& found);
  void close_segment();

  std::vector<uint64_t> sizes_;
  int directory_fd_ = -1;
  int segment_fd_ = -1;
  size_t segment_index_ = 0;
};

}  // namespace cm::audit::verify
