// SPDX-License-Identifier: Apache-2.0
// random.h: random bytes for services: one CTR_DRBG a thread, seeded from the entropy source, in memory that a fork
// wipes.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"
#include "crypto/module/thread_state.h"

namespace cm {

// random_fill: any size, in requests of at most 64 KiB. kEntropy when seeding fails; out is zeroed then.
Status random_fill(ThreadState& thread, uint8_t* out, size_t out_size);

// random_iv: 12 bytes from a batch drawn ahead (SP 800-38D 8.2.2); a used IV is wiped from the batch.
Status random_iv(ThreadState& thread, uint8_t* iv);

}  // namespace cm
