// SPDX-License-Identifier: Apache-2.0
// guarded.h: memory between two pages that cannot be read, so that a kernel that touches a byte outside its buffer
// dies.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace cm::test {

class Guarded {
 public:
  explicit Guarded(size_t capacity) : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    capacity_ = (capacity + page_ - 1) / page_ * page_;
    void* p = mmap(nullptr, capacity_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::runtime_error("mmap failed");
    base_ = static_cast<uint8_t*>(p);
    if (mprotect(base_ + page_, capacity_, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("mprotect failed");
  }
  ~Guarded() { munmap(base_, capacity_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // at_start: size bytes right after the first guard page; at_end: right before the last.
  uint8_t* at_start() { return base_ + page_; }
  uint8_t* at_end(size_t size) { return base_ + page_ + capacity_ - size; }
  uint8_t* at(bool end, size_t size) { return end ? at_end(size) : at_start(); }

 private:
  size_t page_;
  size_t capacity_ = 0;
  uint8_t* base_ = nullptr;
};

}  // namespace cm::test
