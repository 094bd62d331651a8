// SPDX-License-Identifier: Apache-2.0
// thread_state.h: what the module keeps for each thread that has called it: its audit port, its random generator, IVs
// drawn ahead, and which keys it is using right now. It lives in the fleeting part of the arena, so a forked child
// finds it wiped (magic is gone) and sets itself up anew before it touches anything else.
//
// Key hazards: a service names the key slots it uses in `hazard` before it looks at them and clears them afterwards.
// Whoever destroys a key first retires its handle, then makes every running thread pass a memory barrier
// (membarrier(2)), then waits until no thread names the slot. So a service pays two plain stores for its protection.
// Who works on a lot of jobs, each with a key of its own, names no slot but says "any key".
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "audit/producer/producer.h"
#include "crypto/base/status.h"
#include "crypto/drbg/ctr_drbg.h"

namespace cm {

inline constexpr uint32_t kThreadsMax = 1024;
inline constexpr size_t kIvBatch = 32;  // random IVs drawn at once
inline constexpr size_t kIvSize = 12;
inline constexpr uint64_t kThreadMagic = 0x6461657268546d63;  // "cmThread"
inline constexpr uint32_t kNoHazard = 0;                      // hazards hold slot + 1, or
inline constexpr uint32_t kAnyKey = 0x80000000u;              // this and the number of a lot of jobs: any key
inline constexpr size_t kLeases = 4;                          // keys with a counter IV that a thread uses in turn

// CounterLease: counter IVs of one key that this thread alone may use: no atomic addition for each seal. Like the whole
// state it does not survive fork; what a thread leaves of one when it ends is for the thread that gets its state.
struct CounterLease {
  std::atomic<uint64_t> key;   // handle, 0 for none
  std::atomic<uint64_t> next;  // the next counter
  std::atomic<uint64_t> left;  // how many
};

struct alignas(64) ThreadState {
  std::atomic<uint64_t> magic;      // kThreadMagic while in use by a thread of this process
  std::atomic<uint32_t> in_gate;    // 1 while a service runs; a second entry is a signal handler's
  std::atomic<uint32_t> hazard[2];  // key slots in use, + 1
  uint32_t lots;                    // of jobs so far, so that one is told from the next
  uint32_t index;
  CounterLease leases[kLeases];
  audit::Port port;
  CtrDrbg drbg;
  uint64_t reseeds;
  uint32_t iv_left;  // IVs not yet given out, from the end of ivs
  uint8_t ivs[kIvBatch * kIvSize];
};

// thread_state: the calling thread's state, made on first use. Null, and *why says: kNoMemory when kThreadsMax threads
// have one; kForked in a child made without the fork handlers (raw clone); kErrorState when the module has no memory to
// work in; kReentry in a signal handler that interrupted the making of this thread's state.
ThreadState* make_thread_state(Status* why);
extern thread_local constinit ThreadState* t_self;
inline ThreadState* thread_state(Status* why) {
  ThreadState* self = t_self;
  if (self != nullptr && self->magic.load(std::memory_order_relaxed) == kThreadMagic) [[likely]]
    return self;
  return make_thread_state(why);
}

// thread_states_bytes: what to reserve in the fleeting part of the arena; thread_states_init: where that is. After
// kUnsupported (no membarrier) threads have states, for the services of the error state, in which no key exists.
size_t thread_states_bytes();
Status thread_states_init(uint8_t* memory);

// wait_for_key: returns when no other thread uses the key slot. The handle must have been retired before.
void wait_for_key(uint32_t slot);

// wait_for_others: returns when every call that other threads had inside the gate is over. The caller has changed the
// module's state before, so that new calls are refused at once.
void wait_for_others(const ThreadState* self);

// leased_counters: counter IVs of the key that threads have taken and not used, those of ended threads included.
uint64_t leased_counters(uint64_t key);

// zeroise_thread_secrets: wipes random generators and IVs of every thread. Only when no other thread is in the gate.
void zeroise_thread_secrets();

}  // namespace cm
