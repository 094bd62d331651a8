// SPDX-License-Identifier: Apache-2.0
// cast_entropy.cpp: start-up health test of every entropy source that is present: 1024 raw samples each through the
// tests of entropy_sources.h (the form of SP 800-90B 4.3 and 4.4; no claim under that standard). The samples are
// thrown away.
#include "crypto/base/secret.h"
#include "crypto/entropy/entropy_sources.h"
#include "selftest/cast.h"

namespace cm::selftest {

bool cast_entropy(bool broken) {
  SecretArray<kEntropyStartupSamples> samples;
  for (const EntropySource source : kEntropySources) {
    if (!entropy_source_present(source)) continue;
    if (entropy_raw(source, samples.expose(), samples.size()) != Status::kOk) return false;
    if (broken) std::memset(samples.expose() + samples.size() / 2, 0xa5, samples.size() / 2);  // gets stuck half way
    if (!entropy_is_healthy(samples.expose(), samples.size())) return false;
  }
  return true;
}

}  // namespace cm::selftest
