// SPDX-License-Identifier: Apache-2.0
// seal_memory.cpp: see seal_memory.h.
#include "audit/producer/seal_memory.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/base/secret.h"

namespace cm::audit {
namespace {

constexpr unsigned kLockOnFault = 1;  // MLOCK_ONFAULT: rings that nobody uses take no memory

}  // namespace

Status seal_memory_create(SealMemory& memory, uint32_t ring_count, const char** step) {
  memory = SealMemory{nullptr, size_t{ring_count} * sizeof(SealChain), ring_count, Lane::kNone};
  *step = "the self-test of AES";
  memory.lane = seal_lane();
  if (memory.lane == Lane::kNone) return Status::kAudit;
  *step = "mmap";
  void* base = mmap(nullptr, memory.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return Status::kAudit;
  memory.chains = static_cast<SealChain*>(base);
  *step = "madvise";
  if (madvise(base, memory.size, MADV_DONTFORK) != 0 || madvise(base, memory.size, MADV_DONTDUMP) != 0) {
    seal_memory_destroy(memory);
    return Status::kAudit;
  }
  static_cast<void>(syscall(SYS_mlock2, base, memory.size, kLockOnFault));
  return Status::kOk;
}

void seal_memory_start(const SealMemory& memory, const uint8_t seed[kSealSeedSize]) {
  for (uint32_t ring = 0; ring < memory.ring_count; ++ring) seal_start(*memory.of(ring), memory.lane, seed, ring);
}

void seal_memory_destroy(SealMemory& memory) {
  if (memory.chains != nullptr) {
    zeroise(memory.chains, memory.size);
    munmap(memory.chains, memory.size);
  }
  seal_memory_forget(memory);
}

void seal_memory_forget(SealMemory& memory) { memory = SealMemory{nullptr, 0, 0, Lane::kNone}; }

}  // namespace cm::audit
