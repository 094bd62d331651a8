// SPDX-License-Identifier: Apache-2.0
// writer_hostile_test.cpp: clients that break the protocol: each is cut off, the log names the place, and another
// client goes on undisturbed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
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

uint32_t event(uint64_t i) { return i % 2 == 0 ? kEntry : kExit; }
constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

class WriterHostile : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(writer_.start(), "ready");
    ASSERT_TRUE(good_.attach());
    bad_ = std::make_unique<FakeClient>(writer_.run_dir());
  }

  // undisturbed: the good client still gets its records into the log.
  void undisturbed() {
    ASSERT_TRUE(good_.publish(1, kEntry, 77));
    ASSERT_TRUE(good_.publish(1, kExit, 77));
    EXPECT_TRUE(good_.wait_acked(1));
  }

  // cut_off: well before the five seconds after which a silent newcomer would be.
  void cut_off() { EXPECT_TRUE(bad_->peer_closed()); }

  Log end() {
    undisturbed();
    EXPECT_TRUE(good_.detach(false));
    EXPECT_EQ(writer_.terminate(), 0);
    Log log = read_log(writer_.log_dir());
    EXPECT_EQ(log.fault, "");
    EXPECT_EQ(log.of_type(FrameType::kClientDetach).size(), 1u);
    return log;
  }

  // broken_ring: the attached bad client did something; the log must say so.
  void expect_broken(uint32_t reason, uint64_t ring_seq) {
    cut_off();
    const Log log = end();
    const auto broken = log.payloads<audit::SealBroken>(FrameType::kSealBroken);
    ASSERT_EQ(broken.size(), 1u);
    EXPECT_EQ(broken[0].reason, reason);
    EXPECT_EQ(broken[0].ring_seq, ring_seq);
    EXPECT_EQ(broken[0].ring_id, bad_->welcome()->first_ring_id + 2);
    EXPECT_EQ(std::memcmp(broken[0].client_id.data(), bad_->welcome()->client_id, 16), 0);
    const auto lost = log.payloads<audit::ClientLost>(FrameType::kClientLost);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].reason, 2u);
    const auto found = log.rings.find(bad_->welcome()->first_ring_id + 2);
    EXPECT_EQ(found == log.rings.end() ? 0u : found->second.size(), ring_seq) << "what came before the breach is kept";
  }

  void expect_refused_hello(const std::string& why) {
    EXPECT_FALSE(bad_->attach());
    EXPECT_NE(bad_->refusal().find(why), std::string::npos) << bad_->refusal();
    EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
  }

  const TempDir dir_;
  WriterProcess writer_{dir_.path()};
  FakeClient good_{writer_.run_dir()};
  std::unique_ptr<FakeClient> bad_;
};

TEST_F(WriterHostile, wrong_sequence_number) {
  ASSERT_TRUE(bad_->attach());
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(bad_->publish(2, event(i), i));
  bad_->put(2, 10, bad_->make_record(2, 11, kEntry, 0));
  bad_->set_head(2, 11);
  expect_broken(2, 10);
}

TEST_F(WriterHostile, unknown_event) {
  ASSERT_TRUE(bad_->attach());
  for (const uint32_t id : {0u, 0x0fffu, 0x50000u, 0x80010000u}) ASSERT_FALSE(audit::event_known(id));
  ASSERT_TRUE(bad_->publish(2, kEntry, 1));
  bad_->put(2, 1, bad_->make_record(2, 1, 0x0fff, 0));
  bad_->set_head(2, 2);
  expect_broken(3, 1);
}

TEST_F(WriterHostile, record_changed_after_it_was_sealed) {
  ASSERT_TRUE(bad_->attach());
  for (uint64_t i = 0; i < 70; ++i) ASSERT_TRUE(bad_->publish(2, event(i), i));
  audit::Record record = bad_->sealed(2, 70, bad_->make_record(2, 70, kEntry, 0));
  record.object ^= 1;
  bad_->put_as_it_is(2, 70, record);
  bad_->set_head(2, 71);
  expect_broken(1, 70);
}

TEST_F(WriterHostile, seal_of_another_ring) {
  ASSERT_TRUE(bad_->attach());
  const audit::Record record = bad_->make_record(2, 0, kEntry, 0);
  bad_->put_as_it_is(2, 0, bad_->sealed(3, 0, record));
  bad_->set_head(2, 1);
  expect_broken(1, 0);
}

TEST_F(WriterHostile, seal_of_the_record_before) {
  ASSERT_TRUE(bad_->attach());
  for (uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(bad_->publish(2, event(i), i));
  bad_->put_as_it_is(2, 2, bad_->sealed(2, 1, bad_->make_record(2, 2, kEntry, 2)));
  bad_->set_head(2, 3);
  expect_broken(1, 2);
}

TEST_F(WriterHostile, head_beyond_the_ring) {
  ASSERT_TRUE(bad_->attach());
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(bad_->publish(2, event(i), i));
  ASSERT_TRUE(bad_->wait_acked(2));
  bad_->set_head(2, 5 + 1024 + 1);
  expect_broken(4, 5);
}

TEST_F(WriterHostile, head_that_goes_back) {
  ASSERT_TRUE(bad_->attach());
  for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(bad_->publish(2, event(i), i));
  ASSERT_TRUE(bad_->wait_acked(2));
  bad_->set_head(2, 3);
  expect_broken(4, 5);
}

TEST_F(WriterHostile, writer_page_and_acknowledgements_scribbled_over) {
  ASSERT_TRUE(bad_->attach());
  for (int round = 0; round < 50; ++round) {
    audit::WriterPage& page = bad_->page();
    page.doorbell.fetch_add(17);
    page.sleeping.store(static_cast<uint32_t>(round));
    page.waiters.store(~0u);
    page.progress.store(3);
    page.flags.store(~0u);
    page.clock_seq.store(1);
    ASSERT_TRUE(bad_->publish(2, event(static_cast<uint64_t>(round)), static_cast<uint64_t>(round)));
  }
  undisturbed();
  bad_->disconnect();
  const Log log = end();
  EXPECT_EQ(log.rings.at(bad_->welcome()->first_ring_id + 2).size(), 50u);
}

TEST_F(WriterHostile, second_hello) {
  ASSERT_TRUE(bad_->attach());
  ASSERT_TRUE(bad_->send_hello());
  cut_off();
  const Log log = end();
  EXPECT_EQ(log.payloads<audit::ClientLost>(FrameType::kClientLost).at(0).reason, 2u);
}

TEST_F(WriterHostile, bye_before_hello) {
  ASSERT_TRUE(bad_->connect());
  ASSERT_TRUE(bad_->send_bye(true));
  cut_off();
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
}

TEST_F(WriterHostile, garbage_packets_of_many_sizes) {
  std::vector<uint8_t> garbage(3000, 0xa5);
  for (const size_t size : {size_t{1}, size_t{8}, sizeof(audit::WireHello) - 1, sizeof(audit::WireHello),
                            sizeof(audit::WireHello) + 1, size_t{3000}}) {
    ASSERT_TRUE(bad_->connect());
    ASSERT_TRUE(bad_->send_raw(garbage.data(), size));
    cut_off();
  }
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
}

TEST_F(WriterHostile, too_many_and_too_few_descriptors) {
  audit::WireHello hello{};
  hello.type = 1;
  hello.version = audit::kWireVersion;
  hello.ring_count = 4;
  hello.ring_records = 1024;
  const int fd = open("/dev/null", O_RDONLY);
  for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{16}}) {
    ASSERT_TRUE(bad_->connect());
    ASSERT_TRUE(bad_->send_raw(&hello, sizeof hello, std::vector<int>(count, fd)));
    cut_off();
  }
  close(fd);
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
}

TEST_F(WriterHostile, geometry_and_text_out_of_range) {
  const int fd = open("/dev/null", O_RDONLY);
  audit::WireHello sound{};
  sound.type = 1;
  sound.version = audit::kWireVersion;
  sound.seal_kind = audit::kSealChain;
  sound.ring_count = 4;
  sound.ring_records = 1024;
  std::vector<std::function<void(audit::WireHello&)>> faults = {
      [](audit::WireHello& h) { h.ring_count = 0; },
      [](audit::WireHello& h) { h.ring_count = audit::kRingCountMax + 1; },
      [](audit::WireHello& h) { h.ring_records = 1000; },
      [](audit::WireHello& h) { h.ring_records = 1u << 31; },
      [](audit::WireHello& h) { h.version = 2; },
      [](audit::WireHello& h) { h.seal_kind = 0; },
      [](audit::WireHello& h) { h.seal_kind = 2; },
      [](audit::WireHello& h) { h.reserved = 1; },
      [](audit::WireHello& h) { std::memset(h.lanes, 'x', sizeof h.lanes); },
      [](audit::WireHello& h) { std::memset(h.module_version, 'x', sizeof h.module_version); },
  };
  for (const auto& fault : faults) {
    audit::WireHello hello = sound;
    fault(hello);
    ASSERT_TRUE(bad_->connect());
    ASSERT_TRUE(bad_->send_raw(&hello, sizeof hello, {fd, fd}));
    cut_off();
  }
  close(fd);
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
}

TEST_F(WriterHostile, unsealed_memory) {
  bad_->make_memory(F_SEAL_GROW, audit::shared_size(4, 1024));
  expect_refused_hello("not sealed");
}

TEST_F(WriterHostile, memory_of_the_wrong_size) {
  bad_->make_memory(kAllSeals, audit::shared_size(4, 1024) - 4096);
  expect_refused_hello("wrong size");
}

TEST_F(WriterHostile, memory_that_is_a_plain_file) {
  ASSERT_TRUE(bad_->connect());
  audit::WireHello hello{};
  hello.type = 1;
  hello.version = audit::kWireVersion;
  hello.ring_count = 4;
  hello.ring_records = 1024;
  const int fd = open("/proc/self/exe", O_RDONLY);
  ASSERT_TRUE(bad_->send_raw(&hello, sizeof hello, {fd, fd}));
  close(fd);
  cut_off();
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 1u);
}

TEST_F(WriterHostile, executable_that_is_a_pipe_is_recorded_as_unknown) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  bad_->set_executable(ends[0]);
  ASSERT_TRUE(bad_->attach()) << "nothing is read from a pipe, so nothing hangs";
  close(ends[1]);
  ASSERT_TRUE(bad_->publish(0, kEntry, 1));
  EXPECT_TRUE(bad_->wait_acked(0));
  bad_->disconnect();
  const auto attach = end().payloads<audit::ClientAttach>(FrameType::kClientAttach).at(1);
  EXPECT_EQ(attach.executable_known, 0);
  EXPECT_EQ(attach.executable_digest, audit::Digest{});
  EXPECT_EQ(attach.executable, "");
}

TEST_F(WriterHostile, resume_of_a_client_that_is_not_awaited) {
  ASSERT_TRUE(bad_->attach());
  FakeClient& first = *bad_;
  ASSERT_TRUE(first.publish(0, kEntry, 1));
  ASSERT_TRUE(first.wait_acked(0));
  first.disconnect();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(first.attach());
  EXPECT_NE(first.refusal().find("no such client"), std::string::npos);
  EXPECT_EQ(end().of_type(FrameType::kClientAttach).size(), 2u);
}

TEST_F(WriterHostile, another_process_cannot_resume_an_awaited_client) {
  ASSERT_TRUE(good_.publish(0, kEntry, 1));
  ASSERT_TRUE(good_.wait_acked(0));
  writer_.kill_now();
  ASSERT_EQ(writer_.start(), "ready");
  const pid_t child = fork();
  if (child == 0) {
    const bool attached = good_.attach();
    _exit(!attached && good_.refusal().find("not the client") != std::string::npos ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  ASSERT_TRUE(good_.attach()) << good_.refusal();
  end();
}

TEST_F(WriterHostile, connections_that_say_nothing_are_closed) {
  ASSERT_TRUE(bad_->connect());
  EXPECT_TRUE(bad_->peer_closed(8000));
  undisturbed();
}

}  // namespace
}  // namespace cm::audit_test
