// SPDX-License-Identifier: Apache-2.0
// no_cancel.h: keeps deferred cancellation (pthread_cancel) out of a stretch of code. libc unwinds a cancelled thread
// at the next cancellation point, past every destructor of this module, so a stretch that can reach one and has
// something to give back is guarded. The fast path of a service has no cancellation point and pays nothing.
#pragma once
#include <pthread.h>

namespace cm {

class NoCancel {
 public:
  NoCancel() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancel() { pthread_setcancelstate(before_, nullptr); }
  NoCancel(const NoCancel&) = delete;
  NoCancel& operator=(const NoCancel&) = delete;

 private:
  int before_;
};

}  // namespace cm
