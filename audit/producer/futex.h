// SPDX-License-Identifier: Apache-2.0
// futex.h: the kernel's wait and wake on a 32-bit word, and a lock made of it: the module has no C++ runtime and must
// not allocate. Words in the memory shared with the writer are waited on as shared futexes, all others as private ones.
// Nothing here trusts a value: a wait may end for any reason, so the caller looks at its condition again.
#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace cm::audit {

enum class FutexScope : int { kShared = 0, kPrivate = FUTEX_PRIVATE_FLAG };

// futex_wait: sleeps while word holds expected, at most wait_ns nanoseconds.
inline void futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, FutexScope scope, uint64_t wait_ns) {
  const timespec t{static_cast<time_t>(wait_ns / 1'000'000'000), static_cast<long>(wait_ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT | static_cast<int>(scope), expected, &t, nullptr, 0);
}

inline void futex_wake(const std::atomic<uint32_t>& word, FutexScope scope, int waiters) {
  syscall(SYS_futex, &word, FUTEX_WAKE | static_cast<int>(scope), waiters, nullptr, nullptr, 0);
}

inline constexpr int kWakeAll = 0x7fffffff;

// FutexLock: a mutex for short sections. 0 free, 1 held, 2 held and somebody sleeps.
class FutexLock {
 public:
  void lock() {
    uint32_t seen = 0;
    if (state_.compare_exchange_strong(seen, 1, std::memory_order_acquire, std::memory_order_relaxed)) return;
    while (state_.exchange(2, std::memory_order_acquire) != 0)
      futex_wait(state_, 2, FutexScope::kPrivate, 1'000'000'000);
  }
  void unlock() {
    if (state_.exchange(0, std::memory_order_release) == 2) futex_wake(state_, FutexScope::kPrivate, 1);
  }
  // reset: in a fork child the holder may not exist any more.
  void reset() { state_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> state_{0};
};

class LockGuard {
 public:
  explicit LockGuard(FutexLock& lock) : lock_(lock) { lock_.lock(); }
  ~LockGuard() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  FutexLock& lock_;
};

}  // namespace cm::audit
