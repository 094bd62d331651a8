// SPDX-License-Identifier: Apache-2.0
// features.h: what this CPU and its operating system can run. Read once with CPUID and XGETBV; no environment
// variable or file can change it. The test build of the module masks features through selftest/inject.h.
#pragma once
#include <cstdint>

namespace cm {

enum Feature : uint32_t {
  kFeatureNone = 0,
  kFeatureSse41 = 1u << 0,
  kFeatureAesni = 1u << 1,  // AES-NI and PCLMULQDQ together
  kFeatureShani = 1u << 2,
  kFeatureBmi2 = 1u << 3,    // BMI1 and BMI2 together
  kFeatureAvx2 = 1u << 4,    // with operating system support for ymm state
  kFeatureAvx512 = 1u << 5,  // F, BW, DQ, VL with operating system support for zmm state
  kFeatureVaes = 1u << 6,    // VAES and VPCLMULQDQ together
  kFeatureRdseed = 1u << 7,
  kFeatureInvariantTsc = 1u << 8,
  kFeatureIfma = 1u << 9,  // AVX-512 IFMA52 with operating system support for zmm state
  // SHA extensions that begin a SHA256RNDS2 every cycle, beside AVX-512 that does half a register at a time: AMD's
  // family 19h. No instruction depends on it, only which is faster.
  kFeatureQuickSha = 1u << 10,
};
using FeatureMask = uint32_t;

// cpu_features: detected features, less what a test build hides. Thread-safe; the first call detects.
FeatureMask cpu_features();

// cpu_features_detected: the same without the test mask.
FeatureMask cpu_features_detected();

}  // namespace cm
