// SPDX-License-Identifier: Apache-2.0
// tar_file.cpp: see tar_file.h.
#include "audit/verify/tar_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>

namespace cm::audit::verify {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kOctalSizeMax = (uint64_t{1} << 33) - 1;  // eleven octal digits

// Header: a block whose fields are named by their offset and size.
class Header {
 public:
  void text(size_t offset, std::string_view value) { std::ranges::copy(value, block_.begin() + offset_of(offset)); }
  void octal(size_t offset, size_t digits, uint64_t value) { text(offset, fmt::format("{:0{}o}", value, digits)); }
  // size: as octal digits where they suffice, else as the number itself behind a byte 0x80, which every tar of today
  // reads.
  void size(size_t offset, uint64_t value) {
    if (value <= kOctalSizeMax) {
      octal(offset, 11, value);
      return;
    }
    block_[offset] = '\x80';
    for (size_t i = 0; i < sizeof value; ++i) block_[offset + 11 - i] = static_cast<char>(value >> 8 * i & 0xff);
  }
  // sealed: the block with its checksum: the sum of its bytes, those of the checksum taken as spaces.
  const std::string& sealed() {
    constexpr size_t kChecksum = 148;
    text(kChecksum, "        ");
    const auto add = [](unsigned sum, char c) { return sum + static_cast<unsigned char>(c); };
    text(kChecksum, fmt::format("{:06o}", std::accumulate(block_.begin(), block_.end(), 0U, add)));
    block_[kChecksum + 6] = '\0';
    return block_;
  }

 private:
  static ptrdiff_t offset_of(size_t offset) { return static_cast<ptrdiff_t>(offset); }

  std::string block_ = std::string(kBlock, '\0');
};

}  // namespace

bool TarFile::begin(const std::string& name, uint64_t size, bool executable) {
  Header header;
  header.text(0, std::string_view(name).substr(0, 99));
  header.octal(100, 7, executable ? 0755 : 0644);
  header.octal(108, 7, 0);  // user
  header.octal(116, 7, 0);  // group
  header.size(124, size);
  header.octal(136, 11, 0);  // time
  header.text(156, "0");     // a regular file
  header.text(257, std::string_view("ustar\0"
                                    "00",
                                    8));
  return append(header.sealed());
}

bool TarFile::append(std::string_view bytes) {
  position_ += bytes.size();
  return file_.write(bytes);
}

bool TarFile::pad() { return append(std::string((kBlock - position_ % kBlock) % kBlock, '\0')); }

bool TarFile::end() { return pad(); }

bool TarFile::add(const std::string& name, std::string_view content, bool executable) {
  return begin(name, content.size(), executable) && append(content) && end();
}

bool TarFile::finish() { return append(std::string(2 * kBlock, '\0')); }

}  // namespace cm::audit::verify
