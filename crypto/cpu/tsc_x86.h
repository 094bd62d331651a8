// SPDX-License-Identifier: Apache-2.0
// tsc_x86.h: the time stamp counter. Not serialising: a record's time may be off by the few instructions the processor
// has in flight, which is less than the uncertainty of the clock parameters (Intel SDM volume 3B, 18.17).
#pragma once
#include <cstdint>

namespace cm {

inline uint64_t read_tsc() { return __builtin_ia32_rdtsc(); }

}  // namespace cm
