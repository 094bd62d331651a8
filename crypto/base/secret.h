// SPDX-License-Identifier: Apache-2.0
// secret.h: holders of sensitive bytes. They cannot be copied or compared with ==, and they are zeroised when they go.
// Reading the bytes takes a call of expose(), which is easy to grep for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crypto/base/bytes.h"

namespace cm {

// zeroise: overwrites n bytes; the barrier keeps the stores although nothing reads them again (ISO/IEC 19790 7.9.7).
inline void zeroise(void* p, size_t n) {
  if (n == 0) return;
  std::memset(p, 0, n);
  __asm__ volatile("" : : "r"(p) : "memory");
}

template <size_t N>
class SecretArray {
 public:
  SecretArray() = default;
  ~SecretArray() { zeroise(bytes_, N); }
  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;
  bool operator==(const SecretArray&) const = delete;
  static constexpr size_t size() { return N; }
  uint8_t* expose() { return bytes_; }
  const uint8_t* expose() const { return bytes_; }
  ByteSpan expose_span() { return {bytes_, N}; }
  ByteView expose_span() const { return {bytes_, N}; }

 private:
  alignas(16) uint8_t bytes_[N] = {};
};

// SecretBuffer: room for up to N sensitive bytes. What use() gave is zeroised when the buffer goes; the others are
// never touched, so that a large one costs no more than what is in it.
template <size_t N>
class SecretBuffer {
 public:
  SecretBuffer() = default;
  ~SecretBuffer() { zeroise(bytes_, size_); }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;
  // use: once; the first `size` bytes, at most N, which are not set.
  uint8_t* use(size_t size) {
    size_ = size;
    return bytes_;
  }
  const uint8_t* expose() const { return bytes_; }

 private:
  size_t size_ = 0;
  alignas(16) uint8_t bytes_[N];
};

// SecretView: somebody else's secret bytes, for the length of a call.
class SecretView {
 public:
  SecretView(const uint8_t* p, size_t n) : bytes_(p), size_(n) {}
  template <size_t N>
  explicit SecretView(const SecretArray<N>& a) : bytes_(a.expose()), size_(N) {}
  size_t size() const { return size_; }
  const uint8_t* expose() const { return bytes_; }

 private:
  const uint8_t* bytes_;
  size_t size_;
};

}  // namespace cm
