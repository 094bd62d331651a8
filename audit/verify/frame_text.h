// SPDX-License-Identifier: Apache-2.0
// frame_text.h: what a frame says, in one line for reading. What was not decoded is said to be so.
#pragma once
#include <string>

#include "audit/verify/frame_check.h"

namespace cm::audit::verify {

std::string frame_about(const FrameView& f);

}  // namespace cm::audit::verify
