// SPDX-License-Identifier: Apache-2.0
// link.h: the socket to the writer (wire.h): connect, Hello and Welcome, Bye. Used by attach while there is no
// supervisor and by the supervisor afterwards, never by both. What arrives is copied, measured and checked before it is
// believed. All waits end when the supervisor is told to stop.
#pragma once
#include <cstdint>

#include "audit/producer/clock.h"

namespace cm::audit {

enum class ConnectResult : uint8_t { kConnected, kNobody, kFailed };

// link_connect: a connected socket in g_process.link_fd. kNobody: no writer listens there (a private one may be
// started).
ConnectResult link_connect();

// link_handshake: Hello with the memory and our executable, then a Welcome that is right in every field. On failure the
// reason is noted and the socket closed.
[[nodiscard]] bool link_handshake(Deadline deadline);

void link_drop();

[[nodiscard]] bool link_send_bye(bool end_log);

enum class LinkMessage : uint8_t { kNone, kByeDone, kGone };
// link_read: what the writer said, without waiting. Anything but ByeDone is a broken connection.
LinkMessage link_read();

enum class Readiness : uint8_t { kReady, kTimeout, kStopped };
// wait_readable: until fd can be read or has ended.
Readiness wait_readable(int fd, Deadline deadline);
// drain_kicks: forgets the kicks so far; what they announced is looked at afterwards.
void drain_kicks();

}  // namespace cm::audit
