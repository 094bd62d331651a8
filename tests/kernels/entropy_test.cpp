// SPDX-License-Identifier: Apache-2.0
// entropy_test.cpp: seed material, its sources and their health tests. That seeds are unpredictable no test can show;
// that a stuck or missing source is noticed can be shown.
#include "crypto/entropy/entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "crypto/entropy/entropy_sources.h"
#include "crypto/sha2/sha256_kernels.h"
#include "tests/support/inject_env.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

class Entropy : public testing::Test {
 protected:
  void TearDown() override {
    inject_env::reset();
    unsetenv("CM_TEST_BREAK_ENTROPY");
  }
};

Bytes seed_of(size_t size, Lane lane = Lane::kPortable) {
  Bytes out(size, 0xee);
  EXPECT_EQ(entropy_seed(lane, out.data(), size), Status::kOk);
  return out;
}

TEST_F(Entropy, every_size_is_filled_to_its_last_byte_and_no_further) {
  for (size_t size = 1; size <= 64; ++size) {
    std::set<uint8_t> last;
    for (int i = 0; i < 16; ++i) {
      Bytes out(size + 1, 0xee);
      ASSERT_EQ(entropy_seed(Lane::kPortable, out.data(), size), Status::kOk);
      EXPECT_EQ(out[size], 0xee);
      last.insert(out[size - 1]);
    }
    EXPECT_GT(last.size(), 1u) << size;
  }
}

TEST_F(Entropy, seeds_never_repeat_on_any_lane_or_thread) {
  std::vector<Bytes> seeds;
  for (const Lane lane : runnable_lanes(kSha256Kernels))
    for (int i = 0; i < 50; ++i) seeds.push_back(seed_of(48, lane));
  std::vector<Bytes> other(50);
  std::thread thread([&other] {
    for (Bytes& s : other) s = seed_of(48);
  });
  for (int i = 0; i < 50; ++i) seeds.push_back(seed_of(48));
  thread.join();
  seeds.insert(seeds.end(), other.begin(), other.end());
  std::set<Bytes> halves;
  for (const Bytes& s : seeds) {
    halves.emplace(s.begin(), s.begin() + 16);
    halves.emplace(s.begin() + 32, s.end());
  }
  EXPECT_EQ(halves.size(), 2 * seeds.size());
}

TEST_F(Entropy, sizes_outside_the_range_are_refused) {
  Bytes out(65, 0xee);
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), 0), Status::kLength);
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), 65), Status::kLength);
  EXPECT_EQ(out, Bytes(65, 0xee));
}

TEST_F(Entropy, a_stuck_source_gives_no_seed) {
  Bytes out(48, 0xee);
  inject_env::break_entropy(true);
  for (const EntropySource source : kEntropySources) {
    EXPECT_TRUE(!entropy_source_present(source) || entropy_raw(source, out.data(), 16) == Status::kEntropy);
  }
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), 16), Status::kEntropy);  // one draw: nothing to compare with
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), out.size()), Status::kEntropy);
  EXPECT_EQ(out, Bytes(48, 0));
  inject_env::break_entropy(false);
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), out.size()), Status::kOk);
  setenv("CM_TEST_BREAK_ENTROPY", "1", 1);
  EXPECT_EQ(entropy_seed(Lane::kPortable, out.data(), out.size()), Status::kEntropy);
}

TEST_F(Entropy, works_on_a_cpu_without_rdseed) {
  inject_env::set_hidden_features(kFeatureRdseed);
  EXPECT_FALSE(entropy_source_present(EntropySource::kRdseed));
  EXPECT_TRUE(entropy_source_present(EntropySource::kOs));
  const Bytes mark(kEntropyRaw, 3);
  entropy_repeats_last_draw(Lane::kPortable, EntropySource::kRdseed, mark.data());
  EXPECT_NE(seed_of(48), seed_of(48));
  // No draw has come in between.
  EXPECT_TRUE(entropy_repeats_last_draw(Lane::kPortable, EntropySource::kRdseed, mark.data()));
}

TEST_F(Entropy, each_source_delivers_and_passes_the_health_test) {
  for (const EntropySource source : kEntropySources) {
    if (!entropy_source_present(source)) continue;
    Bytes a(kEntropyStartupSamples), b(kEntropyStartupSamples);
    ASSERT_EQ(entropy_raw(source, a.data(), a.size()), Status::kOk);
    ASSERT_EQ(entropy_raw(source, b.data(), b.size()), Status::kOk);
    EXPECT_NE(a, b);
    EXPECT_TRUE(entropy_is_healthy(a.data(), a.size()));
    EXPECT_EQ(entropy_raw(source, a.data(), 15), Status::kEntropy);  // not whole words
  }
}

TEST_F(Entropy, a_draw_that_repeats_is_noticed_per_source) {
  const Bytes one(kEntropyRaw, 1), two(kEntropyRaw, 2);
  for (const EntropySource source : kEntropySources) {
    EXPECT_FALSE(entropy_repeats_last_draw(Lane::kPortable, source, one.data()));
    EXPECT_FALSE(entropy_repeats_last_draw(Lane::kPortable, source, two.data()));
    EXPECT_FALSE(entropy_repeats_last_draw(Lane::kPortable, source, one.data()));
    EXPECT_TRUE(entropy_repeats_last_draw(Lane::kPortable, source, one.data()));
  }
}

Bytes counting(size_t size) {
  Bytes samples(size);
  for (size_t i = 0; i < size; ++i) samples[i] = static_cast<uint8_t>(i);
  return samples;
}

TEST(EntropyHealth, a_run_of_41_fails_and_one_of_40_does_not) {
  for (const size_t start : {size_t{0}, size_t{500}, size_t{983}}) {
    Bytes samples = counting(1024);
    std::fill_n(samples.begin() + static_cast<ptrdiff_t>(start), 41, uint8_t{0x77});
    EXPECT_FALSE(entropy_is_healthy(samples.data(), samples.size())) << start;
    samples[start + 20] = 0x78;
    EXPECT_TRUE(entropy_is_healthy(samples.data(), samples.size())) << start;
  }
  Bytes samples = counting(1024);
  std::fill_n(samples.begin() + 100, 40, uint8_t{0x77});
  EXPECT_TRUE(entropy_is_healthy(samples.data(), samples.size()));
}

TEST(EntropyHealth, a_value_410_times_in_a_window_fails_and_409_times_does_not) {
  for (const size_t window : {size_t{0}, size_t{512}}) {
    for (const size_t count : {size_t{409}, size_t{410}}) {
      Bytes samples = counting(1024);
      for (size_t i = 0; i < 512; ++i) samples[window + i] = static_cast<uint8_t>(1 + i % 200);
      // Four equal, one other: short runs, and the first of the window is the frequent one.
      size_t placed = 0;
      for (size_t i = 0; i < 512 && placed < count; ++i) {
        if (i % 30 == 29) continue;
        samples[window + i] = 0;
        ++placed;
      }
      ASSERT_EQ(placed, count);
      EXPECT_EQ(entropy_is_healthy(samples.data(), samples.size()), count == 409) << window;
    }
  }
}

TEST(EntropyHealth, no_samples_are_not_healthy) { EXPECT_FALSE(entropy_is_healthy(nullptr, 0)); }

}  // namespace
}  // namespace cm::test
