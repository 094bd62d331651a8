// SPDX-License-Identifier: Apache-2.0
// dice.h: random choices that are the same on every machine for the same seed.
#pragma once
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace cm::audit::test {

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint64_t number() { return random_(); }
  uint64_t below(uint64_t end) { return random_() % end; }
  uint64_t from_to(uint64_t first, uint64_t last) { return first + below(last - first + 1); }
  bool one_in(uint64_t n) { return below(n) == 0; }
  void fill(std::span<uint8_t> bytes) {
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random_());
  }
  template <class T>
  const T& one_of(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace cm::audit::test
