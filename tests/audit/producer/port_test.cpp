// SPDX-License-Identifier: Apache-2.0
// port_test.cpp: what a call writes into its ring, and how rings pass from thread to thread.
#include <sys/mman.h>

#include <atomic>
#include <set>

#include "crypto/cpu/features.h"
#include "crypto/cpu/tsc_x86.h"
#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class PortTest : public ProducerTest {};

TEST_F(PortTest, entry_and_exit_say_what_the_call_said) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk) << writer_error();
  Port port{};
  Call call = class_c(0);
  const uint64_t before = realtime_ns();
  ASSERT_EQ(begin(port, call), Status::kOk);
  call.object = 0x1122334455667788;
  end(port, call, Status::kAuth, exit_detail(7, Lane::kAesni, 3));
  ASSERT_EQ(sync(port, true, kLongMs), Status::kOk);
  const uint64_t after = realtime_ns();

  const std::vector<Record> ring = ring_of(port.ring_index);
  ASSERT_EQ(ring.size(), 2u);
  EXPECT_EQ(ring[0].event_id, static_cast<uint32_t>(EventId::kAeadSeal));
  EXPECT_EQ(ring[0].return_code, 0u);
  EXPECT_EQ(ring[0].object, 0u);
  EXPECT_EQ(ring[0].detail, 100u);
  EXPECT_EQ(ring[1].event_id, static_cast<uint32_t>(EventId::kAeadSeal) | kExitBit);
  EXPECT_EQ(ring[1].return_code, static_cast<uint32_t>(CM_ERR_AUTH));
  EXPECT_EQ(ring[1].object, 0x1122334455667788u);
  EXPECT_EQ(ring[1].detail, exit_detail(7, Lane::kAesni, 3));
  for (const Record& r : ring) {
    EXPECT_EQ(std::memcmp(r.session_id, kSession, 16), 0);
    EXPECT_EQ(r.ring_id, port.ring_index);
    EXPECT_NE(r.seal, 0u);  // the fake log looks at every seal
    EXPECT_GE(r.time_ns, before);
    EXPECT_LE(r.time_ns, after);
  }
  port_close(port);
  expect_no_complaints();
}

TEST_F(PortTest, no_session_is_sixteen_zero_bytes) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  Port port{};
  Call call = class_c();
  call.session_id = nullptr;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);  // leaves other bytes in every slot
  ASSERT_EQ(do_call(port, call), Status::kOk);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  const Record last = ring_of(port.ring_index).back();
  const uint8_t zero[16] = {};
  EXPECT_EQ(std::memcmp(last.session_id, zero, 16), 0);
  port_close(port);
}

TEST_F(PortTest, hello_says_who_we_are) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  const WireHello hello = writer.hello();
  EXPECT_EQ(hello.version, kWireVersion);
  EXPECT_STREQ(hello.module_version, "1.2.3");
  EXPECT_STREQ(hello.lanes, "aes=portable");
  EXPECT_EQ(hello.module_digest[0], 42);
  EXPECT_EQ(hello.ring_count, 9u);
  EXPECT_EQ(hello.ring_records, 256u);
  EXPECT_EQ(hello.seal_kind, kSealChain);
  AuditInfo audit;
  info(audit);
  EXPECT_EQ(audit.state, AuditState::kConnected);
  EXPECT_EQ(audit.tpm_kind, 1u);
  EXPECT_EQ(audit.log_id[0], 7);
  expect_no_complaints();
}

TEST_F(PortTest, sequence_numbers_go_on_past_the_ring_size) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  Port port{};
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(do_call(port, class_c(static_cast<uint64_t>(i))), Status::kOk);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  const std::vector<Record> ring = ring_of(port.ring_index);
  ASSERT_EQ(ring.size(), 10000u);
  for (size_t i = 0; i < ring.size(); ++i) ASSERT_EQ(ring[i].object, i / 2);
  EXPECT_TRUE(calls_are_paired(ring));
  port_close(port);
  expect_no_complaints();
}

TEST_F(PortTest, a_closed_ring_is_taken_up_at_the_same_sequence) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs, 1)), Status::kOk);
  for (int thread = 0; thread < 20; ++thread)
    std::thread([] {
      Port port{};
      for (int i = 0; i < 50; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
      port_close(port);
    }).join();
  Port port{};
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  EXPECT_EQ(port.ring_index, 1u);
  EXPECT_EQ(port.head, 20u * 100u + 2u);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  EXPECT_TRUE(calls_are_paired(ring_of(1)));
  port_close(port);
  expect_no_complaints();
}

TEST_F(PortTest, every_thread_has_its_own_ring) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs, 4)), Status::kOk);
  Port ports[4] = {};
  std::set<uint32_t> rings;
  for (Port& port : ports) {
    ASSERT_EQ(do_call(port, class_c()), Status::kOk);
    rings.insert(port.ring_index);
    EXPECT_EQ(writer.control(port.ring_index)->claimed.load(), 1u);
  }
  EXPECT_EQ(rings, (std::set<uint32_t>{1, 2, 3, 4}));
  port_close(ports[2]);
  Port next{};
  ASSERT_EQ(do_call(next, class_c()), Status::kOk);
  port_close(next);
  for (Port& port : ports) port_close(port);
  for (uint32_t ring = 1; ring <= 4; ++ring) EXPECT_EQ(writer.control(ring)->claimed.load(), 0u);
}

// A writer that clears `claimed` must not make two threads share a ring.
TEST_F(PortTest, a_claim_is_ours_whatever_the_shared_word_says) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs, 1)), Status::kOk);
  Port port{}, other{};
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  writer.control(1)->claimed.store(0);
  EXPECT_EQ(begin(other, class_c()), Status::kAudit);
  writer.control(1)->head.store(77);
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  EXPECT_EQ(writer.control(1)->head.load(), 4u);
  port_close(port);
}

TEST_F(PortTest, a_call_that_waits_rings_the_doorbell_of_a_writer_that_does_not_say_it_sleeps) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(writer.page()->sleeping.load(), 0u);
  const uint32_t before = writer.page()->doorbell.load();
  writer.set_drains(false);
  std::thread caller([] {
    Port port{};
    EXPECT_EQ(do_call(port, class_b()), Status::kOk);
    port_close(port);
  });
  EXPECT_TRUE(eventually([&] { return writer.waiting(); }));
  EXPECT_TRUE(eventually([&] { return writer.page()->doorbell.load() != before; }));
  writer.set_drains(true);
  caller.join();
}

TEST_F(PortTest, the_doorbell_wakes_a_sleeping_writer) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  writer.sleeps = true;
  Port port{};
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(eventually([&] { return writer.page()->sleeping.load() != 0; }));
    ASSERT_EQ(do_call(port, class_b()), Status::kOk);
  }
  EXPECT_GE(writer.doorbells.load(), 100u);
  writer.sleeps = false;
  ASSERT_EQ(event(0x20003, 0, 0, 0), Status::kOk);
  port_close(port);
  expect_no_complaints();
}

TEST_F(PortTest, time_follows_the_writers_parameters) {
  if ((cpu_features() & kFeatureInvariantTsc) == 0) return;
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  WriterPage& page = *writer.page();
  constexpr uint64_t kEpoch = 5'000'000'000'000'000'000;
  page.clock_seq.store(1);
  page.clock_tsc.store(read_tsc());
  page.clock_utc_ns.store(kEpoch);
  page.clock_ns_per_tick_q32.store(uint64_t{1} << 31);  // half a nanosecond a tick
  page.clock_seq.store(2);
  Port port{};
  const uint64_t low = read_tsc();
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  const uint64_t high = read_tsc();
  // While the parameters are being written, the system's clock.
  page.clock_seq.store(3);
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  page.clock_tsc.store(page.clock_tsc.load() + (uint64_t{1} << 40));  // a base ahead of now: earlier than the base
  page.clock_seq.store(4);
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  const std::vector<Record> ring = ring_of(port.ring_index);
  ASSERT_EQ(ring.size(), 6u);
  EXPECT_GE(ring[0].time_ns, kEpoch + (low - (page.clock_tsc.load() - (uint64_t{1} << 40))) / 2);
  EXPECT_LE(ring[1].time_ns, kEpoch + (high - (page.clock_tsc.load() - (uint64_t{1} << 40))) / 2);
  EXPECT_LT(ring[2].time_ns, kEpoch / 2);
  EXPECT_LT(ring[4].time_ns, kEpoch);
  EXPECT_GT(ring[4].time_ns, kEpoch - (uint64_t{1} << 39));
  port_close(port);
}

TEST_F(PortTest, sync_waits_for_durability_and_for_the_tpm) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  writer.extends = false;
  Port port{};
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  EXPECT_EQ(sync(port, false, kLongMs), Status::kOk);
  EXPECT_EQ(sync(port, true, kShortMs), Status::kTimeout);
  writer.extends = true;
  EXPECT_EQ(sync(port, true, kLongMs), Status::kOk);
  writer.set_drains(false);
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  EXPECT_EQ(sync(port, false, 0), Status::kTimeout);
  ASSERT_EQ(event(0x20003, 0, 0, 0), Status::kOk);
  Port unused{};
  EXPECT_EQ(sync(unused, false, kShortMs), Status::kTimeout) << "events count as the caller's";
  writer.set_drains(true);
  EXPECT_EQ(sync(unused, false, kLongMs), Status::kOk);
  port_close(port);
}

TEST_F(PortTest, a_call_that_waits_goes_on_when_the_writer_does) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  for (const Call& call : {class_a(), class_b()}) {
    writer.set_drains(false);
    std::atomic<int> done{0};
    std::thread thread([&] {
      Port port{};
      EXPECT_EQ(do_call(port, call), Status::kOk);
      port_close(port);
      done = 1;
    });
    EXPECT_TRUE(eventually([&] { return writer.waiting(); }));
    EXPECT_EQ(done.load(), 0);
    writer.set_drains(true);
    thread.join();
    EXPECT_FALSE(writer.waiting());
  }
  Port port{};
  writer.set_drains(false);
  for (int i = 0; i < 128; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  std::thread helper([&] {
    EXPECT_TRUE(eventually([&] { return writer.waiting(); }));
    writer.set_drains(true);
  });
  EXPECT_EQ(do_call(port, class_c()), Status::kOk);
  helper.join();
  port_close(port);
  expect_no_complaints();
}

}  // namespace
}  // namespace cm::audit::test
