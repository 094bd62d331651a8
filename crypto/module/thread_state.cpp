// SPDX-License-Identifier: Apache-2.0
// thread_state.cpp: see thread_state.h. The slow paths take a spin lock that no service holds while it works.
#include "crypto/module/thread_state.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "crypto/base/no_cancel.h"
#include "crypto/base/secret.h"
#include "crypto/module/fork.h"
#include "crypto/module/gate.h"

namespace cm {
namespace {

ThreadState* g_threads;
pthread_key_t g_exit_key;
bool g_membarrier;
std::atomic<uint32_t> g_threads_seen;  // states ever used: what scans must look at
std::atomic<uint64_t> g_claimed[kThreadsMax / 64];
thread_local std::atomic<uint32_t> t_in_set_up;  // 1 while this thread makes its state; read by its signal handlers

// g_wiping: held while secrets of a thread state are wiped: by its thread that ends, or by the end of service for all.
std::atomic_flag g_wiping = ATOMIC_FLAG_INIT;

class Wiping {
 public:
  Wiping() {
    while (g_wiping.test_and_set(std::memory_order_acquire)) sched_yield();
  }
  ~Wiping() { g_wiping.clear(std::memory_order_release); }
  Wiping(const Wiping&) = delete;
  Wiping& operator=(const Wiping&) = delete;
};

// SetUp: around the making of a state: connects to the writer in a child, so it can be interrupted and cancelled.
class SetUp {
 public:
  SetUp() { mark(1); }
  ~SetUp() { mark(0); }
  SetUp(const SetUp&) = delete;
  SetUp& operator=(const SetUp&) = delete;

 private:
  static void mark(uint32_t value) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_in_set_up.store(value, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  NoCancel no_cancel_;
};

uint32_t claim_index() {
  for (uint32_t word = 0; word < kThreadsMax / 64; ++word) {
    uint64_t used = g_claimed[word].load(std::memory_order_relaxed);
    while (used != ~uint64_t{0}) {
      const auto bit = static_cast<uint32_t>(__builtin_ctzll(~used));
      if (g_claimed[word].compare_exchange_weak(used, used | uint64_t{1} << bit, std::memory_order_acquire))
        return word * 64 + bit;
    }
  }
  return kThreadsMax;
}

void wipe_secrets(ThreadState& t) {
  ctr_drbg_zeroise(t.drbg);
  zeroise(t.ivs, sizeof t.ivs);
  t.iv_left = 0;
}

// leave_ring: inside the gate like a call, so that a shutdown waits for it before the ring's memory goes away.
void leave_ring(ThreadState& self) {
  self.in_gate.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!gate_closed()) audit::port_close(self.port);
}

// thread_exit: gives the thread's ring back, wipes its secrets and ends whatever a cancelled call left open. A child of
// a raw clone finds zeros here; one made by fork() has forgotten its parent's state.
void thread_exit(void* state) {
  auto* self = static_cast<ThreadState*>(state);
  if (self->magic.load(std::memory_order_relaxed) != kThreadMagic) return;
  leave_ring(*self);
  const uint32_t index = self->index;
  self->port = audit::Port{};
  {
    const Wiping wiping;
    wipe_secrets(*self);
    self->magic.store(0, std::memory_order_release);
  }
  for (auto& hazard : self->hazard) hazard.store(kNoHazard, std::memory_order_release);
  self->in_gate.store(0, std::memory_order_release);
  g_claimed[index / 64].fetch_and(~(uint64_t{1} << index % 64), std::memory_order_release);
}

ThreadState* adopt(Status* why) {
  const uint32_t index = claim_index();
  if (index == kThreadsMax) {
    *why = Status::kNoMemory;
    return nullptr;
  }
  ThreadState* self = &g_threads[index];
  self->index = index;
  uint32_t seen = g_threads_seen.load(std::memory_order_relaxed);
  while (seen <= index && !g_threads_seen.compare_exchange_weak(seen, index + 1, std::memory_order_seq_cst)) {
  }
  self->magic.store(kThreadMagic, std::memory_order_release);
  t_self = self;
  pthread_setspecific(g_exit_key, self);
  return self;
}

void barrier_in_all_threads() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (g_membarrier) syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

void pause_a_little(uint32_t& rounds) {
  if (++rounds < 64) {
    __builtin_ia32_pause();
    return;
  }
  const NoCancel no_cancel;
  const timespec nap{0, 50'000};
  nanosleep(&nap, nullptr);
}

}  // namespace

size_t thread_states_bytes() { return sizeof(ThreadState) * kThreadsMax; }

Status thread_states_init(uint8_t* memory) {
  if (pthread_key_create(&g_exit_key, thread_exit) != 0) return Status::kNoMemory;
  g_threads = reinterpret_cast<ThreadState*>(memory);
  g_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
  // Without membarrier(2) the hazards of a service would need a fence of their own; kernels since 4.14 have it.
  return g_membarrier ? Status::kOk : Status::kUnsupported;
}

thread_local constinit ThreadState* t_self = nullptr;

ThreadState* make_thread_state(Status* why) {
  if (g_threads == nullptr) {
    *why = Status::kErrorState;
    return nullptr;
  }
  if (t_in_set_up.load(std::memory_order_relaxed) != 0) {
    *why = Status::kReentry;
    return nullptr;
  }
  const SetUp set_up;
  if (fork_pending()) {
    fork_finish();
  } else if (fork_raw()) {
    *why = Status::kForked;
    return nullptr;
  }
  return adopt(why);
}

void forget_parent_thread() {
  if (g_threads == nullptr) return;
  t_self = nullptr;
  t_in_set_up.store(0, std::memory_order_relaxed);
  pthread_setspecific(g_exit_key, nullptr);
}

void forget_parent_threads() {
  for (auto& word : g_claimed) word.store(0, std::memory_order_relaxed);
  g_wiping.clear(std::memory_order_relaxed);
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

void wait_for_key(uint32_t slot) {
  barrier_in_all_threads();
  for (uint32_t i = 0; i < g_threads_seen.load(std::memory_order_acquire); ++i) {
    uint32_t rounds = 0;
    for (const auto& hazard : g_threads[i].hazard) {
      // A lot that began after the key was retired cannot find it any more, so the one that is seen first counts.
      const uint32_t seen = hazard.load(std::memory_order_acquire);
      if (seen != slot + 1 && seen < kAnyKey) continue;
      while (hazard.load(std::memory_order_acquire) == seen) pause_a_little(rounds);
    }
  }
}

void wait_for_others(const ThreadState* self) {
  barrier_in_all_threads();
  for (uint32_t i = 0; i < g_threads_seen.load(std::memory_order_acquire); ++i) {
    const ThreadState& other = g_threads[i];
    uint32_t rounds = 0;
    if (&other == self) continue;
    while (other.magic.load(std::memory_order_acquire) == kThreadMagic &&
           other.in_gate.load(std::memory_order_acquire) != 0)
      pause_a_little(rounds);
  }
}

uint64_t leased_counters(uint64_t key) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < g_threads_seen.load(std::memory_order_acquire); ++i)
    for (const CounterLease& lease : g_threads[i].leases)
      if (lease.key.load(std::memory_order_relaxed) == key) sum += lease.left.load(std::memory_order_relaxed);
  return sum;
}

void zeroise_thread_secrets() {
  const Wiping wiping;
  for (uint32_t i = 0; i < g_threads_seen.load(std::memory_order_acquire); ++i) {
    ThreadState& t = g_threads[i];
    if (t.magic.load(std::memory_order_acquire) == kThreadMagic) wipe_secrets(t);
  }
}

}  // namespace cm
