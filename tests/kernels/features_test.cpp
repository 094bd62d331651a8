// SPDX-License-Identifier: Apache-2.0
// features_test.cpp: CPU detection against the compiler's own, and the mask that only a test build has.
#include "crypto/cpu/features.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/inject_env.h"

namespace cm {
namespace {

bool detected(FeatureMask f) { return (cpu_features_detected() & f) == f; }

class Features : public testing::Test {
 protected:
  void SetUp() override { unsetenv("CM_TEST_HIDE_FEATURES"); }  // tools/test-lanes sets it
  void TearDown() override {
    inject_env::reset();
    unsetenv("CM_TEST_HIDE_FEATURES");
  }
};

TEST_F(Features, agree_with_the_compiler_runtime) {
  EXPECT_EQ(detected(kFeatureSse41), __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3"));
  EXPECT_EQ(detected(kFeatureAesni), __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul"));
  EXPECT_EQ(detected(kFeatureBmi2), (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")));
  EXPECT_EQ(detected(kFeatureAvx2), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(detected(kFeatureAvx512), __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
  EXPECT_EQ(detected(kFeatureIfma), __builtin_cpu_supports("avx512ifma") != 0);
  EXPECT_EQ(detected(kFeatureVaes), __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq"));
}

TEST_F(Features, report_nothing_without_a_name) {
  FeatureMask named = 0;
  for (const inject_env::FeatureName& row : inject_env::kFeatureNames) {
    EXPECT_EQ(named & row.bit, 0u) << row.name;
    named |= row.bit;
  }
  EXPECT_EQ(cpu_features_detected() & ~named, 0u);
}

TEST_F(Features, hidden_ones_are_not_reported_but_stay_detected) {
  const FeatureMask all = cpu_features_detected();
  EXPECT_EQ(cpu_features(), all);
  for (const inject_env::FeatureName& row : inject_env::kFeatureNames) {
    inject_env::set_hidden_features(row.bit);
    EXPECT_EQ(cpu_features(), all & ~row.bit) << row.name;
    EXPECT_EQ(cpu_features_detected(), all) << row.name;
  }
}

TEST_F(Features, are_hidden_by_the_environment_of_a_test_build) {
  setenv("CM_TEST_HIDE_FEATURES", "sse41,rdseed", 1);
  EXPECT_EQ(cpu_features(), cpu_features_detected() & ~FeatureMask{kFeatureSse41 | kFeatureRdseed});
  setenv("CM_TEST_HIDE_FEATURES", "", 1);
  EXPECT_EQ(cpu_features(), cpu_features_detected());
}

TEST_F(Features, a_misspelt_name_ends_the_process) {
  setenv("CM_TEST_HIDE_FEATURES", "sse41,sse42", 1);
  EXPECT_DEATH((void)cpu_features(), "no such name: sse42");
}

}  // namespace
}  // namespace cm
