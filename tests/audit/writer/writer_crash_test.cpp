// SPDX-License-Identifier: Apache-2.0
// writer_crash_test.cpp: the writer and its clients killed at any moment: nothing acknowledged is lost or doubled, and
// the log says what happened.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

using audit::EventId;
using audit::FrameType;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal);
constexpr uint32_t kExit = kEntry | audit::kExitBit;

// Producer: a client under load whose threads publish object = sequence number for as long as they are let.
class Load {
 public:
  Load(FakeClient& client, uint32_t rings) {
    for (uint32_t ring = 0; ring < rings; ++ring)
      threads_.emplace_back([this, &client, ring] {
        while (!stop_) {
          const uint64_t seq = client.head(ring);
          (void)client.publish(ring, seq % 2 == 0 ? kEntry : kExit, seq, 100);
        }
      });
  }
  ~Load() { stop(); }
  void stop() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(WriterCrash, killed_writer_twenty_times_under_load_loses_and_doubles_nothing) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "5"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir(), {4, 1024});
  ASSERT_TRUE(client.attach());
  std::mt19937 random(20);
  std::vector<uint64_t> acked_before(4, 0);
  {
    Load load(client, 4);
    for (int round = 0; round < 20; ++round) {
      pause_ms(static_cast<int>(random() % 60));
      writer.kill_now();
      for (uint32_t ring = 0; ring < 4; ++ring) acked_before[ring] = client.acked(ring);
      ASSERT_EQ(writer.start(), "ready");
      ASSERT_TRUE(client.attach()) << client.refusal();
      for (uint32_t ring = 0; ring < 4; ++ring)
        ASSERT_GE(client.acked(ring), acked_before[ring]) << "acknowledged records are in the log";
    }
    load.stop();
  }
  for (uint32_t ring = 0; ring < 4; ++ring) ASSERT_TRUE(client.wait_acked(ring));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);

  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  for (uint32_t ring = 0; ring < 4; ++ring) {
    const auto& records = log.rings.at(client.welcome()->first_ring_id + ring);
    ASSERT_EQ(records.size(), client.head(ring));
    for (uint64_t i = 0; i < records.size(); ++i) ASSERT_EQ(records[i].object, i);
  }
  EXPECT_EQ(log.of_type(FrameType::kRecovery).size(), 20u);
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 0u);
  EXPECT_EQ(log.of_type(FrameType::kBoot).size(), 0u);
  EXPECT_EQ(log.of_type(FrameType::kClientLost).size(), 0u);
  EXPECT_EQ(log.payloads<audit::ClientAttach>(FrameType::kClientAttach).back().reattached, 1);
}

TEST(WriterCrash, killed_client_is_drained_and_its_open_entry_named) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    FakeClient client(writer.run_dir());
    bool good = client.attach();
    for (uint64_t i = 0; i < 1001; ++i) good = good && client.publish(2, i % 2 == 0 ? kEntry : kExit, 500 + i);
    good = good && client.publish(1, kEntry, 9) && client.publish(1, kExit, 9);
    (void)!write(ready[1], good ? "g" : "b", 1);
    pause();
  }
  char answer = 'b';
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_EQ(answer, 'g');
  close(ready[0]);
  close(ready[1]);
  pause_ms(200);
  ASSERT_EQ(writer.terminate(), 0);

  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.rings.at(2).size(), 1001u);
  const auto lost = log.payloads<audit::ClientLost>(FrameType::kClientLost);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].reason, 1u);
  ASSERT_EQ(lost[0].open_entries.size(), 1u);
  EXPECT_EQ(lost[0].open_entries[0].ring_id, 2u);
  EXPECT_EQ(lost[0].open_entries[0].event_id, kEntry);
  EXPECT_EQ(lost[0].open_entries[0].ring_seq, 1000u);
  EXPECT_EQ(lost[0].open_entries[0].object, 1500u);
}

// In a process of its own, which ends without a word.
bool in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(WriterCrash, client_that_does_not_come_back_is_lost_with_its_open_entries) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(writer.running());
  const pid_t victim = writer.pid();
  ASSERT_TRUE(in_child([&] {
    FakeClient client(writer.run_dir());
    const bool good = client.attach() && client.publish(0, kEntry, 1) &&
                      client.publish(0, static_cast<uint32_t>(EventId::kHealthReseed), 2) &&
                      client.publish(1, kEntry, 3) && client.publish(1, kExit, 3) && client.wait_acked(0) &&
                      client.wait_acked(1);
    kill(victim, SIGKILL);
    while (kill(victim, 0) == 0 && client.connect()) pause_ms(1);
    return good;
  }));
  writer.kill_now();
  ASSERT_EQ(writer.start(), "ready");
  pause_ms(4500);
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  const auto lost = log.payloads<audit::ClientLost>(FrameType::kClientLost);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].reason, 3u);
  ASSERT_EQ(lost[0].open_entries.size(), 1u);
  EXPECT_EQ(lost[0].open_entries[0].ring_id, 0u);
  EXPECT_EQ(lost[0].open_entries[0].ring_seq, 0u);
  EXPECT_EQ(lost[0].open_entries[0].object, 1u);
}

TEST(WriterCrash, client_that_lives_may_come_back_late_and_its_unread_calls_are_taken) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(1, kEntry, 1));
  ASSERT_TRUE(client.wait_acked(1));
  writer.kill_now();
  ASSERT_TRUE(client.publish(1, kExit, 1));
  ASSERT_EQ(writer.start(), "ready");
  pause_ms(4500);
  ASSERT_TRUE(client.attach()) << client.refusal();
  ASSERT_TRUE(client.wait_acked(1));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.rings.at(1).size(), 2u);
  EXPECT_EQ(log.of_type(FrameType::kClientLost).size(), 0u);
}

TEST(WriterCrash, client_that_comes_back_does_not_wait_behind_executables_of_newcomers) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  writer.kill_now();
  ASSERT_EQ(writer.start(), "ready");
  const std::string big = dir / "big";
  std::ofstream(big) << "x";
  std::filesystem::resize_file(big, uint64_t{256} << 20);
  std::vector<std::unique_ptr<FakeClient>> crowd;
  for (int i = 0; i < 30; ++i) {
    crowd.push_back(std::make_unique<FakeClient>(writer.run_dir()));
    crowd.back()->set_executable(open(big.c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(crowd.back()->connect());
    ASSERT_TRUE(crowd.back()->send_hello());
  }
  ASSERT_TRUE(client.attach()) << client.refusal();
  int answered = 0;
  for (const auto& newcomer : crowd) answered += newcomer->receive(0).empty() ? 0 : 1;
  EXPECT_LT(answered, 30) << "they are still being looked at";
}

TEST(WriterCrash, what_is_left_of_a_genesis_frame_does_not_stop_the_next_writer) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{128}}) {
    const TempDir dir;
    WriterProcess writer(dir.path());
    std::filesystem::create_directory(writer.log_dir());
    const std::string segment = writer.log_dir() + "/00000000.cmlog";
    std::ofstream(segment, std::ios::binary) << std::string(size, '\0');
    ASSERT_EQ(writer.start(), "ready") << size;
    ASSERT_EQ(writer.terminate(), 0);
    EXPECT_EQ(read_log(writer.log_dir()).fault, "");
  }
}

TEST(WriterCrash, client_survives_an_orderly_restart_of_the_writer) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(client.publish(0, i % 2 == 0 ? kEntry : kExit, i));
    ASSERT_EQ(writer.terminate(), 0);
    EXPECT_EQ(client.acked(0), client.head(0)) << "an ending writer drains what is published";
    ASSERT_EQ(writer.start(), "ready");
    ASSERT_TRUE(client.attach()) << client.refusal();
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.rings.at(0).size(), 300u);
}

TEST(WriterCrash, torn_frame_is_cut_off_and_recorded) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  ASSERT_TRUE(client.wait_extended(0));
  writer.kill_now();
  const std::string segment = writer.log_dir() + "/00000000.cmlog";
  const Log before = read_log(writer.log_dir());
  ASSERT_EQ(before.fault, "");
  // The beginning of a frame that continues the log, as a write that was cut short leaves it.
  audit::FrameHeader next = before.frames.back().header;
  next.frame_seq += 1;
  {
    std::ofstream out(segment, std::ios::binary | std::ios::app);
    out.write(reinterpret_cast<const char*>(&next), sizeof next);
    out.write("partial", 7);
  }
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kExit, 1));
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  const auto recovery = log.payloads<audit::Start>(FrameType::kRecovery).at(0);
  EXPECT_EQ(recovery.torn_bytes, sizeof next + 7);
  EXPECT_NE(recovery.torn_digest, audit::Digest{});
  EXPECT_EQ(log.rings.at(0).size(), 2u);
}

// The machine may die between the write of a frame and its sync: full length, and any of its sectors zero.
TEST(WriterCrash, missing_sectors_of_the_last_frame_are_cut_off_and_other_damage_is_refused) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  ASSERT_TRUE(client.wait_extended(0));
  writer.kill_now();
  const std::string segment = writer.log_dir() + "/00000000.cmlog";
  const audit::FrameHeader last = read_log(writer.log_dir()).frames.back().header;
  const auto size = std::filesystem::file_size(segment);
  const auto begin = size - audit::frame_size(last.var_size, last.record_count);
  std::fstream file(segment, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](uint64_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.flush();
  };
  file.seekg(static_cast<std::streamoff>(begin + 70));
  const char good = static_cast<char>(file.get());
  put(begin + 70, static_cast<char>(good ^ 1));
  EXPECT_TRUE(writer.start().starts_with("error: 00000000.cmlog at byte"));
  EXPECT_EQ(writer.wait(5), 1);
  EXPECT_EQ(std::filesystem::file_size(segment), size);
  put(begin + 70, good);
  for (uint64_t at = std::max(begin, (size - 1) / 512 * 512); at < size; ++at) put(at, 0);
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.payloads<audit::Start>(FrameType::kRecovery).at(0).torn_bytes, size - begin);
}

// It may also die while the frame is being written: its end is not there, and neither are sectors of its beginning.
TEST(WriterCrash, end_and_first_sector_of_the_last_frame_are_missing_and_it_is_cut_off) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(client.publish(0, kEntry, i));
  ASSERT_TRUE(client.wait_extended(0));
  writer.kill_now();
  const std::string segment = writer.log_dir() + "/00000000.cmlog";
  const auto end = std::filesystem::file_size(segment);
  const uint64_t sector_end = (end / 512 + 1) * 512;
  std::ofstream(segment, std::ios::binary | std::ios::app) << std::string(sector_end - end, '\0') << "written";
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.fault, "");
  EXPECT_EQ(log.payloads<audit::Start>(FrameType::kRecovery).at(0).torn_bytes, sector_end - end + 7);
}

TEST(WriterCrash, damage_in_the_middle_is_refused_and_nothing_is_changed) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  ASSERT_TRUE(client.wait_acked(0));
  writer.kill_now();
  const std::string segment = writer.log_dir() + "/00000000.cmlog";
  const auto size = std::filesystem::file_size(segment);
  const audit::FrameHeader first = read_log(writer.log_dir()).frames.at(0).header;
  const auto second = static_cast<std::streamoff>(audit::frame_size(first.var_size, 0));
  // Genesis: magic, sequence, previous head, payload, trailer. Second frame: previous head, digest.
  for (const std::streamoff at :
       std::initializer_list<std::streamoff>{0, 32, 64, 140, second - 40, second + 64, second + 100}) {
    std::fstream file(segment, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const char good = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(good ^ 1));
    file.flush();
    const std::string line = writer.start();
    EXPECT_TRUE(line.starts_with("error: 00000000.cmlog at byte")) << line;
    EXPECT_NE(line.find("nothing was changed"), std::string::npos);
    EXPECT_EQ(writer.wait(5), 1);
    EXPECT_EQ(std::filesystem::file_size(segment), size);
    file.seekp(at);
    file.put(good);
  }
  ASSERT_EQ(writer.start(), "ready") << "the undamaged log is accepted";
}

TEST(WriterCrash, foreign_file_in_the_log_directory_is_refused) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  std::ofstream(writer.log_dir() + "/notes.txt") << "hello";
  EXPECT_TRUE(writer.start().starts_with("error: the log directory holds notes.txt"));
}

TEST(WriterCrash, removed_last_frame_is_an_unexplained_extend) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  ASSERT_TRUE(client.publish(0, kEntry, 1));
  ASSERT_TRUE(client.wait_extended(0));
  pause_ms(100);
  writer.kill_now();
  const std::string segment = writer.log_dir() + "/00000000.cmlog";
  const Log before = read_log(writer.log_dir());
  ASSERT_EQ(before.fault, "");
  const audit::FrameHeader& last = before.frames.back().header;
  std::filesystem::resize_file(
      segment, std::filesystem::file_size(segment) - audit::frame_size(last.var_size, last.record_count));
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(writer.terminate(), 0);
  const Log log = read_log(writer.log_dir());
  EXPECT_EQ(log.of_type(FrameType::kUnexplainedExtend).size(), 1u);
  EXPECT_EQ(log.of_type(FrameType::kRecovery).size(), 1u);
}

}  // namespace
}  // namespace cm::audit_test
