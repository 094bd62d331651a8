// SPDX-License-Identifier: Apache-2.0
// bytes.h: byte spans, unaligned loads and stores in a stated byte order, overlap tests on buffers.
// Nothing here branches on data.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace cm {

using ByteView = std::span<const uint8_t>;
using ByteSpan = std::span<uint8_t>;

static_assert(std::endian::native == std::endian::little, "big-endian machines are not supported");

inline uint32_t load_le32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint64_t load_le64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline uint32_t load_be32(const uint8_t* p) { return __builtin_bswap32(load_le32(p)); }
inline uint64_t load_be64(const uint8_t* p) { return __builtin_bswap64(load_le64(p)); }
inline void store_le32(uint8_t* p, uint32_t v) { std::memcpy(p, &v, sizeof v); }
inline void store_le64(uint8_t* p, uint64_t v) { std::memcpy(p, &v, sizeof v); }
inline void store_be32(uint8_t* p, uint32_t v) { store_le32(p, __builtin_bswap32(v)); }
inline void store_be64(uint8_t* p, uint64_t v) { store_le64(p, __builtin_bswap64(v)); }

// overlaps: true when the two ranges share a byte. Empty ranges share none. Without branches: a call asks this of every
// pair of its buffers.
inline bool overlaps(const void* a, size_t a_size, const void* b, size_t b_size) {
  const auto pa = reinterpret_cast<uintptr_t>(a);
  const auto pb = reinterpret_cast<uintptr_t>(b);
  const bool a_begins_in_b = pa - pb < b_size, b_begins_in_a = pb - pa < a_size;
  return (a_size != 0) & (b_size != 0) & (a_begins_in_b | b_begins_in_a);
}

// overlaps_partly: true when the ranges share a byte but do not start at the same place.
inline bool overlaps_partly(const void* a, size_t a_size, const void* b, size_t b_size) {
  return a != b && overlaps(a, a_size, b, b_size);
}

}  // namespace cm
