// SPDX-License-Identifier: Apache-2.0
// log_printer.cpp: see log_printer.h. Damage is told even where nothing else of a frame is asked for.
#include "audit/verify/log_printer.h"

namespace cm::audit::verify {

void LogPrinter::line(const Print& print, std::string_view text) {
  if (!output_failed_ && !print(text)) output_failed_ = true;
}

bool LogPrinter::frame(const FrameView& f, const FramePlace& place, const std::optional<Problem>& problem) {
  if (problem) damaged_ = true;
  head(f, place, problem);
  if (!options_.records || (problem && options_.sound_only)) return !output_failed_;
  return selection_.take(f, problem.has_value(), [this](const RecordRow& row) { return emit(row); }) && !output_failed_;
}

void LogPrinter::head(const FrameView& f, const FramePlace& place, const std::optional<Problem>& problem) {
  const bool asked = options_.frames_always || (options_.frames && options_.filter.empty());
  const bool told = problem && trouble_;
  if (told) line(trouble_, damage_sentence(f, place, *problem));
  if ((asked && !quiet_) || (problem && !told)) line(print_, frame_line(options_.format, f, place, problem));
}

bool LogPrinter::emit(const RecordRow& row) {
  if (quiet_) return true;
  if (!options_.count_only) line(print_, record_line(options_.format, row));
  if (!row.with_exit) ++matches_;
  return !output_failed_ && (options_.limit == 0 || matches_ < options_.limit);
}

void LogPrinter::stopped(const FramePlace& place, std::string_view why) {
  if (trouble_)
    line(trouble_, stopped_line(Format::kText, place, why));
  else
    line(print_, stopped_line(options_.format, place, why));
}

}  // namespace cm::audit::verify
