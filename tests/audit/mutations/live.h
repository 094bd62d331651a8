// SPDX-License-Identifier: Apache-2.0
// live.h: the log of a real cryptomod-auditd while clients come, record, go and die, and the writer is killed and
// started again: every look at it must say "live" and nothing of tampering.
#pragma once
#include <cstdint>
#include <memory>

#include "tests/audit/mutations/judge.h"

namespace cm::audit::test {

class LiveLog {
 public:
  explicit LiveLog(uint64_t seed);
  ~LiveLog();
  LiveLog(const LiveLog&) = delete;
  LiveLog& operator=(const LiveLog&) = delete;

  // look: at the directory itself or at a copy of it, in this process or by the program.
  Answer look();
  // change: the first call ends writer and log, which must be verified as it is; each other one flips one bit of it.
  Answer change();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cm::audit::test
