// SPDX-License-Identifier: Apache-2.0
// progress.h: a progress line on standard error when that is a terminal, and nothing at all when it is not.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace cm::tool {

class Progress {
 public:
  // Progress: what is done ("sealing"), to which file, and how many bytes of content will pass where that is known.
  Progress(std::string action, std::string name, std::optional<uint64_t> total, bool enabled);
  // ~Progress: removes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(uint64_t bytes);
  double seconds() const;

 private:
  void draw();

  std::string action_;
  std::string name_;
  std::optional<uint64_t> total_;
  bool enabled_;
  bool drawn_ = false;
  uint64_t done_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point next_;
};

// error_is_terminal: whether somebody reads standard error now. error_redraws: whether that terminal understands a
// carriage return, too.
bool error_is_terminal();
bool error_redraws();

// bytes_text: "256.0 MiB"; rate_text: "1.9 GB/s".
std::string bytes_text(uint64_t bytes);
std::string rate_text(uint64_t bytes, double seconds);

}  // namespace cm::tool
