// SPDX-License-Identifier: Apache-2.0
// progress.cpp: see progress.h. It must never make a command fail: what the terminal does not take is lost.
#include "audit/verify/progress.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace cm::audit::verify {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirst{1000};
constexpr milliseconds kEach{200};

ProgressLine* on_standard_error = nullptr;

bool is_file(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int terminal_for(ProgressSource::Output output) {
  constexpr int kNone = -1;
  return output == ProgressSource::Output::kNothing || is_file(STDOUT_FILENO) ? STDERR_FILENO : kNone;
}

std::string duration_text(uint64_t seconds) {
  if (seconds < 100) return fmt::format("{} s", seconds);
  return seconds < 6000 ? fmt::format("{} min", (seconds + 59) / 60) : fmt::format("{} h", (seconds + 3599) / 3600);
}

}  // namespace

std::string progress_text(uint64_t done, uint64_t total, milliseconds elapsed) {
  constexpr double kMiB = 1 << 20;
  const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
  std::string text = fmt::format("{:.0f} of {:.0f} MiB ({:.0f} %)", static_cast<double>(done) / kMiB,
                                 static_cast<double>(total) / kMiB, 100 * share);
  if (done == 0) return text;
  const double left = static_cast<double>(elapsed.count()) / 1000 * (1 - share) / share;
  return text + fmt::format(", about {} left", duration_text(static_cast<uint64_t>(left) + 1));
}

ProgressLine::ProgressLine(int fd, Clock clock)
    : fd_(fd), terminal_(fd >= 0 && isatty(fd) == 1), clock_(std::move(clock)) {
  if (!terminal_) return;
  started_ = clock_();
  next_ = started_ + kFirst;
}

void ProgressLine::at(uint64_t done, uint64_t total) {
  if (!terminal_) return;
  const auto now = clock_();
  if (now < next_) return;
  next_ = now + kEach;
  const std::string text = progress_text(done, total, std::chrono::duration_cast<milliseconds>(now - started_));
  const size_t before = std::exchange(shown_, text.size());
  write("\r" + text + std::string(before > shown_ ? before - shown_ : 0, ' '));
}

// erase: with spaces, which every terminal knows.
void ProgressLine::erase() {
  if (shown_ != 0) write("\r" + std::string(std::exchange(shown_, 0), ' ') + "\r");
}

void ProgressLine::write(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(fd_, text.data(), text.size());
}

ProgressSource::ProgressSource(LogSource& source, Output output) : source_(source), line_(terminal_for(output)) {
  uint64_t total = 0;
  for (size_t i = 0; i < source.segment_count(); ++i) {
    before_.push_back(total);
    total += source.segment_size(i);
  }
  before_.push_back(total);
  on_standard_error = &line_;
}

ProgressSource::~ProgressSource() { on_standard_error = nullptr; }

bool ProgressSource::read(size_t index, uint64_t offset, std::span<uint8_t> out) {
  line_.at(before_[index] + offset, before_.back());
  return source_.read(index, offset, out);
}

void erase_progress() {
  if (on_standard_error != nullptr) on_standard_error->erase();
}

}  // namespace cm::audit::verify
