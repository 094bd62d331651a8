// SPDX-License-Identifier: Apache-2.0
// judge.h: holds what the verifier says about a mutant against what must be said.
#pragma once
#include <string>

#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {

struct Answer {
  int code = 0;
  std::string wrong;                 // empty when it is right
  std::optional<FindingId> id = {};  // the first finding of that code
};

// judge: the verifier in this process; with_program: the program cryptomod-audit too, whose whole JSON verdict must be
// the same. keep: a directory for the log, or empty.
Answer judge(const Mutant& mutant, bool with_program, const std::string& keep);

// wrong_in: what is wrong with a verdict, empty when nothing is.
std::string wrong_in(const Expected& expected, const Report& report);

}  // namespace cm::audit::test
