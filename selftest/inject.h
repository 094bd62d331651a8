// SPDX-License-Identifier: Apache-2.0
// inject.h: the only door for tests into self-tests, CPU features and faults. The release library links
// inject_none.cpp, whose answers are constants; the test build of the module links tests/support/inject_env.cpp
// instead. Chosen at link time: no macro, no environment variable and no API of the product leads here.
#pragma once
#include <cstdint>

#include "crypto/cpu/features.h"

namespace cm::inject {

// hidden_features: features that cpu_features() must not report.
FeatureMask hidden_features();

// breaks_cast: whether the CAST of this name on this lane must see a wrong answer.
bool breaks_cast(const char* cast_name, const char* lane);

// breaks_entropy: whether the entropy source must report failure.
bool breaks_entropy();

// seals_before: how many random IVs a new key counts as drawn already.
uint64_t seals_before();

}  // namespace cm::inject
