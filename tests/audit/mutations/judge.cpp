// SPDX-License-Identifier: Apache-2.0
// judge.cpp: see judge.h.
#include "tests/audit/mutations/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

namespace fs = std::filesystem;

std::string names(const Findings& findings) {
  std::string out;
  for (const FindingId id : findings) out += std::string(" ") + verify::finding_row(id).name;
  return out.empty() ? " none" : out;
}

// wrong_place: of the finding that decides.
std::string wrong_place(const Expected& e, const verify::Finding& f) {
  const verify::Place& place = f.place;
  if (e.segment && *e.segment != place.segment) return "segment " + *e.segment;
  if (e.offset && *e.offset != place.offset) return fmt::format("offset {}", *e.offset);
  if (e.record && (!place.record || place.record->number != *e.record)) return fmt::format("record {}", *e.record);
  if (!e.frame) return "";
  const uint64_t last = e.last_frame.value_or(*e.frame);
  // What a client used and never opened is named where it was used first, which may be before the change.
  const uint64_t first = e.last_frame && f.id == FindingId::kSessionUnopened ? 0 : *e.frame;
  if (place.frame && *place.frame >= first && *place.frame <= last) return "";
  return fmt::format("frame {} to {}", first, last);
}

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
}

void write_log(const Mutant& m, const std::string& base) {
  fs::create_directories(base + "/log");
  for (size_t i = 0; i < m.segments.size(); ++i)
    write(base + "/log/" + segment_name(i),
          {reinterpret_cast<const char*>(m.segments[i].data()), m.segments[i].size()});
  if (m.trust.enrolment) write(base + "/enrolment.json", enrolment_json(*m.trust.enrolment));
  if (m.trust.ak) write(base + "/ak", verify::hex_text(ak_template(kAkAttributes, m.trust.ak->x, m.trust.ak->y)));
  if (m.change_files) m.change_files(base + "/log");
}

Report verify_directory(const Mutant& m, const std::string& base) {
  static const Lane lane = best_sha256_lane();
  Report report;
  verify::DirectorySource source;
  if (source.open(base + "/log", report)) verify::verify_log(source, {lane, m.trust, m.head, m.nv_value}, report);
  return report;
}

std::string program_differs(const Mutant& m, const std::string& base, const Report& report) {
  std::string arguments = "verify " + base + "/log --json";
  if (m.trust.enrolment) arguments += " --enrolment " + base + "/enrolment.json";
  if (m.trust.ak) arguments += " --ak " + base + "/ak";
  if (m.head) arguments += " --head " + verify::hex_text(*m.head);
  if (m.nv_value) arguments += " --nv-value " + std::to_string(*m.nv_value);
  std::string said;
  const int code = run_audit(arguments, &said);
  if (code != exit_code(report)) return fmt::format("the program ends with {}", code);
  return said == to_json(report) ? "" : "the program's verdict is another";
}

}  // namespace

std::string wrong_in(const Expected& e, const Report& report) {
  const int code = exit_code(report);
  const bool allowed = e.may_be.empty() ? code == e.code : std::ranges::find(e.may_be, code) != e.may_be.end();
  if (!allowed) return fmt::format("exit code {} instead of {}", code, e.code);
  Findings found;
  for (const verify::Finding& f : report.findings) found.insert(f.id);
  if (e.all && *e.all != found) return fmt::format("the findings are not{}", names(*e.all));
  const uint64_t proved = report.proof ? report.proof->records : 0;
  if (e.proved && *e.proved != proved)
    return fmt::format("{} records are said to be proved, not {}", proved, *e.proved);
  const bool ended_there = code == verify::kExitTampered || code == verify::kExitUndecided;
  if (e.all || !ended_there) return "";
  const verify::Finding& f = *report.first(code);
  if (!e.ids.empty() && std::ranges::find(e.ids, f.id) == e.ids.end())
    return fmt::format("{} instead of {}", verify::finding_row(f.id).name, verify::finding_row(e.ids[0]).name);
  const std::string place = wrong_place(e, f);
  return place.empty() ? "" : "the place is not " + place;
}

Answer judge(const Mutant& m, bool with_program, const std::string& keep) {
  const bool files = m.change_files || with_program || !keep.empty();
  const std::unique_ptr<LogDirectory> own(files && keep.empty() ? std::make_unique<LogDirectory>() : nullptr);
  const std::string base = own ? own->path() : keep;
  if (files) write_log(m, base);
  const Report report = m.change_files ? verify_directory(m, base) : check(m.segments, m.trust, m.head, m.nv_value);
  Answer answer{exit_code(report), wrong_in(m.expected, report)};
  if (const verify::Finding* f = report.first(answer.code); f != nullptr) answer.id = f->id;
  if (answer.wrong.empty() && with_program) answer.wrong = program_differs(m, base, report);
  if (!answer.wrong.empty()) answer.wrong += fmt::format(" [{}]: {}", m.what, ids(report));
  return answer;
}

}  // namespace cm::audit::test
