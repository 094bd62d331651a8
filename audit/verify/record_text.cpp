// SPDX-License-Identifier: Apache-2.0
// record_text.cpp: see record_text.h. It must not let a text of the log through that could be taken for something else
// by a terminal, a CSV reader or a spreadsheet.
#include "audit/verify/record_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "audit/verify/frame_text.h"
#include "crypto/base/status.h"

namespace cm::audit::verify {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kSessionPrefix = 8;  // hexadecimal digits of the session shown in a line

// The keys of record_json in the order of columns.
constexpr const char* kColumns[] = {"record", "frame",   "time",   "time_ns",     "ring",      "ring_seq", "event_id",
                                    "event",  "session", "object", "return_code", "result",    "jobs",     "failed",
                                    "bytes",  "lane",    "reason", "job",         "call_ring", "call_seq", "ns",
                                    "detail", "client",  "pid",    "executable",  "damaged"};

// call_text: the call that a record is part of, by its entry record. The record itself stands in the client's first
// ring.
std::string call_text(const Record& r) {
  if (part_ring(r) == kCallElsewhere) return "a call from before the client had a ring";
  return fmt::format("ring {} seq {}", uint64_t{r.ring_id} + part_ring(r), part_seq(r));
}

// what_text: what detail and return code say, by the kind of record.
std::string what_text(const Record& r) {
  if (is_service(r) && is_exit(r)) {
    std::string out = fmt::format(" {} {} bytes", result_text(r.return_code), detail_bytes(r.detail));
    if (detail_lane(r.detail) != Lane::kNone) out += fmt::format(" lane {}", lane_name(detail_lane(r.detail)));
    return out;
  }
  if (is_service(r)) return fmt::format(" {} bytes", r.detail);
  if (is_part_of_call(r)) return fmt::format(" job {} of ", part_number(r)) + call_text(r);
  const std::string result = has_result(r) ? " " + result_text(r.return_code) : "";
  if (is_self_test(r)) return result + fmt::format(" lane {} {} ns", lane_name(self_test_lane(r)), self_test_ns(r));
  return result + fmt::format(" detail {:#x}", r.detail);
}

std::string object_text(const Record& r) {
  if (!is_service(r) || !is_batch(r.event_id & ~kExitBit))
    return r.object != 0 ? fmt::format(" object {:#x}", r.object) : "";
  std::string out = fmt::format(" jobs {}", static_cast<uint32_t>(r.object));
  if (is_exit(r)) out += fmt::format(" failed {}", r.object >> 32);
  // Of a batch in which a job failed the result does not say that another was not approved.
  const uint32_t reason = is_exit(r) ? detail_reason(r.detail) : 0;
  if (reason != 0 && reason != r.return_code) out += " with " + result_text(reason);
  return out;
}

std::string text_line(const RecordRow& row) {
  const Record& r = row.record;
  const std::string session = hex_text(r.session_id);
  const bool has_session = session.find_first_not_of('0') != std::string::npos;
  return fmt::format("#{} {} ring {} seq {} {}{}{}{}\n", row.number, utc_text(r.time_ns), r.ring_id, row.ring_seq,
                     event_text(r.event_id), what_text(r),
                     has_session ? " session " + session.substr(0, kSessionPrefix) : "", object_text(r));
}

// add_kind: the keys that only some kinds of records have.
void add_kind(Json& out, const Record& r) {
  const bool exit = is_service(r) && is_exit(r);
  if (is_service(r) && is_batch(r.event_id & ~kExitBit)) {
    out["jobs"] = static_cast<uint32_t>(r.object);
    if (exit) out["failed"] = r.object >> 32;
  }
  out["bytes"] = exit ? detail_bytes(r.detail) : is_service(r) ? r.detail : 0;
  if (exit) {
    out["lane"] = lane_name(detail_lane(r.detail));
    out["reason"] = detail_reason(r.detail);
  }
  if (is_part_of_call(r)) {
    out["job"] = part_number(r);
    if (part_ring(r) != kCallElsewhere) {
      out["call_ring"] = uint64_t{r.ring_id} + part_ring(r);
      out["call_seq"] = part_seq(r);
    }
  }
  if (is_self_test(r)) {
    out["lane"] = lane_name(self_test_lane(r));
    out["ns"] = self_test_ns(r);
  }
  if (!is_service(r)) out["detail"] = r.detail;
}

Json record_json(const RecordRow& row) {
  const Record& r = row.record;
  Json out = {{"type", "record"},
              {"record", row.number},
              {"frame", row.frame},
              {"time", utc_text(r.time_ns)},
              {"time_ns", r.time_ns},
              {"ring", r.ring_id},
              {"ring_seq", row.ring_seq},
              {"event_id", r.event_id},
              {"event", event_text(r.event_id)},
              {"session", hex_text(r.session_id)},
              {"object", r.object},
              {"return_code", static_cast<int32_t>(r.return_code)},
              {"result", result_text(r.return_code)}};
  add_kind(out, r);
  const RingOwner* owner = row.owner;
  out["client"] = owner != nullptr ? Json(hex_text(owner->client_id)) : Json(nullptr);
  out["pid"] = owner != nullptr ? Json(owner->pid) : Json(nullptr);
  out["executable"] = owner != nullptr ? Json(printable_text(owner->executable)) : Json(nullptr);
  out["damaged"] = row.damaged;
  return out;
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

// csv_cell: numbers and truth values bare; text always in quotes, so that a reader that splits at something else than
// commas splits no text. What a spreadsheet would take for a formula gets an apostrophe in front.
std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  std::string out = "\"";
  const auto& text = value.get_ref<const std::string&>();
  if (!text.empty() && std::string_view("=+-@\t\r\n").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string csv_line(const Json& json) {
  std::string out;
  for (const char* column : kColumns) {
    const auto value = json.find(column);
    if (value != json.end()) out += csv_cell(*value);
    out += ',';
  }
  out.back() = '\r';
  return out + "\n";
}

std::string damage_text(const Problem& problem) {
  return fmt::format("{} {}", finding_row(problem.id).name, problem.detail);
}

}  // namespace

std::string result_text(uint32_t return_code) {
  const auto rc = static_cast<int32_t>(return_code);
  const StatusRow* row = status_row(rc);
  return row != nullptr ? row->name : fmt::format("{}", rc);
}

std::string record_line(Format format, const RecordRow& row) {
  switch (format) {
    case Format::kText:
      return text_line(row);
    case Format::kJson:
      return json_line(record_json(row));
    case Format::kCsv:
      return csv_line(record_json(row));
  }
  return "";
}

std::string csv_header() {
  std::string out;
  for (const char* column : kColumns) out += std::string(column) + ',';
  out.back() = '\r';
  return out + "\n";
}

std::string frame_line(Format format, const FrameView& f, const FramePlace& place,
                       const std::optional<Problem>& problem) {
  if (format == Format::kJson) {
    Json out = {{"type", "frame"},
                {"frame", f.header.frame_seq},
                {"kind", frame_type_text(f.header.type)},
                {"segment", place.segment},
                {"offset", place.offset},
                {"time", utc_text(f.header.writer_time_ns)},
                {"time_ns", f.header.writer_time_ns},
                {"first_record", f.header.first_record},
                {"records", f.header.record_count},
                {"about", frame_about(f)}};
    if (problem) out["damaged"] = damage_text(*problem);
    return json_line(out);
  }
  std::string out =
      fmt::format("== frame {} {} {} records {} | {}\n", f.header.frame_seq, frame_type_text(f.header.type),
                  utc_text(f.header.writer_time_ns), f.header.record_count, frame_about(f));
  if (problem) out += fmt::format("!! damaged: {} (offset {} of the frame)\n", damage_text(*problem), problem->offset);
  return out;
}

std::string stopped_line(Format format, const FramePlace& place, std::string_view why) {
  if (format == Format::kJson)
    return json_line({{"type", "stopped"}, {"segment", place.segment}, {"offset", place.offset}, {"why", why}});
  return fmt::format("!! stopped at {} offset {}: {}\n", place.segment, place.offset, why);
}

std::string damage_sentence(const FrameView& f, const FramePlace& place, const Problem& problem) {
  return fmt::format("!! frame {} at {} offset {} is damaged: {} (offset {} of the frame)\n", f.header.frame_seq,
                     place.segment, place.offset, damage_text(problem), problem.offset);
}

}  // namespace cm::audit::verify
