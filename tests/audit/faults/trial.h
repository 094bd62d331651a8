// SPDX-License-Identifier: Apache-2.0
// trial.h: one seed of the fault campaign: lives of a real writer with faults, a last one without, and what must be
// true of the log afterwards.
#pragma once
#include <cstdint>
#include <string>

#include "tests/audit/faults/plan.h"

namespace cm::audit_test {

struct TrialResult {
  std::string wrong;                // empty: clean
  uint64_t hits = 0;                // faults of the plan that really happened
  bool kind_hit = false;            // one of them was of the plan's own kind
  int exit_code = -1;               // of the verdict
  uint64_t calls[kCallCount] = {};  // the most that one life made
};

// run_trial: in a process of its own; base is an empty directory. Standard error gets what the writer says.
TrialResult run_trial(const Plan& plan, const std::string& base);

}  // namespace cm::audit_test
