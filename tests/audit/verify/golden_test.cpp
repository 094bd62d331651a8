// SPDX-License-Identifier: Apache-2.0
// golden_test.cpp: the logs in vectors/audit: rebuilt from their recipes they are the same to the last byte, they get
// the verdict they had when they were made, and the annotated hex of docs/audit-format.md is what stands in them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "audit/verify/frame_stream.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = CM_SOURCE_DIR;

Bytes content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

fs::path directory_of(const GoldenLog& golden) { return kRoot / "vectors" / "audit" / golden.name; }

std::vector<Bytes> segments_of(const GoldenLog& golden) {
  std::vector<Bytes> out;
  while (fs::exists(directory_of(golden) / verify::segment_file_name(static_cast<uint32_t>(out.size()))))
    out.push_back(content_of(directory_of(golden) / verify::segment_file_name(static_cast<uint32_t>(out.size()))));
  return out;
}

std::vector<TestFrame> frames_of(const std::vector<Bytes>& segments) {
  std::vector<std::span<const uint8_t>> spans(segments.begin(), segments.end());
  verify::MemorySource source(spans);
  verify::FrameStream stream(source);
  std::vector<TestFrame> out;
  while (stream.next() == verify::Step::kFrame) {
    const verify::FrameView& f = stream.frame();
    out.push_back({f.type(), f.header.writer_time_ns, Bytes(f.var.begin(), f.var.end()), {}, false});
  }
  return out;
}

Report verdict_of(const GoldenLog& golden) {
  Report report;
  verify::Trust trust;
  verify::DirectorySource source;
  const std::string enrolment = directory_of(golden).string() + ".enrolment.json";
  if (verify::load_trust(enrolment, "", trust, report) && source.open(directory_of(golden).string(), report))
    verify::verify_log(source, {best_sha256_lane(), trust, std::nullopt, std::nullopt}, report);
  return report;
}

TEST(golden_logs, are_rebuilt_byte_for_byte) {
  for (const GoldenLog& golden : kGoldenLogs) {
    const std::vector<Bytes> segments = segments_of(golden);
    const LogBuilder log = golden.build(signatures_in(frames_of(segments)));
    EXPECT_EQ(log.segments, segments) << golden.name;
    const Bytes enrolment = content_of(directory_of(golden).string() + ".enrolment.json");
    EXPECT_EQ(enrolment_json(log.enrolment()), std::string(enrolment.begin(), enrolment.end()));
  }
}

TEST(golden_logs, build_frame_makes_the_same_bytes) {
  for (const GoldenLog& golden : kGoldenLogs) {
    const LogBuilder log = golden.build(signatures_in(frames_of(segments_of(golden))));
    ChainPosition position;
    position.log_id = log.chain.log_id;
    std::vector<Bytes> segments(1);
    for (const TestFrame& f : log.frames) {
      if (f.new_segment) segments.emplace_back();
      const Bytes bytes =
          build_frame(best_sha256_lane(), position, f.type, f.writer_time_ns, f.var, f.records, f.carried);
      segments.back().insert(segments.back().end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(segments, segments_of(golden)) << golden.name;
    EXPECT_EQ(position.prev_head, log.head());
    EXPECT_EQ(position.next_record, log.chain.records);
  }
}

TEST(golden_logs, get_their_verdicts) {
  const Report clean = verdict_of(kGoldenLogs[0]);
  EXPECT_EQ(verify::exit_code(clean), 0) << ids(clean);
  EXPECT_EQ(clean.counts.records, 9u);
  EXPECT_EQ(clean.proof->records, 9u);
  const Report eventful = verdict_of(kGoldenLogs[1]);
  EXPECT_EQ(verify::exit_code(eventful), 3) << ids(eventful);
  for (const FindingId id : {FindingId::kSealBroken, FindingId::kUnexplainedExtend, FindingId::kUncleanReset})
    EXPECT_TRUE(eventful.has(id));
  EXPECT_EQ(eventful.proof->records, 6u);
  const Report rotated = verdict_of(kGoldenLogs[2]);
  EXPECT_EQ(verify::exit_code(rotated), 0) << ids(rotated);
  EXPECT_EQ(rotated.counts.segments, 4u);
  const Report carried = verdict_of(kGoldenLogs[3]);
  EXPECT_EQ(verify::exit_code(carried), 0) << ids(carried);
  EXPECT_EQ(carried.proof->records, carried.counts.records);
}

TEST(golden_logs, hold_every_frame_type) {
  std::set<FrameType> types;
  for (const GoldenLog& golden : kGoldenLogs)
    for (const TestFrame& f : frames_of(segments_of(golden))) types.insert(f.type);
  EXPECT_EQ(types.size(), std::size(kFrameTypeTable));
}

// A line of annotated hex: offset, bytes, explanation, with two spaces or more between them.
TEST(golden_logs, annotated_hex_of_the_format_page_is_true) {
  std::ifstream page(kRoot / "docs" / "audit-format.md");
  ASSERT_TRUE(page.good());
  const std::string fence = "```annotated-hex ";
  Bytes file;
  size_t compared = 0;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      inside = line.starts_with(fence);
      if (inside) file = content_of(kRoot / line.substr(fence.size()));
      continue;
    }
    if (!inside || line.starts_with("...")) continue;
    const size_t gap = line.find("  ");
    ASSERT_NE(gap, std::string::npos) << line;
    size_t at = std::stoul(line.substr(0, gap), nullptr, 16);
    const size_t end = line.find("  ", gap + 2);
    std::istringstream bytes(line.substr(gap + 2, end == std::string::npos ? end : end - gap - 2));
    for (std::string byte; bytes >> byte; ++at, ++compared) {
      ASSERT_LT(at, file.size()) << line;
      ASSERT_EQ(std::stoul(byte, nullptr, 16), file[at]) << line;
    }
  }
  EXPECT_GT(compared, 1000u);
}

TEST(format_page, lists_every_finding) {
  const Bytes page = content_of(kRoot / "docs" / "audit-format.md");
  const std::string text(page.begin(), page.end());
  for (const verify::FindingRow& row : verify::kFindings) {
    const std::string line =
        std::string("| `") + row.name + "` | " + std::to_string(row.exit_code) + " | " + row.text + " |";
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace cm::audit::test
