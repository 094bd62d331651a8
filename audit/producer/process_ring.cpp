// SPDX-License-Identifier: Apache-2.0
// process_ring.cpp: see process_ring.h. Under home_lock nothing waits and nothing but a doorbell is a system call.
#include "audit/producer/process_ring.h"

#include <cstring>

#include "audit/producer/producer_state.h"
#include "audit/producer/publish.h"
#include "audit/producer/ring_port.h"
#include "crypto/base/check.h"
#include "crypto/base/no_cancel.h"

namespace cm::audit {
namespace {

// home_has_room: besides the exits that calls from the boot buffer are owed. Asks the shared memory when it must.
bool home_has_room(uint64_t records) {
  Port& home = g_process.home;
  const uint64_t needed = records + g_process.home_reserved;
  return ring_has_room(home, needed) || (refresh_acked(home) && ring_has_room(home, needed));
}

// publish_home: a ready record in the next slot of ring 0.
void publish_home(const Record& record) {
  Port& home = g_process.home;
  Record& slot = home.slots[home.head & home.mask];
  slot = record;
  store_pair(slot.ring_id, 0, static_cast<uint32_t>(home.head));
  publish_slot(home);
}

void publish_overflow(uint64_t lost) {
  Record record = event_record(static_cast<uint32_t>(EventId::kHealthBootOverflow), 0, lost, 0);
  record.time_ns = realtime_ns();
  publish_home(record);
}

bool home_is_open() { return g_process.phase == Phase::kOpen; }

}  // namespace

HomeResult home_begin(Port& port, const Call& call) {
  Record record{};
  fill_entry(record, call, realtime_ns());
  const LockGuard guard(g_process.home_lock);
  if (home_is_open()) return HomeResult::kAttached;
  if (!g_process.boot.reserve_exit() || !g_process.boot.push(record)) return HomeResult::kNoRoom;
  port.place = CallPlace::kBoot;
  return HomeResult::kKept;
}

void home_end(const Call& call, Status result, uint64_t detail) {
  Record record{};
  fill_exit(record, call, result, detail, realtime_ns());
  const LockGuard guard(g_process.home_lock);
  if (!home_is_open()) {
    g_process.boot.push_reserved(record);
    return;
  }
  CM_CHECK(g_process.home_reserved > 0);
  --g_process.home_reserved;
  publish_home(record);
}

Record event_record(uint32_t event_id, uint32_t return_code, uint64_t object, uint64_t detail) {
  Record record{};
  record.event_id = event_id;
  record.return_code = return_code;
  record.object = object;
  record.detail = detail;
  return record;
}

HomeResult home_event(Record event) {
  const LockGuard guard(g_process.home_lock);
  if (!home_is_open()) {
    event.time_ns = realtime_ns();
    return g_process.boot.push(event) ? HomeResult::kKept : HomeResult::kNoRoom;
  }
  if (!home_has_room(1)) return HomeResult::kNoRoom;
  event.time_ns = record_time_ns(g_process.home);
  publish_home(event);
  return HomeResult::kKept;
}

// Others publish through the same port meanwhile, so its head is looked at under the lock each time: against an older
// copy of it an honest acknowledgement would look impossible.
WaitResult home_wait(bool anchored, uint32_t stop_flags, Deadline deadline) {
  Port& home = g_process.home;
  uint64_t head = 0;
  {
    const LockGuard guard(g_process.home_lock);
    if (home.control == nullptr) return WaitResult::kTimeout;
    head = home.head;
  }
  return anchored ? wait_extended(home, head, stop_flags, deadline, &g_process.home_lock)
                  : wait_acked(home, head, stop_flags, deadline, &g_process.home_lock);
}

WaitResult home_wait_room(uint32_t stop_flags, Deadline deadline) {
  Port& home = g_process.home;
  uint64_t needed = 0;
  {
    const LockGuard guard(g_process.home_lock);
    if (home.control == nullptr) return WaitResult::kTimeout;
    needed = home.head + 1 + g_process.home_reserved;
  }
  const uint64_t capacity = ring_capacity(home);
  return wait_acked(home, needed > capacity ? needed - capacity : 0, stop_flags, deadline, &g_process.home_lock);
}

namespace {

// keep_event: deadline_ns as in event; interrupts: those that the wait does not end for.
Status keep_event(const Record& record, uint64_t deadline_ns, uint64_t interrupts) {
  const NoCancel no_cancel;
  HomeResult result = home_event(record);
  if (result == HomeResult::kNoRoom && g_process.attachment.load(std::memory_order_acquire) != 0) {
    const Deadline deadline{deadline_ns == kWaitMsFromNow ? wait_deadline() : deadline_ns, interrupts};
    // Others may take the room that a wait has found, so it can take more than one.
    while (result == HomeResult::kNoRoom &&
           home_wait_room(kWriterNoSpace | kWriterTailLimit, deadline) == WaitResult::kReached)
      result = home_event(record);
    if (result == HomeResult::kNoRoom && g_process.unrecorded.fetch_add(1, std::memory_order_relaxed) == 0)
      kick_supervisor();
  }
  return result == HomeResult::kKept ? Status::kOk : Status::kAudit;
}

}  // namespace

Status event(uint32_t event_id, uint32_t return_code, uint64_t object, uint64_t detail, uint64_t deadline_ns) {
  return keep_event(event_record(event_id, return_code, object, detail), deadline_ns, kNotInterrupted);
}

Status call_event(const Port& port, const Call& call, EventId event, uint64_t object, uint32_t number) {
  // The entry is the last record that the port has published.
  const uint64_t part = port.place == CallPlace::kRing
                            ? part_of_call(port.ring_index, static_cast<uint32_t>(port.head - 1), number)
                            : part_of_call(kCallElsewhere, 0, number);
  Record record = event_record(static_cast<uint32_t>(event), 0, object, part);
  if (call.session_id != nullptr) std::memcpy(record.session_id, call.session_id, sizeof record.session_id);
  return keep_event(record, kWaitMsFromNow, call.interrupts);
}

void home_open() {
  const LockGuard guard(g_process.home_lock);
  g_process.home_reserved = 0;
  open_ring(g_process.home, 0, 0);
  g_process.home.control->claimed.store(1, std::memory_order_relaxed);
  g_process.phase = Phase::kMoving;
}

bool home_move_boot() {
  const LockGuard guard(g_process.home_lock);
  if (g_process.phase != Phase::kMoving) return true;
  BootBuffer& boot = g_process.boot;
  for (const Record* record = boot.next_to_move(); record != nullptr; record = boot.next_to_move()) {
    if (!home_has_room(1)) return false;
    publish_home(*record);
    boot.mark_moved();
  }
  // One slot for the overflow record and one for each exit that is owed, or the exits could find no room.
  if (!home_has_room(1 + boot.reserved())) return false;
  if (boot.overflow() != 0) publish_overflow(boot.overflow());
  g_process.home_reserved = boot.clear();
  g_process.phase = Phase::kOpen;
  if (++g_process.attachment_last == 0) g_process.attachment_last = 1;
  g_process.attachment.store(g_process.attachment_last, std::memory_order_release);
  futex_wake(g_process.attachment, FutexScope::kPrivate, kWakeAll);
  return true;
}

void home_close() {
  const LockGuard guard(g_process.home_lock);
  if (g_process.phase == Phase::kMoving) {
    static_cast<void>(refresh_acked(g_process.home));
    g_process.boot.rewind(g_process.home.acked);
  }
  g_process.boot.take_reservations(g_process.home_reserved);
  g_process.home_reserved = 0;
  g_process.attachment.store(0, std::memory_order_release);
  g_process.phase = Phase::kClosing;
}

}  // namespace cm::audit
