// SPDX-License-Identifier: Apache-2.0
// publish.h: putting one record into a ring. The caller owns the ring and has made sure of the slot; nothing here
// waits, and only a sleeping writer costs a system call. ring.h has the protocol.
#pragma once
#include <cstdint>
#include <cstring>

#include "audit/producer/clock.h"
#include "audit/producer/producer.h"

namespace cm::audit {

// ring_doorbell: wakes the writer. The producer that clears `sleeping` rings; the others see zero and go on, so a burst
// pays one system call and not one a record until the writer runs.
void ring_doorbell(WriterPage& page);

// fill_call: what entry and exit of a call share.
inline void fill_call(Record& record, const Call& call, uint64_t time_ns) {
  record.time_ns = time_ns;
  if (call.session_id != nullptr)
    std::memcpy(record.session_id, call.session_id, sizeof record.session_id);
  else
    std::memset(record.session_id, 0, sizeof record.session_id);
  record.object = call.object;
  record.seal = 0;
}

inline void fill_entry(Record& record, const Call& call, uint64_t time_ns) {
  record.event_id = static_cast<uint32_t>(call.event);
  record.return_code = 0;
  fill_call(record, call, time_ns);
  record.detail = call.bytes_in;
}

inline void fill_exit(Record& record, const Call& call, Status result, uint64_t detail, uint64_t time_ns) {
  record.event_id = static_cast<uint32_t>(call.event) | kExitBit;
  record.return_code = static_cast<uint32_t>(result);
  fill_call(record, call, time_ns);
  record.detail = detail;
}

inline Record& next_slot(Port& port) {
  Record& slot = port.slots[port.head & port.mask];
  slot.ring_id = port.ring_index;
  slot.ring_seq = static_cast<uint32_t>(port.head);
  return slot;
}

// publish_slot: makes the filled slot visible. No fence between the store of head and the load of sleeping: the
// writer's membarrier orders them for us (ring.h), so only the compiler must be kept from exchanging them.
inline void publish_slot(Port& port) {
  port.control->head.store(++port.head, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (port.fenced != 0) [[unlikely]]
    std::atomic_thread_fence(std::memory_order_seq_cst);
  if (port.writer->sleeping.load(std::memory_order_relaxed) != 0) [[unlikely]]
    ring_doorbell(*port.writer);
}

inline void publish_entry(Port& port, const Call& call) {
  fill_entry(next_slot(port), call, record_time_ns(port));
  publish_slot(port);
}

inline void publish_exit(Port& port, const Call& call, Status result, uint64_t detail) {
  fill_exit(next_slot(port), call, result, detail, record_time_ns(port));
  publish_slot(port);
}

}  // namespace cm::audit
