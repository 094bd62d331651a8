// SPDX-License-Identifier: Apache-2.0
// shared_memory.h: the memfd of ring.h: made, sealed and mapped once an attachment. The writer holds the same memory
// and may write anything into it at any time, so every size and index used by this process comes from the copy in
// SharedMemory, never from the shared header.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/ring.h"
#include "crypto/base/status.h"

namespace cm::audit {

struct SharedMemory {
  uint8_t* base;
  size_t size;
  int memfd;
  uint32_t ring_count;  // with ring 0
  uint32_t ring_records;

  WriterPage* writer() const { return reinterpret_cast<WriterPage*>(base + kSharedPage); }
  RingControl* control(uint32_t ring) const {
    return reinterpret_cast<RingControl*>(base + ring_controls_offset()) + ring;
  }
  Record* slots(uint32_t ring) const {
    return reinterpret_cast<Record*>(base + ring_records_offset(ring_count)) + size_t{ring} * ring_records;
  }
};

// shared_memory_create: kAudit when the kernel gives no memory; *step then names the call that failed.
Status shared_memory_create(SharedMemory& memory, uint32_t ring_count, uint32_t ring_records, const char** step);
void shared_memory_destroy(SharedMemory& memory);
// shared_memory_forget: in a fork child. The mapping is not there (MADV_DONTFORK), only the descriptor is closed.
void shared_memory_forget(SharedMemory& memory);

}  // namespace cm::audit
