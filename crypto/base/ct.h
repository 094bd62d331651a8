// SPDX-License-Identifier: Apache-2.0
// ct.h: constant-time selection and comparison, and the marks that let valgrind treat secrets as undefined.
// A Mask is all ones or all zeros and has no conversion to bool, so a secret cannot reach a branch by accident;
// the one way out is `declassify`, which is easy to grep for.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(CM_CT_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace cm::ct {

// value_barrier: hides a value's origin from the optimiser so that it cannot rebuild a branch.
inline uint64_t value_barrier(uint64_t v) {
  __asm__("" : "+r"(v));
  return v;
}

class Mask {
 public:
  static Mask from_bit(uint64_t bit) { return Mask(0 - (bit & 1)); }
  static Mask is_zero(uint64_t v) { return from_bit((~v & (v - 1)) >> 63); }
  static Mask equal(uint64_t a, uint64_t b) { return is_zero(a ^ b); }
  Mask operator&(Mask o) const { return Mask(bits_ & o.bits_); }
  Mask operator|(Mask o) const { return Mask(bits_ | o.bits_); }
  Mask operator~() const { return Mask(~bits_); }
  uint64_t select(uint64_t if_set, uint64_t if_clear) const {
    const uint64_t m = value_barrier(bits_);
    return (if_set & m) | (if_clear & ~m);
  }
  explicit operator bool() const = delete;
  friend bool declassify(Mask m);

 private:
  explicit Mask(uint64_t bits) : bits_(bits) {}
  uint64_t bits_;
};

// poison/unpoison: under a valgrind build, marks bytes as secret (undefined) or public again. No code otherwise.
inline void poison([[maybe_unused]] const void* p, [[maybe_unused]] size_t n) {
#if defined(CM_CT_VALGRIND)
  VALGRIND_MAKE_MEM_UNDEFINED(p, n);
#endif
}
inline void unpoison([[maybe_unused]] const void* p, [[maybe_unused]] size_t n) {
#if defined(CM_CT_VALGRIND)
  VALGRIND_MAKE_MEM_DEFINED(p, n);
#endif
}

// declassify: turns the outcome of a comparison into a public bit. Only for results the caller is told anyway.
inline bool declassify(Mask m) {
  uint64_t bits = value_barrier(m.bits_);
  unpoison(&bits, sizeof bits);
  return bits != 0;
}

// equal_bytes: whole-range comparison whose time depends on n alone.
inline Mask equal_bytes(const uint8_t* a, const uint8_t* b, size_t n) {
  uint64_t diff = 0;
  for (size_t i = 0; i < n; ++i) diff |= static_cast<uint64_t>(a[i] ^ b[i]);
  return Mask::is_zero(value_barrier(diff));
}

}  // namespace cm::ct
