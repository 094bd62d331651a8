// SPDX-License-Identifier: Apache-2.0
// progress.h: how far the reading of a long log is, in one line of a terminal that is gone again before anything else
// is said. Where standard error is no terminal nothing is ever written.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audit/verify/log_source.h"

namespace cm::audit::verify {

// progress_text: the line, of at most 60 characters.
std::string progress_text(uint64_t done, uint64_t total, std::chrono::milliseconds elapsed);

// ProgressLine: shows the line from one second on, five times a second at most.
class ProgressLine {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  // fd: nothing is written when it is no terminal.
  explicit ProgressLine(int fd, Clock clock = std::chrono::steady_clock::now);
  ~ProgressLine() { erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void at(uint64_t done, uint64_t total);
  void erase();

 private:
  void write(const std::string& text);

  const int fd_;
  const bool terminal_;
  const Clock clock_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point next_;
  size_t shown_ = 0;  // characters that stand on the terminal
};

// ProgressSource: another source, whose reader is shown on standard error.
class ProgressSource final : public LogSource {
 public:
  // Output: what the command prints while it reads. What goes on to a terminal, perhaps by way of a pager, shows
  // itself how far it is, and would be disturbed.
  enum class Output : uint8_t { kNothing, kAlong };
  explicit ProgressSource(LogSource& source, Output output = Output::kNothing);
  ~ProgressSource() override;

  size_t segment_count() const override { return source_.segment_count(); }
  std::string segment_name(size_t index) const override { return source_.segment_name(index); }
  uint64_t segment_size(size_t index) const override { return source_.segment_size(index); }
  bool read(size_t index, uint64_t offset, std::span<uint8_t> out) override;

 private:
  LogSource& source_;
  std::vector<uint64_t> before_;  // bytes before each segment, and all
  ProgressLine line_;
};

// erase_progress: for whoever writes to standard error while a log may be read.
void erase_progress();

}  // namespace cm::audit::verify
