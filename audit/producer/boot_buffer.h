// SPDX-License-Identifier: Apache-2.0
// boot_buffer.h: the records made while there is no writer: results of the self-tests at load, calls before cm_init and
// after cm_shutdown. A fixed array filled once from the front; attach moves it into ring 0 in order. It must not lose a
// record silently: what does not fit is counted and its service is refused. No locking here: the caller holds the lock.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/producer/producer.h"

namespace cm::audit {

class BootBuffer {
 public:
  static constexpr uint32_t kCapacity = kBootRecords;

  // reserve_exit: keeps a slot free for the exit record of a call whose entry is pushed next; false: no room for both.
  bool reserve_exit();
  // push: false and counted when there is no free slot besides the reserved ones.
  bool push(const Record& record);
  void push_reserved(const Record& record);

  // Moving: next_to_move is null when all have been moved. rewind: records from kept on were not acknowledged and stay.
  const Record* next_to_move() const { return moved_ < count_ ? &records_[moved_] : nullptr; }
  void mark_moved() { ++moved_; }
  void rewind(uint64_t acknowledged);
  // clear: after all were moved. Returns the exits still owed, which the ring takes over.
  uint32_t clear();

  uint64_t overflow() const { return overflow_; }
  uint32_t reserved() const { return reserved_; }
  // take_reservations: exits that ring 0 owed when it was closed are owed by the buffer again.
  void take_reservations(uint32_t owed) { reserved_ += owed; }
  // forget_reservations: in a fork child, where the threads that would have come back do not exist.
  void forget_reservations();

 private:
  Record records_[kCapacity];
  uint32_t count_;
  uint32_t moved_;
  uint32_t reserved_;
  uint64_t overflow_;
};

}  // namespace cm::audit
