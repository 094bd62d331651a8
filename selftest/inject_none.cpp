// SPDX-License-Identifier: Apache-2.0
// inject_none.cpp: the release module's answers to inject.h: nothing is hidden and nothing is broken, ever. It must
// hold no state, so that no write to memory can turn a fault on or a self-test into theatre.
#include "selftest/inject.h"

namespace cm::inject {

FeatureMask hidden_features() { return kFeatureNone; }
bool breaks_cast(const char*, const char*) { return false; }
bool breaks_entropy() { return false; }
uint64_t seals_before() { return 0; }

}  // namespace cm::inject
