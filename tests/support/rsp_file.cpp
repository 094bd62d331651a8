// SPDX-License-Identifier: Apache-2.0
// rsp_file.cpp: see rsp_file.h. Test code only: it allocates and throws.
#include "tests/support/rsp_file.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace cm::test {
namespace {

std::string trimmed(std::string_view s) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = s.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return std::string(s.substr(begin, s.find_last_not_of(kBlank) - begin + 1));
}

std::pair<std::string, std::string> split_field(std::string_view line) {
  const size_t separator = line.find_first_of("=:");
  if (separator == std::string_view::npos) return {trimmed(line), {}};
  return {trimmed(line.substr(0, separator)), trimmed(line.substr(separator + 1))};
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw std::runtime_error(std::string("not a hex digit: ") + c);
}

uint64_t parse_number(const std::string& text) {
  size_t used = 0;
  const uint64_t value = std::stoull(text, &used);
  if (used != text.size()) throw std::runtime_error("not a number: " + text);
  return value;
}

}  // namespace

Bytes from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) throw std::runtime_error("odd number of hex digits: " + std::string(hex));
  Bytes out(hex.size() / 2);
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<uint8_t>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return out;
}

std::string to_hex(const uint8_t* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

bool RspRecord::has(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
}

const std::string& RspRecord::text(std::string_view name) const {
  for (const auto& field : fields)
    if (field.first == name) return field.second;
  throw std::runtime_error(place + ": no field " + std::string(name));
}

uint64_t RspRecord::number(std::string_view name) const { return parse_number(text(name)); }

uint64_t RspRecord::section_number(const std::string& name) const {
  const auto found = section.find(name);
  if (found == section.end()) throw std::runtime_error(place + ": no section value " + name);
  return parse_number(found->second);
}

std::vector<RspRecord> read_rsp_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::vector<RspRecord> records;
  std::map<std::string, std::string> section;
  bool in_record = false;
  bool in_section = false;
  size_t line_number = 0;
  for (std::string raw; std::getline(file, raw);) {
    ++line_number;
    const std::string line = trimmed(raw);
    if (line.empty()) in_record = false;
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      if (line.back() != ']') throw std::runtime_error(path + ":" + std::to_string(line_number) + ": open bracket");
      if (!in_section) section.clear();
      in_section = true;
      in_record = false;
      const auto value = split_field(std::string_view(line).substr(1, line.size() - 2));
      section[value.first] = value.second;
      continue;
    }
    in_section = false;
    if (!in_record) {
      records.push_back({{}, section, path + ":" + std::to_string(line_number)});
      in_record = true;
    }
    records.back().fields.push_back(split_field(line));
  }
  if (file.bad() || records.empty()) throw std::runtime_error("no records in " + path);
  return records;
}

}  // namespace cm::test
