// SPDX-License-Identifier: Apache-2.0
// fork.cpp: see fork.h. The handlers do as little as possible: between fork and the first call the child may be the
// last moments before exec.
#include "crypto/module/fork.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/module/fsm.h"
#include "crypto/module/store.h"

namespace cm {
namespace {

constexpr uint64_t kAlive = 0x656c634f6b726f46;

enum Phase : uint32_t { kSettled = 0, kPending = 1, kWorking = 2 };
std::atomic<uint32_t> g_phase{kSettled};
uint64_t* g_word;

void after_fork_in_parent() { store::share_seal_budget(); }

void after_fork_in_child() {
  store::share_seal_budget();
  g_phase.store(kPending, std::memory_order_release);
}

Status set_up(void (*reset_threads)()) {
  *g_word = kAlive;
  reset_threads();
  store::forget_parent();
  const State state = current_state();
  if (state != State::kOperational && state != State::kError) return Status::kOk;
  return audit::fork_child();
}

}  // namespace

Status fork_init(uint64_t* word) {
  g_word = word;
  *g_word = kAlive;
  return pthread_atfork(nullptr, after_fork_in_parent, after_fork_in_child) == 0 ? Status::kOk : Status::kNoMemory;
}

bool fork_pending() { return g_phase.load(std::memory_order_acquire) != kSettled; }

bool fork_raw() { return *g_word != kAlive && g_phase.load(std::memory_order_acquire) == kSettled; }

Status fork_finish(void (*reset_threads)()) {
  uint32_t expected = kPending;
  if (g_phase.compare_exchange_strong(expected, kWorking, std::memory_order_acq_rel)) {
    // A writer that cannot be reached now is not the end: the supervisor keeps trying and calls answer kAudit until
    // then.
    static_cast<void>(set_up(reset_threads));
    g_phase.store(kSettled, std::memory_order_release);
    return Status::kOk;
  }
  while (g_phase.load(std::memory_order_acquire) == kWorking) sched_yield();
  return Status::kOk;
}

}  // namespace cm
