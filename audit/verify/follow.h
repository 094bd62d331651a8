// SPDX-License-Identifier: Apache-2.0
// follow.h: prints a log while it is written. Only records of whole frames whose checks passed are printed; bytes that
// are no such frame may be one that is being written, and are called damaged only when they stay so. It proves nothing.
#pragma once
#include <cstdint>

#include "audit/parallel_hash.h"
#include "audit/verify/log_printer.h"
#include "audit/verify/log_source.h"

namespace cm::audit::verify {

inline constexpr uint32_t kFollowPollMs = 1000;   // at the latest the log is looked at again
inline constexpr uint32_t kFollowSettleMs = 500;  // how long what looks damaged must look so

// FollowWaiter: time and the wish to stop. directory_waiter.h is the real one.
class FollowWaiter {
 public:
  FollowWaiter() = default;
  FollowWaiter(const FollowWaiter&) = delete;
  FollowWaiter& operator=(const FollowWaiter&) = delete;
  virtual ~FollowWaiter() = default;
  // wait: until something may have changed, for at most so long.
  virtual void wait(uint32_t at_most_ms) = 0;
  virtual bool stop_asked() = 0;
  virtual uint64_t now_ms() = 0;
};

struct FollowOptions : PrintOptions {
  Lane lane = Lane::kPortable;
  bool from_start = false;  // else what is there at the start is not printed
};

// follow_log: until stop is asked for, or an end frame was read that no start of a writer follows. 0 then; 2 when the
// log cannot be read any more or the output failed; 3 when a frame was damaged, or no frame can be cut any more.
// source is open; trouble takes sentences about damage.
int follow_log(DirectorySource& source, const FollowOptions& options, FollowWaiter& waiter, const Print& print,
               const Print& trouble);

}  // namespace cm::audit::verify
