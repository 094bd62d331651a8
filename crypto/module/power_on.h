// SPDX-License-Identifier: Apache-2.0
// power_on.h: self-tests at load and on demand, and what cm_status tells of them.
#pragma once
#include <cstdint>

#include "crypto/base/status.h"
#include "crypto/module/lanes.h"

namespace cm {

// run_self_tests: every test again, recorded. Does not move the state machine. Thread-safe.
void run_self_tests(selftest::Report& report);

// full_retest: kTestsBegin, all tests, then kTestsPassed or kTestsFailed: for re-initialisation and for leaving the
// error state. kOk or the failure. A module whose memory could not be set up at load fails each time.
Status full_retest(selftest::Report& report);

// open_imb: opens lane imb, tests it and records the outcome (imb.h). kOk; kUnsupported where there is none, which is
// not recorded; kIntegrity or kSelftest, named for cm_status, for the caller to act on. Once a process.
Status open_imb();

// note_failure: names what failed for cm_status; the first name is kept until a full re-test passes.
void note_failure(const char* name, const char* lane, Status cause);

struct FailureInfo {
  Status cause;  // kOk when nothing failed
  char name[64];
};
void failure_info(FailureInfo& out);
// forget_parent_failure: in a fork child: the lock of the above may be held by a thread that is not there.
void forget_parent_failure();

uint64_t load_to_ready_ns();

}  // namespace cm
