// SPDX-License-Identifier: Apache-2.0
// bytes.cpp: mutants that change bytes and make nothing right again. The answers are those of docs/audit-format.md,
// "Bytes of a frame" and "A torn write".
#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {
namespace {

constexpr uint64_t kVersionAt = 8, kTypeAt = 10, kCarriedAt = 12, kLogIdAt = 16, kCountAt = 48, kVarAt = 52,
                   kTimeAt = 56;
constexpr uint64_t kDigestAt = 96, kPayloadAt = 128, kTailSize = 16, kSector = 512;
constexpr uint64_t kRecordsMax = 65536, kCarriedMax = 65536, kVarMax = 4u << 20;

// Change: of some bytes of one frame.
struct Change {
  uint64_t first;  // offset in the frame of the first changed byte
  bool one_bit;
  std::span<const uint8_t> after;  // the frame with the change
  uint64_t left;                   // bytes of the segment from the frame on
};

uint64_t whole_size(uint64_t var_size, uint64_t records) {
  return 128 + var_size + 64 * records + (4 * records + 16 + 63) / 64 * 64;
}

Expected sizes_changed(const CleanLog& clean, const FrameAt& at, uint64_t frame, const Change& change) {
  const uint64_t records = little(change.after, kCountAt, 4), var_size = little(change.after, kVarAt, 4);
  if (records > kRecordsMax) return tampered_at(clean, {FindingId::kHeaderField}, at, frame, kCountAt);
  if (var_size > kVarMax || var_size % 64 != 0) return tampered_at(clean, {FindingId::kHeaderField}, at, frame, kVarAt);
  const uint64_t size = whole_size(var_size, records);
  return tampered_at(clean, {FindingId::kFrameSize}, at, frame, size > change.left ? 0 : size - kTailSize);
}

Expected undecided(FindingId id) {
  Expected e;
  e.code = verify::kExitUndecided;
  e.ids = {id};
  e.frame = 0;
  e.offset = 0;
  return e;
}

Expected header_changed(const CleanLog& clean, const FrameAt& at, uint64_t frame, const Change& change) {
  const uint64_t first = change.first;
  if (first < kVersionAt && frame == 0) return undecided(FindingId::kNotALog);
  if (first < kVersionAt) return tampered_at(clean, {FindingId::kNotAFrame}, at, frame);
  if (first < kTypeAt && frame == 0) return undecided(FindingId::kUnsupportedVersion);
  if (first < kTypeAt) return tampered_at(clean, {FindingId::kHeaderField}, at, frame, kVersionAt);
  const uint64_t type = little(change.after, kTypeAt, 2);
  if (first < kCarriedAt && (type < 1 || type > 13))
    return tampered_at(clean, {FindingId::kHeaderField}, at, frame, kTypeAt);
  const uint64_t carried_max = type == 1 || type == 2 || type == 9 ? 0 : kCarriedMax;
  if (first < kLogIdAt && little(change.after, kCarriedAt, 4) > carried_max)
    return tampered_at(clean, {FindingId::kHeaderField}, at, frame, kCarriedAt);
  if (first >= kCountAt && first < kTimeAt) return sizes_changed(clean, at, frame, change);
  if (change.one_bit) return tampered_at(clean, {FindingId::kFrameDamaged}, at, frame, first);
  return tampered_at(clean, {FindingId::kFrameDamaged}, at, frame, first >= kDigestAt ? kDigestAt : 0);
}

Expected records_changed(const CleanLog& clean, const FrameAt& at, uint64_t frame, const Change& change) {
  const uint64_t index = (change.first - at.records_at()) / 64;
  // The first midstate stands for the variable section too.
  const bool located = change.one_bit || index > 0;
  const uint64_t place = change.one_bit ? change.first : located ? at.records_at() + 64 * index : kPayloadAt;
  Expected e = tampered_at(clean, {located ? FindingId::kRecordDamaged : FindingId::kFrameDamaged}, at, frame, place);
  e.record = at.first_record + index;
  return e;
}

Expected trailer_changed(const CleanLog& clean, const FrameAt& at, uint64_t frame, const Change& change) {
  const uint64_t tail = at.size - kTailSize, first = change.first;
  if (first >= tail + 4) return tampered_at(clean, {FindingId::kFrameSize}, at, frame, tail);
  if (first >= tail)
    return change.one_bit ? tampered_at(clean, {FindingId::kTrailerDamaged}, at, frame, tail)
                          : tampered_at(clean, {FindingId::kFrameDamaged}, at, frame);
  if (change.one_bit) return tampered_at(clean, {FindingId::kTrailerDamaged}, at, frame, first);
  const uint64_t index = std::min((first - at.trailer_at()) / 4, at.records);  // from there on padding
  Expected e = tampered_at(clean, {FindingId::kTrailerDamaged}, at, frame, at.trailer_at() + 4 * index);
  if (index < at.records) e.record = at.first_record + index;
  return e;
}

Expected payload_changed(const CleanLog& clean, const FrameAt& at, uint64_t frame, const Change& change) {
  if (change.one_bit) return tampered_at(clean, {FindingId::kFrameDamaged}, at, frame, change.first);
  if (at.records == 0) return tampered_at(clean, {FindingId::kFrameDamaged}, at, frame, kDigestAt);
  Expected e = tampered_at(clean, {FindingId::kFrameDamaged}, at, frame, kPayloadAt);
  e.record = at.first_record;
  return e;
}

Expected damage(const CleanLog& clean, const FrameAt& at, uint64_t frame, Part part, const Change& change) {
  switch (part) {
    case Part::kHeader:
      return header_changed(clean, at, frame, change);
    case Part::kPayload:
      return payload_changed(clean, at, frame, change);
    case Part::kRecords:
      return records_changed(clean, at, frame, change);
    case Part::kTrailer:
      return trailer_changed(clean, at, frame, change);
  }
  return {};
}

std::span<uint8_t> bytes_of(std::vector<Bytes>& segments, const FrameAt& at) {
  return std::span(segments[at.segment]).subspan(at.offset, at.size);
}

// HitLog: a log with a frame that has a field of this name; any field where the name is empty.
struct HitLog {
  CleanLog clean;
  std::vector<FrameAt> at;
  uint64_t frame = 0;
  Field field;
};

std::optional<HitLog> hit_in(CleanLog clean, const std::string& name, Dice& dice) {
  HitLog hit{std::move(clean), {}, 0, {}};
  hit.at = frames_in(hit.clean.log.segments);
  std::vector<std::pair<uint64_t, Field>> found;
  for (uint64_t f = 0; f < hit.at.size(); ++f)
    for (Field& field : fields_of(bytes_of(hit.clean.log.segments, hit.at[f])))
      if (name.empty() || field.name == name) found.emplace_back(f, std::move(field));
  if (found.empty()) return std::nullopt;
  std::tie(hit.frame, hit.field) = dice.one_of(found);
  return hit;
}

HitLog draw_hit(uint64_t seed, const std::string& name, Dice& dice) {
  constexpr uint64_t kEnough = 20000;
  for (uint64_t i = 0; i < kEnough; ++i)
    if (auto hit = hit_in(draw_clean_log(seed + (i << 32)), name, dice)) return std::move(*hit);
  throw std::runtime_error("no log has the field " + name);
}

// change_field: xors bytes of the field from first on.
Mutant change_field(const HitLog& hit, uint64_t first, std::span<const uint8_t> mask) {
  Mutant m = mutant_of(hit.clean);
  const std::span<uint8_t> frame = bytes_of(m.segments, hit.at[hit.frame]);
  int bits = 0;
  for (size_t i = 0; i < mask.size(); ++i) {
    frame[first + i] = static_cast<uint8_t>(frame[first + i] ^ mask[i]);
    bits += std::popcount(mask[i]);
  }
  const FrameAt& at = hit.at[hit.frame];
  const Change change{first, bits == 1, frame, m.segments[at.segment].size() - at.offset};
  m.expected = damage(hit.clean, at, hit.frame, hit.field.part, change);
  m.field = hit.field.name;
  m.what = "frame " + std::to_string(hit.frame) + " byte " + std::to_string(first) + ", " + hit.field.name;
  return m;
}

// crc32c_of: RFC 3720, B.4, bit by bit.
uint32_t crc32c_of(std::span<const uint8_t> bytes) {
  uint32_t crc = UINT32_MAX;
  for (const uint8_t b : bytes) {
    crc ^= b;
    for (int i = 0; i < 8; ++i) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

// chain_finding: of a header field that no digest of its frame covers.
std::optional<FindingId> chain_finding(const std::string& field, uint64_t frame) {
  if (field == "header.log_id") return frame == 0 ? FindingId::kEnrolmentMismatch : FindingId::kLogId;
  if (field == "header.frame_seq") return FindingId::kFrameSequence;
  if (field == "header.first_record") return FindingId::kRecordSequence;
  if (field == "header.prev_head") return FindingId::kPreviousHead;
  return std::nullopt;
}

}  // namespace

Mutant bit_flip(uint64_t seed) {
  static const std::set<std::string> names = field_names();
  Dice dice(seed);
  const std::string& name = *std::next(names.begin(), static_cast<ptrdiff_t>(seed % names.size()));
  const HitLog hit = draw_hit(seed, name, dice);
  const auto mask = static_cast<uint8_t>(1u << dice.below(8));
  return change_field(hit, hit.field.offset + dice.below(hit.field.size), {&mask, 1});
}

// byte_change: at least two bits, in up to eight bytes of one field.
Mutant byte_change(uint64_t seed) {
  Dice dice(seed);
  const HitLog hit = draw_hit(seed, "", dice);
  const uint64_t size = dice.from_to(1, std::min<uint64_t>(hit.field.size, 8));
  Bytes mask(size);
  dice.fill(mask);
  mask[0] |= 3;
  return change_field(hit, hit.field.offset + dice.below(hit.field.size - size + 1), mask);
}

// checksum_right: the same, and the checksum is that of the changed frame. What a field says is then held against the
// frame before.
Mutant checksum_right(uint64_t seed) {
  Dice dice(seed);
  const bool trailer = dice.one_in(2);
  for (uint64_t i = 0;; ++i) {
    const HitLog hit = draw_hit(seed + (i << 32), "", dice);
    const std::string name = hit.field.name.substr(hit.field.name.find(' ') + 1);
    // A type that is one, or a later time, is told by what the frame says then; the checksum is what is made right.
    if (name == "header.type" || name == "header.writer_time_ns" || name == "tail.crc32c") continue;
    if (trailer && hit.field.part != Part::kTrailer) continue;
    Bytes mask(std::min<uint64_t>(hit.field.size, 4));
    dice.fill(mask);
    mask[0] |= 1;
    Mutant m = change_field(hit, hit.field.offset, mask);
    const FrameAt& at = hit.at[hit.frame];
    const std::span<uint8_t> frame = bytes_of(m.segments, at);
    const uint32_t crc = crc32c_of(frame.first(at.size - kTailSize));
    std::memcpy(frame.data() + at.size - kTailSize, &crc, sizeof crc);
    const Change change{hit.field.offset, false, frame, m.segments[at.segment].size() - at.offset};
    m.expected = damage(hit.clean, at, hit.frame, hit.field.part, change);
    if (const auto id = chain_finding(name, hit.frame)) m.expected = tampered_at(hit.clean, {*id}, at, hit.frame);
    m.what += ", checksum right";
    m.field.clear();
    return m;
  }
}

// cut_in_frame: the last segment that is there ends within a frame; those behind it are gone, or still there.
Mutant cut_in_frame(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Mutant m = mutant_of(clean);
  const auto at = frames_in(m.segments);
  const uint64_t frame = dice.below(at.size());
  const FrameAt& f = at[frame];
  m.segments[f.segment].resize(f.offset + dice.from_to(1, f.size - 1));
  m.what = "cut in frame " + std::to_string(frame);
  if (f.segment + 1 < m.segments.size() && dice.one_in(3)) {
    m.expected = tampered_at(clean, {FindingId::kFrameSize}, f, frame);
    return m;
  }
  m.segments.resize(f.segment + 1);
  m.expected = prefix(clean, frame, {FindingId::kTornLastFrame});
  return m;
}

// lost_sectors: parts of a frame that lie in one sector of the file are zero: of the last frame a torn write, of one
// before it damage.
Mutant lost_sectors(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Mutant m = mutant_of(clean);
  const auto at = frames_in(m.segments);
  const uint64_t frame = dice.from_to(1, at.size() - 1);
  const FrameAt& f = at[frame];
  const bool last = dice.one_in(2) || frame + 1 == at.size();
  const uint64_t first_sector = f.offset / kSector, sectors = (f.offset + f.size - 1) / kSector - first_sector + 1;
  const uint64_t sure = dice.below(sectors);
  Bytes& segment = m.segments[f.segment];
  for (uint64_t s = 0; s < sectors; ++s) {
    if (s != sure && !dice.one_in(3)) continue;
    const uint64_t begin = std::max((first_sector + s) * kSector, f.offset);
    const uint64_t end = std::min((first_sector + s + 1) * kSector, f.offset + f.size);
    std::fill(segment.begin() + static_cast<ptrdiff_t>(begin), segment.begin() + static_cast<ptrdiff_t>(end), 0);
  }
  m.what = std::string("zero sectors in ") + (last ? "the last frame " : "frame ") + std::to_string(frame);
  if (last) {
    segment.resize(f.offset + f.size);
    m.segments.resize(f.segment + 1);
    m.expected = prefix(clean, frame, {FindingId::kTornLastFrame});
  } else {
    // Which check fails first depends on which of header, sections and tail are zero.
    m.expected = tampered_at(clean, {}, f, frame);
    m.expected.offset.reset();
  }
  return m;
}

// records_exchanged: two records of a frame change places.
Mutant records_exchanged(uint64_t seed) {
  Dice dice(seed);
  for (uint64_t i = 0;; ++i) {
    const CleanLog clean = draw_clean_log(seed + (i << 32));
    Mutant m = mutant_of(clean);
    const auto at = frames_in(m.segments);
    const uint64_t frame = dice.below(at.size());
    const FrameAt& f = at[frame];
    if (f.records < 2) continue;
    const uint64_t a = dice.below(f.records - 1), b = dice.from_to(a + 1, f.records - 1);
    const std::span<uint8_t> bytes = bytes_of(m.segments, f);
    std::swap_ranges(bytes.begin() + static_cast<ptrdiff_t>(f.records_at() + 64 * a),
                     bytes.begin() + static_cast<ptrdiff_t>(f.records_at() + 64 * a + 64),
                     bytes.begin() + static_cast<ptrdiff_t>(f.records_at() + 64 * b));
    m.expected = records_changed(clean, f, frame, {f.records_at() + 64 * a, false, bytes, 0});
    m.what = "records " + std::to_string(a) + " and " + std::to_string(b) + " of frame " + std::to_string(frame);
    return m;
  }
}

}  // namespace cm::audit::test
