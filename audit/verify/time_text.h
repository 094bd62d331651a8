// SPDX-License-Identifier: Apache-2.0
// time_text.h: times as people give them on the command line. It must not guess: what is not wholly a time is refused.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace cm::audit::verify {

// parse_time: nanoseconds since 1970 of an RFC 3339 time in UTC (2026-11-23T01:18:00Z, up to nine digits of a second's
// fraction), of a date alone (its midnight), or of seconds since 1970 (with or without such a fraction). It reads what
// utc_text writes. Nothing for other zones, dates that do not exist, leap seconds, and times past 2554 (64 bits).
std::optional<uint64_t> parse_time(std::string_view text);

}  // namespace cm::audit::verify
