// SPDX-License-Identifier: Apache-2.0
// fields.h: every named field of every frame type and where it stands in the bytes of a frame, from the tables of
// docs/audit-format.md alone: a mutator that cut frames with the product's decoder would share its mistakes.
#pragma once
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {

// Part: the sections of a frame.
enum class Part : uint8_t { kHeader, kPayload, kRecords, kTrailer };

struct Field {
  std::string name;  // "batch: record.event_id"
  Part part = Part::kHeader;
  uint64_t offset = 0;  // in the frame
  uint64_t size = 0;
};

// fields_of: of one whole, sound frame. field_names: of all types.
std::vector<Field> fields_of(std::span<const uint8_t> frame);
std::set<std::string> field_names();

// FrameAt: where a frame stands, from the headers of a sound log.
struct FrameAt {
  size_t segment = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  uint16_t type = 0;
  uint64_t var_size = 0;
  uint64_t records = 0;
  uint64_t first_record = 0;
  uint64_t records_at() const { return 128 + var_size; }
  uint64_t trailer_at() const { return records_at() + 64 * records; }
};
std::vector<FrameAt> frames_in(const std::vector<Bytes>& segments);

// little: a little-endian number in bytes.
uint64_t little(std::span<const uint8_t> bytes, uint64_t offset, uint64_t size);

}  // namespace cm::audit::test
