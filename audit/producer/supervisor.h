// SPDX-License-Identifier: Apache-2.0
// supervisor.h: the library's one thread: it keeps a writer attached and reports what happened to the attachment. It
// makes no record of a call and never blocks one: calls notice a lost writer only by waiting for room or durability.
#pragma once
#include <cstdint>

namespace cm::audit {

inline constexpr uint32_t kWriterStartMs = 10'000;  // bound on a private writer's ready line
inline constexpr uint32_t kWelcomeMs = 10'000;      // bound on Welcome: the writer makes a frame durable before it

enum class Established : uint8_t { kUp, kHungUp, kFailed };
// establish_link: one attempt: connect, or start a private writer and connect; then the handshake. kHungUp: there was a
// writer and it went away or refused, which a private writer that is just ending does too.
Established establish_link();

// supervisor_start: with every signal blocked. false: no thread could be made.
[[nodiscard]] bool supervisor_start();
// supervisor_stop: ends and joins it, whatever it is waiting for.
void supervisor_stop();

// report_refusals: turns the counts of calls without records into one record, if there is room for it.
void report_refusals();

}  // namespace cm::audit
