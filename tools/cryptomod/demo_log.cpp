// SPDX-License-Identifier: Apache-2.0
// demo_log.cpp: see demo_log.h.
#include "tools/cryptomod/demo_log.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include "audit/events.h"
#include "audit/frame.h"
#include "tools/cryptomod/failure.h"

namespace cm::tool {
namespace {

namespace fs = std::filesystem;

constexpr char kSegmentSuffix[] = ".cmlog";

std::vector<fs::path> segments_of(const fs::path& log) {
  std::vector<fs::path> segments;
  for (const auto& entry : fs::directory_iterator(log))
    if (entry.path().extension() == kSegmentSuffix) segments.push_back(entry.path());
  std::sort(segments.begin(), segments.end());
  return segments;
}

std::vector<uint8_t> read_at(std::ifstream& in, uint64_t offset, size_t size) {
  std::vector<uint8_t> bytes(size);
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!in) bytes.clear();
  return bytes;
}

bool is_seal_exit(const audit::Record& record) {
  return record.event_id == (static_cast<uint32_t>(audit::EventId::kAeadSeal) | audit::kExitBit);
}

// newest_in_frame: the last seal record of a batch frame that begins at this offset.
std::optional<RecordInLog> newest_in_frame(std::ifstream& in, const fs::path& segment, uint64_t frame_offset,
                                           const audit::FrameHeader& header) {
  const uint64_t first = frame_offset + sizeof header + header.var_size;
  const auto bytes = read_at(in, first, size_t{header.record_count} * audit::kRecordSize);
  for (size_t i = bytes.size() / audit::kRecordSize; i-- > 0;) {
    audit::Record record{};
    std::memcpy(&record, bytes.data() + i * audit::kRecordSize, sizeof record);
    if (is_seal_exit(record))
      return RecordInLog{segment.filename().string(), first + i * audit::kRecordSize, header.first_record + i};
  }
  return std::nullopt;
}

bool sound(const audit::FrameHeader& header) {
  return header.magic == audit::kFrameMagic && header.var_size <= audit::kMaxVarSize &&
         header.record_count <= audit::kMaxFrameRecords;
}

std::optional<RecordInLog> newest_in_segment(const fs::path& segment) {
  std::ifstream in(segment, std::ios::binary);
  std::optional<RecordInLog> newest;
  for (uint64_t offset = 0;;) {
    audit::FrameHeader header{};
    const auto bytes = read_at(in, offset, sizeof header);
    if (bytes.empty()) return newest;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (!sound(header)) fail(kExitFailed, "'{}' holds no frame at byte {}", segment.string(), offset);
    if (header.type == static_cast<uint16_t>(audit::FrameType::kBatch))
      if (auto found = newest_in_frame(in, segment, offset, header)) newest = std::move(found);
    offset += audit::frame_size(header.var_size, header.record_count);
  }
}

}  // namespace

RecordInLog find_seal_record(const fs::path& log) {
  const auto segments = segments_of(log);
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment)
    if (auto found = newest_in_segment(*segment)) return *found;
  fail(kExitFailed, "the log in '{}' holds no record of a seal", log.string());
}

void copy_log(const fs::path& from, const fs::path& to) {
  fs::create_directory(to);
  fs::permissions(to, fs::perms::owner_all);
  for (const fs::path& old : segments_of(to)) fs::remove(old);
  for (const fs::path& segment : segments_of(from)) fs::copy_file(segment, to / segment.filename());
}

void flip_bit(const fs::path& file, uint64_t offset, unsigned bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const int before = stream.get();
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(static_cast<char>(before ^ (1 << bit)));
  stream.flush();
  if (before == std::char_traits<char>::eof() || !stream) fail(kExitFailed, "cannot change '{}'", file.string());
}

}  // namespace cm::tool
