// SPDX-License-Identifier: Apache-2.0
// show.cpp: see show.h. It must not judge: a damaged frame is marked and shown all the same.
#include "audit/verify/show.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "audit/payload.h"
#include "audit/verify/frame_ahead.h"
#include "crypto/base/status.h"

namespace cm::audit::verify {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kSessionPrefix = 8;  // hexadecimal digits of the session shown in a line

std::string result_text(uint32_t return_code) {
  const auto rc = static_cast<int32_t>(return_code);
  const StatusRow* row = status_row(rc);
  return row != nullptr ? row->name : fmt::format("{}", rc);
}

// call_text: the call that a record is part of, by its entry record. The record itself stands in the client's first
// ring.
std::string call_text(const Record& r) {
  if (part_ring(r) == kCallElsewhere) return "a call from before the client had a ring";
  return fmt::format("ring {} seq {}", uint64_t{r.ring_id} + part_ring(r), part_seq(r));
}

std::string tpm_text(const TpmIdentity& t) {
  return fmt::format("{} TPM, reset {}, restart {}, clock {} ms{}", t.kind == 1 ? "software" : "device", t.reset_count,
                     t.restart_count, t.clock_ms, t.clock_safe != 0 ? "" : " (not safe)");
}

std::string about(const Genesis& p) {
  return fmt::format("writer {} uid {}, {}, PCR {}, counter {:#x} at {}", quoted_text(p.writer_version), p.writer_uid,
                     tpm_text(p.tpm), p.pcr_index, p.nv_index, p.nv_start);
}
std::string about(const Start& p) {
  return fmt::format("writer {} uid {}, {}, counter at {}, {} bytes torn", quoted_text(p.writer_version), p.writer_uid,
                     tpm_text(p.tpm), p.nv_value, p.torn_bytes);
}
std::string about(const Clock& p) { return fmt::format("tick {} is {}", p.tsc, utc_text(p.utc_ns)); }
std::string about(const ClientAttach& p) {
  return fmt::format("client {} {}pid {} uid {} {}, module {} {}, rings {}..{}", hex_text(p.client_id),
                     p.reattached != 0 ? "came back, " : "", p.pid, p.uid, quoted_text(p.executable),
                     quoted_text(p.module_version), quoted_text(p.lanes), p.first_ring_id,
                     uint64_t{p.first_ring_id} + p.ring_count - 1);
}
std::string about(const ClientDetach& p) { return "client " + hex_text(p.client_id); }
std::string about(const ClientLost& p) {
  std::string out =
      fmt::format("client {} reason {}, {} open calls", hex_text(p.client_id), p.reason, p.open_entries.size());
  for (const OpenEntry& e : p.open_entries)
    out += fmt::format("; ring {} seq {} {} object {:#x}", e.ring_id, e.ring_seq, event_text(e.event_id), e.object);
  return out;
}
std::string about(const Batch& p) { return fmt::format("{} rings", p.marks.size()); }
std::string about(const Anchor& p) {
  return fmt::format("over frame {}, counter {}, PCR {}", p.anchored_seq, p.nv_value, hex_text(p.pcr_value));
}
std::string about(const UnexplainedExtend& p) {
  return fmt::format("PCR expected {}, found {}", hex_text(p.expected), hex_text(p.found));
}
std::string about(const SealBroken& p) {
  return fmt::format("client {} ring {} seq {} reason {}", hex_text(p.client_id), p.ring_id, p.ring_seq, p.reason);
}
std::string about(const End& p) { return p.reason == 1 ? "orderly shutdown" : "ended by a signal"; }

template <class Payload>
std::string decoded(const FrameView& f) {
  Payload p;
  return decode(f.var, p) ? about(p) : "the variable section does not decode";
}

std::string frame_about(const FrameView& f) {
  switch (f.type()) {
    case FrameType::kGenesis:
      return decoded<Genesis>(f);
    case FrameType::kBoot:
    case FrameType::kRecovery:
      return decoded<Start>(f);
    case FrameType::kClock:
      return decoded<Clock>(f);
    case FrameType::kClientAttach:
      return decoded<ClientAttach>(f);
    case FrameType::kClientDetach:
      return decoded<ClientDetach>(f);
    case FrameType::kClientLost:
      return decoded<ClientLost>(f);
    case FrameType::kBatch:
      return decoded<Batch>(f);
    case FrameType::kAnchor:
      return decoded<Anchor>(f);
    case FrameType::kUnexplainedExtend:
      return decoded<UnexplainedExtend>(f);
    case FrameType::kSealBroken:
      return decoded<SealBroken>(f);
    case FrameType::kEnd:
      return decoded<End>(f);
    case FrameType::kSegmentSeal:
      break;
  }
  return "";
}

class Shower {
 public:
  Shower(LogSource& source, const ShowOptions& options, const std::function<void(std::string_view)>& print)
      : stream_(source, options.lane, options.wide), options_(options), print_(print) {}
  int run();

 private:
  void frame(const FrameView& f, const FramePlace& place);
  void records(const FrameView& f);
  bool wanted(const Record& r) const;
  void text_record(const Record& r, uint64_t number, uint64_t ring_seq) const;
  void json_record(const Record& r, uint64_t number, uint64_t ring_seq) const;
  void stopped(const FramePlace& place, std::string_view why);
  void line(const std::string& text) const { print_(text + "\n"); }
  void line(const Json& json) const { print_(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"); }

  FrameAhead stream_;
  const ShowOptions& options_;
  const std::function<void(std::string_view)>& print_;
  bool damaged_ = false;
};

int Shower::run() {
  while (true) {
    const Step step = stream_.next();
    const FramePlace place = stream_.place();
    switch (step) {
      case Step::kFrame:
        frame(stream_.frame(), place);
        continue;
      case Step::kEnd:
        return damaged_ ? kExitIncomplete : kExitVerified;
      case Step::kTorn:
        stopped(place, "the last frame is incomplete");
        return kExitIncomplete;
      case Step::kProblem:
        stopped(place, finding_row(stream_.problem().id).text);
        return kExitIncomplete;
    }
  }
}

void Shower::stopped(const FramePlace& place, std::string_view why) {
  if (options_.json)
    line(Json{{"type", "stopped"}, {"segment", place.segment}, {"offset", place.offset}, {"why", why}});
  else
    line(fmt::format("!! stopped at {} offset {}: {}", place.segment, place.offset, why));
}

void Shower::frame(const FrameView& f, const FramePlace& place) {
  const auto problem = stream_.check();
  if (problem) damaged_ = true;
  const std::string damage = problem ? fmt::format("{} {}", finding_row(problem->id).name, problem->detail) : "";
  if (options_.json && !options_.filtered()) {
    Json out = {{"type", "frame"},
                {"frame", f.header.frame_seq},
                {"kind", frame_type_text(f.header.type)},
                {"segment", place.segment},
                {"offset", place.offset},
                {"time", utc_text(f.header.writer_time_ns)},
                {"first_record", f.header.first_record},
                {"records", f.header.record_count},
                {"about", frame_about(f)}};
    if (problem) out["damaged"] = damage;
    line(out);
  } else if (!options_.json && (!options_.filtered() || problem)) {
    line(fmt::format("== frame {} {} {} records {} | {}", f.header.frame_seq, frame_type_text(f.header.type),
                     utc_text(f.header.writer_time_ns), f.header.record_count, frame_about(f)));
    if (problem) line(fmt::format("!! damaged: {} (offset {} of the frame)", damage, problem->offset));
  }
  if (!options_.frames_only) records(f);
}

void Shower::records(const FrameView& f) {
  Batch batch;
  if (!decode(f.var, batch)) batch.marks.clear();
  size_t mark = 0;
  uint64_t before = 0;
  for (size_t i = 0; i < f.header.record_count; ++i) {
    while (mark < batch.marks.size() && i >= before + batch.marks[mark].count) before += batch.marks[mark++].count;
    const Record r = f.record(i);
    if (!wanted(r)) continue;
    const uint64_t ring_seq = mark < batch.marks.size() ? batch.marks[mark].first_seq + (i - before) : r.ring_seq;
    if (options_.json)
      json_record(r, f.header.first_record + i, ring_seq);
    else
      text_record(r, f.header.first_record + i, ring_seq);
  }
}

bool Shower::wanted(const Record& r) const {
  if (options_.ring && *options_.ring != r.ring_id) return false;
  const uint32_t id = is_service(r) ? r.event_id & ~kExitBit : r.event_id;
  if (options_.event && *options_.event != id) return false;
  return options_.session.empty() || hex_text(r.session_id).starts_with(options_.session);
}

void Shower::text_record(const Record& r, uint64_t number, uint64_t ring_seq) const {
  std::string out =
      fmt::format("#{} {} ring {} seq {} {}", number, utc_text(r.time_ns), r.ring_id, ring_seq, event_text(r.event_id));
  if (is_service(r) && is_exit(r)) {
    out += fmt::format(" {} {} bytes", result_text(r.return_code), detail_bytes(r.detail));
    if (detail_lane(r.detail) != Lane::kNone) out += fmt::format(" lane {}", lane_name(detail_lane(r.detail)));
  } else if (is_service(r)) {
    out += fmt::format(" {} bytes", r.detail);
  } else if (is_part_of_call(r)) {
    out += fmt::format(" job {} of ", part_number(r)) + call_text(r);
  } else {
    if (r.return_code != 0 || is_self_test(r)) out += " " + result_text(r.return_code);
    out += is_self_test(r) ? fmt::format(" lane {} {} ns", lane_name(self_test_lane(r)), self_test_ns(r))
                           : fmt::format(" detail {:#x}", r.detail);
  }
  const std::string session = hex_text(r.session_id);
  if (session.find_first_not_of('0') != std::string::npos) out += " session " + session.substr(0, kSessionPrefix);
  if (is_service(r) && is_batch(r.event_id & ~kExitBit)) {
    out += fmt::format(" jobs {}", static_cast<uint32_t>(r.object));
    if (is_exit(r)) out += fmt::format(" failed {}", r.object >> 32);
    // Of a batch in which a job failed the result does not say that another was not approved.
    const uint32_t reason = is_exit(r) ? detail_reason(r.detail) : 0;
    if (reason != 0 && reason != r.return_code) out += " with " + result_text(reason);
  } else if (r.object != 0) {
    out += fmt::format(" object {:#x}", r.object);
  }
  line(out);
}

void Shower::json_record(const Record& r, uint64_t number, uint64_t ring_seq) const {
  const bool exit = is_service(r) && is_exit(r);
  Json out = {{"type", "record"},
              {"record", number},
              {"time", utc_text(r.time_ns)},
              {"time_ns", r.time_ns},
              {"ring", r.ring_id},
              {"ring_seq", ring_seq},
              {"event_id", r.event_id},
              {"event", event_text(r.event_id)},
              {"session", hex_text(r.session_id)},
              {"object", r.object},
              {"return_code", static_cast<int32_t>(r.return_code)},
              {"result", result_text(r.return_code)}};
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
  line(out);
}

}  // namespace

int show_log(LogSource& source, const ShowOptions& options, const std::function<void(std::string_view)>& print) {
  return Shower(source, options, print).run();
}

std::optional<uint32_t> event_by_name(const std::string& text) {
  for (const EventRow& row : kEventTable)
    if (text == row.name) return row.id;
  char* end = nullptr;
  const unsigned long long id = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0' || id > UINT32_MAX || !event_known(static_cast<uint32_t>(id))) return std::nullopt;
  return static_cast<uint32_t>(id);
}

}  // namespace cm::audit::verify
