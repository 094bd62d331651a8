// SPDX-License-Identifier: Apache-2.0
// show.h: prints a log for reading. It proves nothing and says so; it shows damaged logs as far as frames can be cut
// and says where it stopped.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "audit/parallel_hash.h"
#include "audit/verify/log_source.h"

namespace cm::audit::verify {

struct ShowOptions {
  Lane lane = Lane::kPortable;
  Lane wide = best_wide_sha256_lane();
  bool json = false;         // one JSON object a line
  bool frames_only = false;  // no records
  std::optional<uint32_t> ring;
  std::optional<uint32_t> event;  // without the exit bit
  std::string session;            // beginning of the id in hexadecimal
  bool filtered() const { return ring || event || !session.empty(); }
};

// show_log: calls print with whole lines. Returns 0 when everything was shown and sound within its frames, 3 when
// something was damaged or the end could not be reached.
int show_log(LogSource& source, const ShowOptions& options, const std::function<void(std::string_view)>& print);

// event_by_name: a name of the event table or a number; nothing when it is neither.
std::optional<uint32_t> event_by_name(const std::string& text);

}  // namespace cm::audit::verify
