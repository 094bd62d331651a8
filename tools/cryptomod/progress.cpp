// SPDX-License-Identifier: Apache-2.0
// progress.cpp: see progress.h.
#include "tools/cryptomod/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace cm::tool {
namespace {

constexpr auto kFirstDraw = std::chrono::milliseconds(200);  // short jobs draw nothing
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr size_t kBarWidth = 30;
constexpr size_t kNameWidth = 24;
constexpr char kEraseLine[] = "\r\x1b[K";

std::string bar(uint64_t done, uint64_t total) {
  const double part = total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto full = static_cast<size_t>(part * kBarWidth);
  return fmt::format("[{}{}] {:3.0f}%", std::string(full, '#'), std::string(kBarWidth - full, '.'), part * 100);
}

std::string shortened(const std::string& name) {
  return name.size() <= kNameWidth ? name : "..." + name.substr(name.size() - (kNameWidth - 3));
}

}  // namespace

Progress::Progress(std::string action, std::string name, std::optional<uint64_t> total, bool enabled)
    : action_(std::move(action)),
      name_(std::move(name)),
      total_(total),
      enabled_(enabled),
      start_(std::chrono::steady_clock::now()),
      next_(start_ + kFirstDraw) {}

Progress::~Progress() {
  if (drawn_) std::fputs(kEraseLine, stderr);
}

void Progress::advance(uint64_t bytes) {
  done_ += bytes;
  if (enabled_ && std::chrono::steady_clock::now() >= next_) draw();
}

void Progress::draw() {
  next_ = std::chrono::steady_clock::now() + kRedraw;
  drawn_ = true;
  const std::string place = total_ ? bar(done_, *total_) : bytes_text(done_);
  fmt::print(stderr, "{}{} {} {} {}", kEraseLine, action_, shortened(name_), place, rate_text(done_, seconds()));
  std::fflush(stderr);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool error_is_terminal() { return isatty(STDERR_FILENO) == 1; }

bool error_redraws() {
  const char* terminal = std::getenv("TERM");
  return error_is_terminal() && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string bytes_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) value /= 1024, ++unit;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string rate_text(uint64_t bytes, double seconds) {
  const double rate = static_cast<double>(bytes) / std::max(seconds, 1e-9);
  return rate >= 1e9 ? fmt::format("{:.1f} GB/s", rate / 1e9) : fmt::format("{:.0f} MB/s", rate / 1e6);
}

}  // namespace cm::tool
