// SPDX-License-Identifier: Apache-2.0
// keccak_test.cpp: Keccak-p[1600, 24] on every lane: intermediate values of its designers, and every lane against
// portable from any state, at every rate.
#include "crypto/sha3/keccak.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>

#include "crypto/base/bytes.h"
#include "crypto/sha3/keccak_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

using State = std::array<uint64_t, kKeccakStateWords>;
constexpr size_t kRates[] = {72, 104, 136, 144, 168};

State random_state(std::mt19937_64& rng) {
  State s;
  for (uint64_t& word : s) word = rng();
  return s;
}

class Keccak : public testing::TestWithParam<Lane> {};

// The first words of the permutation of zeros, and of that again, as its designers print them.
TEST_P(Keccak, permutation_of_zeros) {
  State s{};
  keccak_permute(GetParam(), s.data());
  EXPECT_EQ(s[0], 0xf1258f7940e1dde7);
  EXPECT_EQ(s[1], 0x84d5ccf933c0478a);
  EXPECT_EQ(s[24], 0xeaf1ff7b5ceca249);
  keccak_permute(GetParam(), s.data());
  EXPECT_EQ(s[0], 0x2d5c954df96ecb3c);
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
State state_of(const std::string& line) {
  std::string hex;
  std::copy_if(line.begin(), line.end(), std::back_inserter(hex), [](char c) { return std::isxdigit(c) != 0; });
  const Bytes bytes = from_hex(hex);
  if (bytes.size() != 200) throw std::runtime_error("not a state: " + line);
  State s;
  for (size_t i = 0; i < s.size(); ++i) s[i] = load_le64(bytes.data() + 8 * i);
  return s;
}

TEST_P(Keccak, intermediate_values_of_the_designers) {
  const std::pair<const char*, size_t> files[] = {{"KeccakF-1600-IntermediateValues.txt", 2},
                                                  {"KeccakSpongeIntermediateValues_SHA3-256.txt", 11},
                                                  {"KeccakSpongeIntermediateValues_SHAKE128.txt", 32}};
  for (const auto& [name, permutations] : files) {
    VectorCount count(GetParam(), name);
    std::ifstream file(std::string(CRYPTOMOD_EXTRA_VECTORS "/xkcp/") + name);
    ASSERT_TRUE(file) << name;
    State s{};
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Input of permutation") && std::getline(file, line)) s = state_of(line);
      if (!line.starts_with("State after permutation") || !std::getline(file, line)) continue;
      keccak_permute(GetParam(), s.data());
      EXPECT_EQ(s, state_of(line)) << name;
      count.ran("permutations");
    }
    count.expect({{"permutations", permutations}});
  }
}
#endif

TEST_P(Keccak, equals_portable_from_any_state_at_every_rate_and_alignment) {
  std::mt19937_64 rng(1);
  for (const size_t rate : kRates) {
    for (size_t round = 0; round < 100; ++round) {
      const size_t count = rng() % 8, offset = round % 9;
      const Bytes blocks = random_bytes(rng, offset + count * rate);
      const State before = random_state(rng);
      State ours = before, portable = before;
      keccak_absorb(GetParam(), ours.data(), rate, blocks.data() + offset, count);
      keccak_absorb(Lane::kPortable, portable.data(), rate, blocks.data() + offset, count);
      EXPECT_EQ(ours, portable) << rate << " " << count;
    }
  }
}

TEST_P(Keccak, reads_no_byte_outside_the_blocks) {
  Guarded page(2 * kKeccakRateMax);
  for (const size_t rate : kRates) {
    for (const bool end : {false, true}) {
      State s{};
      keccak_absorb(GetParam(), s.data(), rate, page.at(end, 2 * rate), 2);
    }
  }
}

TEST_P(Keccak, a_block_is_an_exclusive_or_and_a_permutation) {
  std::mt19937_64 rng(2);
  for (const size_t rate : kRates) {
    const Bytes blocks = random_bytes(rng, 2 * rate);
    const State before = random_state(rng);
    State whole = before, steps = before;
    keccak_absorb(GetParam(), whole.data(), rate, blocks.data(), 2);
    for (size_t block = 0; block < 2; ++block) {
      for (size_t i = 0; i < rate / 8; ++i) steps[i] ^= load_le64(blocks.data() + block * rate + 8 * i);
      keccak_permute(GetParam(), steps.data());
    }
    EXPECT_EQ(whole, steps) << rate;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Keccak, testing::ValuesIn(runnable_lanes(kKeccakKernels)), LaneTestName{});

TEST(KeccakChecks, a_lane_of_another_algorithm_and_a_rate_that_is_none_stop_the_process) {
  State s{};
  const uint8_t block[kKeccakRateMax] = {};
  EXPECT_DEATH(keccak_permute(Lane::kShani, s.data()), "");
  EXPECT_DEATH(keccak_absorb(Lane::kNone, s.data(), 136, block, 1), "");
  EXPECT_DEATH(keccak_absorb(Lane::kPortable, s.data(), 128, block, 1), "");
}

}  // namespace
}  // namespace cm::test
