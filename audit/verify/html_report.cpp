// SPDX-License-Identifier: Apache-2.0
// html_report.cpp: see html_report.h. It must not judge, and never says less than the verdict as text does. One
// function a section; the page is their sequence.
#include "audit/verify/html_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/verify/html_charts.h"
#include "audit/verify/html_style.h"
#include "audit/verify/record_text.h"
#include "cryptomod/cryptomod.h"

namespace cm::audit::verify {
namespace {

constexpr auto kText = HtmlTable::Kind::kText;
constexpr auto kNumber = HtmlTable::Kind::kNumber;

Html section(std::string_view heading, const Html& content) {
  return {"<section>\n" + html_element("h2", html_text(heading)).markup + content.markup + "</section>\n"};
}

Html list(const std::vector<std::string>& lines) {
  Html items;
  for (const std::string& line : lines) items += html_element("li", html_text(line));
  return html_element("ul", items);
}

Html duration(uint64_t ns) { return html_text(duration_text(ns)); }

std::string service_name(uint32_t id) {
  std::string name = event_text(id);
  return id < kServiceEnd ? name.substr(0, name.rfind(' ')) : name;
}

// frames_of: how many of a type.
uint64_t frames_of(const Statistics& s, FrameType type) {
  const auto row = s.frames_by_type.find(type);
  return row == s.frames_by_type.end() ? 0 : row->second;
}

Html verdict(const Report& r) {
  const int code = exit_code(r);
  std::string sentence;
  const Finding* f = code == kExitVerified ? nullptr : r.first(code);
  if (f != nullptr) {
    const std::string where = describe(f->place);
    sentence = fmt::format("{}{}{}. ", finding_row(f->id).text, where.empty() ? "" : ": ", where);
  }
  if (code == kExitTampered) sentence += "Before that place: ";
  sentence += statement(r);
  return {fmt::format("<div class=\"verdict {0}\"><strong>Verdict: {0} (exit code {1})</strong>\n{2}</div>\n",
                      verdict_word(code), code, html_paragraph(sentence).markup)};
}

Html scope(const Report& r) {
  Html out;
  if (!r.complete)
    out = html_paragraph(fmt::format(
        "The log was not read to its end. Everything below, the verdict and the findings apart, is about the {} "
        "frames and {} records in front of that place. Nothing after it was counted.",
        r.counts.frames, r.counts.records));
  return out;
}

Html checks(const Report& r) {
  return section("What was checked", list(r.checked)) + section("What was not checked", list(r.not_checked));
}

const char* root_sentence(TrustRoot root) {
  switch (root) {
    case TrustRoot::kNone:
      return "None was given. The log was held only against its own claims: nothing is proved.";
    case TrustRoot::kAk:
      return "An attestation key alone was given. It pins no history: nothing is proved.";
    case TrustRoot::kEnrolment:
      return "An enrolment record, kept outside the log, was given and compared with the genesis frame.";
  }
  return "";
}

std::string optional_number(const std::optional<uint64_t>& value, const char* missing) {
  return value ? std::to_string(*value) : missing;
}

Html trust(const Report& r) {
  HtmlTable table("The log and what it was held against", {{"what", kText}, {"value", kText}});
  table.row({html_text("trust root"), html_text(root_sentence(r.root))});
  if (!r.log_id.empty()) table.row({html_text("log id"), html_text(r.log_id)});
  if (!r.tpm_kind.empty()) table.row({html_text("TPM, as the log says"), html_text(r.tpm_kind)});
  if (!r.head.empty()) table.row({html_text("head of the last judged frame"), html_text(r.head)});
  table.row({html_text("head to be contained"), html_text(!r.head_given  ? "none was given"
                                                          : r.head_found ? "given, and found"
                                                                         : "given, and not found")});
  table.row({html_text("TPM counter of the last anchor"), html_text(optional_number(r.nv_value, "not known"))});
  table.row({html_text("TPM counter given"), html_text(optional_number(r.nv_value_given, "none was given"))});
  return section("Trust root", table.done(""));
}

Html findings(const Report& r) {
  HtmlTable table("Findings in the order of their first occurrence", {{"finding", kText},
                                                                      {"exit code", kNumber},
                                                                      {"what it says", kText},
                                                                      {"detail", kText},
                                                                      {"first place", kText},
                                                                      {"how often", kNumber}});
  for (const Finding& f : r.findings) {
    const FindingRow& row = finding_row(f.id);
    table.row({html_text(row.name), html_number(static_cast<uint64_t>(row.exit_code)), html_text(row.text),
               html_text(f.detail), html_printable(describe(f.place)), html_number(f.count)});
  }
  return section("Findings", table.done("There are none."));
}

Html coverage(const Report& r) {
  const uint64_t covered = r.proof ? r.proof->records : 0;
  HtmlTable table("Records", {{"which", kText}, {"records", kNumber}, {"numbers", kText}});
  const auto range = [](uint64_t from, uint64_t behind) {
    return html_text(from == behind ? "none" : fmt::format("{} to {}", from, behind - 1));
  };
  table.row({html_text("judged"), html_number(r.counts.records), range(0, r.counts.records)});
  table.row({html_text("proved: under the enrolment record, covered by an anchor"),
             html_number(r.root == TrustRoot::kEnrolment ? covered : 0),
             range(0, r.root == TrustRoot::kEnrolment ? covered : 0)});
  table.row({html_text("covered by an anchor"), html_number(covered), range(0, covered)});
  table.row({html_text("tail: covered by none"), html_number(tail_records(r)), range(covered, r.counts.records)});
  HtmlTable sizes("Sizes", {{"segments", kNumber},
                            {"bytes", kNumber},
                            {"frames", kNumber},
                            {"clients", kNumber},
                            {"sessions", kNumber},
                            {"anchors", kNumber},
                            {"signatures checked", kNumber}});
  sizes.row({html_number(r.counts.segments), html_number(r.counts.bytes), html_number(r.counts.frames),
             html_number(r.counts.clients), html_number(r.counts.sessions), html_number(r.counts.anchors),
             html_number(r.counts.signatures)});
  return section("Coverage", coverage_chart(covered, r.counts.records) + table.done("") + sizes.done(""));
}

Html timeline(const Statistics& s) {
  if (s.frames == 0) return section("Timeline", html_paragraph("No frame was accepted."));
  Html out = timeline_chart(s.timeline);
  out += html_paragraph(fmt::format(
      "Records by the time at which the writer wrote their frame, per {}; from {} to {}. Anchors by the time at which "
      "they were asked for.",
      duration_text(s.timeline.width_ns()), utc_text(s.first_ns), utc_text(s.last_ns)));
  if (s.timeline.before_origin() != 0)
    out += html_paragraph(fmt::format("{} frames have a time before that of the first: they are in the first bar.",
                                      s.timeline.before_origin()));
  return section("Timeline", out);
}

Html gaps(const Statistics& s) {
  HtmlTable table("What was not recorded, was interrupted or waited", {{"what", kText}, {"how much", kText}});
  const auto count = [&](const char* what, uint64_t n) { table.row({html_text(what), html_number(n)}); };
  count("unexplained values of the PCR (possible truncation)", frames_of(s, FrameType::kUnexplainedExtend));
  count("writers that did not end the log (recoveries)", frames_of(s, FrameType::kRecovery));
  count("bytes of unfinished frames that recoveries cut off", s.losses.torn_bytes);
  count("rings broken by their client and cut off", frames_of(s, FrameType::kSealBroken));
  count("clients that ended without saying goodbye", frames_of(s, FrameType::kClientLost));
  count("calls refused because they could not be recorded", s.losses.calls_refused);
  count("acts and events that happened without a record", s.losses.acts_unrecorded);
  count("calls refused because they came from a signal handler", s.losses.calls_reentered);
  count("records that found no room before their client was attached", s.losses.boot_overflow);
  count("most records from one anchor to the next", s.anchors.most_records);
  table.row({html_text("longest time from one anchor to the next"), duration(s.anchors.longest_ns)});
  table.row({html_text("longest time without a frame within one run"), duration(s.longest_silence_ns)});
  Html out = html_paragraph(
      "Frames, records and the numbers in each ring have no gap as far as the log was judged: a missing one is a "
      "finding. "
      "This is what the records and frames themselves say is missing.");
  return section("Gaps", out + table.done(""));
}

Html runs(const Statistics& s) {
  HtmlTable table("Starts, ends and breaks",
                  {{"frame", kNumber}, {"what", kText}, {"writer's time", kText}, {"what it says", kText}});
  for (const Milestone& m : s.milestones.rows)
    table.row({html_number(m.frame), html_text(frame_type_text(static_cast<uint16_t>(m.type))), html_time(m.time_ns),
               html_printable(m.about)});
  table.others(s.milestones.others, "more of them");
  HtmlTable anchors("Anchors",
                    {{"anchors", kNumber}, {"answers to a challenge", kNumber}, {"first", kText}, {"last", kText}});
  if (s.anchors.count != 0)
    anchors.row({html_number(s.anchors.count), html_number(s.anchors.challenged), html_time(s.anchors.first_ns),
                 html_time(s.anchors.last_ns)});
  return section("Runs of the writer",
                 table.done("No frame was accepted.") + anchors.done("There is no anchor: nothing is covered."));
}

Html end_of(const ClientStatistics& c) {
  switch (c.end) {
    case ClientEnd::kStillAttached:
      return html_text("attached where the judged frames end");
    case ClientEnd::kDetached:
      return html_text("said goodbye at ") + html_time(c.left_ns);
    case ClientEnd::kLost:
      return html_text("lost at ") + html_time(c.left_ns) + html_text(fmt::format(" (reason {})", c.lost_reason));
  }
  return {};
}

Html clients(const Statistics& s) {
  HtmlTable table("Clients in the order in which they were attached", {{"client", kText},
                                                                       {"pid", kNumber},
                                                                       {"uid", kNumber},
                                                                       {"executable", kText},
                                                                       {"module", kText},
                                                                       {"attached", kText},
                                                                       {"end", kText},
                                                                       {"came back", kNumber},
                                                                       {"records", kNumber}});
  for (const ClientStatistics& c : s.clients)
    table.row({html_text(c.id.substr(0, 8)), html_text(std::to_string(c.pid)), html_text(std::to_string(c.uid)),
               html_text(c.executable), html_text(c.module_version), html_time(c.attached_ns), end_of(c),
               html_number(c.returns), html_number(c.records)});
  table.others(s.other_clients, fmt::format("more clients, with {} records", s.other_clients_records));
  return section("Clients", table.done("No client was attached."));
}

Html services(const Statistics& s) {
  HtmlTable table("Calls by service", {{"service", kText},
                                       {"calls", kNumber},
                                       {"ended", kNumber},
                                       {"failed", kNumber},
                                       {"approved", kNumber},
                                       {"not approved", kNumber},
                                       {"bytes in", kNumber},
                                       {"bytes out", kNumber},
                                       {"half within", kNumber},
                                       {"99 % within", kNumber},
                                       {"longest", kNumber}});
  for (const auto& [id, x] : s.services)
    table.row({html_text(service_name(id)), html_number(x.entries), html_number(x.exits), html_number(x.failed),
               html_number(x.approved), html_number(x.not_approved), html_number(x.bytes_in), html_number(x.bytes_out),
               duration(x.latencies.within(500)), duration(x.latencies.within(990)),
               duration(x.latencies.longest_ns())});
  Html out = table.done("No call was recorded.");
  if (!table.empty())
    out += html_paragraph(
        "Approved and not approved are the service indicators in the exit records. A service that is no security "
        "function "
        "counts as approved when it succeeds; a call that failed has no indicator, but for a batch of which some jobs "
        "were not approved. Times are those of the process that called, rounded up to powers of two.");
  return section("Services", out);
}

Html by_service(const char* caption, const char* what, const KeptCounts<std::pair<uint32_t, uint32_t>>& counts,
                const char* none) {
  HtmlTable table(caption, {{"service", kText}, {what, kText}, {"calls", kNumber}});
  for (const auto& [key, count] : counts.rows)
    table.row({html_text(service_name(key.first)), html_text(result_text(key.second)), html_number(count)});
  table.others(counts.others, "calls with other reasons");
  return table.done(none);
}

Html indicators(const Statistics& s) {
  return section("Not approved, and failed",
                 by_service("Calls that were not approved", "reason", s.reasons, "No call was not approved.") +
                     by_service("Calls that failed", "result", s.errors, "No call failed."));
}

Html latencies(const Statistics& s) {
  const Latencies& l = s.latencies;
  if (l.pairs() == 0) return section("Duration of calls", html_paragraph("No call has both entry and exit."));
  const std::string sentence = fmt::format(
      "{} calls with entry and exit: half of them within {}, 99 % within {}, 99.9 % within {}, the longest {}. {} of "
      "them "
      "end before they begin by the clock of their process and are in no bar.",
      l.pairs(), duration_text(l.within(500)), duration_text(l.within(990)), duration_text(l.within(999)),
      duration_text(l.longest_ns()), l.backwards());
  return section("Duration of calls", latency_chart(l) + html_paragraph(sentence));
}

const char* unfinished_text(ClientEnd end) {
  switch (end) {
    case ClientEnd::kStillAttached:
      return "open where the judged frames end";
    case ClientEnd::kDetached:
      return "its client said goodbye";
    case ClientEnd::kLost:
      return "its client was lost";
  }
  return "";
}

Html unfinished(const Statistics& s) {
  HtmlTable table("Entries without exit", {{"record", kNumber},
                                           {"service", kText},
                                           {"time", kText},
                                           {"ring", kNumber},
                                           {"object", kText},
                                           {"pid", kNumber},
                                           {"executable", kText},
                                           {"why it has none", kText}});
  for (const UnfinishedCall& c : s.unfinished.rows) {
    const Record& r = c.row.record;
    table.row({html_number(c.row.number), html_text(service_name(r.event_id)), html_time(r.time_ns),
               html_number(r.ring_id), html_text(fmt::format("{:#x}", r.object)), html_text(std::to_string(c.pid)),
               html_text(c.executable), html_text(unfinished_text(c.end))});
  }
  table.others(s.unfinished.others, "more entries");
  Html out = table.done("Every entry has its exit.");
  if (s.given_up != 0)
    out = table.done("") +
          html_paragraph(fmt::format("More than {} calls were open at once: of {} entries it is not known "
                                     "here whether they have an exit, and {} exits stand without their "
                                     "entry.",
                                     kKeptEntries, s.given_up, s.unpaired_exits));
  return section("Entries without exit", out);
}

Html self_tests(const Statistics& s) {
  HtmlTable table("Self-tests", {{"test", kText},
                                 {"runs", kNumber},
                                 {"failed", kNumber},
                                 {"first", kText},
                                 {"last", kText},
                                 {"slowest", kNumber}});
  for (const auto& [id, t] : s.self_tests)
    table.row({html_text(event_text(id)), html_number(t.runs), html_number(t.failed), html_time(t.first_ns),
               html_time(t.last_ns), duration(t.slowest_ns)});
  HtmlTable states("Changes of the module's state",
                   {{"record", kNumber}, {"state", kText}, {"time", kText}, {"cause", kText}, {"pid", kNumber}});
  for (const StateChange& c : s.states.rows)
    states.row({html_number(c.record), html_text(event_text(c.event_id)), html_time(c.time_ns),
                html_text(result_text(c.cause)), html_text(std::to_string(c.pid))});
  states.others(s.states.others, "more changes");
  return section("Self-tests and states",
                 table.done("No self-test was recorded.") + states.done("No change of state was recorded."));
}

Html events(const Statistics& s) {
  HtmlTable table("Other records by event", {{"event", kText}, {"records", kNumber}});
  for (const auto& [id, count] : s.events) table.row({html_text(event_text(id)), html_number(count)});
  HtmlTable frames("Frames by type", {{"type", kText}, {"frames", kNumber}});
  for (const auto& [type, count] : s.frames_by_type)
    frames.row({html_text(frame_type_text(static_cast<uint16_t>(type))), html_number(count)});
  return section("Events and frames", table.done("No other record.") + frames.done("No frame was accepted."));
}

Html footer() {
  return {"<footer>" +
          html_paragraph(
              fmt::format("Written by cryptomod-audit {} from the log and the trust root alone; the same log gives "
                          "the same page. The page is no proof: `cryptomod-audit verify` repeats the verdict from "
                          "the log. Text that a client chose has everything but printable ASCII, and the "
                          "backslash, as \\xNN and \\\\.",
                          CM_VERSION_STRING))
              .markup +
          "</footer>\n"};
}

}  // namespace

std::string html_report(const Report& report, const Statistics& statistics) {
  Html body = html_element("h1", html_text("Audit log of libcryptomod")) + verdict(report) + scope(report);
  body += findings(report) + coverage(report) + checks(report) + trust(report);
  body += timeline(statistics) + gaps(statistics) + runs(statistics) + clients(statistics) + unfinished(statistics);
  body += services(statistics) + indicators(statistics) + latencies(statistics);
  body += self_tests(statistics) + events(statistics);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>Audit log {}: {}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}</main>\n{}</body>\n</html>\n",
      html_text(report.log_id).markup, verdict_word(exit_code(report)), kHtmlStyle, body.markup, footer().markup);
}

}  // namespace cm::audit::verify
