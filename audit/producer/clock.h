// SPDX-License-Identifier: Apache-2.0
// clock.h: the time in a record and the deadline of a wait. A record's time is UTC computed from the time stamp counter
// with the writer's parameters (ring.h, WriterPage), because a system call or a vDSO call a record is too slow; without
// parameters or without an invariant counter it is the system's clock. The time is an estimate and never decides
// anything: the writer brackets it with its own clock frames.
#pragma once
#include <cstdint>

#include "audit/producer/producer.h"
#include "crypto/cpu/tsc_x86.h"

namespace cm::audit {

uint64_t monotonic_ns();
uint64_t realtime_ns();

// refresh_clock: takes the parameters of the shared memory into the port. When they are being written, or were left
// half written by a writer that died, the port uses the system's clock until clock_seq changes.
void refresh_clock(Port& port);

// record_time_ns: now, in nanoseconds since 1970-01-01 UTC. The difference is signed: another core's counter, or the
// base of a parameter set younger than this reading, may be a little ahead.
inline uint64_t record_time_ns(Port& port) {
  if (port.writer->clock_seq.load(std::memory_order_relaxed) != port.clock_seq) [[unlikely]]
    refresh_clock(port);
  if (port.clock_ns_per_tick_q32 == 0) [[unlikely]]
    return realtime_ns();
  const auto ticks = static_cast<int64_t>(read_tsc() - port.clock_tsc);
  const auto scaled = static_cast<__int128>(ticks) * static_cast<int64_t>(port.clock_ns_per_tick_q32);
  return port.clock_utc_ns + static_cast<uint64_t>(scaled >> 32);
}

// Deadline: a point in CLOCK_MONOTONIC, or the next interrupt_waits when that comes first.
struct Deadline {
  uint64_t at_ns;
  uint64_t interrupts = kNotInterrupted;  // wait_interrupts() at which the wait may go on

  static Deadline after_ms(uint32_t ms) { return Deadline{monotonic_ns() + uint64_t{ms} * 1'000'000}; }
  uint64_t left_ns() const {
    if (interrupts != kNotInterrupted && interrupts != wait_interrupts()) return 0;
    const uint64_t now = monotonic_ns();
    return now < at_ns ? at_ns - now : 0;
  }
  // left_ms: rounded up, so that a poll does not spin through the last millisecond; at most cap_ms.
  int left_ms(int cap_ms) const {
    const uint64_t ms = (left_ns() + 999'999) / 1'000'000;
    return ms < static_cast<uint64_t>(cap_ms) ? static_cast<int>(ms) : cap_ms;
  }
};

}  // namespace cm::audit
