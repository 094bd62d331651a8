// SPDX-License-Identifier: Apache-2.0
// kernel_row.h: a row of the kernel tables (<algorithm>_kernels.h): a lane and the CPU features it needs. Rows stand in
// ascending speed.
#pragma once
#include "crypto/base/lane.h"
#include "crypto/cpu/features.h"

namespace cm {

struct KernelRow {
  Lane lane;
  FeatureMask needs;
};

}  // namespace cm
