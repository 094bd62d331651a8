// SPDX-License-Identifier: Apache-2.0
// lanes.h: the lanes of a kernel table that this CPU can run, so that a test runs on each and never on fewer by
// mistake.
#pragma once
#include <string>
#include <vector>

#include "crypto/cpu/features.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm::test {

template <size_t N>
std::vector<Lane> runnable_lanes(const KernelRow (&table)[N]) {
  std::vector<Lane> lanes;
  for (const KernelRow& row : table)
    if ((cpu_features() & row.needs) == row.needs) lanes.push_back(row.lane);
  return lanes;
}

// LaneTestName: names the cases of INSTANTIATE_TEST_SUITE_P after their lanes.
struct LaneTestName {
  template <class Info>
  std::string operator()(const Info& info) const {
    return lane_name(info.param);
  }
};

}  // namespace cm::test
