// SPDX-License-Identifier: Apache-2.0
// rest.cpp: how the main thread sleeps (writer_loop.h, audit/ring.h). Two depths. While records keep coming it naps for
// half a millisecond without saying so: producers then pay nothing for waking it, and one that has to wait rings the
// doorbell anyway. When nothing came for 20 ms it says that it sleeps, looks once more behind a barrier, and sleeps on
// the doorbells of all clients and on its own word, which the other threads ring. A doorbell is a hint: a client that
// never rings, or always, costs time and no record.
#include <algorithm>
#include <vector>

#include "audit/writer/futex.h"
#include "audit/writer/writer_loop.h"

namespace cm::audit {
namespace {

constexpr uint64_t kNap_ns = 500000;
constexpr uint64_t kBusyTime_ns = 20000000;
constexpr uint64_t kLongest_ns = 100000000;  // also the longest time that a client's missing doorbell can cost
constexpr uint64_t kCrowded_ns = 2000000;    // more clients than one call can wait for: the rest is polled

futex_waitv wait_for(std::atomic<uint32_t>& word, uint32_t value, uint32_t flags) {
  futex_waitv out{};
  out.val = value;
  out.uaddr = reinterpret_cast<uintptr_t>(&word);
  out.flags = flags;
  return out;
}

}  // namespace

void WriterLoop::rest() {
  const uint64_t now = monotonic_ns();
  const bool busy = now < last_traffic_ns_ + kBusyTime_ns;
  // With the disk full or the tail at its bound the rings stay full: nothing a producer does helps.
  const bool stuck = no_space_ || tail_full_;
  if (busy && !stuck) return sleep(kNap_ns, false);
  uint64_t longest = kLongest_ns;
  if (phase_ != Phase::kServing || stuck) longest /= 10;
  if ((journal_.unanchored() || !challenges_.empty()) && !anchor_in_flight_ && !tpm_lost_) {
    const uint64_t due = anchor_due_ns();
    longest = std::clamp<uint64_t>(due > now ? due - now : 0, kNap_ns, longest);
  }
  sleep(longest, !stuck);
}

void WriterLoop::sleep(uint64_t longest_ns, bool deep) {
  std::vector<futex_waitv> words;
  words.reserve(kFutexWaitMany);
  // Values are read before the last look at heads and events: whatever changes after it ends the sleep.
  words.push_back(wait_for(wake_.word(), wake_.value(), FUTEX_32 | FUTEX_PRIVATE_FLAG));
  for (const ClientPtr& client : clients_) {
    if (words.size() == kFutexWaitMany) break;
    words.push_back(wait_for(client->doorbell(), client->doorbell().load(std::memory_order_acquire), FUTEX_32));
  }
  if (clients_.size() >= kFutexWaitMany) longest_ns = std::min(longest_ns, kCrowded_ns);
  if (wake_.value() != seen_wake_) {
    seen_wake_ = wake_.value();
    return;
  }
  if (deep) {
    for (const ClientPtr& client : clients_) client->set_sleeping(true);
    barrier_all_processes();
  }
  const bool found = deep && look_at_rings(clients_).records != 0;
  if (!found) futex_wait_any(words, monotonic_ns() + longest_ns);
  if (deep)
    for (const ClientPtr& client : clients_) client->set_sleeping(false);
}

}  // namespace cm::audit
