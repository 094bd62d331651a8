// SPDX-License-Identifier: Apache-2.0
// tpm_evidence.cpp: see tpm_evidence.h. It must not believe any frame about the TPM until a quote under the attestation
// key says the same: values in start frames only say what the next quote is held against.
#include "audit/verify/tpm_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace cm::audit::verify {
namespace {

constexpr uint32_t kPcrCount = 24;  // PC Client Platform TPM Profile, 4.6

}  // namespace

bool TpmEvidence::fail(FindingId id, const Place& place, std::string detail) {
  report_.add(id, place, std::move(detail));
  return false;
}

bool TpmEvidence::key_sound(const Place& at, const Genesis& p) {
  std::string why;
  ak_ = AttestKey::from_public(lane_, p.ak_public, why);
  return ak_ ? true : fail(FindingId::kAkInvalid, at, why);
}

void TpmEvidence::genesis(const FramePlace& place, const LogId& log_id, const Genesis& p) {
  const Place at = place.at();
  if (p.tpm.kind != kTpmSoftware && p.tpm.kind != kTpmDevice) {
    fail(FindingId::kPayload, at, "kind of TPM");
    return;
  }
  if (p.pcr_index >= kPcrCount) {
    fail(FindingId::kPayload, at, "PCR index");
    return;
  }
  if (!valid_name(p.nv_name)) {
    fail(FindingId::kPayload, at, "name of the TPM counter");
    return;
  }
  if (!key_sound(at, p)) return;
  if (resettable_pcr(p.pcr_index)) report_.add(FindingId::kResettablePcr, at, fmt::format("PCR {}", p.pcr_index));
  if (p.tpm.kind == kTpmSoftware) report_.add(FindingId::kSoftwareAnchor, at, "");
  report_.tpm_kind = p.tpm.kind == kTpmSoftware ? "software" : "device";
  genesis_ = p;
  log_id_ = log_id;
  ledger_.genesis(p);
}

void TpmEvidence::frame(FrameType type) {
  if (!unexplained_at_ || type == FrameType::kUnexplainedExtend) return;
  fail(FindingId::kStartPcr, *unexplained_at_, "");
}

bool TpmEvidence::frame_extended(const FrameView& frame, const FramePlace& place, const Digest& head) {
  if (ledger_.extend(frame.header, head)) return true;
  return fail(FindingId::kHeaderField, place.at(offsetof(FrameHeader, carried)),
              fmt::format("carried {}", frame.header.carried));
}

bool TpmEvidence::tpm_at_start(const Place& at, const Start& p, const StartNews& news) {
  const TpmIdentity &now = p.tpm, &before = ledger_.tpm();
  if (now.kind != before.kind || now.manufacturer != before.manufacturer ||
      (!news.reset && now.firmware != before.firmware))
    return fail(FindingId::kTpmIdentity, at, "");
  if (now.reset_count < before.reset_count || (!news.reset && now.restart_count < before.restart_count))
    return fail(FindingId::kTpmCounts, at,
                fmt::format("reset {} restart {} after reset {} restart {}", now.reset_count, now.restart_count,
                            before.reset_count, before.restart_count));
  // After an unclean shutdown the clock may have fallen back (Part 1, 36.3): the TPM then says that it is not safe.
  if (now.clock_ms < before.clock_ms && (!news.reset || now.clock_safe != 0))
    return fail(FindingId::kTpmClock, at, fmt::format("{} ms after {} ms", now.clock_ms, before.clock_ms));
  if (now.firmware != before.firmware) report_.add(FindingId::kFirmwareChanged, at, "");
  if (news.reset && now.reset_count != before.reset_count + 1)
    report_.add(FindingId::kResetGap, at, fmt::format("reset {} after reset {}", now.reset_count, before.reset_count));
  if (news.unclean) report_.add(FindingId::kUncleanReset, at, "");
  return true;
}

bool TpmEvidence::counter_at_start(const Place& at, const Start& p, const StartNews& news) {
  const std::string detail = fmt::format("{} after {}", p.nv_value, ledger_.counter());
  switch (news.counter) {
    case StartNews::Counter::kSame:
      return true;
    case StartNews::Counter::kAhead:
      report_.add(FindingId::kAnchorLost, at, detail);
      return true;
    case StartNews::Counter::kJumped:
      report_.add(FindingId::kNvJump, at, detail);
      return true;
    case StartNews::Counter::kWrong:
      break;
  }
  return fail(FindingId::kNvValue, at, detail);
}

void TpmEvidence::start(const FramePlace& place, const Start& p) {
  const Place at = place.at();
  const StartNews news = ledger_.look_at(p);
  if (!tpm_at_start(at, p, news)) return;
  if (news.unexplained) unexplained_at_ = at;
  if (!counter_at_start(at, p, news)) return;
  ledger_.start(p);
}

void TpmEvidence::unexplained_extend(const FramePlace& place, const UnexplainedExtend& p) {
  const Place at = place.at();
  unexplained_at_.reset();
  if (p.expected == p.found || !ledger_.pcr().explains(p.expected)) {
    fail(FindingId::kStartPcr, at, "expected value");
    return;
  }
  report_.add(FindingId::kUnexplainedExtend, at, "");
  ledger_.unexplained(p);
}

const ExtendedFrame* TpmEvidence::anchored_frame(const Place& at, uint64_t anchor_seq, const Anchor& p) {
  const ExtendedFrame* extended = ledger_.pcr().find(p.anchored_seq);
  if (ledger_.pcr().carried(p.anchored_seq)) {
    fail(FindingId::kAnchorPosition, at, fmt::format("frame {} was carried by a later one", p.anchored_seq));
  } else if (extended == nullptr || anchor_seq - p.anchored_seq > kMaxFramesToAnchor) {
    fail(FindingId::kAnchorPosition, at, fmt::format("frame {}", p.anchored_seq));
  } else if (extended->head != p.anchored_head) {
    fail(FindingId::kAnchorPosition, at, fmt::format("head of frame {}", p.anchored_seq));
  } else {
    return extended;
  }
  return nullptr;
}

// tpm_unchanged: the attested counts, clock and firmware continue what is recorded.
bool TpmEvidence::tpm_unchanged(const Place& at, const Attested& attested) {
  const TpmIdentity& before = ledger_.tpm();
  for (const TpmAttest* a : {&attested.quote.common, &attested.certified.common}) {
    if (a->clock.reset_count != before.reset_count || a->clock.restart_count < before.restart_count)
      return fail(FindingId::kTpmCounts, at,
                  fmt::format("attested reset {} restart {}, recorded reset {} restart {}", a->clock.reset_count,
                              a->clock.restart_count, before.reset_count, before.restart_count));
    if (a->clock.clock_ms < before.clock_ms)
      return fail(FindingId::kTpmClock, at, fmt::format("{} ms after {} ms", a->clock.clock_ms, before.clock_ms));
    if (a->firmware != before.firmware) return fail(FindingId::kTpmIdentity, at, "firmware");
  }
  const uint32_t restart_count = times_of(attested.quote, attested.certified).restart_count;
  if (restart_count != before.restart_count)
    report_.add(FindingId::kRestartUnrecorded, at,
                fmt::format("restart {} after restart {}", restart_count, before.restart_count));
  return true;
}

void TpmEvidence::anchor(const FrameView& frame, const FramePlace& place, const Anchor& p) {
  const Place at = place.at();
  ++report_.counts.anchors;
  const AnchorBinding binding{log_id_,
                              p.anchored_seq,
                              p.anchored_head,
                              ledger_.previous_attest(),
                              p.challenge,
                              p.nv_value,
                              frame.header.writer_time_ns};
  Attested attested;
  if (!ak_) {  // cannot be: a genesis frame without a sound key is where verification ends
    fail(FindingId::kAkInvalid, at, "no key");
    return;
  }
  if (auto fault = ak_->check(p, qualifying_data(lane_, binding), attested, report_.counts.signatures)) {
    fail(finding_of(fault->kind), at, std::move(fault->what));
    return;
  }
  const ExtendedFrame* extended = anchored_frame(at, frame.header.frame_seq, p);
  if (extended == nullptr || !tpm_unchanged(at, attested)) return;

  if (attested.quote.pcr != genesis_.pcr_index) {
    fail(FindingId::kQuoteSelection, at, "");
    return;
  }
  if (p.pcr_value != extended->pcr || !std::ranges::equal(attested.quote.pcr_digest, sha256_of(lane_, extended->pcr))) {
    fail(FindingId::kQuotePcr, at, fmt::format("after frame {}", p.anchored_seq));
    return;
  }
  if (!std::ranges::equal(attested.certified.index_name, genesis_.nv_name)) {
    fail(FindingId::kNvName, at, "");
    return;
  }
  if (attested.certified.value != p.nv_value || !ledger_.counter_continues(p.nv_value)) {
    fail(FindingId::kNvValue, at,
         fmt::format("certified {}, recorded {}, before {}", attested.certified.value, p.nv_value, ledger_.counter()));
    return;
  }
  if (p.tsc_before > p.tsc_after) {
    fail(FindingId::kTscOrder, at, "");
    return;
  }
  const TpmClockInfo& clock = attested.quote.common.clock;
  if (!ledger_.proof_ended())
    report_.proof = Proof{extended->records,          p.anchored_seq,      clock.clock_ms,
                          clock.reset_count,          clock.restart_count, clock.safe,
                          frame.header.writer_time_ns};
  ledger_.anchor(p, times_of(attested.quote, attested.certified));
}

}  // namespace cm::audit::verify
