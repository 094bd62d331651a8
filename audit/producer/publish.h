// SPDX-License-Identifier: Apache-2.0
// publish.h: putting one record into a ring. The caller owns the ring and has made sure of the slot; nothing here
// waits, and only a sleeping writer costs a system call. ring.h has the protocol.
#pragma once
#include <cstdint>
#include <cstring>

#include "audit/probes.h"
#include "audit/producer/clock.h"
#include "audit/producer/producer.h"

namespace cm::audit {

// ring_doorbell: wakes the writer. The producer that clears `sleeping` rings; the others see zero and go on, so a burst
// pays one system call and not one a record until the writer runs.
void ring_doorbell(WriterPage& page);

// store_pair: two fields as one word: the seal reads words, and two stores that are under way cannot serve one load.
inline void store_pair(uint32_t& first, uint32_t low, uint32_t high) {
  const uint64_t both = uint64_t{high} << 32 | low;
  std::memcpy(static_cast<void*>(&first), &both, sizeof both);
}

// fill_call: what entry and exit of a call share.
inline void fill_call(Record& record, const Call& call, uint64_t time_ns) {
  record.time_ns = time_ns;
  if (call.session_id != nullptr)
    std::memcpy(record.session_id, call.session_id, sizeof record.session_id);
  else
    std::memset(record.session_id, 0, sizeof record.session_id);
  record.object = call.object;
}

inline void fill_entry(Record& record, const Call& call, uint64_t time_ns) {
  store_pair(record.event_id, static_cast<uint32_t>(call.event), 0);
  fill_call(record, call, time_ns);
  record.detail = call.bytes_in;
}

inline void fill_exit(Record& record, const Call& call, Status result, uint64_t detail, uint64_t time_ns) {
  store_pair(record.event_id, static_cast<uint32_t>(call.event) | kExitBit, static_cast<uint32_t>(result));
  fill_call(record, call, time_ns);
  record.detail = detail;
}

inline Record& next_slot(Port& port) {
  Record& slot = port.slots[port.head & port.mask];
  store_pair(slot.ring_id, port.ring_index, static_cast<uint32_t>(port.head));
  return slot;
}

// seal_slot: over the filled slot as it stands in the shared memory: who changes it meanwhile breaks the seal.
inline void seal_slot(Port& port) {
  Record& slot = port.slots[port.head & port.mask];
  uint64_t words[kSealWords];
  std::memcpy(words, static_cast<const void*>(&slot), sizeof words);
  slot.seal = seal_of(*port.seals, words);
  seal_done(*port.seals);
}

// publish_slot: seals the filled slot and makes it visible. No fence between the store of head and the load of
// sleeping: the writer's membarrier orders them for us (ring.h), so only the compiler must be kept from exchanging
// them.
inline void publish_slot(Port& port) {
  seal_slot(port);
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
  CM_PROBE_SERVICE_ENTRY(static_cast<uint32_t>(call.event), call.object, call.bytes_in);
}

inline void publish_exit(Port& port, const Call& call, Status result, uint64_t detail) {
  fill_exit(next_slot(port), call, result, detail, record_time_ns(port));
  publish_slot(port);
  CM_PROBE_SERVICE_EXIT(static_cast<uint32_t>(call.event), call.object, static_cast<int32_t>(result), detail);
}

}  // namespace cm::audit
