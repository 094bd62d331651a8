// SPDX-License-Identifier: Apache-2.0
// rsp_file.h: reader of NIST CAVP response files and of other "name = value" or "name: value" test data: records
// separated by blank lines, [section = value] lines that hold for the records after them, # comments. Throws
// std::runtime_error with file and line on anything else, so that a damaged file is not a file with fewer cases.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cm::test {

using Bytes = std::vector<uint8_t>;

Bytes from_hex(std::string_view hex);
std::string to_hex(const uint8_t* bytes, size_t size);
inline std::string to_hex(const Bytes& bytes) { return to_hex(bytes.data(), bytes.size()); }

struct RspRecord {
  std::vector<std::pair<std::string, std::string>>
      fields;  // in file order; a lone word such as FAIL has an empty value
  std::map<std::string, std::string> section;
  std::string place;  // file:line of its first field, for messages

  bool has(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // of the first field of that name; throws when there is none
  Bytes bytes(std::string_view name) const { return from_hex(text(name)); }
  uint64_t number(std::string_view name) const;
  uint64_t section_number(const std::string& name) const;
};

std::vector<RspRecord> read_rsp_file(const std::string& path);

}  // namespace cm::test
