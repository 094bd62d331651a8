// SPDX-License-Identifier: Apache-2.0
// record_text.h: how frames, records and damage are printed: as text for reading, as one JSON object a line, as CSV
// (RFC 4180). show, search, export and follow print through it and nowhere else. Keys and columns are a promise
// (docs/audit-format.md, "Reading a log"): they are only ever added. Each function returns whole lines.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "audit/verify/client_rules.h"
#include "audit/verify/frame_check.h"
#include "audit/verify/record_selection.h"

namespace cm::audit::verify {

enum class Format : uint8_t { kText, kJson, kCsv };

// result_text: the name of a result or of an indicator reason; its number when it has none.
std::string result_text(uint32_t return_code);

std::string record_line(Format format, const RecordRow& row);
// csv_header: the columns of record_line's CSV.
std::string csv_header();

// frame_line, stopped_line: text or JSON; CSV has no lines for them. why: where reading ended.
std::string frame_line(Format format, const FrameView& frame, const FramePlace& place,
                       const std::optional<Problem>& problem);
std::string stopped_line(Format format, const FramePlace& place, std::string_view why);
// damage_sentence: of a frame whose checks failed, for where frames themselves are not printed.
std::string damage_sentence(const FrameView& frame, const FramePlace& place, const Problem& problem);

}  // namespace cm::audit::verify
