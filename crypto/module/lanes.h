// SPDX-License-Identifier: Apache-2.0
// lanes.h: the lane of each algorithm, latched when the self-tests have passed and never changed by a fault or a
// request.
#pragma once
#include <atomic>

#include "crypto/hash/hash.h"
#include "selftest/engine.h"

namespace cm {

// g_lanes: one word, because calls in flight read it while a re-test stores it. power_on.cpp alone writes it.
inline constexpr unsigned kLaneBits = 8;
extern std::atomic<uint64_t> g_lanes;

constexpr uint64_t lanes_word(const selftest::Lanes& lanes) {
  const Lane all[] = {lanes.sha256, lanes.aes,    lanes.gcm,    lanes.chacha,
                      lanes.sha1,   lanes.sha512, lanes.keccak, lanes.hash_multi};
  static_assert(sizeof all / sizeof all[0] * kLaneBits <= 64 && sizeof lanes == sizeof all, "one word for all");
  uint64_t word = 0;
  for (unsigned i = 0; i < sizeof all / sizeof all[0]; ++i) word |= static_cast<uint64_t>(all[i]) << i * kLaneBits;
  return word;
}

// lanes: valid in every state after the self-tests; services run only then.
inline selftest::Lanes lanes() {
  const uint64_t word = g_lanes.load(std::memory_order_relaxed);
  const auto lane = [word](unsigned place) { return static_cast<Lane>(word >> place * kLaneBits & 0xff); };
  return {lane(0), lane(1), lane(2), lane(3), lane(4), lane(5), lane(6), lane(7)};
}

// hash_lanes: those of the hash functions.
inline HashLanes hash_lanes() {
  const selftest::Lanes all = lanes();
  return {all.sha1, all.sha256, all.sha512, all.keccak};
}

}  // namespace cm
