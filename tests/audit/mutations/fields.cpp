// SPDX-License-Identifier: Apache-2.0
// fields.cpp: see fields.h. A layout is a list of (name, size); a size below zero is one of the kinds of variable size.
#include "tests/audit/mutations/fields.h"

#include <iterator>
#include <string_view>

namespace cm::audit::test {
namespace {

constexpr int kCounted = -1;   // u16 length, little endian, and that many bytes
constexpr int kTpmSized = -2;  // the same, big endian
constexpr int kListOf = -3;    // u32 count; what follows in the layout is one item
constexpr int kIfSealed = -4;  // 32 bytes when seal_kind is 1
constexpr int kQuote = -5;     // u16 length, little endian, and the structure of that name
constexpr int kCertification = -6;
constexpr int kSignature = -7;
constexpr int kPublic = -8;

struct Row {
  const char* name;
  int size;
};
using Layout = std::vector<Row>;

const Layout kHeader = {{"magic", 8},    {"version", 2},        {"type", 2},         {"carried", 4},
                        {"log_id", 16},  {"frame_seq", 8},      {"first_record", 8}, {"record_count", 4},
                        {"var_size", 4}, {"writer_time_ns", 8}, {"prev_head", 32},   {"records_digest", 32}};
const Layout kRecord = {{"event_id", 4}, {"return_code", 4}, {"time_ns", 8}, {"session_id", 16}, {"ring_id", 4},
                        {"ring_seq", 4}, {"object", 8},      {"detail", 8},  {"seal", 8}};
const Layout kTail = {{"crc32c", 4}, {"magic", 4}, {"frame_size", 8}};

const Layout kGenesis = {{"writer_version", kCounted},
                         {"writer_uid", 4},
                         {"creator_uid", 4},
                         {"isolated", 1},
                         {"tpm.kind", 1},
                         {"tpm.manufacturer", 4},
                         {"tpm.firmware", 8},
                         {"tpm.reset_count", 4},
                         {"tpm.restart_count", 4},
                         {"tpm.clock_ms", 8},
                         {"tpm.clock_safe", 1},
                         {"pcr_index", 4},
                         {"pcr_start", 32},
                         {"ak_public", kPublic},
                         {"nv_index", 4},
                         {"nv_name", kCounted},
                         {"nv_start", 8},
                         {"boot_id", 16}};
const Layout kStart = {{"writer_version", kCounted},
                       {"writer_uid", 4},
                       {"tpm.kind", 1},
                       {"tpm.manufacturer", 4},
                       {"tpm.firmware", 8},
                       {"tpm.reset_count", 4},
                       {"tpm.restart_count", 4},
                       {"tpm.clock_ms", 8},
                       {"tpm.clock_safe", 1},
                       {"pcr_value", 32},
                       {"nv_value", 8},
                       {"boot_id", 16},
                       {"torn_bytes", 8},
                       {"torn_digest", 32}};
const Layout kAttach = {{"client_id", 16},
                        {"pid", 4},
                        {"uid", 4},
                        {"gid", 4},
                        {"start_time", 8},
                        {"reattached", 1},
                        {"executable_known", 1},
                        {"executable_digest", 32},
                        {"executable", kCounted},
                        {"module_digest", 32},
                        {"module_version", kCounted},
                        {"lanes", kCounted},
                        {"seal_kind", 4},
                        {"ring_records", 4},
                        {"first_ring_id", 4},
                        {"ring_count", 4},
                        {"seal_commitment", kIfSealed}};
const Layout kLost = {{"client_id", 16},    {"reason", 4},        {"open", kListOf}, {"open.ring_id", 4},
                      {"open.event_id", 4}, {"open.ring_seq", 8}, {"open.object", 8}};
const Layout kBatch = {{"marks", kListOf}, {"mark.ring_id", 4}, {"mark.count", 4}, {"mark.first_seq", 8}};
const Layout kAnchor = {{"anchored_seq", 8},
                        {"anchored_head", 32},
                        {"pcr_value", 32},
                        {"nv_value", 8},
                        {"challenge", 32},
                        {"tsc_before", 8},
                        {"tsc_after", 8},
                        {"quote_attest", kQuote},
                        {"quote_signature", kSignature},
                        {"nv_attest", kCertification},
                        {"nv_signature", kSignature}};
const Layout kPayloads[13] = {
    kGenesis,
    kStart,
    {{"tsc", 8}, {"utc_ns", 8}, {"ns_per_tick_q32", 8}, {"generation", 4}},
    kAttach,
    {{"client_id", 16}},
    kLost,
    kBatch,
    kAnchor,
    {{"expected", 32}, {"found", 32}},
    {{"client_id", 16}, {"ring_id", 4}, {"reason", 4}, {"ring_seq", 8}},
    kStart,
    {{"segment", 4}, {"reason", 4}, {"bytes", 8}},
    {{"reason", 4}},
};
constexpr const char* kTypes[13] = {"genesis",     "boot",         "clock",  "client-attach",      "client-detach",
                                    "client-lost", "batch",        "anchor", "unexplained-extend", "seal-broken",
                                    "recovery",    "segment-seal", "end"};

const Layout kAttestCommon = {{"magic", 4},         {"type", 2},  {"signer", kTpmSized},
                              {"extra", kTpmSized}, {"clock", 8}, {"reset_count", 4},
                              {"restart_count", 4}, {"safe", 1},  {"firmware", 8}};
// Of a quote with one bank and three bytes of bitmap, as every log here has it.
const Layout kQuoteRest = {{"banks", 4}, {"bank", 2}, {"bitmap_size", 1}, {"bitmap", 3}, {"pcr_digest", kTpmSized}};
const Layout kCertificationRest = {{"index_name", kTpmSized}, {"offset", 2}, {"contents", kTpmSized}};
const Layout kSignatureParts = {{"algorithm", 2}, {"hash", 2}, {"r", kTpmSized}, {"s", kTpmSized}};
const Layout kPublicParts = {{"type", 2},      {"name_algorithm", 2}, {"attributes", 4}, {"policy_size", 2},
                             {"symmetric", 2}, {"scheme", 4},         {"curve", 2},      {"kdf", 2},
                             {"x", kTpmSized}, {"y", kTpmSized}};

// Walk: goes through a layout; without bytes it collects names only.
class Walk {
 public:
  Walk(std::string type, std::span<const uint8_t> frame) : type_(std::move(type)), frame_(frame) {}
  void go(const Layout& layout, Part part, const std::string& prefix = "");
  void plain(const std::string& name, Part part, uint64_t size);
  void to(uint64_t offset) { at_ = offset; }
  uint64_t at() const { return at_; }
  std::vector<Field> take() { return std::move(fields_); }

 private:
  void row(const Row& row, Part part, const std::string& name);
  void sized(const std::string& name, Part part, bool big);
  void structure(int kind, Part part, const std::string& name);
  void list(const Layout& item, Part part, uint64_t count);

  std::string type_;
  std::span<const uint8_t> frame_;
  uint64_t at_ = 0;
  uint64_t seal_kind_ = 0;
  std::vector<Field> fields_;
};

void Walk::plain(const std::string& name, Part part, uint64_t size) {
  if (size == 0) return;
  fields_.push_back({type_ + ": " + name, part, at_, size});
  at_ += size;
}

void Walk::sized(const std::string& name, Part part, bool big) {
  const uint64_t size = frame_.empty() ? 1 : big ? frame_[at_] * 256u + frame_[at_ + 1] : little(frame_, at_, 2);
  plain(name + ".length", part, 2);
  plain(name, part, size);
}

void Walk::structure(int kind, Part part, const std::string& name) {
  plain(name + ".length", part, 2);
  if (kind == kQuote || kind == kCertification) go(kAttestCommon, part, name + ".");
  const Layout& rest = kind == kQuote           ? kQuoteRest
                       : kind == kCertification ? kCertificationRest
                       : kind == kSignature     ? kSignatureParts
                                                : kPublicParts;
  go(rest, part, name + ".");
}

void Walk::row(const Row& row, Part part, const std::string& name) {
  if (row.name == std::string_view("seal_kind") && !frame_.empty()) seal_kind_ = little(frame_, at_, 4);
  if (row.size > 0)
    plain(name, part, static_cast<uint64_t>(row.size));
  else if (row.size == kCounted || row.size == kTpmSized)
    sized(name, part, row.size == kTpmSized);
  else if (row.size == kIfSealed)
    plain(name, part, frame_.empty() || seal_kind_ == 1 ? 32 : 0);
  else
    structure(row.size, part, name);
}

void Walk::list(const Layout& item, Part part, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) go(item, part);
}

void Walk::go(const Layout& layout, Part part, const std::string& prefix) {
  for (size_t i = 0; i < layout.size(); ++i) {
    if (layout[i].size != kListOf) {
      row(layout[i], part, prefix + layout[i].name);
      continue;
    }
    const uint64_t count = frame_.empty() ? 1 : little(frame_, at_, 4);
    plain(std::string(layout[i].name) + ".count", part, 4);
    return list(Layout(layout.begin() + static_cast<ptrdiff_t>(i) + 1, layout.end()), part, count);
  }
}

void walk_frame(Walk& walk, uint16_t type, uint64_t var_size, uint64_t records, bool names_only) {
  walk.go(kHeader, Part::kHeader, "header.");
  walk.go(kPayloads[type - 1], Part::kPayload);
  constexpr uint16_t kWithoutPadding = 9;  // the payload of an unexplained-extend is 64 bytes
  walk.plain("padding", Part::kPayload, names_only ? type != kWithoutPadding : 128 + var_size - walk.at());
  for (uint64_t i = 0; i < records; ++i) walk.go(kRecord, Part::kRecords, "record.");
  for (uint64_t i = 0; i < records; ++i) walk.plain("midstate", Part::kTrailer, 4);
  const uint64_t padding = (64 - (4 * records + 16) % 64) % 64;
  walk.plain("trailer padding", Part::kTrailer, names_only ? 1 : padding);
  walk.go(kTail, Part::kTrailer, "tail.");
}

}  // namespace

uint64_t little(std::span<const uint8_t> bytes, uint64_t offset, uint64_t size) {
  uint64_t out = 0;
  for (uint64_t i = size; i-- > 0;) out = out << 8 | bytes[offset + i];
  return out;
}

std::vector<Field> fields_of(std::span<const uint8_t> frame) {
  const auto type = static_cast<uint16_t>(little(frame, 10, 2));
  Walk walk(kTypes[type - 1], frame);
  walk_frame(walk, type, little(frame, 52, 4), little(frame, 48, 4), false);
  return walk.take();
}

std::set<std::string> field_names() {
  constexpr uint16_t kBatchType = 7;
  std::set<std::string> out;
  for (uint16_t type = 1; type <= std::size(kPayloads); ++type) {
    Walk walk(kTypes[type - 1], {});
    walk_frame(walk, type, 0, type == kBatchType ? 1 : 0, true);
    for (const Field& f : walk.take()) out.insert(f.name);
  }
  return out;
}

std::vector<FrameAt> frames_in(const std::vector<Bytes>& segments) {
  std::vector<FrameAt> out;
  for (size_t s = 0; s < segments.size(); ++s) {
    for (uint64_t at = 0; at < segments[s].size(); at += out.back().size) {
      FrameAt f;
      f.segment = s;
      f.offset = at;
      f.type = static_cast<uint16_t>(little(segments[s], at + 10, 2));
      f.first_record = little(segments[s], at + 40, 8);
      f.records = little(segments[s], at + 48, 4);
      f.var_size = little(segments[s], at + 52, 4);
      f.size = f.trailer_at() + (4 * f.records + 16 + 63) / 64 * 64;
      out.push_back(f);
    }
  }
  return out;
}

}  // namespace cm::audit::test
