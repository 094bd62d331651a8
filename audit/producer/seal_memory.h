// SPDX-License-Identifier: Apache-2.0
// seal_memory.h: where the keys of the seals lie (audit/seal.h), a chain a ring: memory of this process alone, that is
// neither swapped out nor dumped and that no fork child has.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/seal.h"
#include "crypto/base/status.h"

namespace cm::audit {

struct SealMemory {
  SealChain* chains;
  size_t size;  // bytes of the mapping
  uint32_t ring_count;
  Lane lane;

  SealChain* of(uint32_t ring) const { return chains + ring; }
};

// seal_memory_create: kAudit when the kernel gives no memory, or when no implementation of AES gives its known answer;
// *step then says what failed. Memory that may not be locked, because of RLIMIT_MEMLOCK, is used all the same.
Status seal_memory_create(SealMemory& memory, uint32_t ring_count, const char** step);
// seal_memory_start: the first keys of every ring.
void seal_memory_start(const SealMemory& memory, const uint8_t seed[kSealSeedSize]);
void seal_memory_destroy(SealMemory& memory);
// seal_memory_forget: in a fork child, where the mapping is not.
void seal_memory_forget(SealMemory& memory);

}  // namespace cm::audit
