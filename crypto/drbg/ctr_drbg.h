// SPDX-License-Identifier: Apache-2.0
// ctr_drbg.h: CTR_DRBG with AES-256, no derivation function (SP 800-90A Rev. 1, 10.2.1). Seeds have full entropy and
// are 48 bytes. One instance belongs to one thread; the owner keeps it in the arena and zeroises it.
#pragma once
#include "crypto/aes/aes.h"

namespace cm {

inline constexpr size_t kDrbgSeed = 48;
inline constexpr size_t kDrbgMaxRequest = 65536;                    // bytes a request, SP 800-90A table 3
inline constexpr uint64_t kDrbgReseedInterval = uint64_t{1} << 20;  // requests; the standard allows 2^48

struct alignas(64) CtrDrbg {
  AesKey key;
  uint8_t v[16];            // V + 1: the next counter block, as aes_ctr_keystream takes it
  uint64_t reseed_counter;  // 0 = not instantiated
};

// personalization and additional input: at most 48 bytes each, else kLength; may be null with size 0.
Status ctr_drbg_instantiate(CtrDrbg& drbg, Lane lane, const uint8_t* seed48, const uint8_t* personalization,
                            size_t personalization_size);
Status ctr_drbg_reseed(CtrDrbg& drbg, const uint8_t* seed48, const uint8_t* additional, size_t additional_size);
// ctr_drbg_generate: out_size <= kDrbgMaxRequest, else kLength. kExhausted: reseed first. kState: not instantiated.
Status ctr_drbg_generate(CtrDrbg& drbg, uint8_t* out, size_t out_size, const uint8_t* additional,
                         size_t additional_size);
void ctr_drbg_zeroise(CtrDrbg& drbg);

}  // namespace cm
