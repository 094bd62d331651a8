// SPDX-License-Identifier: Apache-2.0
// clock.cpp: the slow parts of clock.h: the sequence lock around the writer's clock parameters, and the system's
// clocks. Every value of the writer is only computed with, never followed.
#include "audit/producer/clock.h"

#include <time.h>

#include "crypto/cpu/features.h"

namespace cm::audit {
namespace {

uint64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

uint64_t monotonic_ns() { return read_clock(CLOCK_MONOTONIC); }
uint64_t realtime_ns() { return read_clock(CLOCK_REALTIME); }

void refresh_clock(Port& port) {
  constexpr int kTries = 64;  // an update is four stores; a writer that takes longer is not running
  const WriterPage& page = *port.writer;
  const bool tsc_usable = (cpu_features() & kFeatureInvariantTsc) != 0;
  uint32_t before = 0;
  for (int i = 0; i < kTries; ++i) {
    before = page.clock_seq.load(std::memory_order_acquire);
    port.clock_tsc = page.clock_tsc.load(std::memory_order_relaxed);
    port.clock_utc_ns = page.clock_utc_ns.load(std::memory_order_relaxed);
    const uint64_t rate = page.clock_ns_per_tick_q32.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if ((before & 1) == 0 && page.clock_seq.load(std::memory_order_relaxed) == before) {
      port.clock_seq = before;
      port.clock_ns_per_tick_q32 = tsc_usable ? rate : 0;
      return;
    }
    __builtin_ia32_pause();
  }
  port.clock_seq = before;
  port.clock_ns_per_tick_q32 = 0;
}

}  // namespace cm::audit
