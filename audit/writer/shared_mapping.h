// SPDX-License-Identifier: Apache-2.0
// shared_mapping.h: a client's ring memory as the writer maps it (audit/ring.h). The client may write every byte of it
// at any time: geometry is taken once, from the client's Hello, and never again from the memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include "audit/ring.h"
#include "audit/writer/error.h"

namespace cm::audit {

class SharedMapping {
 public:
  SharedMapping() = default;
  SharedMapping(SharedMapping&& other) noexcept { swap(other); }
  SharedMapping& operator=(SharedMapping&& other) noexcept {
    swap(other);
    return *this;
  }
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ~SharedMapping();

  // map: refuses memory that could shrink under us, that is not plain shared memory, or whose size or header does not
  // fit the geometry.
  Error map(int fd, uint32_t ring_count, uint32_t ring_records);

  WriterPage& page() const { return *reinterpret_cast<WriterPage*>(base_ + kSharedPage); }
  RingControl& control(uint32_t ring) const {
    return reinterpret_cast<RingControl*>(base_ + ring_controls_offset())[ring];
  }
  const Record* slots(uint32_t ring) const {
    return reinterpret_cast<const Record*>(base_ + ring_records_offset(ring_count_)) + size_t{ring} * ring_records_;
  }
  uint32_t ring_count() const { return ring_count_; }
  uint32_t ring_records() const { return ring_records_; }

 private:
  void swap(SharedMapping& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    std::swap(ring_count_, other.ring_count_);
    std::swap(ring_records_, other.ring_records_);
  }

  std::byte* base_ = nullptr;
  size_t size_ = 0;
  uint32_t ring_count_ = 0;
  uint32_t ring_records_ = 0;
};

}  // namespace cm::audit
