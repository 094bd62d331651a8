// SPDX-License-Identifier: Apache-2.0
// futex.h: the few futex and barrier calls of the writer. A shared word lives in memory that a hostile process may
// write: only its address counts, its value is a hint.
#pragma once
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>
#include <span>

namespace cm::audit {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

inline uint64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}
inline uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

// futex_wake_shared: wakes every waiter of a word in memory shared between processes.
inline void futex_wake_shared(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// WakeWord: wakes the writer's main thread from other threads.
class WakeWord {
 public:
  uint32_t value() const { return word_.load(std::memory_order_acquire); }
  void wake() {
    word_.fetch_add(1, std::memory_order_acq_rel);
    syscall(SYS_futex, &word_, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
  }
  std::atomic<uint32_t>& word() { return word_; }

 private:
  std::atomic<uint32_t> word_{0};
};

// kFutexWaitMany: FUTEX_WAITV_MAX of the kernel's interface.
inline constexpr size_t kFutexWaitMany = 128;

// futex_wait_any: sleeps until a word differs from its value or is woken, at most until the monotonic deadline. Returns
// early without reason as futexes do. Kernels before 5.16 lack the call: then it is a nap, and latency suffers.
inline void futex_wait_any(std::span<futex_waitv> words, uint64_t deadline_ns) {
  constexpr timespec kNap = {0, 500000};
  timespec until{};
  until.tv_sec = static_cast<time_t>(deadline_ns / 1000000000u);
  until.tv_nsec = static_cast<long>(deadline_ns % 1000000000u);
  if (syscall(SYS_futex_waitv, words.data(), words.size(), 0, &until, CLOCK_MONOTONIC) < 0 && errno == ENOSYS)
    nanosleep(&kNap, nullptr);
}

// barrier_all_processes: a full barrier on every thread of the processes that registered for it, which saves producers
// the fence between publishing a record and looking whether the writer sleeps.
inline void barrier_all_processes() { syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0); }

}  // namespace cm::audit
