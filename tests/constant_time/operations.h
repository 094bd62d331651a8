// SPDX-License-Identifier: Apache-2.0
// operations.h: every algorithm with secrets marked, on one lane.
#pragma once
#include <cstddef>

#include "crypto/base/lane.h"

namespace cm::test {

struct Operation {
  const char* name;
  // Whether the lane belongs to the algorithm, and then does it.
  bool (*run)(Lane lane);
};

// operations: all of them.
const Operation* operations(size_t* count);

}  // namespace cm::test
