// SPDX-License-Identifier: Apache-2.0
// checkpoint.cpp: see checkpoint.h.
#include "audit/verify/checkpoint.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "audit/verify/report.h"

namespace cm::audit::verify {
namespace {

constexpr std::string_view kOriginPrefix = "libcryptomod/audit-log/";
constexpr std::string_view kInclusionLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kConsistencyLine = "libcryptomod/consistency-proof@v1";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
constexpr size_t kMaxHashes = 128;  // a consistency proof has no more than two for each bit of a size

std::string base64(std::span<const uint8_t> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

// from_base64: only the one text that base64() makes of these bytes.
template <size_t kSize>
bool from_base64(std::string_view text, std::array<uint8_t, kSize>& out) {
  constexpr size_t kPadding = (3 - kSize % 3) % 3;
  std::array<uint8_t, kSize + kPadding> bytes;
  if (text.size() != bytes.size() / 3 * 4) return false;
  const int size =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size != static_cast<int>(bytes.size())) return false;
  std::memcpy(out.data(), bytes.data(), kSize);
  return base64(out) == text;
}

bool from_decimal(std::string_view text, uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && (text == "0" || text.front() != '0');
}

// Lines: of a text that ends with a newline.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  // next: nothing at the end, or when the last line has no newline.
  std::optional<std::string_view> next() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

 private:
  std::string_view rest_;
};

bool starts_with(std::string_view& line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return false;
  line.remove_prefix(prefix.size());
  return true;
}

bool printable_line(std::string_view line) {
  return !line.empty() && std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; });
}

// is_signature: of a signed-note: em dash, name, Base64.
bool is_signature(std::string_view line) {
  constexpr std::string_view kDash = "\xe2\x80\x94 ";
  if (!starts_with(line, kDash)) return false;
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return false;
  const std::string_view name = line.substr(0, space), value = line.substr(space + 1);
  return printable_line(name) && !value.empty() && value.find_first_not_of(kBase64) == std::string_view::npos;
}

// pass_over_rest: extension lines; then perhaps an empty line and at least one signature.
bool pass_over_rest(Lines& lines, bool& has_signatures) {
  has_signatures = false;
  while (!lines.at_end()) {
    const auto line = lines.next();
    if (!line) return false;
    if (line->empty() && !has_signatures && !lines.at_end())
      has_signatures = true;
    else if (has_signatures ? !is_signature(*line) : !printable_line(*line))
      return false;
  }
  return true;
}

bool parse_checkpoint(Lines& lines, Checkpoint& out, bool& has_signatures) {
  const auto origin = lines.next(), size = lines.next(), root = lines.next();
  if (!origin || !size || !root) return false;
  if (!printable_line(*origin) || !from_decimal(*size, out.head.size) || !from_base64(*root, out.head.root))
    return false;
  out.origin = *origin;
  return pass_over_rest(lines, has_signatures);
}

bool parse_hashes(Lines& lines, std::vector<Digest>& out) {
  for (auto line = lines.next(); line; line = lines.next()) {
    if (line->empty()) return true;
    if (out.size() == kMaxHashes || !from_base64(*line, out.emplace_back())) return false;
  }
  return false;
}

bool parse_inclusion(Lines& lines, InclusionProof& out, bool& has_signatures) {
  auto extra = lines.next(), index = lines.next();
  if (!extra || !index) return false;
  return starts_with(*extra, "extra ") && from_base64(*extra, out.record) && starts_with(*index, "index ") &&
         from_decimal(*index, out.index) && parse_hashes(lines, out.hashes) &&
         parse_checkpoint(lines, out.checkpoint, has_signatures);
}

bool parse_consistency(Lines& lines, ConsistencyProof& out, bool& has_signatures) {
  auto line = lines.next();
  if (!line || !starts_with(*line, "old ")) return false;
  const size_t space = line->find(' ');
  return space != std::string_view::npos && from_decimal(line->substr(0, space), out.old_head.size) &&
         from_base64(line->substr(space + 1), out.old_head.root) && parse_hashes(lines, out.hashes) &&
         parse_checkpoint(lines, out.checkpoint, has_signatures);
}

std::string hash_lines(const std::vector<Digest>& hashes) {
  std::string out;
  for (const Digest& hash : hashes) out += base64(hash) + "\n";
  return out + "\n";
}

}  // namespace

std::string origin_of(const LogId& log_id) { return std::string(kOriginPrefix) + hex_text(log_id); }

std::string to_text(const Checkpoint& c) {
  return fmt::format("{}\n{}\n{}\n", c.origin, c.head.size, base64(c.head.root));
}

std::string to_text(const InclusionProof& p) {
  return fmt::format("{}\nextra {}\nindex {}\n{}{}", kInclusionLine, base64(p.record), p.index, hash_lines(p.hashes),
                     to_text(p.checkpoint));
}

std::string to_text(const ConsistencyProof& p) {
  return fmt::format("{}\nold {} {}\n{}{}", kConsistencyLine, p.old_head.size, base64(p.old_head.root),
                     hash_lines(p.hashes), to_text(p.checkpoint));
}

std::optional<TreeText> parse_tree_text(std::string_view text, std::string& error) {
  TreeText out;
  Lines lines(text);
  const auto first = lines.next();
  bool good = false;
  if (first == kInclusionLine) {
    good = parse_inclusion(lines, out.what.emplace<InclusionProof>(), out.has_signatures);
    error = "a tlog-proof with the record as extra data is expected, and a line is not one of it";
  } else if (first == kConsistencyLine) {
    good = parse_consistency(lines, out.what.emplace<ConsistencyProof>(), out.has_signatures);
    error = "a consistency proof is expected, and a line is not one of it";
  } else {
    lines = Lines(text);
    good = parse_checkpoint(lines, out.what.emplace<Checkpoint>(), out.has_signatures);
    error = "this is neither a checkpoint (origin, size, root) nor a proof";
  }
  if (!good) return std::nullopt;
  return out;
}

}  // namespace cm::audit::verify
