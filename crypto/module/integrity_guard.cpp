// SPDX-License-Identifier: Apache-2.0
// integrity_guard.cpp: a second look at the outcome of the power-on integrity test, apart from the code that ran it and
// moved the state machine (ISO/IEC 19790 7.5). One changed byte anywhere in the module is found by the digest; one in
// the few branches that act on the finding could hide it. Then this constructor ends the process. It must run after
// power_on, which therefore has a constructor priority; where it does not, every load stops here.
#include "crypto/base/check.h"
#include "crypto/module/fsm.h"
#include "crypto/module/integrity.h"

namespace cm {
namespace {

__attribute__((constructor)) void integrity_guard() {
  const State state = current_state();
  CM_CHECK(state != State::kPowerOn && state != State::kSelfTest);
  if (state != State::kError) CM_CHECK(integrity_confirmed());
}

}  // namespace
}  // namespace cm
