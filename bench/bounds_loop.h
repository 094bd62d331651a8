// SPDX-License-Identifier: Apache-2.0
// bounds_loop.h: how the loops of bounds_x86.h are timed.
#pragma once
#include <algorithm>
#include <cstdint>

#include "bench/machine.h"

namespace cm::bench {

inline constexpr uint64_t kRounds = 2000;

// best_cycles: of one pass of a loop body; the best of nine runs.
template <class Loop>
double best_cycles(Loop loop, double ghz) {
  uint64_t best = ~uint64_t{0};
  for (int i = 0; i < 9; ++i) {
    clean_vector_state();
    const uint64_t begin = now_ns();
    loop(kRounds);
    best = std::min(best, now_ns() - begin);
  }
  clean_vector_state();
  return static_cast<double>(best) * ghz / static_cast<double>(kRounds);
}

#define CM_LOW_REGISTERS                                                                                              \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15"

}  // namespace cm::bench
