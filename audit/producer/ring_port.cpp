// SPDX-License-Identifier: Apache-2.0
// ring_port.cpp: the path of every service call: begin, end, settle, sync. An uncontended class C call is a few plain
// stores and one release store a record: no lock, no system call, no read of the ring's words that the writer changes
// while there is room by the last known acked. It must never let a service run whose entry is not in the ring (design:
// fail closed), and never overwrite a slot that is not acknowledged.
#include "audit/producer/ring_port.h"

#include "audit/producer/process_ring.h"
#include "audit/producer/producer_state.h"
#include "audit/producer/publish.h"
#include "audit/producer/ring_wait.h"
#include "crypto/base/no_cancel.h"

namespace cm::audit {
namespace {

constexpr uint64_t kCallRecords = 2;  // entry and exit
constexpr uint32_t kStopAll = kWriterNoSpace | kWriterTailLimit;

// stop_flags: the writer's conditions under which a class is refused without waiting. They are the writer's word, which
// can only make us refuse.
constexpr uint32_t stop_flags(ReleaseClass release) {
  return release == ReleaseClass::kA ? kStopAll | kWriterNoTpm : kStopAll;
}

bool writer_stops(const Port& port, uint32_t flags) {
  return (port.writer->flags.load(std::memory_order_relaxed) & flags) != 0;
}

Status refuse(bool recorded) {
  g_process.refused.fetch_add(1, std::memory_order_relaxed);
  if (!recorded && g_process.refused_unreported.fetch_add(1, std::memory_order_relaxed) == 0) kick_supervisor();
  return Status::kAudit;
}

// act_unrecorded: a class kActFirst call that finds no place is done all the same, and counted.
Status act_unrecorded(Port& port) {
  port.place = CallPlace::kNowhere;
  if (g_process.unrecorded.fetch_add(1, std::memory_order_relaxed) == 0) kick_supervisor();
  return Status::kOk;
}

// wait_for_attachment: a fork child or a slow attach: a writer is asked for but not there yet.
uint32_t wait_for_attachment(Deadline deadline) {
  constexpr uint64_t kSliceNs = 50'000'000;
  for (;;) {
    const uint32_t attachment = g_process.attachment.load(std::memory_order_acquire);
    const uint64_t left = deadline.left_ns();
    if (attachment != 0 || left == 0 || g_process.writer_expected.load(std::memory_order_acquire) == 0)
      return attachment;
    futex_wait(g_process.attachment, 0, FutexScope::kPrivate, left < kSliceNs ? left : kSliceNs);
  }
}

// begin_unattached: before attach and after detach. A class that would have to wait for durability has nobody to wait
// for. kAttached: go on with a ring.
HomeResult begin_unattached(Port& port, const Call& call, Deadline deadline) {
  const bool act_first = call.release == ReleaseClass::kActFirst;
  if (!act_first && g_process.writer_expected.load(std::memory_order_acquire) != 0 &&
      wait_for_attachment(deadline) != 0)
    return HomeResult::kAttached;
  const bool keeps =
      act_first || (call.release == ReleaseClass::kC && g_process.writer_expected.load(std::memory_order_acquire) == 0);
  return keeps ? home_begin(port, call) : HomeResult::kNoRoom;
}

// wait_released: the wait of classes A and B for their entry, the last record published.
bool wait_released(Port& port, ReleaseClass release, Deadline deadline) {
  const WaitResult result = release == ReleaseClass::kA ? wait_extended(port, port.head, stop_flags(release), deadline)
                                                        : wait_acked(port, port.head, stop_flags(release), deadline);
  return result == WaitResult::kReached;
}

// begin_on_ring: begin with all its waits, on an open port.
Status begin_on_ring(Port& port, const Call& call, Deadline deadline) {
  const bool act_first = call.release == ReleaseClass::kActFirst;
  if (!act_first && writer_stops(port, stop_flags(call.release))) return refuse(false);
  if (!ring_has_room(port, kCallRecords) && !(refresh_acked(port) && ring_has_room(port, kCallRecords))) {
    if (act_first) return act_unrecorded(port);
    if (wait_room(port, kCallRecords, stop_flags(call.release), deadline) != WaitResult::kReached) return refuse(false);
  }
  publish_entry(port, call);
  port.place = CallPlace::kRing;
  const bool waits = call.release == ReleaseClass::kA || call.release == ReleaseClass::kB;
  if (waits && !wait_released(port, call.release, deadline)) {
    publish_exit(port, call, Status::kAudit, 0);
    port.place = CallPlace::kNone;
    return refuse(true);
  }
  return Status::kOk;
}

[[gnu::noinline]] Status begin_slow(Port& port, const Call& call) {
  const NoCancel no_cancel;  // a kick of the supervisor is a write(2)
  const Deadline deadline{wait_deadline(), call.interrupts};
  port.place = CallPlace::kNone;
  for (;;) {
    const uint32_t attachment = g_process.attachment.load(std::memory_order_acquire);
    if (attachment == 0) {
      const HomeResult result = begin_unattached(port, call, deadline);
      if (result == HomeResult::kAttached) continue;
      if (result == HomeResult::kKept) return Status::kOk;
      return call.release == ReleaseClass::kActFirst ? act_unrecorded(port) : refuse(false);
    }
    if (port.attachment != attachment && !claim_ring(port, attachment))
      return call.release == ReleaseClass::kActFirst ? act_unrecorded(port) : refuse(false);
    return begin_on_ring(port, call, deadline);
  }
}

[[gnu::noinline]] void end_slow(Port& port, const Call& call, Status result, uint64_t detail) {
  if (port.place == CallPlace::kBoot) home_end(call, result, detail);
  // kRing of an older attachment: detach or fork inside a call, against the contract. The memory is gone; writing
  // nothing is all that is left.
}

}  // namespace

void ring_doorbell(WriterPage& page) {
  if (page.sleeping.exchange(0, std::memory_order_seq_cst) == 0) return;
  page.doorbell.fetch_add(1, std::memory_order_seq_cst);
  futex_wake(page.doorbell, FutexScope::kShared, 1);
}

void open_ring(Port& port, uint32_t index, uint32_t attachment) {
  const SharedMemory& memory = g_process.memory;
  const RingOwner& owner = g_process.rings[index];
  port = Port{};
  port.control = memory.control(index);
  port.seals = g_process.seals.of(index);
  port.slots = memory.slots(index);
  port.writer = memory.writer();
  port.mask = memory.ring_records - 1;
  port.head = owner.head;
  port.acked = owner.acked;
  port.ring_index = index;
  port.attachment = attachment;
  port.fenced = g_process.fenced ? 1 : 0;
  refresh_clock(port);
}

bool claim_ring(Port& port, uint32_t attachment) {
  const uint32_t thread_rings = g_process.memory.ring_count - 1;
  const uint32_t start = g_process.ring_hint.fetch_add(1, std::memory_order_relaxed);
  for (uint32_t i = 0; i < thread_rings; ++i) {
    const uint32_t index = 1 + (start + i) % thread_rings;
    uint32_t free = 0;
    if (!g_process.rings[index].claimed.compare_exchange_strong(free, 1, std::memory_order_acquire,
                                                                std::memory_order_relaxed))
      continue;
    open_ring(port, index, attachment);
    port.control->claimed.store(1, std::memory_order_relaxed);
    return true;
  }
  port = Port{};
  return false;
}

void port_close(Port& port) {
  if (port.attachment != 0 && port.attachment == g_process.attachment.load(std::memory_order_acquire)) {
    RingOwner& owner = g_process.rings[port.ring_index];
    owner.head = port.head;
    owner.acked = port.acked;
    port.control->claimed.store(0, std::memory_order_relaxed);
    owner.claimed.store(0, std::memory_order_release);
  }
  port = Port{};
}

uint64_t wait_deadline() { return Deadline::after_ms(g_process.wait_ms.load(std::memory_order_relaxed)).at_ns; }

// The waits sleep in slices of 50 ms, so they need no waking.
void interrupt_waits() { g_process.interrupts.fetch_add(1, std::memory_order_seq_cst); }
uint32_t wait_interrupts() { return g_process.interrupts.load(std::memory_order_seq_cst); }

void count_refused() { static_cast<void>(refuse(false)); }

Status begin(Port& port, const Call& call) {
  // A port that is not open has capacity 1, so it never passes the first test.
  if (ring_has_room(port, kCallRecords) && call.release == ReleaseClass::kC &&
      port.attachment == g_process.attachment.load(std::memory_order_acquire) && !writer_stops(port, kStopAll))
      [[likely]] {
    publish_entry(port, call);
    port.place = CallPlace::kRing;
    return Status::kOk;
  }
  return begin_slow(port, call);
}

void end(Port& port, const Call& call, Status result, uint64_t detail) {
  if (port.place == CallPlace::kRing && port.attachment == g_process.attachment.load(std::memory_order_acquire))
      [[likely]] {
    publish_exit(port, call, result, detail);
    return;
  }
  end_slow(port, call, result, detail);
}

Status settle(Port& port, uint64_t deadline_ns) {
  const NoCancel no_cancel;
  const Deadline deadline{deadline_ns == kWaitMsFromNow ? wait_deadline() : deadline_ns, wait_interrupts()};
  WaitResult result = WaitResult::kReached;
  switch (port.place) {
    case CallPlace::kNone:
      break;
    case CallPlace::kRing:
      if (port.attachment != g_process.attachment.load(std::memory_order_acquire)) return Status::kAuditPending;
      result = wait_acked(port, port.head, kStopAll, deadline);
      break;
    case CallPlace::kBoot:
      if (wait_for_attachment(deadline) != 0)
        result = home_wait(false, kStopAll, deadline);
      else if (g_process.writer_expected.load(std::memory_order_acquire) != 0)
        result = WaitResult::kTimeout;
      break;
    case CallPlace::kNowhere:
      return Status::kAuditPending;
  }
  return result == WaitResult::kReached ? Status::kOk : Status::kAuditPending;
}

Status sync(Port& port, bool anchored, uint32_t timeout_ms, uint32_t interrupts) {
  const uint32_t attachment = g_process.attachment.load(std::memory_order_acquire);
  if (attachment == 0) return Status::kAudit;
  const NoCancel no_cancel;
  const Deadline deadline{Deadline::after_ms(timeout_ms).at_ns, interrupts};
  // The caller chose the time, so a full disk or a silent TPM does not end the wait early.
  WaitResult result = home_wait(anchored, 0, deadline);
  if (result == WaitResult::kReached && port.attachment == attachment)
    result = anchored ? wait_extended(port, port.head, 0, deadline) : wait_acked(port, port.head, 0, deadline);
  if (result == WaitResult::kReached) return Status::kOk;
  return result == WaitResult::kTimeout ? Status::kTimeout : Status::kAudit;
}

}  // namespace cm::audit
