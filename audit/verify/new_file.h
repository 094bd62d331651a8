// SPDX-License-Identifier: Apache-2.0
// new_file.h: a file that is there as a whole or not at all: it is written under a temporary name beside its own and
// renamed when all of it is on the disk. A file that has the name already is replaced then, or is an error.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cm::audit::verify {

class NewFile {
 public:
  // Existing: what happens to a file that has the name already.
  enum class Existing : uint8_t { kReplace, kKeep };
  // mode: less what the umask takes.
  explicit NewFile(std::string path, Existing existing = Existing::kReplace, mode_t mode = 0666)
      : path_(std::move(path)), existing_(existing), mode_(mode) {}
  // An object that goes without keep leaves nothing behind, nor does a process that is ended with Ctrl-C or SIGTERM.
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  // Each is false, and error() a sentence, when it could not be done; the ones after it do nothing then.
  bool open();
  bool write(std::string_view bytes);
  // read: fills out with what was written from offset on.
  bool read(uint64_t offset, std::span<uint8_t> out) const;
  bool keep();
  const std::string& error() const { return error_; }

 private:
  bool failed(std::string_view what);

  std::string path_;
  Existing existing_;
  mode_t mode_;
  std::string temporary_;
  std::string error_;
  int fd_ = -1;
};

// inside: whether a file of this path would stand directly in the directory. A log holds nothing but its segments.
bool inside(const std::string& path, const std::string& directory);

}  // namespace cm::audit::verify
