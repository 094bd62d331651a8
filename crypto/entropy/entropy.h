// SPDX-License-Identifier: Apache-2.0
// entropy.h: seed material for the random generator: RDSEED (where the CPU has it) and getrandom(2) together, so that
// the failure of one alone does not make the seed weak. A formal SP 800-90B source is a later step; no claim is made.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm {

// entropy_seed: fills out with size bytes (at most 64). kEntropy when a source fails or repeats its last output.
Status entropy_seed(Lane sha256_lane, uint8_t* out, size_t size);

}  // namespace cm
