// SPDX-License-Identifier: Apache-2.0
// c_abi.h: what the files of the C interface share: checks on a caller's pointers and lengths. Pointer-and-length pairs
// exist only in c_abi_*.cpp; behind them the module works with checked values.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/module/gate.h"

namespace cm::abi {

struct In {
  const void* p;
  size_t size;
  bool missing() const { return p == nullptr && size != 0; }
  // wraps: the range would pass the end of the address space.
  bool wraps() const { return reinterpret_cast<uintptr_t>(p) + size < reinterpret_cast<uintptr_t>(p); }
  const uint8_t* bytes() const { return static_cast<const uint8_t*>(p); }
};

struct Out {
  void* p;
  size_t size;  // bytes the call writes
  bool missing() const { return p == nullptr && size != 0; }
  uint8_t* bytes() const { return static_cast<uint8_t*>(p); }
  void clear() const { zeroise(p, size); }
};

inline bool share(Out a, In b) { return overlaps(a.p, a.size, b.p, b.size); }
inline bool share(Out a, Out b) { return overlaps(a.p, a.size, b.p, b.size); }

// take_struct: a caller's struct by value, once: another thread may change it while the call runs, and what was checked
// must be what is used. The fence keeps the compiler from reading the caller's memory again. kNull, kArgument.
template <class T>
Status take_struct(const T* from, T& to) {
  if (from == nullptr) return Status::kNull;
  if (from->struct_size != sizeof to) return Status::kArgument;
  to = *from;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  to.struct_size = sizeof to;
  return Status::kOk;
}

// reason_of: what a use of a key reports: its own reason, else the key's. An error stays an error.
inline Status reason_of(Status own, const store::KeyObject& key) { return own == Status::kOk ? key.indicator : own; }

// keep: reason when a context that was just made may stay; else it ends and the result is why.
template <class Handle>
Status keep(Gate& gate, Status reason, Handle made, Status (*end)(Handle)) {
  if (const Status late = gate.recheck(); !succeeded(late)) {
    static_cast<void>(end(made));
    return late;
  }
  gate.set_object(made.v);
  return reason;
}

}  // namespace cm::abi
