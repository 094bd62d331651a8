// SPDX-License-Identifier: Apache-2.0
// log_store.cpp: see log_store.h.
#include "audit/writer/log_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>

#include "audit/frame.h"

namespace cm::audit {
namespace {

// means_no_space: EFBIG is the process's own limit (RLIMIT_FSIZE), EDQUOT the user's quota.
bool means_no_space(int number) { return number == ENOSPC || number == EDQUOT || number == EFBIG; }

bool write_all(int fd, uint64_t offset, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) {
      errno = ENOSPC;
      return false;
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return true;
}

}  // namespace

std::string segment_name(uint32_t segment) {
  char name[32];
  std::snprintf(name, sizeof name, kSegmentNameFormat, segment);
  return name;
}

Error LogStore::resume(uint32_t segment, uint64_t size, bool closed) {
  const int access = closed ? O_RDONLY : O_RDWR;
  file_.reset(openat(dir_fd_, segment_name(segment).c_str(), access | O_CLOEXEC | O_NOFOLLOW));
  if (!file_.valid()) return system_error("cannot open " + segment_name(segment));
  segment_ = segment;
  size_ = size;
  closed_ = closed;
  return {};
}

Appended LogStore::append(std::span<const uint8_t> frame, Error& error) {
  const bool to_next = !file_.valid() || closed_;
  if (!to_next) error = look_at_file();
  if (!to_next && error) return Appended::kFatal;
  const Appended result = to_next ? append_to_next(frame, error) : append_to(file_.get(), size_, frame, error);
  if (result == Appended::kDone) size_ += frame.size();
  return result;
}

// look_at_file: what is open is what the directory names, and as long as it was left.
Error LogStore::look_at_file() const {
  const std::string name = segment_name(segment_);
  struct stat opened, named;
  if (fstat(file_.get(), &opened) != 0) return system_error("cannot look at " + name);
  if (fstatat(dir_fd_, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
    return system_error("cannot look at " + name);
  if (opened.st_nlink == 0 || opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
    return {name + " was deleted or replaced while it was written; bring the file back, or begin a new log"};
  if (static_cast<uint64_t>(opened.st_size) != size_)
    return {name + " was changed by somebody else while it was written: it has " + std::to_string(opened.st_size) +
            " bytes and was left with " + std::to_string(size_)};
  return {};
}

// close_segment: a mode that could not be changed is no loss: nothing depends on it.
Error LogStore::close_segment() {
  closed_ = true;
  if (fchmod(file_.get(), S_IRUSR) != 0 || fsync(file_.get()) != 0)
    return system_error("cannot make " + segment_name(segment_) + " read-only");
  return {};
}

// append_to: a failed write is undone by cutting the file back, which also drops the pages a failed sync left behind:
// so lack of space at the sync may be tried again, unlike any other error there.
Appended LogStore::append_to(int fd, uint64_t offset, std::span<const uint8_t> frame, Error& error) {
  const bool written = write_all(fd, offset, frame);
  if (written && fdatasync(fd) == 0) return Appended::kDone;
  const bool no_space = means_no_space(errno);
  error = system_error(written ? "cannot make a frame durable" : "cannot write a frame");
  if (ftruncate(fd, static_cast<off_t>(offset)) != 0) {
    error = system_error("cannot cut off a partial frame");
    return Appended::kFatal;
  }
  return no_space ? Appended::kNoSpace : Appended::kFatal;
}

Appended LogStore::append_to_next(std::span<const uint8_t> frame, Error& error) {
  const uint32_t next = file_.valid() ? segment_ + 1 : 0;
  const std::string name = segment_name(next);
  UniqueFd fd(openat(dir_fd_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    const bool no_space = means_no_space(errno);
    error = system_error("cannot create " + name);
    return no_space ? Appended::kNoSpace : Appended::kFatal;
  }
  Appended result = append_to(fd.get(), 0, frame, error);
  if (result == Appended::kDone && fsync(dir_fd_) != 0) {
    result = means_no_space(errno) ? Appended::kNoSpace : Appended::kFatal;
    error = system_error("cannot make the name " + name + " durable");
  }
  if (result != Appended::kDone) {
    if (unlinkat(dir_fd_, name.c_str(), 0) != 0) result = Appended::kFatal;
    return result;
  }
  file_ = std::move(fd);
  segment_ = next;
  size_ = 0;
  closed_ = false;
  return result;
}

}  // namespace cm::audit
