// SPDX-License-Identifier: Apache-2.0
// boot_buffer.cpp: see boot_buffer.h. count_ changes after the record is complete, so a fork child that inherits a
// buffer another thread was filling sees whole records only.
#include "audit/producer/boot_buffer.h"

#include <atomic>

#include "crypto/base/check.h"

namespace cm::audit {

bool BootBuffer::reserve_exit() {
  if (count_ + reserved_ + 2 > kCapacity) {
    overflow_ += 2;
    return false;
  }
  ++reserved_;
  return true;
}

bool BootBuffer::push(const Record& record) {
  if (count_ + reserved_ + 1 > kCapacity) {
    ++overflow_;
    return false;
  }
  records_[count_] = record;
  std::atomic_signal_fence(std::memory_order_release);
  ++count_;
  return true;
}

void BootBuffer::push_reserved(const Record& record) {
  CM_CHECK(reserved_ > 0 && count_ < kCapacity);
  --reserved_;
  records_[count_] = record;
  std::atomic_signal_fence(std::memory_order_release);
  ++count_;
}

void BootBuffer::rewind(uint64_t acknowledged) {
  const uint32_t kept = acknowledged < moved_ ? static_cast<uint32_t>(acknowledged) : moved_;
  for (uint32_t i = kept; i < count_; ++i) records_[i - kept] = records_[i];
  count_ -= kept;
  moved_ = 0;
}

uint32_t BootBuffer::clear() {
  CM_CHECK(moved_ == count_);
  const uint32_t owed = reserved_;
  count_ = moved_ = reserved_ = 0;
  overflow_ = 0;
  return owed;
}

void BootBuffer::forget_reservations() {
  reserved_ = 0;
  moved_ = 0;
}

}  // namespace cm::audit
