// SPDX-License-Identifier: Apache-2.0
// lane_choice.h: what the copy of the module for the fuzz targets can and the product cannot: choose its lanes.
#pragma once
#include "cryptomod/cryptomod.h"

// cm_fuzz_choose_lanes: keys made from now on work on these lanes. Every number is a choice among those that this CPU
// runs; 0 is the slowest of each.
extern "C" CM_EXPORT void cm_fuzz_choose_lanes(unsigned choice);
