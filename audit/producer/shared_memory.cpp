// SPDX-License-Identifier: Apache-2.0
// shared_memory.cpp: see shared_memory.h. The seals let the writer map the memory without fear of SIGBUS; F_SEAL_SEAL
// keeps it so. MADV_DONTFORK: a child that touches its parent's ring faults instead of mixing two streams of records.
#include "audit/producer/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cm::audit {
namespace {

void write_header(const SharedMemory& memory) {
  auto* header = reinterpret_cast<SharedHeader*>(memory.base);
  header->magic = kRingMagic;
  header->version = kRingVersion;
  header->ring_count = memory.ring_count;
  header->ring_records = memory.ring_records;
  header->record_size = kRecordSize;
  header->total_size = memory.size;
}

}  // namespace

Status shared_memory_create(SharedMemory& memory, uint32_t ring_count, uint32_t ring_records, const char** step) {
  memory = SharedMemory{nullptr, shared_size(ring_count, ring_records), -1, ring_count, ring_records};
  *step = "memfd_create";
  memory.memfd = memfd_create("cryptomod-audit", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory.memfd < 0) return Status::kAudit;
  *step = "ftruncate";
  bool ok = ftruncate(memory.memfd, static_cast<off_t>(memory.size)) == 0;
  if (ok) {
    *step = "seals";
    ok = fcntl(memory.memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
  }
  void* base = MAP_FAILED;
  if (ok) {
    *step = "mmap";
    base = mmap(nullptr, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.memfd, 0);
    ok = base != MAP_FAILED;
  }
  if (ok) {
    *step = "madvise";
    memory.base = static_cast<uint8_t*>(base);
    ok = madvise(base, memory.size, MADV_DONTFORK) == 0;
  }
  if (!ok) {
    shared_memory_destroy(memory);
    return Status::kAudit;
  }
  write_header(memory);
  return Status::kOk;
}

void shared_memory_destroy(SharedMemory& memory) {
  if (memory.base != nullptr) munmap(memory.base, memory.size);
  shared_memory_forget(memory);
}

void shared_memory_forget(SharedMemory& memory) {
  if (memory.memfd >= 0) close(memory.memfd);
  memory = SharedMemory{nullptr, 0, -1, 0, 0};
}

}  // namespace cm::audit
