// SPDX-License-Identifier: Apache-2.0
// log_reader.h: reads a whole log into memory for tests that look at single frames or rewrite them. It checks nothing:
// that is the verifier's work.
#pragma once
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "audit/payload.h"

namespace cm::test {

struct LoggedFrame {
  size_t offset;  // in its segment
  audit::FrameHeader header;
  std::vector<uint8_t> bytes;  // the whole frame
  std::span<const uint8_t> var() const { return {bytes.data() + sizeof header, header.var_size}; }
  audit::FrameType type() const { return static_cast<audit::FrameType>(header.type); }
  std::vector<audit::Record> records() const {
    std::vector<audit::Record> all(header.record_count);
    if (!all.empty())
      std::memcpy(all.data(), bytes.data() + sizeof header + header.var_size, all.size() * sizeof(audit::Record));
    return all;
  }
};

inline std::vector<std::string> segments(const std::string& log) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(log)) names.push_back(entry.path());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline std::vector<LoggedFrame> frames_of(const std::vector<uint8_t>& segment) {
  std::vector<LoggedFrame> frames;
  for (size_t at = 0; at + sizeof(audit::FrameHeader) <= segment.size();) {
    LoggedFrame frame{at, {}, {}};
    std::memcpy(&frame.header, segment.data() + at, sizeof frame.header);
    const uint64_t size = audit::frame_size(frame.header.var_size, frame.header.record_count);
    if (frame.header.magic != audit::kFrameMagic || at + size > segment.size()) break;
    frame.bytes.assign(segment.begin() + static_cast<ptrdiff_t>(at),
                       segment.begin() + static_cast<ptrdiff_t>(at + size));
    frames.push_back(std::move(frame));
    at += size;
  }
  return frames;
}

inline std::vector<LoggedFrame> read_log(const std::string& log) {
  std::vector<LoggedFrame> all;
  for (const std::string& segment : segments(log))
    for (LoggedFrame& frame : frames_of(read_file(segment))) all.push_back(std::move(frame));
  return all;
}

// records_of_process: every record of the rings that were given to this pid, in log order.
inline std::vector<audit::Record> records_of_process(const std::vector<LoggedFrame>& frames, uint32_t pid) {
  std::map<uint32_t, bool> rings;
  std::vector<audit::Record> all;
  for (const LoggedFrame& frame : frames) {
    audit::ClientAttach attach;
    if (frame.type() == audit::FrameType::kClientAttach && audit::decode(frame.var(), attach))
      for (uint32_t i = 0; i < attach.ring_count; ++i) rings[attach.first_ring_id + i] = attach.pid == pid;
    for (const audit::Record& record : frame.records())
      if (rings[record.ring_id]) all.push_back(record);
  }
  return all;
}

}  // namespace cm::test
