// SPDX-License-Identifier: Apache-2.0
// frame_check.cpp: see frame_check.h. It must not keep state between frames and must not trust a field before
// check_header has bounded it. A digest that disagrees is explained as far as the trailer allows: the checksum locates
// a single flipped bit anywhere in the frame, the midstates locate the first changed record.
#include "audit/verify/frame_check.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <vector>

#include "audit/payload.h"
#include "audit/torn_write.h"
#include "crypto/base/bytes.h"

namespace cm::audit::verify {
namespace {

constexpr size_t kHeaderSize = sizeof(FrameHeader);

FrameTail read_tail(std::span<const uint8_t> last_bytes) {
  FrameTail tail;
  std::memcpy(&tail, last_bytes.data(), sizeof tail);
  return tail;
}

// bit_of_crc_difference: which single bit of a message of size bytes, when flipped, changes its CRC-32C by difference.
// The CRC is linear: a flip at k bytes before the end changes it by the effect of the bit, pushed through k zero bytes.
// Going back from the end undoes one zero bit a step; the flip is where only the bit about to be shifted out is left.
// The answer is unique for messages below 2^31 bits.
std::optional<uint64_t> bit_of_crc_difference(uint32_t difference, uint64_t size) {
  constexpr uint32_t kPolynomialReflected = 0x82f63b78;
  uint32_t state = difference;
  for (uint64_t from_end = 0; from_end < size; ++from_end) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool carried = (state >> 31) != 0;
      state = carried ? ((state ^ kPolynomialReflected) << 1 | 1) : state << 1;
      if (state == 1) return (size - 1 - from_end) * 8 + static_cast<uint64_t>(bit);
    }
  }
  return std::nullopt;
}

std::string_view header_field_at(uint64_t offset) {
  struct FieldRow {
    uint32_t end;
    char name[20];
  };
  static constexpr FieldRow kFields[] = {{8, "magic"},         {10, "version"},       {12, "type"},
                                         {16, "carried"},      {32, "log_id"},        {40, "frame_seq"},
                                         {48, "first_record"}, {52, "record_count"},  {56, "var_size"},
                                         {64, "writer_time"},  {96, "previous head"}, {128, "records_digest"}};
  for (const FieldRow& row : kFields)
    if (offset < row.end) return row.name;
  return "header";
}

// Section boundaries of a frame as offsets from its start.
uint64_t records_begin(const FrameView& f) { return kHeaderSize + f.var.size(); }
uint64_t trailer_begin(const FrameView& f) { return records_begin(f) + f.records.size(); }

bool padding_sound(const FrameView& frame) {
  const size_t used = 4 * size_t{frame.header.record_count};
  return all_zero(frame.trailer.subspan(used, frame.trailer.size() - used - sizeof(FrameTail)));
}

std::optional<Problem> check_trailer(const FrameView& frame, std::span<const uint32_t> midstates) {
  for (size_t i = 0; i < midstates.size(); ++i) {
    if (load_le32(frame.trailer.data() + 4 * i) == midstates[i]) continue;
    return Problem{FindingId::kTrailerDamaged, "midstate of this record", trailer_begin(frame) + 4 * i,
                   place_record(frame, i)};
  }
  if (!padding_sound(frame))
    return Problem{FindingId::kTrailerDamaged, "padding is not zero", trailer_begin(frame) + 4 * midstates.size(),
                   std::nullopt};
  return std::nullopt;
}

std::optional<Problem> check_tail(const FrameView& frame) {
  const FrameTail tail = read_tail(frame.bytes.last(sizeof(FrameTail)));
  if (tail.magic == kTailMagic && tail.frame_size == frame.bytes.size()) return std::nullopt;
  return Problem{FindingId::kFrameSize, "the trailer is not where the header says it ends",
                 frame.bytes.size() - sizeof(FrameTail), std::nullopt};
}

uint32_t crc_difference(const FrameView& frame) {
  const FrameTail tail = read_tail(frame.bytes.last(sizeof(FrameTail)));
  return tail.crc32c ^ crc32c(frame.bytes.first(frame.bytes.size() - sizeof(FrameTail)));
}

bool sound(Lane lane, const FrameView& frame) {
  std::vector<uint32_t> midstates(frame.header.record_count);
  const Digest digest = records_digest(lane, frame.var, frame.records, midstates);
  return std::memcmp(digest.data(), frame.header.records_digest, digest.size()) == 0 && !check_tail(frame) &&
         !check_trailer(frame, midstates) && crc_difference(frame) == 0;
}

// explain_by_one_bit: when putting back one bit makes the whole frame sound again, that bit is the damage.
std::optional<Problem> explain_by_one_bit(Lane lane, const FrameView& frame) {
  const auto bit = bit_of_crc_difference(crc_difference(frame), frame.bytes.size() - sizeof(FrameTail));
  if (!bit) return std::nullopt;
  std::vector<uint8_t> restored(frame.bytes.begin(), frame.bytes.end());
  restored[*bit / 8] = static_cast<uint8_t>(restored[*bit / 8] ^ 1u << *bit % 8);
  const FrameHeader header = read_header(restored);
  if (check_header(header) || frame_size(header.var_size, header.record_count) != restored.size()) return std::nullopt;
  const FrameView whole = cut_frame(restored);
  if (!sound(lane, whole)) return std::nullopt;

  const uint64_t offset = *bit / 8;
  const std::string where = fmt::format("bit {} of one byte is flipped", *bit % 8);
  if (offset < kHeaderSize)
    return Problem{FindingId::kFrameDamaged, fmt::format("{}, in the header: {}", where, header_field_at(offset)),
                   offset, std::nullopt};
  if (offset < records_begin(whole))
    return Problem{FindingId::kFrameDamaged, where + ", in the variable section", offset, std::nullopt};
  if (offset < trailer_begin(whole)) {
    const auto index = static_cast<size_t>((offset - records_begin(whole)) / kRecordSize);
    return Problem{FindingId::kRecordDamaged, where, offset, place_record(whole, index)};
  }
  return Problem{FindingId::kTrailerDamaged, where + ", in the trailer", offset, std::nullopt};
}

// explain_by_midstates: everything before the first differing midstate is what was written, so that record is not. When
// the very first differs the change may also be in the variable section, which is hashed before it.
Problem explain_by_midstates(const FrameView& frame, std::span<const uint32_t> midstates) {
  for (size_t i = 0; i < midstates.size(); ++i) {
    if (load_le32(frame.trailer.data() + 4 * i) == midstates[i]) continue;
    if (i > 0)
      return {FindingId::kRecordDamaged, "first record that differs", records_begin(frame) + i * kRecordSize,
              place_record(frame, i)};
    return {FindingId::kFrameDamaged, "in the variable section or the first record", kHeaderSize,
            place_record(frame, 0)};
  }
  return {FindingId::kFrameDamaged, "records_digest of the header", offsetof(FrameHeader, records_digest),
          std::nullopt};
}

}  // namespace

FrameHeader read_header(std::span<const uint8_t> bytes) {
  FrameHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

std::optional<Problem> check_header(const FrameHeader& h) {
  const auto field = [](const char* what, uint64_t offset) {
    return Problem{FindingId::kHeaderField, what, offset, std::nullopt};
  };
  if (h.magic != kFrameMagic) return Problem{FindingId::kNotAFrame, "no frame magic", 0, std::nullopt};
  if (h.version != kFormatVersion) return field("version", offsetof(FrameHeader, version));
  if (h.type < static_cast<uint16_t>(FrameType::kGenesis) || h.type > static_cast<uint16_t>(FrameType::kEnd))
    return field("type", offsetof(FrameHeader, type));
  if (!carried_plausible(h)) return field("carried", offsetof(FrameHeader, carried));
  if (h.record_count > kMaxFrameRecords) return field("record_count", offsetof(FrameHeader, record_count));
  if (h.var_size > kMaxVarSize || h.var_size % kFrameAlign != 0)
    return field("var_size", offsetof(FrameHeader, var_size));
  return std::nullopt;
}

FrameView cut_frame(std::span<const uint8_t> bytes) {
  FrameView f;
  f.header = read_header(bytes);
  f.bytes = bytes.first(frame_size(f.header.var_size, f.header.record_count));
  f.var = f.bytes.subspan(kHeaderSize, f.header.var_size);
  f.records = f.bytes.subspan(kHeaderSize + f.header.var_size, size_t{f.header.record_count} * kRecordSize);
  f.trailer = f.bytes.last(trailer_size(f.header.record_count));
  return f;
}

std::optional<Problem> check_frame(Lane lane, const FrameView& frame) {
  if (auto problem = check_tail(frame)) return problem;
  std::vector<uint32_t> midstates(frame.header.record_count);
  const Digest digest = records_digest(lane, frame.var, frame.records, midstates);
  const bool digest_agrees = std::memcmp(digest.data(), frame.header.records_digest, digest.size()) == 0;
  const uint32_t crc = crc_difference(frame);
  auto trailer_problem = check_trailer(frame, midstates);
  if (digest_agrees && crc == 0 && !trailer_problem) return std::nullopt;

  if (crc != 0)
    if (auto problem = explain_by_one_bit(lane, frame)) return problem;
  if (!digest_agrees) return explain_by_midstates(frame, midstates);
  if (trailer_problem) return trailer_problem;
  if (std::popcount(crc) == 1)
    return Problem{FindingId::kTrailerDamaged, "one bit of the checksum is flipped",
                   frame.bytes.size() - sizeof(FrameTail), std::nullopt};
  return Problem{FindingId::kFrameDamaged, "header or checksum", 0, std::nullopt};
}

bool frame_sound(const FrameView& frame, const HashJob& records) {
  return std::memcmp(records.digest.data(), frame.header.records_digest, kDigestSize) == 0 && records.midstates_agree &&
         !check_tail(frame) && padding_sound(frame) && crc_difference(frame) == 0;
}

bool checksum_agrees(const FrameView& frame) { return crc_difference(frame) == 0; }

RecordPlace place_record(const FrameView& frame, size_t index) {
  const Record r = frame.record(index);
  RecordPlace place{frame.header.first_record + index, r.ring_id, r.ring_seq, r.event_id};
  Batch batch;
  if (!decode(frame.var, batch)) return place;
  uint64_t before = 0;
  for (const RingMark& mark : batch.marks) {
    if (index < before + mark.count) {
      place.ring_id = mark.ring_id;
      place.ring_seq = mark.first_seq + (index - before);
      break;
    }
    before += mark.count;
  }
  return place;
}

}  // namespace cm::audit::verify
