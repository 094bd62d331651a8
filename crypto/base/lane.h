// SPDX-License-Identifier: Apache-2.0
// lane.h: the implementations ("lanes") an algorithm may run on. The value stands in exit records on disk:
// it is append-only and never reused.
#pragma once
#include <cstdint>

namespace cm {

enum class Lane : uint8_t {
  kNone = 0,      // the service has no lane
  kPortable = 1,  // constant-time C++, any CPU
  kAesni = 2,     // SSE4.1 + AES-NI + PCLMULQDQ
  kShani = 3,     // SSE4.1 + SHA extensions
  kVaes512 = 4,   // AVX-512 F/BW/DQ/VL + VAES + VPCLMULQDQ + BMI2
  kVaes256 = 5,   // AVX2 + VAES + VPCLMULQDQ + BMI2
  kAvx2 = 6,      // AVX2 + BMI1, BMI2
  kAvx512 = 7,    // AVX-512 F/BW/DQ/VL + BMI2, and IFMA for Poly1305
  kImb = 8,       // ipsec-mb, in a part of the module that is opened when a batch is to go there
};

struct LaneRow {
  Lane lane;
  char name[16];
};

constexpr LaneRow kLaneTable[] = {
    {Lane::kNone, "none"},   {Lane::kPortable, "portable"}, {Lane::kAesni, "aesni"},
    {Lane::kShani, "shani"}, {Lane::kVaes512, "vaes512"},   {Lane::kVaes256, "vaes256"},
    {Lane::kAvx2, "avx2"},   {Lane::kAvx512, "avx512"},     {Lane::kImb, "imb"},
};

constexpr const char* lane_name(Lane lane) {
  for (const LaneRow& row : kLaneTable)
    if (row.lane == lane) return row.name;
  return "unknown";
}

}  // namespace cm
