// SPDX-License-Identifier: Apache-2.0
// shared_mapping.cpp: see shared_mapping.h.
#include "audit/writer/shared_mapping.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstring>

namespace cm::audit {
namespace {

constexpr int kSealsNeeded = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

bool header_fits(const std::byte* base, uint32_t ring_count, uint32_t ring_records, size_t size) {
  SharedHeader header;
  std::memcpy(&header, base, sizeof header);
  return header.magic == kRingMagic && header.version == kRingVersion && header.ring_count == ring_count &&
         header.ring_records == ring_records && header.record_size == kRecordSize && header.total_size == size;
}

}  // namespace

SharedMapping::~SharedMapping() {
  if (base_ != nullptr) munmap(base_, size_);
}

Error SharedMapping::map(int fd, uint32_t ring_count, uint32_t ring_records) {
  if (!ring_geometry_valid(ring_count, ring_records)) return {"ring geometry out of range"};
  const size_t size = shared_size(ring_count, ring_records);
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSealsNeeded) != kSealsNeeded) return {"ring memory is not sealed"};
  struct statfs fs;
  // Huge pages could fail to be there when we touch them, which would kill us.
  if (fstatfs(fd, &fs) != 0 || fs.f_type != TMPFS_MAGIC) return {"ring memory is not plain shared memory"};
  struct stat info;
  if (fstat(fd, &info) != 0 || static_cast<uint64_t>(info.st_size) != size) return {"ring memory has the wrong size"};
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return {"ring memory cannot be mapped"};
  SharedMapping made;
  made.base_ = static_cast<std::byte*>(base);
  made.size_ = size;
  made.ring_count_ = ring_count;
  made.ring_records_ = ring_records;
  if (!header_fits(made.base_, ring_count, ring_records, size)) return {"ring memory has the wrong header"};
  swap(made);
  return {};
}

}  // namespace cm::audit
