// SPDX-License-Identifier: Apache-2.0
// process_ring_test.cpp: ring 0, into which many threads write while others wait on it.
#include <atomic>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class ProcessRingTest : public ProducerTest {};

TEST_F(ProcessRingTest, events_of_many_threads_and_waits_for_them_go_together) {
  constexpr int kThreads = 4, kEvents = 3000;
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config()), Status::kOk);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEvents; ++i)
        EXPECT_EQ(event(0x20003, 0, static_cast<uint64_t>(t), static_cast<uint64_t>(i)), Status::kOk);
      --running;
    });
  Port port{};
  while (running > 0) {
    ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
    ASSERT_EQ(sync(port, true, kLongMs), Status::kOk);
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  EXPECT_EQ(writer.hellos.load(), 1u) << "an honest writer was dropped";
  const std::vector<Record> ring = ring_of(0);
  ASSERT_EQ(ring.size(), static_cast<size_t>(kThreads * kEvents));
  uint64_t next[kThreads] = {};
  for (const Record& r : ring) EXPECT_EQ(r.detail, next[r.object]++) << "each thread's events stay in order";
  expect_no_complaints();
}

}  // namespace
}  // namespace cm::audit::test
