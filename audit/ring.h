// SPDX-License-Identifier: Apache-2.0
// ring.h: the shared memory between one client process (producer) and the audit writer (consumer): a memfd, sealed
// against growing and shrinking, with one single-producer ring a thread. Both sides map it read-write, so each treats
// every word the other may have written as hostile: it copies first and checks the copy, bounds every index, and never
// follows a value of the other side to memory outside the mapping.
//
//   offset 0                    SharedHeader (4096): geometry, written once by the client
//   offset 4096                 WriterPage  (4096): written by the writer only
//   offset 8192                 RingControl (256) x ring_count, rounded up to 4096
//   then                        records: ring_count x ring_records x 64
//
// A producer owns slot s for sequence q = s (mod ring_records). It may overwrite a slot only when the record in it is
// acknowledged: head - acked <= ring_records at all times. So what the writer has not made durable is still in the
// ring, and a new writer continues from the sequence that the log acknowledges.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "audit/record.h"

namespace cm::audit {

inline constexpr uint64_t kRingMagic = 0x31474e49524d43;  // "CMRING1"
inline constexpr uint32_t kRingVersion = 1;
inline constexpr size_t kSharedPage = 4096;
inline constexpr uint32_t kRingRecordsMin = 256;
inline constexpr uint32_t kRingRecordsMax = 65536;
inline constexpr uint32_t kRingCountMax = 1024;

struct SharedHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t ring_count;
  uint32_t ring_records;  // a power of two
  uint32_t record_size;   // 64
  uint64_t total_size;    // of the memfd
};

// Writer state flags, a hint for status and for how long to wait; never evidence.
inline constexpr uint32_t kWriterNoSpace = 1u << 0;
// The TPM does not answer: records are durable, class A must be refused.
inline constexpr uint32_t kWriterNoTpm = 1u << 1;
// The unanchored tail has reached its bound: everything is refused.
inline constexpr uint32_t kWriterTailLimit = 1u << 2;

struct WriterPage {
  // Wake-ups. doorbell: a producer increments it and wakes it (FUTEX_WAKE, shared) when sleeping != 0. The writer sets
  // sleeping = 1, issues membarrier(GLOBAL_EXPEDITED), looks at every head again, and only then waits on doorbell; so a
  // producer needs no fence after its release store of head. A producer that is going to wait (it has raised waiters)
  // rings the doorbell whatever sleeping says: with sleeping = 0 the writer may be taking a short nap between two
  // drains, from which only the doorbell or its end wakes it. The producer that rings for a sleeping writer takes
  // sleeping back to 0 first, so that of many publishing threads one makes the system call. progress: the writer
  // increments and wakes it after every change of acked, extended or flags while a client waits (waiters != 0).
  alignas(64) std::atomic<uint32_t> doorbell;
  std::atomic<uint32_t> sleeping;
  alignas(64) std::atomic<uint32_t> progress;
  std::atomic<uint32_t> waiters;
  std::atomic<uint32_t> flags;        // kWriter*
  std::atomic<uint32_t> incarnation;  // changes with every writer that serves this memory
  // Clock parameters (payload.h, Clock) under a sequence lock: even = stable. A reader takes the four words between two
  // equal even values; producers keep a private copy and look at clock_seq alone on the hot path.
  alignas(64) std::atomic<uint32_t> clock_seq;
  std::atomic<uint64_t> clock_tsc;
  std::atomic<uint64_t> clock_utc_ns;
  std::atomic<uint64_t> clock_ns_per_tick_q32;
};
static_assert(sizeof(WriterPage) <= kSharedPage);

struct RingControl {
  alignas(64) std::atomic<uint64_t> head;   // producer: records published; release store
  std::atomic<uint32_t> claimed;            // client: 1 while a thread owns the ring
  alignas(64) std::atomic<uint64_t> acked;  // writer: records durable in the log; release store
  std::atomic<uint64_t> extended;           // writer: records whose frame's head is in the TPM
  alignas(64) uint8_t reserved[128];
};
static_assert(sizeof(RingControl) == 256);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

constexpr size_t ring_controls_offset() { return 2 * kSharedPage; }
constexpr size_t ring_records_offset(uint32_t ring_count) {
  return ring_controls_offset() +
         (size_t{ring_count} * sizeof(RingControl) + kSharedPage - 1) / kSharedPage * kSharedPage;
}
constexpr size_t shared_size(uint32_t ring_count, uint32_t ring_records) {
  return ring_records_offset(ring_count) + size_t{ring_count} * ring_records * kRecordSize;
}
constexpr bool ring_geometry_valid(uint32_t ring_count, uint32_t ring_records) {
  return ring_count >= 1 && ring_count <= kRingCountMax && ring_records >= kRingRecordsMin &&
         ring_records <= kRingRecordsMax && (ring_records & (ring_records - 1)) == 0;
}

}  // namespace cm::audit
