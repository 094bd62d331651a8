// SPDX-License-Identifier: Apache-2.0
// files.cpp: see files.h. Everything about an output happens relative to the descriptor of its directory, so that a
// directory that is moved meanwhile gets the file all the same.
#include "tools/cryptomod/files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/signals.h"

namespace cm::tool {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthersMayUse = 0077;

std::string quoted(std::string_view name) { return fmt::format("'{}'", name); }

void write_all(int fd, std::span<const uint8_t> bytes, const std::string& name) {
  while (!bytes.empty()) {
    check_signals();
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot write " + quoted(name), errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

// temporary_name: nobody else's; the caller opens it with O_EXCL and tries again when it exists.
std::string temporary_name() {
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) fail_errno("cannot make a temporary name", errno);
  return fmt::format(".cryptomod.{:016x}", number);
}

std::string fd_link(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

// OutputFile: commit makes the contents durable first and the name afterwards.
class OutputFile : public Output {
 public:
  OutputFile(const std::string& path, OutputOptions options, std::span<const struct stat> others)
      : name_(path), options_(options) {
    open_directory();
    check_target(others);
    if (!open_nameless()) open_named();
  }
  ~OutputFile() override { remove_temporary(); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& name() const override { return name_; }
  void write(std::span<const uint8_t> bytes) override { write_all(fd_.get(), bytes, name_); }
  void commit() override;

 private:
  void open_directory();
  void check_target(std::span<const struct stat> others) const;
  bool open_nameless();
  void open_named();
  void name_temporary();
  void link_new();
  void rename_new();
  void remove_temporary() noexcept;
  [[noreturn]] void fail_naming(int error) const;

  std::string name_;
  OutputOptions options_;
  std::string last_;       // final name within the directory
  std::string temporary_;  // name within the directory, empty while nameless
  FileDescriptor directory_;
  FileDescriptor fd_;
};

void OutputFile::open_directory() {
  const size_t slash = name_.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : name_.substr(0, slash);
  last_ = slash == std::string::npos ? name_ : name_.substr(slash + 1);
  if (last_.empty() || last_ == "." || last_ == "..")
    fail(kExitFailed, "{} is a directory; name a file in it", quoted(name_));
  const int fd = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = errno;
  directory_ = FileDescriptor(fd);
  if (directory_.valid()) return;
  if (error == ENOENT) fail(kExitFailed, "the directory {} does not exist; create it first", quoted(parent));
  fail_errno("cannot open the directory " + quoted(parent), error);
}

void OutputFile::check_target(std::span<const struct stat> others) const {
  struct stat info{};
  for (const struct stat& other : others) {  // through a symbolic link too
    if (fstatat(directory_.get(), last_.c_str(), &info, 0) == 0 && info.st_dev == other.st_dev &&
        info.st_ino == other.st_ino)
      fail(kExitFailed, "{} is also an input of this command; name another output", quoted(name_));
  }
  if (fstatat(directory_.get(), last_.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    fail_errno("cannot use " + quoted(name_), errno);
  }
  if (S_ISDIR(info.st_mode)) fail(kExitFailed, "{} is a directory; name a file in it", quoted(name_));
  if (!S_ISREG(info.st_mode))
    fail(kExitFailed, "{} is not a regular file and is never replaced; name another output", quoted(name_));
  if (!options_.replace) fail_naming(EEXIST);
}

bool OutputFile::open_nameless() {
  fd_ = FileDescriptor(openat(directory_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kOwnerOnly));
  if (!fd_.valid()) return false;
  // Without /proc there is no way back to a name.
  if (access(fd_link(fd_.get()).c_str(), F_OK) == 0) return true;
  fd_ = FileDescriptor();
  return false;
}

void OutputFile::open_named() {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const std::string candidate = temporary_name();
    FileDescriptor fd(
        openat(directory_.get(), candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
    if (fd.valid()) {
      temporary_ = candidate;
      set_temporary_name(directory_.get(), temporary_.c_str());
      fd_ = std::move(fd);
      return;
    }
    if (errno != EEXIST) break;
  }
  fail_errno("cannot create a file beside " + quoted(name_), errno);
}

// name_temporary: a nameless file cannot take the place of another; it needs a name from which it is renamed.
void OutputFile::name_temporary() {
  const std::string candidate = temporary_name();
  if (linkat(AT_FDCWD, fd_link(fd_.get()).c_str(), directory_.get(), candidate.c_str(), AT_SYMLINK_FOLLOW) != 0)
    fail_errno("cannot create a file beside " + quoted(name_), errno);
  temporary_ = candidate;
  set_temporary_name(directory_.get(), temporary_.c_str());
}

void OutputFile::link_new() {
  if (linkat(AT_FDCWD, fd_link(fd_.get()).c_str(), directory_.get(), last_.c_str(), AT_SYMLINK_FOLLOW) != 0)
    fail_naming(errno);
}

// rename_new: gives the temporary name up for the final one and fails when that exists. File systems that do not know
// RENAME_NOREPLACE get a hard link; those without hard links a look before the rename, which leaves a moment in which
// somebody else's new file of this name would be replaced.
void OutputFile::rename_new() {
  const int dir = directory_.get();
  if (renameat2(dir, temporary_.c_str(), dir, last_.c_str(), RENAME_NOREPLACE) == 0) {
    temporary_.clear();
    return;
  }
  if (errno != EINVAL && errno != ENOSYS) fail_naming(errno);
  if (linkat(dir, temporary_.c_str(), dir, last_.c_str(), 0) == 0) return;  // remove_temporary does the rest
  if (errno != EPERM && errno != EOPNOTSUPP) fail_naming(errno);
  if (faccessat(dir, last_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) fail_naming(EEXIST);
  if (renameat(dir, temporary_.c_str(), dir, last_.c_str()) != 0) fail_naming(errno);
  temporary_.clear();
}

void OutputFile::fail_naming(int error) const {
  if (error == EEXIST) fail(kExitFailed, "{} exists; {}", quoted(name_), options_.when_it_exists);
  fail_errno("cannot give the result the name " + quoted(name_), error);
}

void OutputFile::commit() {
  if (fsync(fd_.get()) != 0) fail_errno("cannot write " + quoted(name_) + " to disk", errno);
  check_signals();
  if (options_.replace) {
    if (temporary_.empty()) name_temporary();
    if (renameat(directory_.get(), temporary_.c_str(), directory_.get(), last_.c_str()) != 0) fail_naming(errno);
    temporary_.clear();
  } else if (temporary_.empty()) {
    link_new();
  } else {
    rename_new();
  }
  remove_temporary();
  // The name must survive a power failure too. Some file systems cannot sync a directory (EINVAL); they have no better.
  if (fsync(directory_.get()) != 0 && errno != EINVAL)
    fail_errno("cannot write the directory of " + quoted(name_), errno);
}

void OutputFile::remove_temporary() noexcept {
  if (!temporary_.empty()) unlinkat(directory_.get(), temporary_.c_str(), 0);
  temporary_.clear();
  clear_temporary_name();
}

class StandardOutput : public Output {
 public:
  const std::string& name() const override { return name_; }
  void write(std::span<const uint8_t> bytes) override { write_all(STDOUT_FILENO, bytes, name_); }
  void commit() override {}

 private:
  std::string name_ = "standard output";
};

}  // namespace

FileDescriptor::~FileDescriptor() { close(); }

void FileDescriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Input::Input(const std::string& path)
    : Input(path == kStandardStream ? FileDescriptor(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))
                                    : FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)),
            path == kStandardStream ? "standard input" : path) {}

Input::Input(FileDescriptor fd, std::string name) : name_(std::move(name)), fd_(std::move(fd)) {
  if (!fd_.valid()) {
    const int error = errno;
    check_signals();  // opening a named pipe waits
    fail_errno("cannot open " + quoted(name_), error);
  }
  if (fstat(fd_.get(), &about_) != 0) fail_errno("cannot read " + quoted(name_), errno);
  if (S_ISDIR(about_.st_mode))
    fail(kExitFailed, "{} is a directory; name a file, or pack it first and give the archive", quoted(name_));
  static_cast<void>(posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
}

size_t Input::read(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    check_signals();
    const ssize_t n = ::read(fd_.get(), out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot read " + quoted(name_), errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

std::optional<uint64_t> Input::size() const {
  if (!S_ISREG(about_.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(about_.st_size);
}

bool Input::changed() const {
  struct stat now{};
  if (!S_ISREG(about_.st_mode) || fstat(fd_.get(), &now) != 0) return false;
  return now.st_size != about_.st_size || now.st_mtim.tv_sec != about_.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != about_.st_mtim.tv_nsec;
}

std::unique_ptr<Output> open_output(const std::string& path, OutputOptions options,
                                    std::span<const struct stat> others) {
  return std::make_unique<OutputFile>(path, options, others);
}

std::unique_ptr<Output> standard_output() { return std::make_unique<StandardOutput>(); }

FileDescriptor open_private_file(const std::string& path, const char* kind) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info{};
  if (!fd.valid() || fstat(fd.get(), &info) != 0) fail_errno(fmt::format("cannot open the {} '{}'", kind, path), errno);
  if (S_ISDIR(info.st_mode)) fail(kExitFailed, "'{}' is a directory, not a {}", path, kind);
  if (S_ISREG(info.st_mode) && (info.st_mode & kOthersMayUse) != 0)
    fail(kExitFailed, "the {} '{}' may be used by others than its owner; run: chmod 600 '{}'", kind, path, path);
  return fd;
}

}  // namespace cm::tool
