// SPDX-License-Identifier: Apache-2.0
// files.h: input and output of the tool. An output file has its final name only after commit(): until then it is
// nameless (O_TMPFILE), or has a temporary name where the file system knows no nameless files. It must never leave a
// partial file under the final name, never follow a symbolic link at the final name, and never replace a file unless
// told to.
#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace cm::tool {

inline constexpr char kStandardStream[] = "-";

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// Input: a file, or standard input for "-". Reads are interrupted by signals (signals.h).
class Input {
 public:
  explicit Input(const std::string& path);
  // Input: a descriptor that was opened elsewhere.
  Input(FileDescriptor fd, std::string name);
  // read: fills the buffer as far as the input goes; fewer bytes than asked for only at its end.
  size_t read(std::span<uint8_t> out);
  const std::string& name() const { return name_; }
  const struct stat& about() const { return about_; }
  // size: of a regular file, nothing for a stream.
  std::optional<uint64_t> size() const;
  // changed: whether a regular file was changed since it was opened.
  bool changed() const;

 private:
  std::string name_;
  FileDescriptor fd_;
  struct stat about_{};
};

// Output: where a command writes. commit: everything is right; until it returns the result must not be visible as such.
class Output {
 public:
  virtual ~Output() = default;
  virtual void write(std::span<const uint8_t> bytes) = 0;
  virtual void commit() = 0;
  virtual const std::string& name() const = 0;
};

struct OutputOptions {
  bool replace = false;  // an existing regular file may be replaced
  const char* when_it_exists = "name another output, or give --force to replace it";
};

// open_output: a file that is readable by its owner only. The other files of the command are given so that none of them
// can be replaced by its own result.
std::unique_ptr<Output> open_output(const std::string& path, OutputOptions options,
                                    std::span<const struct stat> others);
// standard_output: bytes are released as they are written.
std::unique_ptr<Output> standard_output();

// open_private_file: for reading what holds secrets: refused when group or others may read or write it.
FileDescriptor open_private_file(const std::string& path, const char* kind);

}  // namespace cm::tool
