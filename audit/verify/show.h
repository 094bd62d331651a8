// SPDX-License-Identifier: Apache-2.0
// show.h: prints a log for reading, for show, search and export alike. It proves nothing and says so; it prints damaged
// logs as far as frames can be cut and says where it stopped.
#pragma once
#include "audit/parallel_hash.h"
#include "audit/verify/log_printer.h"
#include "audit/verify/log_source.h"

namespace cm::audit::verify {

struct ShowOptions : PrintOptions {
  Lane lane = Lane::kPortable;
  Lane wide = best_wide_sha256_lane();
};

struct Shown {
  // 0 when everything asked for was printed and sound within its frames, 2 when the output failed, 3 when something was
  // damaged or the end could not be reached.
  int code = 0;
  uint64_t matches = 0;
};

// show_log: trouble is where damage goes when it may not stand among what is printed.
Shown show_log(LogSource& source, const ShowOptions& options, const Print& print, const Print& trouble = {});

}  // namespace cm::audit::verify
