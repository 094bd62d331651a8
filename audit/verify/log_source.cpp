// SPDX-License-Identifier: Apache-2.0
// log_source.cpp: see log_source.h. It must not follow symbolic links and must not write anywhere.
#include "audit/verify/log_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace cm::audit::verify {
namespace {

constexpr size_t kNumberDigits = 8;
constexpr std::string_view kSuffix = ".cmlog";

std::optional<uint32_t> segment_number(std::string_view name) {
  if (name.size() != kNumberDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint32_t number = 0;
  for (const char c : name.substr(0, kNumberDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

Place file_place(std::string_view name) {
  Place place;
  place.segment = name;
  return place;
}

struct CloseDirectory {
  void operator()(DIR* d) const { closedir(d); }
};

}  // namespace

std::string segment_file_name(uint32_t number) { return fmt::format("{:08}{}", number, kSuffix); }

bool MemorySource::read(size_t index, uint64_t offset, std::span<uint8_t> out) {
  const std::span<const uint8_t> segment = segments_[index];
  if (offset > segment.size() || out.size() > segment.size() - offset) return false;
  if (!out.empty()) std::memcpy(out.data(), segment.data() + offset, out.size());
  return true;
}

DirectorySource::~DirectorySource() {
  close_segment();
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

void DirectorySource::close_segment() {
  if (segment_fd_ >= 0) ::close(segment_fd_);
  segment_fd_ = -1;
}

bool DirectorySource::list(Report& report, std::vector<std::pair<uint32_t, uint64_t>>& found) {
  const int copy = dup(directory_fd_);
  const std::unique_ptr<DIR, CloseDirectory> directory(copy >= 0 ? fdopendir(copy) : nullptr);
  if (!directory) {
    if (copy >= 0) ::close(copy);
    return false;
  }
  for (errno = 0; const dirent* entry = readdir(directory.get()); errno = 0) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info{};
    if (fstatat(directory_fd_, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
    const auto number = segment_number(name);
    if (number && S_ISREG(info.st_mode))
      found.emplace_back(*number, static_cast<uint64_t>(info.st_size));
    else
      report.add(FindingId::kForeignFile, file_place(name), "");
  }
  return errno == 0;
}

bool DirectorySource::open(const std::string& directory, Report& report) {
  const auto io_error = [&] {
    report.add(FindingId::kIoError, Place{}, fmt::format("{}: {}", directory, std::strerror(errno)));
    return false;
  };
  directory_fd_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ < 0) return io_error();
  std::vector<std::pair<uint32_t, uint64_t>> found;
  if (!list(report, found)) return io_error();
  std::sort(found.begin(), found.end());
  for (const auto& [number, size] : found) {
    if (number != sizes_.size()) {
      report.add(FindingId::kSegmentMissing, file_place(segment_file_name(static_cast<uint32_t>(sizes_.size()))), "");
      break;
    }
    sizes_.push_back(size);
  }
  if (found.empty()) report.add(FindingId::kNoSegments, Place{}, directory);
  // A size taken while the directory was listed may be older than the segment listed behind it.
  if (!refresh(0)) return io_error();
  return !sizes_.empty();
}

std::optional<uint64_t> DirectorySource::size_of(size_t index) const {
  struct stat info{};
  if (fstatat(directory_fd_, segment_name(index).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

bool DirectorySource::refresh(size_t from) {
  while (const auto size = size_of(sizes_.size())) sizes_.push_back(*size);
  // Only now: a segment that has a successor has its last size.
  for (size_t i = from; i < sizes_.size(); ++i) {
    const auto size = size_of(i);
    if (!size) return false;
    sizes_[i] = *size;
  }
  return true;
}

bool DirectorySource::read(size_t index, uint64_t offset, std::span<uint8_t> out) {
  if (segment_fd_ < 0 || segment_index_ != index) {
    close_segment();
    segment_fd_ = openat(directory_fd_, segment_name(index).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    segment_index_ = index;
    if (segment_fd_ < 0) return false;
  }
  while (!out.empty()) {
    const ssize_t n = pread(segment_fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

}  // namespace cm::audit::verify
