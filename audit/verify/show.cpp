// SPDX-License-Identifier: Apache-2.0
// show.cpp: see show.h. It must not judge: a damaged frame is marked and printed all the same.
#include "audit/verify/show.h"

#include "audit/verify/frame_ahead.h"

namespace cm::audit::verify {
namespace {

constexpr int kGoOn = -1;

// step: what follows from one step: an exit code, or that there is more.
int step(FrameAhead& stream, LogPrinter& printer) {
  switch (stream.next()) {
    case Step::kFrame:
      if (printer.frame(stream.frame(), stream.place(), stream.check())) return kGoOn;
      break;
    case Step::kEnd:
      break;
    case Step::kTorn:
      printer.stopped(stream.place(), "the last frame is incomplete");
      return kExitIncomplete;
    case Step::kProblem:
      printer.stopped(stream.place(), finding_row(stream.problem().id).text);
      return kExitIncomplete;
  }
  return printer.damaged() ? kExitIncomplete : kExitVerified;
}

}  // namespace

Shown show_log(LogSource& source, const ShowOptions& options, const Print& print, const Print& trouble) {
  FrameAhead stream(source, options.lane, options.wide);
  LogPrinter printer(options, print, trouble);
  int code = kGoOn;
  while (code == kGoOn) code = step(stream, printer);
  return {printer.output_failed() ? kExitUndecided : code, printer.matches()};
}

}  // namespace cm::audit::verify
