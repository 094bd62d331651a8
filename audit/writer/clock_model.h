// SPDX-License-Identifier: Apache-2.0
// clock_model.h: the line that turns TSC ticks into UTC for the records' time stamps (payload.h, Clock). The rate is
// that of CLOCK_MONOTONIC, which is slewed but never steps; the offset is that of CLOCK_REALTIME.
#pragma once
#include <cstdint>
#include <optional>

#include "audit/payload.h"

namespace cm::audit {

class ClockModel {
 public:
  explicit ClockModel(uint32_t last_generation) : generation_(last_generation) {}

  // proposal: new parameters when there are none yet, when they are older than a minute or more than a millisecond
  // wrong; nothing is in force before accept. The first call takes 20 ms to measure the rate.
  std::optional<Clock> proposal();
  void accept(const Clock& clock);
  const Clock& current() const { return current_; }

 private:
  struct Sample {
    uint64_t tsc;
    uint64_t utc_ns;
    uint64_t monotonic_ns;
  };

  static Sample sample();
  uint64_t rate_until(const Sample& now) const;

  uint32_t generation_;
  bool valid_ = false;
  Clock current_;
  Sample origin_{};           // where the measurement of the rate began
  uint64_t accepted_ns_ = 0;  // monotonic
};

// utc_of: the estimate for a tick count by these parameters.
uint64_t utc_of(const Clock& clock, uint64_t tsc);

}  // namespace cm::audit
