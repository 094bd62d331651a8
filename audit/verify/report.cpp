// SPDX-License-Identifier: Apache-2.0
// report.cpp: see report.h.
#include "audit/verify/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "audit/events.h"

namespace cm::audit::verify {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

std::string tpm_time(const Proof& p) {
  return fmt::format("{} ms of clock (reset {}, restart {}{}; about {})", p.clock_ms, p.reset_count, p.restart_count,
                     p.clock_safe ? "" : ", clock not safe", utc_text(p.writer_time_ns));
}

std::string through(const Proof& p) {
  if (p.records == 0) return fmt::format("through frame {}, before the first record", p.frame_seq);
  return fmt::format("through record {}", p.records - 1);
}

std::string_view root_word(TrustRoot root) {
  switch (root) {
    case TrustRoot::kNone:
      return "none";
    case TrustRoot::kAk:
      return "ak";
    case TrustRoot::kEnrolment:
      return "enrolment";
  }
  return "none";
}

nlohmann::json place_json(const Place& place) {
  nlohmann::json out = nlohmann::json::object();
  if (!place.segment.empty()) {
    out["segment"] = place.segment;
    out["offset"] = place.offset;
  }
  if (place.frame) out["frame"] = *place.frame;
  if (place.record) {
    out["record"] = place.record->number;
    out["ring"] = place.record->ring_id;
    out["ring_seq"] = place.record->ring_seq;
    out["event_id"] = place.record->event_id;
    out["event"] = event_text(place.record->event_id);
  }
  return out;
}

nlohmann::json optional_json(const std::optional<uint64_t>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json finding_json(const Finding& finding) {
  const FindingRow& row = finding_row(finding.id);
  nlohmann::json out = {{"id", row.name}, {"exit", row.exit_code}, {"text", row.text}, {"count", finding.count}};
  if (!finding.detail.empty()) out["detail"] = finding.detail;
  out["place"] = place_json(finding.place);
  return out;
}

nlohmann::json endorsement_json(const Endorsement& e) {
  return {{"certificate_sha256", hex_text(e.certificate_sha256)},
          {"subject", e.subject},
          {"issuer", e.issuer},
          {"ca_sha256", hex_text(e.ca_sha256)},
          {"checked", e.checked}};
}

nlohmann::json proof_json(const Report& r) {
  nlohmann::json out = {{"proved_through_record", nullptr}, {"covered_through_record", nullptr}, {"tpm_time", nullptr}};
  if (!r.proof) return out;
  if (r.proof->records > 0) {
    out["covered_through_record"] = r.proof->records - 1;
    if (r.root == TrustRoot::kEnrolment) out["proved_through_record"] = r.proof->records - 1;
  }
  out["tpm_time"] = {{"clock_ms", r.proof->clock_ms},
                     {"reset_count", r.proof->reset_count},
                     {"restart_count", r.proof->restart_count},
                     {"safe", r.proof->clock_safe},
                     {"utc", utc_text(r.proof->writer_time_ns)}};
  return out;
}

std::string escaped(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    if (c < ' ' || c > '~')
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else if (also.find(c) != std::string_view::npos)
      out += {'\\', c};
    else
      out.push_back(c);
  }
  return out;
}

std::string finding_line(const Finding& finding) {
  const FindingRow& row = finding_row(finding.id);
  std::string line = fmt::format("  {} {}: {}", row.exit_code, row.name, row.text);
  if (!finding.detail.empty()) line += fmt::format(" [{}]", printable_text(finding.detail));
  if (const std::string where = describe(finding.place); !where.empty()) line += "\n      at " + where;
  if (finding.count > 1) line += fmt::format("\n      and {} more", finding.count - 1);
  return line + "\n";
}

}  // namespace

std::string_view verdict_word(int code) {
  switch (code) {
    case kExitVerified:
      return "verified";
    case kExitTampered:
      return "tampered";
    case kExitIncomplete:
      return "incomplete";
    default:
      return "undecided";
  }
}

uint64_t tail_records(const Report& r) { return r.counts.records - (r.proof ? r.proof->records : 0); }

std::string statement(const Report& r) {
  const std::string tail = fmt::format("tail of {} records unanchored", tail_records(r));
  if (r.root == TrustRoot::kEnrolment)
    return r.proof ? fmt::format("Proved {} at TPM time {}; {}.", through(*r.proof), tpm_time(*r.proof), tail)
                   : fmt::format("Nothing is proved; {}.", tail);
  const std::string_view key = r.root == TrustRoot::kAk ? "the given key" : "the log's own key";
  if (!r.proof) return fmt::format("Nothing is proved, no quote under {} covers a record; {}.", key, tail);
  return fmt::format(
      "Nothing is proved without an enrolment record; quotes under {} cover the log {} at TPM time {}; {}.", key,
      through(*r.proof), tpm_time(*r.proof), tail);
}

FindingId finding_of(AttestFault::Kind kind) {
  switch (kind) {
    case AttestFault::Kind::kMalformed:
      return FindingId::kAttestMalformed;
    case AttestFault::Kind::kSignature:
      return FindingId::kAttestSignature;
    case AttestFault::Kind::kBinding:
      return FindingId::kAttestBinding;
    case AttestFault::Kind::kSigner:
      break;
  }
  return FindingId::kAttestSigner;
}

void Report::add(FindingId id, Place place, std::string detail) {
  const int code = finding_row(id).exit_code;
  if (code == kExitTampered || code == kExitUndecided) ++fatal;
  const auto known = std::find_if(findings.begin(), findings.end(), [&](const Finding& f) { return f.id == id; });
  if (known != findings.end()) {
    ++known->count;
    return;
  }
  findings.push_back({id, std::move(place), std::move(detail), 1});
}

bool Report::has(FindingId id) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.id == id; });
}

const Finding* Report::first(int code) const {
  for (const Finding& f : findings)
    if (finding_row(f.id).exit_code == code) return &f;
  return nullptr;
}

int exit_code(const Report& report) {
  for (const int code : {kExitTampered, kExitUndecided, kExitIncomplete})
    if (report.first(code) != nullptr) return code;
  return kExitVerified;
}

std::string utc_text(uint64_t time_ns) {
  const auto seconds = static_cast<time_t>(time_ns / kNsPerSecond);
  tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return fmt::format("{} ns", time_ns);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, time_ns % kNsPerSecond);
}

std::string event_text(uint32_t event_id) {
  const uint32_t id = event_id & ~kExitBit;
  if (!event_known(event_id)) return fmt::format("unknown event {:#010x}", event_id);
  const auto numbered = [id](EventId base, const auto& names) {
    const auto first = static_cast<uint32_t>(base);
    const char* name = numbered_name(names, id - first);
    return fmt::format("{} {}", event_row(first)->name, name != nullptr ? name : std::to_string(id - first));
  };
  if (id >= static_cast<uint32_t>(EventId::kState) && id < static_cast<uint32_t>(EventId::kHealthRefused))
    return numbered(EventId::kState, kStateEventNames);
  if (id >= static_cast<uint32_t>(EventId::kCast) && id < static_cast<uint32_t>(EventId::kState))
    return numbered(EventId::kCast, kSelfTestNames);
  const char* name = event_row(id)->name;
  if (id >= kServiceEnd) return name;
  return fmt::format("{} {}", name, (event_id & kExitBit) != 0 ? "exit" : "entry");
}

std::string frame_type_text(uint16_t type) {
  for (const FrameTypeRow& row : kFrameTypeTable)
    if (static_cast<uint16_t>(row.type) == type) return row.name;
  return fmt::format("type {}", type);
}

std::string describe(const Place& place) {
  // Without a frame this is the name of a file that anybody may have put there.
  std::string out = place.frame || place.segment.empty() ? place.segment : quoted_text(place.segment);
  if (!place.segment.empty() && place.frame) out += fmt::format(" offset {}", place.offset);
  if (place.frame) out += fmt::format(", frame {}", *place.frame);
  if (place.record)
    out += fmt::format(", record {} (ring {} seq {}, {})", place.record->number, place.record->ring_id,
                       place.record->ring_seq, event_text(place.record->event_id));
  return out;
}

std::string printable_text(std::string_view text) { return escaped(text, "\\"); }
std::string quoted_text(std::string_view text) { return "\"" + escaped(text, "\\\"") + "\""; }

std::string to_text(const Report& r) {
  const int code = exit_code(r);
  std::string out = fmt::format("verdict: {} (exit {})\n", verdict_word(code), code);
  if (const Finding* f = code == kExitVerified ? nullptr : r.first(code); f != nullptr) {
    const std::string where = describe(f->place);
    out += fmt::format("{}{}{}\n", finding_row(f->id).text, where.empty() ? "" : ": ", where);
  }
  if (code == kExitTampered) out += "Before that place: ";
  out += statement(r) + "\n";
  if (!r.log_id.empty()) out += fmt::format("log {}, {} TPM, head {}\n", r.log_id, r.tpm_kind, r.head);
  if (r.nv_value) out += fmt::format("TPM counter of the last anchor: {}\n", *r.nv_value);
  out += fmt::format("{} segments, {} bytes, {} frames, {} records, {} clients, {} sessions, {} anchors\n",
                     r.counts.segments, r.counts.bytes, r.counts.frames, r.counts.records, r.counts.clients,
                     r.counts.sessions, r.counts.anchors);
  if (!r.findings.empty()) out += "findings:\n";
  for (const Finding& f : r.findings) out += finding_line(f);
  if (!r.checked.empty()) out += "checked:\n";
  for (const std::string& line : r.checked) out += "  " + line + "\n";
  if (!r.not_checked.empty()) out += "not checked:\n";
  for (const std::string& line : r.not_checked) out += "  " + line + "\n";
  return out;
}

bool hardware_shown(const Report& r) {
  return r.endorsement && r.proof && r.root == TrustRoot::kEnrolment && r.tpm_kind == "device" && r.fatal == 0;
}

std::string endorsement_text(const Endorsement& e) {
  return fmt::format("endorsement certificate {} of {}, issued by {}, checked on {} under the CA certificate {}",
                     hex_text(e.certificate_sha256), quoted_text(e.subject), quoted_text(e.issuer),
                     printable_text(e.checked), hex_text(e.ca_sha256));
}

std::string to_json(const Report& r) {
  const int code = exit_code(r);
  nlohmann::json out = proof_json(r);
  out["verdict"] = verdict_word(code);
  out["exit_code"] = code;
  out["statement"] = statement(r);
  out["trust_root"] = root_word(r.root);
  out["log_id"] = r.log_id;
  out["head"] = r.head;
  out["tpm_kind"] = r.tpm_kind;
  out["hardware"] = hardware_shown(r);
  out["endorsement"] = r.endorsement ? endorsement_json(*r.endorsement) : nlohmann::json(nullptr);
  out["nv_value"] = optional_json(r.nv_value);
  out["nv_value_given"] = optional_json(r.nv_value_given);
  out["tail_records"] = tail_records(r);
  out["findings"] = nlohmann::json::array();
  for (const Finding& f : r.findings) out["findings"].push_back(finding_json(f));
  out["checked"] = r.checked;
  out["not_checked"] = r.not_checked;
  out["counts"] = {{"segments", r.counts.segments}, {"bytes", r.counts.bytes},          {"frames", r.counts.frames},
                   {"records", r.counts.records},   {"clients", r.counts.clients},      {"sessions", r.counts.sessions},
                   {"anchors", r.counts.anchors},   {"signatures", r.counts.signatures}};
  return out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace cm::audit::verify
