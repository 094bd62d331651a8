// SPDX-License-Identifier: Apache-2.0
// observer.h: who wants to see the frames that the verifier has accepted, in their order.
#pragma once
#include "audit/verify/client_rules.h"
#include "audit/verify/frame_check.h"

namespace cm::audit::verify {

class FrameObserver {
 public:
  virtual ~FrameObserver() = default;
  // accepted: the frame and all before it hold. The view ends with the call.
  virtual void accepted(const FrameView& frame, const FramePlace& place) = 0;
};

}  // namespace cm::audit::verify
