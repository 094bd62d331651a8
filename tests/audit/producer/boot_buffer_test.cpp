// SPDX-License-Identifier: Apache-2.0
// boot_buffer_test.cpp: records made before there is a writer: kept in order, moved into ring 0, never lost silently.
#include "audit/producer/boot_buffer.h"
#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

constexpr uint32_t kCast = static_cast<uint32_t>(EventId::kCast);

class BootBufferTest : public ProducerTest {};

Record record_of(uint64_t detail) {
  Record record{};
  record.detail = detail;
  return record;
}

// An attach that fails half-way: what the writer acknowledged is in the log, the rest waits for the next one, in order.
TEST_F(BootBufferTest, an_unfinished_move_is_taken_back_up_to_what_was_acknowledged) {
  static BootBuffer buffer;
  for (uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(buffer.push(record_of(i)));
  for (int i = 0; i < 7; ++i) buffer.mark_moved();
  buffer.rewind(4);
  ASSERT_TRUE(buffer.push(record_of(10)));
  for (uint64_t expected = 4; expected <= 10; ++expected) {
    ASSERT_NE(buffer.next_to_move(), nullptr) << expected;
    EXPECT_EQ(buffer.next_to_move()->detail, expected);
    buffer.mark_moved();
  }
  EXPECT_EQ(buffer.next_to_move(), nullptr);
  buffer.rewind(100);  // a lie about more than was moved takes nothing else away
  EXPECT_EQ(buffer.next_to_move(), nullptr);
  EXPECT_EQ(buffer.clear(), 0u);
}

TEST_F(BootBufferTest, boot_records_come_first_and_in_order) {
  for (uint32_t i = 0; i < 100; ++i) ASSERT_EQ(event(kCast + i % 14, 0, i, 5), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk) << writer_error();
  ASSERT_EQ(event(0x20003, 0, 100, 0), Status::kOk);
  Port port{};
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  const std::vector<Record> ring = ring_of(0);
  ASSERT_EQ(ring.size(), 101u);
  for (uint32_t i = 0; i < ring.size(); ++i) EXPECT_EQ(ring[i].object, i);
  EXPECT_EQ(ring[3].event_id, kCast + 3);
  EXPECT_NE(ring[3].time_ns, 0u);
  expect_no_complaints();
}

TEST_F(BootBufferTest, more_records_than_the_ring_holds_are_moved_as_the_writer_drains) {
  for (uint32_t i = 0; i < kBootRecords; ++i) ASSERT_EQ(event(kCast, 0, i, 0), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs, 8, 256)), Status::kOk);
  Port port{};
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  const std::vector<Record> ring = ring_of(0);
  ASSERT_EQ(ring.size(), kBootRecords);
  for (uint32_t i = 0; i < ring.size(); ++i) EXPECT_EQ(ring[i].object, i);
  expect_no_complaints();
}

TEST_F(BootBufferTest, what_does_not_fit_is_refused_counted_and_reported) {
  for (uint32_t i = 0; i < kBootRecords - 1; ++i) ASSERT_EQ(event(kCast, 0, i, 0), Status::kOk);
  Port port{};
  EXPECT_EQ(begin(port, class_c()), Status::kAudit) << "one slot is not enough for a call";
  EXPECT_EQ(event(kCast, 0, 511, 0), Status::kOk);
  EXPECT_EQ(event(kCast, 0, 512, 0), Status::kAudit);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  std::vector<Record> ring = ring_of(0);
  ASSERT_GE(ring.size(), kBootRecords + 1);
  EXPECT_EQ(ring[kBootRecords].event_id, static_cast<uint32_t>(EventId::kHealthBootOverflow));
  EXPECT_EQ(ring[kBootRecords].object, 3u) << "two of the call, one event";
  ASSERT_TRUE(eventually([&] { return ring_of(0).size() == kBootRecords + 2; }));
  EXPECT_EQ(ring_of(0).back().event_id, static_cast<uint32_t>(EventId::kHealthRefused));
  EXPECT_EQ(ring_of(0).back().object, 1u);
  AuditInfo audit;
  info(audit);
  EXPECT_GE(audit.refused, 1u);
  expect_no_complaints();
}

// cm_init begins before there is a writer and ends with one.
TEST_F(BootBufferTest, a_call_across_attach_ends_in_ring_zero) {
  Port init{}, status{};
  const Call call = make_call(EventId::kInit, ReleaseClass::kC);
  ASSERT_EQ(begin(init, call), Status::kOk);
  ASSERT_EQ(begin(status, act_first()), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(event(0x20003, 0, 0, 0), Status::kOk);
  // The exits are owed a place even when ring 0 has filled up since.
  writer.set_drains(false);
  while (writer.control(0)->head.load() - writer.control(0)->acked.load() < 256 - 2)
    ASSERT_EQ(event(0x20003, 0, 0, 0), Status::kOk);
  end(init, call, Status::kOk, 0);
  end(status, act_first(), Status::kOk, 0);
  writer.set_drains(true);
  ASSERT_EQ(settle(status), Status::kOk);
  ASSERT_EQ(sync(init, false, kLongMs), Status::kOk);
  const std::vector<Record> ring = ring_of(0);
  ASSERT_GE(ring.size(), 4u);
  EXPECT_EQ(ring[0].event_id, static_cast<uint32_t>(EventId::kInit));
  EXPECT_EQ(ring[1].event_id, static_cast<uint32_t>(EventId::kZeroise));
  EXPECT_EQ(ring[ring.size() - 2].event_id, static_cast<uint32_t>(EventId::kInit) | kExitBit);
  EXPECT_EQ(ring[ring.size() - 1].event_id, static_cast<uint32_t>(EventId::kZeroise) | kExitBit);
  expect_no_complaints();
}

TEST_F(BootBufferTest, a_call_across_attach_and_detach_is_kept_for_the_next_writer) {
  Port init{};
  const Call call = make_call(EventId::kInit, ReleaseClass::kC);
  ASSERT_EQ(begin(init, call), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(detach(), Status::kOk);
  end(init, call, Status::kSelftest, 0);
  ASSERT_EQ(attach(config()), Status::kOk);
  ASSERT_EQ(sync(init, false, kLongMs), Status::kOk);
  ASSERT_EQ(ring_of(0, 0).size(), 1u);
  ASSERT_EQ(ring_of(0, 1).size(), 1u);
  EXPECT_EQ(ring_of(0, 1)[0].return_code, static_cast<uint32_t>(CM_ERR_SELFTEST));
}

TEST_F(BootBufferTest, a_failed_attach_keeps_the_boot_records) {
  for (uint32_t i = 0; i < 10; ++i) ASSERT_EQ(event(kCast, 0, i, 0), Status::kOk);
  EXPECT_EQ(attach(config()), Status::kAudit);
  for (uint32_t i = 10; i < 20; ++i) ASSERT_EQ(event(kCast, 0, i, 0), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  Port port{};
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  ASSERT_EQ(ring_of(0).size(), 20u);
  for (uint32_t i = 0; i < 20; ++i) EXPECT_EQ(ring_of(0)[i].object, i);
}

TEST_F(BootBufferTest, a_settled_call_in_the_boot_buffer_has_nobody_to_wait_for) {
  Port port{};
  ASSERT_EQ(do_call(port, act_first()), Status::kOk);
  EXPECT_EQ(settle(port), Status::kOk);
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  EXPECT_EQ(settle(port), Status::kOk);
  EXPECT_EQ(ring_of(0).size(), 2u);
}

}  // namespace
}  // namespace cm::audit::test
