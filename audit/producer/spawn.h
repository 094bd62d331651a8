// SPDX-License-Identifier: Apache-2.0
// spawn.h: starting a private writer. It becomes a session of its own and nobody's child of ours, with no descriptor of
// the application, no environment of the application, and default signals.
#pragma once
#include "audit/producer/clock.h"

namespace cm::audit {

// spawn_writer: true when a writer serves the log now: the one just started, or another that was quicker. false: its
// own words, or why it could not be started, are noted.
[[nodiscard]] bool spawn_writer(Deadline deadline);

}  // namespace cm::audit
