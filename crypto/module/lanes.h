// SPDX-License-Identifier: Apache-2.0
// lanes.h: the lane of each algorithm, latched when the self-tests have passed and never changed by a fault or a
// request.
#pragma once
#include <atomic>

#include "selftest/engine.h"

namespace cm {

// g_lanes: one word, because calls in flight read it while a re-test stores it. power_on.cpp alone writes it.
inline constexpr unsigned kLaneBits = 8;
extern std::atomic<uint64_t> g_lanes;

// lanes: valid in every state after the self-tests; services run only then.
inline selftest::Lanes lanes() {
  const uint64_t word = g_lanes.load(std::memory_order_relaxed);
  return {static_cast<Lane>(word & 0xff), static_cast<Lane>(word >> kLaneBits & 0xff),
          static_cast<Lane>(word >> 2 * kLaneBits & 0xff), static_cast<Lane>(word >> 3 * kLaneBits & 0xff)};
}

}  // namespace cm
