// SPDX-License-Identifier: Apache-2.0
// check.h: invariants that stay on in release builds. A failed check is a defect of the module, never of its input;
// it stops the process at once (ud2), because a module that is wrong about itself must not compute on.
#pragma once

namespace cm {
[[noreturn]] inline void fail_stop() { __builtin_trap(); }
}  // namespace cm

#define CM_CHECK(condition)                                   \
  do {                                                        \
    if (__builtin_expect(!(condition), 0)) ::cm::fail_stop(); \
  } while (false)
