// SPDX-License-Identifier: Apache-2.0
// arena.cpp: see arena.h. Called from the library's constructor and once more in each child.
#include "crypto/module/arena.h"

#include <sys/mman.h>
#include <unistd.h>

namespace cm::arena {
namespace {

struct Part {
  uint8_t* base;
  size_t size;
};
Part g_lasting;
Part g_fleeting;
uint8_t* g_family;
bool g_locked;

constexpr size_t kPage = 4096;

size_t whole_pages(size_t size) { return (size + kPage - 1) / kPage * kPage; }

// map_part: size bytes with an inaccessible page on either side.
bool map_part(Part& part, size_t size) {
  const size_t inner = whole_pages(size);
  void* outer = mmap(nullptr, inner + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (outer == MAP_FAILED) return false;
  auto* base = static_cast<uint8_t*>(outer) + kPage;
  if (mprotect(base, inner, PROT_READ | PROT_WRITE) != 0) return false;
  if (madvise(base, inner, MADV_DONTDUMP) != 0) return false;
  part = {base, inner};
  return true;
}

// lock_part: pages are locked as they are first touched, so an unused slot costs neither memory nor start-up time.
bool lock_part(const Part& part) { return mlock2(part.base, part.size, MLOCK_ONFAULT) == 0; }

}  // namespace

Status map(size_t lasting_bytes, size_t fleeting_bytes, size_t family_bytes) {
  if (!map_part(g_lasting, lasting_bytes) || !map_part(g_fleeting, fleeting_bytes)) return Status::kNoMemory;
  void* family = mmap(nullptr, whole_pages(family_bytes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (family == MAP_FAILED) return Status::kNoMemory;
  g_family = static_cast<uint8_t*>(family);
  if (madvise(g_fleeting.base, g_fleeting.size, MADV_WIPEONFORK) != 0) return Status::kUnsupported;
  lock();
  return Status::kOk;
}

void lock() {
  const bool first = lock_part(g_lasting);
  const bool second = lock_part(g_fleeting);
  g_locked = first && second;
}

uint8_t* lasting() { return g_lasting.base; }
uint8_t* fleeting() { return g_fleeting.base; }
uint8_t* family() { return g_family; }
bool locked() { return g_locked; }

}  // namespace cm::arena
