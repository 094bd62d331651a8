// SPDX-License-Identifier: Apache-2.0
// log_printer.h: takes the frames of a log one after the other, whoever reads them, and prints what was asked for. It
// counts matches and remembers damage; it judges nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "audit/verify/record_filter.h"
#include "audit/verify/record_selection.h"
#include "audit/verify/record_text.h"

namespace cm::audit::verify {

struct PrintOptions {
  Format format = Format::kText;
  bool frames = true;   // with an empty filter only, but for frames_always
  bool records = true;  // else they are not looked at
  bool frames_always = false;
  bool count_only = false;  // no record is printed
  bool sound_only = false;  // no record of a damaged frame is printed
  uint64_t limit = 0;       // matches, 0: all; an entry printed for its exit is none
  RecordFilter filter;
};

// Print: whole lines; false when the output cannot take them.
using Print = std::function<bool(std::string_view)>;

class LogPrinter {
 public:
  // trouble: where damage goes when it may not stand among the records, else null. All must outlive the printer.
  LogPrinter(const PrintOptions& options, const Print& print, const Print& trouble)
      : options_(options), print_(print), trouble_(trouble), selection_(options.filter) {}

  // frame: false when nothing more is to be read: the limit is reached, or the output failed.
  bool frame(const FrameView& f, const FramePlace& place, const std::optional<Problem>& problem);
  void stopped(const FramePlace& place, std::string_view why);
  // set_quiet: while true nothing is printed or counted, but what later records need is learnt.
  void set_quiet(bool quiet) { quiet_ = quiet; }

  uint64_t matches() const { return matches_; }
  bool damaged() const { return damaged_; }
  bool output_failed() const { return output_failed_; }

 private:
  void head(const FrameView& f, const FramePlace& place, const std::optional<Problem>& problem);
  bool emit(const RecordRow& row);
  void line(const Print& print, std::string_view text);

  const PrintOptions& options_;
  const Print& print_;
  const Print& trouble_;
  RecordSelection selection_;
  uint64_t matches_ = 0;
  bool quiet_ = false;
  bool damaged_ = false;
  bool output_failed_ = false;
};

}  // namespace cm::audit::verify
