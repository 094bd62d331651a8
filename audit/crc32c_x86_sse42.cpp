// SPDX-License-Identifier: Apache-2.0
// crc32c_x86_sse42.cpp: CRC-32C (RFC 3720 B.4) with the CPU's instruction. It takes three cycles and another may begin
// in each, so three neighbouring parts of the bytes are computed side by side. The register is linear in what it held
// before: a table says what becomes of it behind a part of zero bytes, and the next part's own register is added. Built
// with -msse4.2: only the entry point has external linkage, and no inline function of another header may be called.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "audit/crc32c.h"

namespace cm::audit {
namespace {

constexpr size_t kPart = 256;  // bytes

struct ShiftTable {
  uint32_t after[4][256];  // what kPart zero bytes make of a register with this value in this byte, else zero
};

constexpr uint32_t after_zero_bytes(uint32_t crc, size_t bytes) {
  constexpr uint32_t kPolynomialReflected = 0x82f63b78;
  for (size_t bit = 0; bit < 8 * bytes; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReflected : 0);
  return crc;
}

constexpr ShiftTable make_shift_table() {
  ShiftTable table{};
  for (int byte = 0; byte < 4; ++byte) {
    for (int bit = 0; bit < 8; ++bit) table.after[byte][1 << bit] = after_zero_bytes(1u << (8 * byte + bit), kPart);
    for (int value = 1; value < 256; ++value)
      table.after[byte][value] = table.after[byte][value & (value - 1)] ^ table.after[byte][value & -value];
  }
  return table;
}
constexpr ShiftTable kShift = make_shift_table();

inline uint64_t shifted(uint64_t crc) {
  return kShift.after[0][crc & 0xff] ^ kShift.after[1][crc >> 8 & 0xff] ^ kShift.after[2][crc >> 16 & 0xff] ^
         kShift.after[3][crc >> 24 & 0xff];
}

inline uint64_t load(const uint8_t* p) {
  uint64_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

}  // namespace

uint32_t crc32c_x86_sse42(uint32_t crc, const uint8_t* bytes, size_t size) {
  uint64_t a = crc;
  for (; size >= 3 * kPart; size -= 3 * kPart, bytes += 3 * kPart) {
    uint64_t b = 0, c = 0;
    for (size_t i = 0; i < kPart; i += 8) {
      a = _mm_crc32_u64(a, load(bytes + i));
      b = _mm_crc32_u64(b, load(bytes + kPart + i));
      c = _mm_crc32_u64(c, load(bytes + 2 * kPart + i));
    }
    a = shifted(shifted(a) ^ b) ^ c;
  }
  for (; size >= 8; size -= 8, bytes += 8) a = _mm_crc32_u64(a, load(bytes));
  auto rest = static_cast<uint32_t>(a);
  for (; size != 0; --size, ++bytes) rest = _mm_crc32_u8(rest, *bytes);
  return rest;
}

}  // namespace cm::audit
