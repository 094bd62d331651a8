// SPDX-License-Identifier: Apache-2.0
// ring_wait.h: waiting for the writer, always bounded, always on a value that is checked: acked and extended of the
// shared memory never exceed what was published and never go back, or the writer is dropped.
#pragma once
#include <cstdint>

#include "audit/producer/clock.h"
#include "audit/producer/futex.h"
#include "audit/producer/producer.h"

namespace cm::audit {

enum class WaitResult : uint8_t {
  kReached,
  kTimeout,
  kStopped,     // the writer says that it cannot get there (stop_flags)
  kDistrusted,  // the writer contradicts itself
};

// ring_capacity: records that fit the port's ring; 1 for a port that is not open, less than any call needs.
inline uint64_t ring_capacity(const Port& port) { return port.mask + 1; }
inline bool ring_has_room(const Port& port, uint64_t records) {
  return port.head + records - port.acked <= ring_capacity(port);
}

// refresh_acked: reads acked into the port. false: the value is impossible.
[[nodiscard]] bool refresh_acked(Port& port);

// wait_acked, wait_extended: until that many records of the port's ring are durable, or in the TPM. lock: held around
// every look at a port that other threads publish through meanwhile, and not while sleeping.
WaitResult wait_acked(Port& port, uint64_t count, uint32_t stop_flags, Deadline deadline, FutexLock* lock = nullptr);
WaitResult wait_extended(Port& port, uint64_t count, uint32_t stop_flags, Deadline deadline, FutexLock* lock = nullptr);
// wait_room: until so many more records fit.
WaitResult wait_room(Port& port, uint64_t records, uint32_t stop_flags, Deadline deadline);

}  // namespace cm::audit
