// SPDX-License-Identifier: Apache-2.0
// challenge.cpp: see challenge.h.
#include "audit/verify/challenge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "audit/attest/attest_key.h"

namespace cm::audit::verify {
namespace {

void fail(ChallengeResult& result, FindingId id, std::string detail) {
  result.report.add(id, Place{}, std::move(detail));
}

// anchor_in: the answer's payload as a frame would hold it; the decoder takes nothing else, and nothing may follow.
bool anchor_in(const WireAnswer& answer, Anchor& out) {
  const std::span<const uint8_t> all = answer.payload;
  if (answer.reserved != 0 || answer.payload_size > all.size()) return false;
  const auto used = all.first(answer.payload_size), rest = all.subspan(answer.payload_size);
  Bytes padded(used.begin(), used.end());
  padded.resize((padded.size() + kFrameAlign - 1) / kFrameAlign * kFrameAlign);
  return std::ranges::all_of(rest, [](uint8_t b) { return b == 0; }) && decode(padded, out) &&
         encode(out).size() == used.size();
}

std::optional<AttestKey> key_of(Lane lane, const Trust& trust, std::string& why) {
  if (trust.enrolment) return AttestKey::from_public(lane, trust.enrolment->ak_public, why);
  why = "not a point of the curve";
  if (!trust.ak) return std::nullopt;
  return AttestKey::from_point(lane, *trust.ak);
}

// enrolled: what the answer says of log and TPM against the enrolment record.
void check_enrolled(ChallengeResult& result, const Enrolment& e, const WireAnswer& answer, const Anchor& anchor,
                    const Attested& attested) {
  const TpmClockInfo& clock = attested.quote.common.clock;
  if (!std::ranges::equal(e.log_id, answer.log_id)) return fail(result, FindingId::kEnrolmentMismatch, "log_id");
  if (attested.quote.pcr != e.pcr_index) return fail(result, FindingId::kQuoteSelection, "");
  if (!std::ranges::equal(attested.certified.index_name, e.nv_name)) return fail(result, FindingId::kNvName, "");
  if (anchor.nv_value <= e.nv_start)
    return fail(result, FindingId::kNvValue, fmt::format("{}, enrolled at {}", anchor.nv_value, e.nv_start));
  const bool before = clock.reset_count < e.reset_count;
  const bool same_reset = clock.reset_count == e.reset_count;
  if (before || (same_reset && clock.restart_count < e.restart_count))
    return fail(result, FindingId::kTpmCounts, fmt::format("reset {}", clock.reset_count));
  if (same_reset && clock.clock_ms < e.clock_ms)
    fail(result, FindingId::kTpmClock, fmt::format("{} ms after {} ms", clock.clock_ms, e.clock_ms));
}

void judge(Lane lane, const WireAnswer& answer, const Digest& nonce, const Trust& trust, ChallengeResult& result) {
  std::string why;
  const auto key = key_of(lane, trust, why);
  if (!key) return fail(result, FindingId::kAkInvalid, why);
  Anchor anchor;
  if (!anchor_in(answer, anchor)) return fail(result, FindingId::kPayload, "anchor");
  if (anchor.challenge != nonce) return fail(result, FindingId::kAttestBinding, "another nonce");
  AnchorBinding binding;
  std::ranges::copy(answer.log_id, binding.log_id.begin());
  std::ranges::copy(answer.previous_attest, binding.previous_attest.begin());
  binding.anchored_seq = anchor.anchored_seq;
  binding.anchored_head = anchor.anchored_head;
  binding.challenge = nonce;
  binding.nv_value = anchor.nv_value;
  binding.writer_time_ns = answer.writer_time_ns;
  Attested attested;
  if (auto fault = key->check(anchor, qualifying_data(lane, binding), attested, result.report.counts.signatures))
    return fail(result, finding_of(fault->kind), std::move(fault->what));
  if (!std::ranges::equal(attested.quote.pcr_digest, sha256_of(lane, anchor.pcr_value)))
    return fail(result, FindingId::kQuotePcr, "");
  if (attested.certified.value != anchor.nv_value) return fail(result, FindingId::kNvValue, "certified another");
  if (trust.enrolment) check_enrolled(result, *trust.enrolment, answer, anchor, attested);
  if (result.report.fatal != 0) return;
  const TpmClockInfo& clock = attested.quote.common.clock;
  result.log_id = hex_text(answer.log_id);
  result.anchored_frame = anchor.anchored_seq;
  result.head = hex_text(anchor.anchored_head);
  result.nv_value = anchor.nv_value;
  result.clock_ms = clock.clock_ms;
  result.reset_count = clock.reset_count;
  result.restart_count = clock.restart_count;
  result.writer_time_ns = answer.writer_time_ns;
}

constexpr char kNotShown[] = "what is in the log: verify it with this head and counter value";

}  // namespace

ChallengeResult judge_answer(Lane lane, const WireAnswer& answer, const Digest& nonce, const Trust& trust) {
  ChallengeResult result;
  result.report.root = trust.enrolment ? TrustRoot::kEnrolment : TrustRoot::kAk;
  if (!trust.enrolment) result.report.add(FindingId::kAkOnly, Place{}, "");
  judge(lane, answer, nonce, trust, result);
  return result;
}

std::string to_text(const ChallengeResult& r) {
  const int code = exit_code(r.report);
  std::string out;
  if (code == kExitTampered) {
    out = fmt::format("refused (exit {}): this answer does not come from the TPM of the log\n", code);
  } else {
    out = fmt::format(
        "answered (exit {}): the TPM with {} was there after this nonce was drawn\n"
        "log {}\nstood at frame {}, head {}\nTPM counter {}, clock {} ms (reset {}, restart {}); the writer's time {}\n"
        "not shown: {}:\n  cryptomod-audit verify DIR --enrolment FILE --head {} --nv-value {}\n",
        code, r.report.root == TrustRoot::kEnrolment ? "the enrolled key" : "the given key", r.log_id, r.anchored_frame,
        r.head, r.nv_value, r.clock_ms, r.reset_count, r.restart_count, utc_text(r.writer_time_ns), kNotShown, r.head,
        r.nv_value);
  }
  for (const Finding& f : r.report.findings) {
    const FindingRow& row = finding_row(f.id);
    out += fmt::format("  {} {}: {}{}\n", row.exit_code, row.name, row.text,
                       f.detail.empty() ? "" : " [" + printable_text(f.detail) + "]");
  }
  return out;
}

std::string to_json(const ChallengeResult& r) {
  const int code = exit_code(r.report);
  nlohmann::json out = {
      {"exit_code", code}, {"answered", code != kExitTampered}, {"findings", nlohmann::json::array()}};
  for (const Finding& f : r.report.findings) {
    const FindingRow& row = finding_row(f.id);
    out["findings"].push_back({{"id", row.name}, {"exit", row.exit_code}, {"text", row.text}, {"detail", f.detail}});
  }
  if (code != kExitTampered) {
    out["log_id"] = r.log_id;
    out["frame"] = r.anchored_frame;
    out["head"] = r.head;
    out["nv_value"] = r.nv_value;
    out["tpm_time"] = {{"clock_ms", r.clock_ms}, {"reset_count", r.reset_count}, {"restart_count", r.restart_count}};
    out["utc"] = utc_text(r.writer_time_ns);
    out["not_shown"] = kNotShown;
  }
  return out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace cm::audit::verify
