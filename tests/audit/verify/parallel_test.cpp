// SPDX-License-Identifier: Apache-2.0
// parallel_test.cpp: hashing many frames at once (audit/parallel_hash.h, audit/verify/frame_ahead.h) gives what hashing
// one after the other gives: digests, midstates, findings and their places, whatever stands beside a frame.
#include <gtest/gtest.h>

#include <rapidcheck.h>

#include <algorithm>

#include "audit/parallel_hash.h"
#include "audit/verify/frame_ahead.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "tests/audit/support/log_builder.h"
#include "tests/support/lanes.h"

namespace cm::audit::test {
namespace {

using verify::FrameAhead;
using verify::FrameStream;
using verify::Step;

struct LanePair {
  Lane single, wide;
};

std::vector<LanePair> lane_pairs() {
  std::vector<LanePair> out;
  for (const Lane single : cm::test::runnable_lanes(kSha256Kernels))
    for (const Lane wide : cm::test::runnable_lanes(kHashMultiKernels)) out.push_back({single, wide});
  return out;
}

uint64_t next_random(uint64_t& seed) { return seed = seed * 6364136223846793005 + 1442695040888963407; }

Bytes random_bytes(size_t size, uint64_t seed) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(next_random(seed) >> 56);
  return out;
}

// Message: what would be the variable section and the records of a frame, with its midstates.
struct Message {
  Bytes bytes;
  Bytes midstates;
  Digest digest{};

  Message(size_t var_blocks, size_t records, uint64_t seed)
      : bytes(random_bytes(64 * (var_blocks + records), seed)), midstates(4 * records) {
    std::vector<uint32_t> words(records);
    const std::span<const uint8_t> all(bytes);
    digest = records_digest(Lane::kPortable, all.first(64 * var_blocks), all.subspan(64 * var_blocks), words);
    if (records != 0) std::memcpy(midstates.data(), words.data(), midstates.size());
  }
};

std::vector<HashJob> jobs_of(const std::vector<Message>& messages) {
  std::vector<HashJob> jobs;
  for (const Message& m : messages) jobs.push_back({m.bytes, m.midstates, {}, false});
  return jobs;
}

TEST(parallel_hash, the_widest_lane_of_this_cpu_is_taken) {
  EXPECT_EQ(best_wide_sha256_lane(), cm::test::runnable_lanes(kHashMultiKernels).back());
}

TEST(parallel_hash, any_mix_of_messages_equals_one_after_the_other) {
  ASSERT_TRUE(rc::check([](uint64_t seed) {
    const auto shapes = *rc::gen::container<std::vector<std::pair<size_t, size_t>>>(
        rc::gen::pair(rc::gen::inRange<size_t>(0, 4),
                      rc::gen::oneOf(rc::gen::inRange<size_t>(0, 4), rc::gen::inRange<size_t>(0, 300))));
    std::vector<Message> messages;
    for (const auto& [var, records] : shapes) messages.emplace_back(var, records, next_random(seed));
    for (const LanePair lanes : lane_pairs()) {
      std::vector<HashJob> jobs = jobs_of(messages);
      hash_jobs(lanes.single, lanes.wide, jobs);
      for (size_t i = 0; i < jobs.size(); ++i) {
        RC_ASSERT(jobs[i].digest == messages[i].digest);
        RC_ASSERT(jobs[i].midstates_agree);
      }
    }
  }));
}

// Every number of messages, so that every lane and every change of form is met; one bit of one of them is flipped.
TEST(parallel_hash, a_flipped_bit_is_seen_in_its_message_and_nowhere_else) {
  uint64_t seed = 11;
  for (size_t count = 1; count <= 40; ++count) {
    std::vector<Message> messages;
    for (size_t i = 0; i < count; ++i) messages.emplace_back(1, 1 + next_random(seed) % 70, i);
    for (const bool in_midstates : {false, true}) {
      const size_t victim = next_random(seed) % count;
      Bytes& bytes = in_midstates ? messages[victim].midstates : messages[victim].bytes;
      const size_t at = next_random(seed) % bytes.size();
      bytes[at] ^= 0x10;
      for (const LanePair lanes : lane_pairs()) {
        std::vector<HashJob> jobs = jobs_of(messages);
        hash_jobs(lanes.single, lanes.wide, jobs);
        for (size_t i = 0; i < count; ++i) {
          EXPECT_EQ(jobs[i].midstates_agree, i != victim) << count << " " << i;
          EXPECT_EQ(jobs[i].digest == messages[i].digest, i != victim || in_midstates) << count << " " << i;
        }
      }
      bytes[at] ^= 0x10;
    }
  }
}

// CountingSource: memory whose bytes from a place on cannot be read; remembers the largest read.
class CountingSource final : public verify::LogSource {
 public:
  CountingSource(const std::vector<Bytes>& segments, uint64_t readable)
      : memory_({segments.begin(), segments.end()}), readable_(readable) {}
  size_t segment_count() const override { return memory_.segment_count(); }
  std::string segment_name(size_t index) const override { return memory_.segment_name(index); }
  uint64_t segment_size(size_t index) const override { return memory_.segment_size(index); }
  bool read(size_t index, uint64_t offset, std::span<uint8_t> out) override {
    largest = std::max(largest, out.size());
    return offset + out.size() <= readable_ && memory_.read(index, offset, out);
  }
  size_t largest = 0;

 private:
  verify::MemorySource memory_;
  uint64_t readable_;
};

std::string text_of(const std::optional<verify::Problem>& p) {
  if (!p) return "sound";
  std::string out = std::string(verify::finding_row(p->id).name) + " " + p->detail + " at " + std::to_string(p->offset);
  if (p->record) out += " record " + std::to_string(p->record->number) + " ring " + std::to_string(p->record->ring_id);
  return out;
}

// walk: everything that a walk over a log says, a line a step.
struct Walk {
  std::vector<std::string> lines;
  size_t largest_read = 0;
};
constexpr uint64_t kAll = UINT64_MAX;

template <class Stream, class Judge>
std::vector<std::string> lines_of(Stream& stream, const Judge& judge) {
  std::vector<std::string> out;
  while (true) {
    const Step step = stream.next();
    const std::string where = step == Step::kEnd ? "" : verify::describe(stream.place().at());
    switch (step) {
      case Step::kFrame:
        out.push_back(where + " " + judge());
        continue;
      case Step::kEnd:
        out.emplace_back("end");
        return out;
      case Step::kTorn:
        out.push_back(where + " torn " + std::to_string(stream.left()));
        return out;
      case Step::kProblem:
        out.push_back(where + " " + text_of(stream.problem()) + " " + std::to_string(stream.frame().header.version));
        return out;
    }
  }
}

Walk one_by_one(const std::vector<Bytes>& segments, uint64_t readable = kAll) {
  CountingSource source(segments, readable);
  FrameStream stream(source);
  Walk walk;
  walk.lines = lines_of(stream, [&] {
    return text_of(check_frame(Lane::kPortable, stream.frame())) + " " +
           verify::hex_text(frame_head(Lane::kPortable, stream.frame().header));
  });
  walk.largest_read = source.largest;
  return walk;
}

Walk ahead(LanePair lanes, const std::vector<Bytes>& segments, uint64_t readable = kAll) {
  CountingSource source(segments, readable);
  FrameAhead stream(source, lanes.single, lanes.wide);
  Walk walk;
  walk.lines = lines_of(stream, [&] { return text_of(stream.check()) + " " + verify::hex_text(stream.head()); });
  walk.largest_read = source.largest;
  return walk;
}

// some_log: frames of many sizes; what the records say does not matter here.
std::vector<Bytes> some_log(const std::vector<size_t>& records, size_t frames_a_segment) {
  ChainPosition position;
  std::vector<Bytes> segments;
  uint64_t seed = 5;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i % frames_a_segment == 0) segments.emplace_back();
    std::vector<Record> content(records[i]);
    for (Record& r : content) r.object = next_random(seed);
    const Bytes var = random_bytes(1 + next_random(seed) % 200, seed);
    const Bytes frame =
        build_frame(best_sha256_lane(), position, i == 0 ? FrameType::kGenesis : FrameType::kBatch, i, var, content);
    segments.back().insert(segments.back().end(), frame.begin(), frame.end());
  }
  return segments;
}

TEST(frame_ahead, every_changed_log_is_walked_as_one_frame_after_the_other) {
  std::vector<size_t> sizes;
  for (uint64_t seed = 3; sizes.size() < 60;) sizes.push_back(next_random(seed) % 7 == 0 ? 90 : next_random(seed) % 9);
  const std::vector<Bytes> sound = some_log(sizes, 45);
  for (const LanePair lanes : lane_pairs()) EXPECT_EQ(ahead(lanes, sound).lines, one_by_one(sound).lines);
  ASSERT_TRUE(rc::check([&] {
    std::vector<Bytes> segments = sound;
    const auto edits = *rc::gen::inRange(1, 4);
    for (int i = 0; i < edits; ++i) {
      Bytes& bytes = segments[*rc::gen::inRange<size_t>(0, segments.size())];
      if (bytes.empty()) continue;
      const auto at = *rc::gen::inRange<size_t>(0, bytes.size());
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
          bytes.resize(at);
          break;
        case 1:
          bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), 64, 0);
          break;
        default:
          bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << *rc::gen::inRange(0, 8));
      }
    }
    const Walk expected = one_by_one(segments);
    for (const LanePair lanes : lane_pairs()) RC_ASSERT(ahead(lanes, segments).lines == expected.lines);
  }));
}

TEST(frame_ahead, a_bit_in_any_frame_is_named_as_before) {
  const std::vector<Bytes> sound =
      some_log({0, 3, 70, 5, 0, 0, 9, 1, 1, 33, 2, 2, 2, 2, 8, 4, 100, 6, 1, 7, 0, 5}, 100);
  size_t begin = 0;
  std::vector<size_t> begins;
  while (begin < sound[0].size()) {
    begins.push_back(begin);
    const FrameHeader header = verify::read_header(std::span<const uint8_t>(sound[0]).subspan(begin));
    begin += frame_size(header.var_size, header.record_count);
  }
  begins.push_back(begin);
  uint64_t seed = 8;
  for (size_t frame = 0; frame + 1 < begins.size(); ++frame) {
    for (int i = 0; i < 8; ++i) {
      std::vector<Bytes> segments = sound;
      const size_t at = begins[frame] + next_random(seed) % (begins[frame + 1] - begins[frame]);
      segments[0][at] = static_cast<uint8_t>(segments[0][at] ^ 1u << i);
      if (i % 2 == 1) segments[0][at ^ 8] ^= 0x40;  // two bits: what is left to name it are the midstates
      const Walk expected = one_by_one(segments);
      for (const LanePair lanes : lane_pairs()) EXPECT_EQ(ahead(lanes, segments).lines, expected.lines) << at;
    }
  }
}

// Frames of the largest size: sixteen of them make the largest window, and nothing makes a larger one.
TEST(frame_ahead, the_window_grows_to_its_bound_and_not_beyond) {
  std::vector<size_t> sizes(22, kMaxFrameRecords);
  sizes[0] = 0;
  sizes[9] = 12;
  const std::vector<Bytes> segments = some_log(sizes, sizes.size());
  const Walk expected = one_by_one(segments);
  const Walk walk = ahead({best_sha256_lane(), best_wide_sha256_lane()}, segments);
  EXPECT_EQ(walk.lines, expected.lines);
  EXPECT_EQ(walk.lines.size(), sizes.size() + 1);
  EXPECT_LE(walk.largest_read, verify::kWindowMax);
  EXPECT_GT(walk.largest_read, verify::kWindowMin);
}

// ChangingSource: somebody makes a frame longer whenever it has been read once.
class ChangingSource final : public verify::LogSource {
 public:
  ChangingSource(const Bytes& log, uint64_t frame) : log_(log), frame_(frame) {}
  size_t segment_count() const override { return 1; }
  std::string segment_name(size_t /*index*/) const override { return verify::segment_file_name(0); }
  uint64_t segment_size(size_t /*index*/) const override { return log_.size(); }
  bool read(size_t /*index*/, uint64_t offset, std::span<uint8_t> out) override {
    std::memcpy(out.data(), log_.data() + offset, out.size());
    if (frame_ < offset || frame_ + sizeof(FrameHeader) > offset + out.size()) return true;
    const uint32_t longer = kMaxFrameRecords;
    if (was_read_) std::memcpy(out.data() + (frame_ - offset) + offsetof(FrameHeader, record_count), &longer, 4);
    was_read_ = true;
    return true;
  }

 private:
  const Bytes& log_;
  const uint64_t frame_;
  bool was_read_ = false;
};

TEST(frame_ahead, a_frame_that_changes_between_two_reads_is_a_problem_and_not_followed) {
  const Bytes log = some_log(std::vector<size_t>(2 * verify::kWindowMin / frame_size(64, 1000), 1000), 1000)[0];
  const auto end_of = [&log](uint64_t frame) {
    const FrameHeader header = verify::read_header(std::span<const uint8_t>(log).subspan(frame));
    return frame + frame_size(header.var_size, header.record_count);
  };
  uint64_t split = 0, before = 0;  // the frame that begins in the first window and ends behind it
  for (; end_of(split) <= verify::kWindowMin; split = end_of(split)) ++before;
  ASSERT_LE(split + sizeof(FrameHeader), verify::kWindowMin);
  ChangingSource source(log, split);
  verify::FrameStream stream(source);
  uint64_t frames = 0;
  verify::Step step = stream.next();
  for (; step == verify::Step::kFrame; step = stream.next()) ++frames;
  EXPECT_EQ(step, verify::Step::kProblem);
  EXPECT_EQ(stream.problem().id, verify::FindingId::kIoError);
  EXPECT_EQ(frames, before);
}

TEST(frame_ahead, bytes_that_cannot_be_read_are_a_problem_of_their_own_frame) {
  const std::vector<Bytes> segments = some_log(std::vector<size_t>(30, 10), 30);
  const size_t size = frame_size(64, 10);
  for (const uint64_t readable : {uint64_t{0}, uint64_t{100}, uint64_t{10} * size, segments[0].size() - 1}) {
    const Walk expected = one_by_one(segments, readable);
    const Walk walk = ahead({Lane::kPortable, best_wide_sha256_lane()}, segments, readable);
    EXPECT_EQ(walk.lines, expected.lines);
    EXPECT_NE(walk.lines.back().find("io-error"), std::string::npos) << walk.lines.back();
  }
}

}  // namespace
}  // namespace cm::audit::test
