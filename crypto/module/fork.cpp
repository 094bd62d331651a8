// SPDX-License-Identifier: Apache-2.0
// fork.cpp: see fork.h. The handler does as little as possible: between fork and the first call the child may be the
// last moments before exec.
#include "crypto/module/fork.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/module/arena.h"
#include "crypto/module/gate.h"
#include "crypto/module/power_on.h"
#include "crypto/module/store.h"

namespace cm {
namespace {

constexpr uint64_t kAlive = 0x656c634f6b726f46;

enum Phase : uint32_t { kSettled = 0, kPending = 1, kWorking = 2 };
std::atomic<uint32_t> g_phase{kSettled};
uint64_t* g_word;

void after_fork_in_child() {
  forget_parent_thread();
  g_phase.store(kPending, std::memory_order_release);
}

void set_up() {
  *g_word = kAlive;
  forget_parent_threads();
  arena::lock();
  store::forget_parent();
  forget_parent_failure();
  open_gate();
  static_cast<void>(audit::fork_child(forget_parent_call()));
  settle_parent_state();
}

}  // namespace

Status fork_init(uint64_t* word) {
  g_word = word;
  *g_word = kAlive;
  return pthread_atfork(nullptr, nullptr, after_fork_in_child) == 0 ? Status::kOk : Status::kNoMemory;
}

bool fork_pending() { return g_phase.load(std::memory_order_acquire) != kSettled; }

bool fork_raw() { return *g_word != kAlive && g_phase.load(std::memory_order_acquire) == kSettled; }

void fork_finish() {
  uint32_t expected = kPending;
  if (g_phase.compare_exchange_strong(expected, kWorking, std::memory_order_acq_rel)) {
    set_up();
    g_phase.store(kSettled, std::memory_order_release);
    return;
  }
  while (g_phase.load(std::memory_order_acquire) == kWorking) sched_yield();
}

}  // namespace cm
