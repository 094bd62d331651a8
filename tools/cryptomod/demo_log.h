// SPDX-License-Identifier: Apache-2.0
// demo_log.h: what the demo needs to do to a log as an attacker would: find a record, copy the log, flip a bit. It
// reads the framing (audit/frame.h) and judges nothing; that is the verifier's work.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace cm::tool {

struct RecordInLog {
  std::string segment;  // file name
  uint64_t offset = 0;  // of the record in it
  uint64_t number = 0;  // global, as the verifier counts
};

// find_seal_record: the exit record of the newest seal in the log.
RecordInLog find_seal_record(const std::filesystem::path& log);

// copy_log: the segments of one directory into another, which is made, or emptied of segments, first.
void copy_log(const std::filesystem::path& from, const std::filesystem::path& to);

// flip_bit: in place; bit 0 is the lowest.
void flip_bit(const std::filesystem::path& file, uint64_t offset, unsigned bit);

}  // namespace cm::tool
