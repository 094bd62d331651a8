// SPDX-License-Identifier: Apache-2.0
// tar_file.h: an archive (ustar, POSIX.1-1988) that depends on names and contents alone: every file has owner 0 and
// time 0. What was written can be read again before the archive is finished.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "audit/verify/new_file.h"

namespace cm::audit::verify {

class TarFile {
 public:
  explicit TarFile(NewFile& file) : file_(file) {}

  // Each is false when the file below could not take it; its error() says why.
  // add: a whole file. Names are ASCII of at most 99 bytes.
  bool add(const std::string& name, std::string_view content, bool executable = false);
  // begin, append, end: a file in pieces that together have the size.
  bool begin(const std::string& name, uint64_t size, bool executable = false);
  bool append(std::string_view bytes);
  bool end();
  bool finish();

  // position: where the next byte goes.
  uint64_t position() const { return position_; }

 private:
  bool pad();

  NewFile& file_;
  uint64_t position_ = 0;
};

}  // namespace cm::audit::verify
