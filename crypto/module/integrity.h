// SPDX-License-Identifier: Apache-2.0
// integrity.h: the module's integrity test on its own image in memory (ISO/IEC 19790 7.5, 7.10.2.2), at load and on
// demand. It must run after the self-tests of SHA-256 and HMAC on the lane it is given.
#pragma once
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm {

// integrity_check: kOk when this module in memory has the digest that the build injected, else kIntegrity. Thread-safe.
Status integrity_check(Lane sha256_lane);

// integrity_digest: the digest that the last integrity_check computed, 32 bytes; zeros before the first and after one
// that found the image malformed. Thread-safe; checks that run at the same moment store the same value unless the image
// is changing under them.
void integrity_digest(uint8_t* out);

// integrity_confirmed: compares the last computed digest with the expected one again, in code of its own. Together with
// integrity_guard.cpp it stands in for the case that the one damaged byte is in the code that acts on integrity_check.
bool integrity_confirmed();

}  // namespace cm
