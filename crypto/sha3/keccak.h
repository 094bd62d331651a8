// SPDX-License-Identifier: Apache-2.0
// keccak.h: the permutation Keccak-p[1600, 24] of FIPS 202 3.3 on a given lane, and the taking in of whole blocks (FIPS
// 202 4). Padding and partial blocks are the business of sponge.h.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kKeccakStateWords = 25;
inline constexpr size_t kKeccakRateMax = 168;

// keccak_rate_known: the rates, in bytes, of FIPS 202 6 (SHA3-224, 256, 384, 512, SHAKE128, SHAKE256); no others exist.
constexpr bool keccak_rate_known(size_t rate) {
  return rate == 72 || rate == 104 || rate == 136 || rate == 144 || rate == 168;
}

// keccak_absorb: state[25] in host order takes in count blocks of rate bytes. The lane must be one this CPU can run.
void keccak_absorb(Lane lane, uint64_t* state, size_t rate, const uint8_t* blocks, size_t count);
void keccak_permute(Lane lane, uint64_t* state);

}  // namespace cm
