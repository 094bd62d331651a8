// SPDX-License-Identifier: Apache-2.0
// real_writer_test.cpp: the verifier on logs of a real cryptomod-auditd with a real swtpm, through kills, resets and
// cut logs. Verdicts are the promise of docs/audit.md; counts come from the client that published the records.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "audit/verify/follow.h"
#include "audit/verify/frame_stream.h"
#include "audit/verify/verifier.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;
using audit::verify::FindingId;
using audit::verify::Report;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;

void publish_calls(FakeClient& client, uint32_t rings, int calls) {
  for (int i = 0; i < calls; ++i)
    for (uint32_t ring = 0; ring < rings; ++ring) {
      ASSERT_TRUE(client.publish(ring, kEntry, 7));
      ASSERT_TRUE(client.publish(ring, kExit, 7));
    }
}

// last_frame_of: offset of the last frame of a type in the first segment.
uint64_t last_frame_of(const WriterProcess& writer, FrameType type) {
  Report report;
  audit::verify::DirectorySource source;
  EXPECT_TRUE(source.open(writer.log_dir(), report));
  audit::verify::FrameStream stream(source);
  uint64_t offset = 0;
  while (stream.next() == audit::verify::Step::kFrame)
    if (stream.frame().type() == type) offset = stream.place().offset;
  return offset;
}

TEST(real_writer, orderly_log_is_verified) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  publish_calls(client, 4, 50);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
  ASSERT_TRUE(r.proof.has_value());
  EXPECT_EQ(r.proof->records, 400u);
}

int exit_of(const std::string& command) { return WEXITSTATUS(std::system(command.c_str())); }

// The script in the bundle has nothing but the bundle, and nothing of this library.
TEST(real_writer, bundled_the_log_is_verified_by_the_script_in_the_bundle) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20", "--segment-size", "32768"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (int i = 0; i < 10; ++i) {
    publish_calls(client, 4, 20);
    pause_ms(30);
  }
  const std::string place = dir / "unpacked", out = dir / "said";
  const auto bundle = [&](const std::string& archive) {
    return exit_of(std::string(CM_AUDIT_PROGRAM) + " bundle " + writer.log_dir() + " --enrolment " +
                   writer.trust_dir() + "/enrolment.json -o " + archive + " >/dev/null");
  };
  const auto script = [&](const std::string& archive) {
    return exit_of("rm -rf " + place + " && mkdir " + place + " && tar -C " + place + " -xf " + archive + " && cd " +
                   place + " && env -i PATH=/usr/bin:/bin dash cryptomod-evidence/verify.sh >" + out);
  };
  EXPECT_EQ(bundle(dir / "live.tar"), 3);
  EXPECT_EQ(script(dir / "live.tar"), 3);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  EXPECT_EQ(bundle(dir / "ended.tar"), 0);
  EXPECT_EQ(script(dir / "ended.tar"), 0);
  const Report r = verdict(writer);
  EXPECT_GT(r.counts.anchors, 3u);
  EXPECT_GT(r.counts.segments, 1u);
  std::stringstream said;
  said << std::ifstream(out).rdbuf();
  EXPECT_TRUE(said.str().starts_with("verdict: verified (exit 0)\n" + statement(r) + "\n")) << said.str();
}

TEST(real_writer, killed_under_load_again_and_again_the_log_is_verified) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "5"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {4, 1024});
  ASSERT_TRUE(client.attach());
  std::mt19937 random(11);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (uint32_t ring = 0; ring < 4; ++ring)
    threads.emplace_back([&client, &stop, ring] {
      while (!stop || client.head(ring) % 2 != 0)
        static_cast<void>(client.publish(ring, client.head(ring) % 2 == 0 ? kEntry : kExit, client.head(ring), 100));
    });
  for (int round = 0; round < 12; ++round) {
    pause_ms(static_cast<int>(random() % 50));
    writer.kill_now();
    const Report live = verdict(writer);
    EXPECT_EQ(audit::verify::exit_code(live), 3) << to_text(live);
    ASSERT_EQ(writer.start(), "ready");
    ASSERT_TRUE(client.attach()) << client.refusal();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
  uint64_t published = 0;
  for (uint32_t ring = 0; ring < 4; ++ring) published += client.head(ring);
  EXPECT_EQ(r.counts.records, published);
  EXPECT_TRUE(r.has(FindingId::kRecovered));
}

// SleepingWaiter: looks as often as it can.
class SleepingWaiter final : public audit::verify::FollowWaiter {
 public:
  void wait(uint32_t /*at_most_ms*/) override { std::this_thread::sleep_for(std::chrono::microseconds(200)); }
  bool stop_asked() override { return now_ms() > until_ms_; }
  uint64_t now_ms() override {
    using namespace std::chrono;
    return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
  }

 private:
  const uint64_t until_ms_ = now_ms() + 60'000;
};

// Many small segments, so that the reader comes to their ends while they are written.
TEST(real_writer, followed_while_it_writes_every_record_is_seen_once) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--segment-size", "32768"});
  ASSERT_EQ(writer.start(), "ready");
  audit::verify::DirectorySource source;
  Report report;
  ASSERT_TRUE(source.open(writer.log_dir(), report));
  std::string text, trouble;
  int code = -1;
  std::thread reader([&] {
    const auto into = [](std::string& out) {
      return [&out](std::string_view line) {
        out += line;
        return true;
      };
    };
    SleepingWaiter waiter;
    audit::verify::FollowOptions options;
    options.lane = audit::best_sha256_lane();
    options.frames = false;
    code = follow_log(source, options, waiter, into(text), into(trouble));
  });
  FakeClient client(writer.run_dir(), {4, 256});  // a frame holds no more than the rings
  const bool attached = client.attach();
  if (attached) publish_calls(client, 4, 1000);
  EXPECT_TRUE(attached && client.detach(false));
  EXPECT_EQ(writer.terminate(), 0);
  reader.join();
  EXPECT_EQ(code, 0);
  EXPECT_EQ(trouble, "");
  EXPECT_GT(source.segment_count(), 3u);
  std::istringstream lines(text);
  uint64_t next = 0;
  for (std::string line; std::getline(lines, line); ++next)
    ASSERT_TRUE(line.starts_with("#" + std::to_string(next) + " ")) << line;
  EXPECT_EQ(next, 8000u);
}

TEST(real_writer, lost_client_is_no_gap) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  {
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    publish_calls(client, 4, 5);
    ASSERT_TRUE(client.publish(0, kEntry, 1));
    ASSERT_TRUE(client.publish(2, kEntry, 2));
    ASSERT_TRUE(client.wait_acked(2));
  }
  pause_ms(300);
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
  EXPECT_TRUE(r.has(FindingId::kClientLost));
}

TEST(real_writer, client_that_breaks_its_ring_is_reported_and_the_log_is_intact) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  publish_calls(client, 4, 5);
  client.put(1, client.head(1), client.make_record(1, client.head(1) + 5, kEntry, 1));
  client.set_head(1, client.head(1) + 1);
  pause_ms(300);
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 3) << to_text(r);
  EXPECT_TRUE(r.has(FindingId::kSealBroken)) << to_text(r);
}

TEST(real_writer, tpm_reset_under_the_writer_ends_the_proof) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  publish_calls(client, 2, 20);
  ASSERT_TRUE(client.wait_extended(1));
  pause_ms(100);
  writer.kill_swtpm();
  publish_calls(client, 2, 20);
  pause_ms(300);
  writer.restart_swtpm();
  ASSERT_TRUE(client.wait_extended(1, 20000));
  publish_calls(client, 2, 20);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 3) << to_text(r);
  EXPECT_TRUE(r.has(FindingId::kUncleanReset)) << to_text(r);
  ASSERT_TRUE(r.proof.has_value());
  EXPECT_LT(r.proof->records, r.counts.records);
}

TEST(real_writer, tpm_reset_between_two_writers) {
  for (const bool orderly : {true, false}) {
    const TempDir dir;
    WriterProcess writer(dir.path());
    ASSERT_EQ(writer.start(), "ready");
    FakeClient client(writer.run_dir());
    ASSERT_TRUE(client.attach());
    publish_calls(client, 2, 3);
    ASSERT_TRUE(client.detach(false));
    if (orderly) {
      ASSERT_EQ(writer.terminate(), 0);
    } else {
      writer.kill_now();
    }
    writer.kill_swtpm();
    ASSERT_EQ(writer.start(), "ready");
    ASSERT_EQ(writer.terminate(), 0);
    const Report r = verdict(writer);
    EXPECT_EQ(audit::verify::exit_code(r), orderly ? 0 : 3) << to_text(r);
  }
}

TEST(real_writer, anchors_cut_off_a_log_are_missed) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (int i = 0; i < 4; ++i) {
    publish_calls(client, 1, 3);
    pause_ms(100);
  }
  writer.kill_now();
  std::filesystem::resize_file(writer.log_dir() + "/00000000.cmlog", last_frame_of(writer, FrameType::kAnchor));
  const Report cut = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(cut), 3) << to_text(cut);
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 1) << to_text(r);
  EXPECT_TRUE(r.has(FindingId::kUnexplainedExtend)) << to_text(r);
  EXPECT_TRUE(r.has(FindingId::kNvValue)) << to_text(r);
}

TEST(real_writer, segments_rotate) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--segment-size", "65536"});
  const std::string line = writer.start();
  ASSERT_EQ(line, "ready");
  FakeClient client(writer.run_dir(), {4, 256});  // a frame holds no more than the rings
  ASSERT_TRUE(client.attach());
  publish_calls(client, 4, 500);
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Report r = verdict(writer);
  EXPECT_EQ(audit::verify::exit_code(r), 0) << to_text(r);
  EXPECT_GT(r.counts.segments, 2u);
}

}  // namespace
}  // namespace cm::audit_test
