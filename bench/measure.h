// SPDX-License-Identifier: Apache-2.0
// measure.h: times the contestants of one row against each other: interleaved rounds, medians, the same care before
// every point, and points thrown away and taken again when something else got in.
#pragma once
#include <cstdint>

#include "bench/rows.h"

namespace cm::bench {

struct Times {
  double ns[kContestants];  // per job; 0 where the contestant does not take part
  unsigned discarded;       // points thrown away
};

// measure: rounds is the number of rounds kept. drain empties the rings of the audited module; it is called before each
// of its points and not timed, so that a point is a burst within ring capacity.
Times measure(const Row& row, unsigned rounds, const std::function<void()>& drain);

}  // namespace cm::bench
