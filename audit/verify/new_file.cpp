// SPDX-License-Identifier: Apache-2.0
// new_file.cpp: see new_file.h. It must not replace what is no regular file, and never follows a link.
#include "audit/verify/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

namespace cm::audit::verify {
namespace {

// What a signal that ends the process has to remove: a command writes one file.
std::atomic<const char*> unfinished = nullptr;
static_assert(std::atomic<const char*>::is_always_lock_free);

extern "C" void remove_unfinished(int signal) {
  if (const char* name = unfinished.load(); name != nullptr) unlink(name);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void remove_at_signals(const char* name) {
  unfinished = name;
  for (const int signal : {SIGHUP, SIGINT, SIGTERM})
    if (name != nullptr && std::signal(signal, remove_unfinished) == SIG_IGN) std::signal(signal, SIG_IGN);
}

}  // namespace

NewFile::~NewFile() {
  if (fd_ >= 0) close(fd_);
  if (temporary_.empty()) return;
  remove_at_signals(nullptr);
  unlink(temporary_.c_str());
}

bool NewFile::failed(std::string_view what) {
  error_ = fmt::format("cannot write {}: {}", path_, what);
  return false;
}

bool NewFile::open() {
  struct stat status{};
  const bool exists = lstat(path_.c_str(), &status) == 0;
  if (exists && existing_ == Existing::kKeep) return failed("it exists; name another file");
  if (exists && !S_ISREG(status.st_mode))
    return failed("it exists and is no regular file; name another one, or - for standard output");
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::string name = fmt::format("{}.{}-{}.part", path_, getpid(), attempt);
    fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_);
    if (fd_ >= 0) {
      temporary_ = name;
      remove_at_signals(temporary_.c_str());
      return true;
    }
    if (errno != EEXIST) break;
  }
  return failed(std::strerror(errno));
}

bool NewFile::write(std::string_view bytes) {
  if (!error_.empty() || fd_ < 0) return false;
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed(std::strerror(n < 0 ? errno : EIO));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool NewFile::read(uint64_t offset, std::span<uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t n = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

bool NewFile::keep() {
  if (!error_.empty() || fd_ < 0) return false;
  if (fsync(fd_) != 0) return failed(std::strerror(errno));
  const int closed = close(fd_);
  fd_ = -1;
  // A file that came meanwhile is kept too; where the file system cannot promise that, the look in open() must do.
  const unsigned flags = existing_ == Existing::kKeep ? RENAME_NOREPLACE : 0;
  const bool named = renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), flags) == 0 ||
                     (errno == EINVAL && rename(temporary_.c_str(), path_.c_str()) == 0);
  if (closed != 0 || !named) return failed(std::strerror(errno));
  remove_at_signals(nullptr);
  temporary_.clear();
  return true;
}

bool inside(const std::string& path, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code none;
  const fs::path parent = fs::path(path).parent_path();
  return fs::equivalent(parent.empty() ? fs::path(".") : parent, directory, none);
}

}  // namespace cm::audit::verify
