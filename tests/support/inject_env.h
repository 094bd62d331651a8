// SPDX-License-Identifier: Apache-2.0
// inject_env.h: the test build's side of selftest/inject.h. A test in the same process sets faults with the functions
// below; a test of the whole module sets them before it starts, as its self-tests run when the library is loaded:
//   CM_TEST_HIDE_FEATURES="shani,avx512"            names of kFeatureNames, hidden from cpu_features()
//   CM_TEST_BREAK_CAST="aes-encrypt:vaes512,..."    rows of selftest/casts.h with the lane ("none" where there is none)
//   CM_TEST_BREAK_ENTROPY="1"                       the entropy source is stuck; read at every draw, so that a test can
//                                                   set it to "0" and "1" while the module serves
//   CM_TEST_SEALS_BEFORE="4294967000"               random IVs that a new key counts as drawn; asked for each key
// A name that does not exist ends the process: a fault that is not injected must not look like a test that passed.
#pragma once
#include "crypto/cpu/features.h"

namespace cm::inject_env {

struct FeatureName {
  FeatureMask bit;
  char name[16];
};

constexpr FeatureName kFeatureNames[] = {
    {kFeatureSse41, "sse41"}, {kFeatureAesni, "aesni"},        {kFeatureShani, "shani"},
    {kFeatureBmi2, "bmi2"},   {kFeatureAvx2, "avx2"},          {kFeatureAvx512, "avx512"},
    {kFeatureVaes, "vaes"},   {kFeatureRdseed, "rdseed"},      {kFeatureInvariantTsc, "invariant_tsc"},
    {kFeatureIfma, "ifma"},   {kFeatureQuickSha, "quick_sha"},
};

// Faults set here add to those of the environment. Not thread-safe: set them while no other thread asks.
void set_hidden_features(FeatureMask hidden);
// break_cast: at most one at a time; nullptr as name for none.
void break_cast(const char* cast_name, const char* lane);
void break_entropy(bool broken);
// reset: takes back what the three functions above have set.
void reset();

}  // namespace cm::inject_env
