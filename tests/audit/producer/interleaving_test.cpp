// SPDX-License-Identifier: Apache-2.0
// interleaving_test.cpp: many threads over few small rings against a writer that stops, starts, dies and comes back at
// random moments. Whatever happens: sequences are gapless, calls are paired, no unacknowledged slot is overwritten, and
// the log holds exactly the calls that were admitted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <random>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

struct Outcome {
  uint64_t admitted = 0;
  uint64_t distrusted = 0;
  uint64_t refused_with_records = 0;  // class A and B whose wait was in vain
};

Outcome work(uint32_t seed, int calls, std::atomic<uint64_t>& events) {
  std::mt19937 random(seed);
  Outcome out;
  Port port{};
  for (int i = 0; i < calls; ++i) {
    const uint32_t dice = random() % 64;
    if (dice == 0) {
      port_close(port);
    } else if (dice == 1) {
      if (succeeded(event(0x20003, 0, 0, 0))) ++events;
    } else if (dice == 5) {
      // Others publish into ring 0 while this waits: an honest writer is never taken for a liar.
      if (sync(port, random() % 2 == 0, 5) == Status::kAudit) ++out.distrusted;
    } else {
      const Call call = dice == 2 ? class_a() : dice == 3 ? class_b() : dice == 4 ? act_first() : class_c();
      const uint64_t head = port.head;
      const bool open = port.control != nullptr;
      const Status status = do_call(port, call);
      if (succeeded(status) && port.place == CallPlace::kRing) ++out.admitted;
      if (!succeeded(status) && open && port.head == head + 2) ++out.refused_with_records;
    }
  }
  port_close(port);
  return out;
}

void disturb(std::unique_ptr<FakeWriter>& writer, const std::string& socket, FakeLog& log, uint32_t seed,
             const std::atomic<bool>& stop) {
  std::mt19937 random(seed);
  while (!stop) {
    usleep(random() % 2000);
    switch (random() % 8) {
      case 0:
        writer = nullptr;
        usleep(random() % 3000);
        writer = std::make_unique<FakeWriter>(socket, log);
        break;
      case 1:
      case 2:
        writer->set_drains(false);
        break;
      case 3:
        writer->extends = !writer->extends;
        break;
      default:
        writer->set_drains(true);
        break;
    }
  }
  writer->extends = true;
  writer->set_drains(true);
}

class InterleavingTest : public ProducerTest {
 protected:
  void check_log(const Outcome& total, uint64_t events, uint32_t ring_count) {
    RC_ASSERT(log_.complaints() == std::vector<std::string>{});
    RC_ASSERT(log_.clients().size() == 1u);
    uint64_t exits = 0, failed_exits = 0;
    for (uint32_t ring = 1; ring <= ring_count; ++ring) {
      const std::vector<Record> all = ring_of(ring);
      RC_ASSERT(calls_are_paired(all));
      for (const Record& r : all) {
        exits += is_exit(r) ? 1 : 0;
        failed_exits += is_exit(r) && r.return_code == static_cast<uint32_t>(CM_ERR_AUDIT) ? 1 : 0;
      }
    }
    RC_ASSERT(exits - failed_exits == total.admitted);
    RC_ASSERT(failed_exits >= total.refused_with_records);
    uint64_t seen = 0;
    for (const Record& r : ring_of(0)) seen += r.event_id == 0x20003 ? 1 : 0;
    RC_ASSERT(seen == events);
  }
};

RC_GTEST_FIXTURE_PROP(InterleavingTest, the_log_holds_what_was_admitted, (uint32_t seed)) {
  const auto threads = *rc::gen::inRange<uint32_t>(1, 7);
  const auto rings = *rc::gen::inRange<uint32_t>(1, 5);
  auto writer = std::make_unique<FakeWriter>(socket_, log_);
  RC_ASSERT(attach(config(20, rings, 256)) == Status::kOk);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> events{0};
  std::thread trouble([&] { disturb(writer, socket_, log_, seed, stop); });
  std::vector<Outcome> outcomes(threads);
  std::vector<std::thread> workers;
  for (uint32_t t = 0; t < threads; ++t) workers.emplace_back([&, t] { outcomes[t] = work(seed + t, 1500, events); });
  for (std::thread& w : workers) w.join();
  stop = true;
  trouble.join();
  AuditInfo audit;
  RC_ASSERT(eventually([&] { return info(audit), audit.state == AuditState::kConnected; }));
  RC_ASSERT(detach() == Status::kOk);
  Outcome total;
  for (const Outcome& o : outcomes) {
    RC_ASSERT(o.distrusted == 0u);
    total.admitted += o.admitted;
    total.refused_with_records += o.refused_with_records;
  }
  check_log(total, events, rings);
}

}  // namespace
}  // namespace cm::audit::test
