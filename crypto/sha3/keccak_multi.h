// SPDX-License-Identifier: Apache-2.0
// keccak_multi.h: independent messages through sponges side by side (FIPS 202 4), in the lanes of vector registers. All
// jobs are known from the start, so nothing is queued and nothing flushed.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

inline constexpr size_t kSpongeJobsMax = 64;

// SpongeJob: one message. No output may overlap what another job reads or writes.
struct SpongeJob {
  const uint64_t* start;  // 25 words to begin with, behind whole blocks (of cSHAKE or KMAC), or null for zero
  size_t rate;            // bytes
  uint8_t suffix;         // as of sponge_finish
  const uint8_t* in;
  size_t in_size;
  uint8_t* out;
  size_t out_size;  // any
};

// sponge_multi: all jobs, at most kSpongeJobsMax, of any rates and sizes. `single` is a lane of kKeccakKernels, `wide`
// one of kKeccakMultiKernels; both must be ones this CPU can run.
void sponge_multi(Lane single, Lane wide, const SpongeJob* jobs, size_t count);

}  // namespace cm
