// SPDX-License-Identifier: Apache-2.0
// lanes.h: the lane of each algorithm, latched when the self-tests have passed and never changed by a fault or a
// request.
#pragma once
#include "selftest/engine.h"

namespace cm {

// lanes: valid in every state after the self-tests; services run only then.
selftest::Lanes lanes();

}  // namespace cm
