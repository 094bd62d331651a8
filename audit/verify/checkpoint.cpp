// SPDX-License-Identifier: Apache-2.0
// checkpoint.cpp: see checkpoint.h.
#include "audit/verify/checkpoint.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>

#include "audit/verify/report.h"

namespace cm::audit::verify {
namespace {

constexpr std::string_view kInclusionLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kConsistencyLine = "libcryptomod/consistency-proof@v1";
constexpr std::string_view kDash = "\xe2\x80\x94 ";
constexpr size_t kMaxHashes = 128;  // a consistency proof has no more than two for each bit of a size

// from_base64: only the one text that base64_text makes of these bytes.
bool from_base64(std::string_view text, Bytes& out) {
  out.resize(text.size() / 4 * 3);
  const int size =
      EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (text.empty() || size != static_cast<int>(out.size())) return false;
  const auto padding = static_cast<size_t>(std::ranges::count(text.substr(text.size() - 2), '='));
  out.resize(out.size() - padding);
  return base64_text(out) == text;
}

template <size_t kSize>
bool from_base64(std::string_view text, std::array<uint8_t, kSize>& out) {
  Bytes bytes;
  if (!from_base64(text, bytes) || bytes.size() != kSize) return false;
  std::ranges::copy(bytes, out.begin());
  return true;
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
  std::string_view rest() const { return rest_; }
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

// parse_signature: of a signed-note: em dash, name, Base64 of key id and signature.
bool parse_signature(std::string_view line, NoteSignature& out) {
  if (!starts_with(line, kDash)) return false;
  const size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, space);
  Bytes value;
  if (!printable_line(name) || name.find('+') != std::string_view::npos ||
      !from_base64(line.substr(space + 1), value) || value.size() <= out.key_id.size())
    return false;
  out.name = name;
  std::copy_n(value.begin(), out.key_id.size(), out.key_id.begin());
  out.value.assign(value.begin() + static_cast<ptrdiff_t>(out.key_id.size()), value.end());
  return true;
}

// parse_signatures: at least one, up to the end.
bool parse_signatures(Lines& lines, std::vector<NoteSignature>& out) {
  while (!lines.at_end()) {
    const auto line = lines.next();
    if (!line || !parse_signature(*line, out.emplace_back())) return false;
  }
  return !out.empty();
}

// parse_checkpoint: with extension lines; then perhaps an empty line and signatures.
bool parse_checkpoint(Lines& lines, Checkpoint& out, SignedNote& note) {
  const std::string_view whole = lines.rest();
  const auto origin = lines.next(), size = lines.next(), root = lines.next();
  if (!origin || !size || !root) return false;
  if (!printable_line(*origin) || !from_decimal(*size, out.head.size) || !from_base64(*root, out.head.root))
    return false;
  out.origin = *origin;
  while (true) {
    note.text = whole.substr(0, whole.size() - lines.rest().size());
    if (lines.at_end()) return true;
    const auto line = lines.next();
    if (!line) return false;
    if (line->empty()) return parse_signatures(lines, note.signatures);
    if (!printable_line(*line)) return false;
  }
}

bool parse_hashes(Lines& lines, std::vector<Digest>& out) {
  for (auto line = lines.next(); line; line = lines.next()) {
    if (line->empty()) return true;
    if (out.size() == kMaxHashes || !from_base64(*line, out.emplace_back())) return false;
  }
  return false;
}

bool parse_inclusion(Lines& lines, InclusionProof& out, SignedNote& note) {
  auto extra = lines.next(), index = lines.next();
  if (!extra || !index) return false;
  return starts_with(*extra, "extra ") && from_base64(*extra, out.record) && starts_with(*index, "index ") &&
         from_decimal(*index, out.index) && parse_hashes(lines, out.hashes) &&
         parse_checkpoint(lines, out.checkpoint, note);
}

bool parse_consistency(Lines& lines, ConsistencyProof& out, SignedNote& note) {
  auto line = lines.next();
  if (!line || !starts_with(*line, "old ")) return false;
  const size_t space = line->find(' ');
  return space != std::string_view::npos && from_decimal(line->substr(0, space), out.old_head.size) &&
         from_base64(line->substr(space + 1), out.old_head.root) && parse_hashes(lines, out.hashes) &&
         parse_checkpoint(lines, out.checkpoint, note);
}

std::string hash_lines(const std::vector<Digest>& hashes) {
  std::string out;
  for (const Digest& hash : hashes) out += base64_text(hash) + "\n";
  return out + "\n";
}

}  // namespace

std::string to_text(const Checkpoint& c) { return checkpoint_text(c.origin, c.head); }

std::string to_text(const SignedNote& note) {
  std::string out = note.text;
  if (!note.signatures.empty()) out += "\n";
  for (const NoteSignature& s : note.signatures) {
    Bytes value(s.key_id.begin(), s.key_id.end());
    value.insert(value.end(), s.value.begin(), s.value.end());
    out += fmt::format("{}{} {}\n", kDash, s.name, base64_text(value));
  }
  return out;
}

std::string to_text(const InclusionProof& p, const SignedNote* note) {
  return fmt::format("{}\nextra {}\nindex {}\n{}{}", kInclusionLine, base64_text(p.record), p.index,
                     hash_lines(p.hashes), note != nullptr ? to_text(*note) : to_text(p.checkpoint));
}

std::string to_text(const ConsistencyProof& p, const SignedNote* note) {
  return fmt::format("{}\nold {} {}\n{}{}", kConsistencyLine, p.old_head.size, base64_text(p.old_head.root),
                     hash_lines(p.hashes), note != nullptr ? to_text(*note) : to_text(p.checkpoint));
}

const Checkpoint& TreeText::checkpoint() const {
  if (const auto* inclusion = std::get_if<InclusionProof>(&what)) return inclusion->checkpoint;
  if (const auto* consistency = std::get_if<ConsistencyProof>(&what)) return consistency->checkpoint;
  return std::get<Checkpoint>(what);
}

std::string to_text(const TreeText& tree) {
  if (const auto* p = std::get_if<InclusionProof>(&tree.what)) return to_text(*p, &tree.note);
  if (const auto* p = std::get_if<ConsistencyProof>(&tree.what)) return to_text(*p, &tree.note);
  return to_text(tree.note);
}

std::optional<TreeText> parse_tree_text(std::string_view text, std::string& error) {
  TreeText out;
  Lines lines(text);
  const auto first = lines.next();
  bool good = false;
  if (first == kInclusionLine) {
    good = parse_inclusion(lines, out.what.emplace<InclusionProof>(), out.note);
    error = "a tlog-proof with the record as extra data is expected, and a line is not one of it";
  } else if (first == kConsistencyLine) {
    good = parse_consistency(lines, out.what.emplace<ConsistencyProof>(), out.note);
    error = "a consistency proof is expected, and a line is not one of it";
  } else {
    lines = Lines(text);
    good = parse_checkpoint(lines, out.what.emplace<Checkpoint>(), out.note);
    error = "this is neither a checkpoint (origin, size, root) nor a proof";
  }
  if (!good) return std::nullopt;
  return out;
}

}  // namespace cm::audit::verify
