// SPDX-License-Identifier: Apache-2.0
// ring_wait.cpp: see ring_wait.h. A wait sleeps on `progress` in slices: a writer that dies between its store and its
// wake-up, or one that lies about it, costs a slice and not the whole time allowed.
#include "audit/producer/ring_wait.h"

#include "audit/producer/futex.h"
#include "audit/producer/producer_state.h"

namespace cm::audit {
namespace {

constexpr uint64_t kSliceNs = 50'000'000;

void distrust() {
  Sentence why;
  note_error(why.add("the writer acknowledged records in the shared memory that cannot be"));
  g_process.distrusted.store(1, std::memory_order_release);
  kick_supervisor();
}

// read_extended: false when the value is impossible. What is in the TPM was published before; it need not be
// compared with the last value, because a smaller one only makes the caller wait.
bool read_extended(const Port& port, uint64_t& value) {
  value = port.control->extended.load(std::memory_order_acquire);
  return value <= port.head;
}

// OptionalGuard: holds a lock if there is one.
class OptionalGuard {
 public:
  explicit OptionalGuard(FutexLock* lock) : lock_(lock) {
    if (lock_ != nullptr) lock_->lock();
  }
  ~OptionalGuard() {
    if (lock_ != nullptr) lock_->unlock();
  }
  OptionalGuard(const OptionalGuard&) = delete;
  OptionalGuard& operator=(const OptionalGuard&) = delete;

 private:
  FutexLock* lock_;
};

// wait_until: reached returns true with the result when the wait is over.
template <class Reached>
WaitResult wait_until(WriterPage& page, Reached reached, uint32_t stop_flags, Deadline deadline) {
  WaitResult result = WaitResult::kTimeout;
  if (reached(result)) return result;
  page.waiters.fetch_add(1, std::memory_order_seq_cst);
  // Whatever `sleeping` says: a writer that naps between two drains has not set it.
  page.doorbell.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(page.doorbell, FutexScope::kShared, kWakeAll);
  for (;;) {
    // The order matters: progress is read before the condition, so a change after the look makes futex_wait return.
    const uint32_t seen = page.progress.load(std::memory_order_seq_cst);
    if (reached(result)) break;
    if ((page.flags.load(std::memory_order_acquire) & stop_flags) != 0) {
      result = WaitResult::kStopped;
      break;
    }
    const uint64_t left = deadline.left_ns();
    if (left == 0) {
      result = WaitResult::kTimeout;
      break;
    }
    futex_wait(page.progress, seen, FutexScope::kShared, left < kSliceNs ? left : kSliceNs);
  }
  page.waiters.fetch_sub(1, std::memory_order_seq_cst);
  return result;
}

}  // namespace

bool refresh_acked(Port& port) {
  const uint64_t acked = port.control->acked.load(std::memory_order_acquire);
  if (acked < port.acked || acked > port.head) [[unlikely]] {
    distrust();
    return false;
  }
  port.acked = acked;
  return true;
}

WaitResult wait_acked(Port& port, uint64_t count, uint32_t stop_flags, Deadline deadline, FutexLock* lock) {
  const auto look = [&](WaitResult& result) {
    const OptionalGuard guard(lock);
    result = refresh_acked(port) ? WaitResult::kReached : WaitResult::kDistrusted;
    return result == WaitResult::kDistrusted || port.acked >= count;
  };
  return wait_until(*port.writer, look, stop_flags, deadline);
}

WaitResult wait_extended(Port& port, uint64_t count, uint32_t stop_flags, Deadline deadline, FutexLock* lock) {
  const auto look = [&](WaitResult& result) {
    const OptionalGuard guard(lock);
    uint64_t extended = 0;
    const bool sane = read_extended(port, extended);
    if (!sane) distrust();
    result = sane ? WaitResult::kReached : WaitResult::kDistrusted;
    return !sane || extended >= count;
  };
  return wait_until(*port.writer, look, stop_flags, deadline);
}

WaitResult wait_room(Port& port, uint64_t records, uint32_t stop_flags, Deadline deadline) {
  const uint64_t needed = port.head + records;
  return wait_acked(port, needed > ring_capacity(port) ? needed - ring_capacity(port) : 0, stop_flags, deadline);
}

}  // namespace cm::audit
