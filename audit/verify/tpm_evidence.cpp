// SPDX-License-Identifier: Apache-2.0
// tpm_evidence.cpp: see tpm_evidence.h. It must not believe any frame about the TPM until a quote under the attestation
// key says the same: values in start frames only say what the next quote is held against.
#include "audit/verify/tpm_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace cm::audit::verify {
namespace {

constexpr uint8_t kKindSoftware = 1;
constexpr uint8_t kKindDevice = 2;
constexpr uint32_t kPcrCount = 24;        // PC Client Platform TPM Profile, 4.6
constexpr uint32_t kPcrDebug = 16;        // locality 0 may reset this register
constexpr uint32_t kPcrApplication = 23;  // and this one

bool resettable(uint32_t pcr) { return pcr == kPcrDebug || pcr == kPcrApplication; }

}  // namespace

bool TpmEvidence::fail(FindingId id, const Place& place, std::string detail) {
  report_.add(id, place, std::move(detail));
  return false;
}

// extended_value: TPM2_PCR_Extend, Part 1, 17.4: new = H(old | digest).
Digest TpmEvidence::extended_value(const Digest& pcr, const Digest& head) const {
  std::array<uint8_t, 2 * kDigestSize> both;
  std::copy(pcr.begin(), pcr.end(), both.begin());
  std::copy(head.begin(), head.end(), both.begin() + kDigestSize);
  return sha256_of(lane_, both);
}

bool TpmEvidence::key_sound(const Place& at, const Genesis& p) {
  std::string why;
  ak_ = AttestKey::from_public(lane_, p.ak_public, why);
  return ak_ ? true : fail(FindingId::kAkInvalid, at, why);
}

void TpmEvidence::genesis(const FramePlace& place, const LogId& log_id, const Genesis& p) {
  const Place at = place.at();
  if (p.tpm.kind != kKindSoftware && p.tpm.kind != kKindDevice) {
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
  if (resettable(p.pcr_index)) {
    report_.add(FindingId::kResettablePcr, at, fmt::format("PCR {}", p.pcr_index));
    barrier_ = true;
  }
  if (p.tpm.kind == kKindSoftware) report_.add(FindingId::kSoftwareAnchor, at, "");
  report_.tpm_kind = p.tpm.kind == kKindSoftware ? "software" : "device";
  genesis_ = p;
  log_id_ = log_id;
  base_pcr_ = pcr_ = p.pcr_start;
  tpm_ = p.tpm;
  nv_value_ = p.nv_start;
}

void TpmEvidence::frame(FrameType type) {
  if (!unexplained_at_ || type == FrameType::kUnexplainedExtend) return;
  fail(FindingId::kStartPcr, *unexplained_at_, "");
}

bool TpmEvidence::frame_extended(const FrameView& frame, const FramePlace& place, const Digest& head) {
  const FrameHeader& h = frame.header;
  if (!carry(h.carried))
    return fail(FindingId::kHeaderField, place.at(offsetof(FrameHeader, carried)),
                fmt::format("carried {}", h.carried));
  pcr_ = extended_value(pcr_, head);
  extended_.push_back({h.frame_seq, h.first_record + h.record_count, head, pcr_, begins_replay(frame.type()), false});
  extended_values_.insert(pcr_);
  if (extended_.size() > kMaxFramesToAnchor) forget_oldest();
  return true;
}

// carry: takes the last frames out of the replay. The first of extended_ is anchored, or the replay began with it, or
// it is further back than a frame may carry.
bool TpmEvidence::carry(uint32_t count) {
  if (count == 0) return true;
  if (count >= extended_.size()) return false;
  const auto first = extended_.end() - count;
  if (std::any_of(first, extended_.end(), [](const Extended& frame) { return frame.begins; })) return false;
  pcr_ = (first - 1)->pcr;
  for (auto frame = first; frame != extended_.end(); ++frame) {
    forget_value(*frame);
    frame->pcr = pcr_;
    frame->carried = true;
  }
  return true;
}

void TpmEvidence::forget_value(const Extended& frame) {
  if (!frame.carried) extended_values_.erase(extended_values_.find(frame.pcr));
}

void TpmEvidence::forget_oldest() {
  base_pcr_ = extended_.front().pcr;
  forget_value(extended_.front());
  extended_.pop_front();
}

bool TpmEvidence::tpm_at_start(const Place& at, const Start& p, bool reset) {
  const TpmIdentity& now = p.tpm;
  if (now.kind != tpm_.kind || now.manufacturer != tpm_.manufacturer || (!reset && now.firmware != tpm_.firmware))
    return fail(FindingId::kTpmIdentity, at, "");
  if (now.reset_count < tpm_.reset_count || (!reset && now.restart_count < tpm_.restart_count))
    return fail(FindingId::kTpmCounts, at,
                fmt::format("reset {} restart {} after reset {} restart {}", now.reset_count, now.restart_count,
                            tpm_.reset_count, tpm_.restart_count));
  // After an unclean shutdown the clock may have fallen back (Part 1, 36.3): the TPM then says that it is not safe.
  if (now.clock_ms < tpm_.clock_ms && (!reset || now.clock_safe != 0))
    return fail(FindingId::kTpmClock, at, fmt::format("{} ms after {} ms", now.clock_ms, tpm_.clock_ms));
  if (now.firmware != tpm_.firmware) report_.add(FindingId::kFirmwareChanged, at, "");
  if (!reset) return true;
  if (now.reset_count != tpm_.reset_count + 1)
    report_.add(FindingId::kResetGap, at, fmt::format("reset {} after reset {}", now.reset_count, tpm_.reset_count));
  if (!clean_) {
    report_.add(FindingId::kUncleanReset, at, "");
    barrier_ = true;
  }
  return true;
}

// counter_at_start: a counter ahead of the log means anchors that the log does not show. Two innocent causes are told
// apart. A writer stopped between its increment and its anchor frame leaves the counter one ahead; the next anchor uses
// that value or the one after it; with a PCR that is explained no frame can be missing. And an orderly counter of a
// chip jumps after an unclean shutdown (Part 1, 37.2.4), which cannot be told from missing anchors. Whether the clock
// is safe again says nothing: it is, about 70 minutes after the start of the TPM, whenever the writer was started.
bool TpmEvidence::counter_at_start(const Place& at, const Start& p, bool reset) {
  if (p.nv_value == nv_value_) return true;
  const std::string detail = fmt::format("{} after {}", p.nv_value, nv_value_);
  const bool one_ahead = p.nv_value > nv_value_ && p.nv_value - nv_value_ == 1;
  if (one_ahead && !clean_ && !unexplained_since_anchor_) {
    nv_ahead_ = true;
    report_.add(FindingId::kAnchorLost, at, detail);
    return true;
  }
  if (reset && tpm_.kind == kKindDevice && !clean_ && p.nv_value > nv_value_) {
    report_.add(FindingId::kNvJump, at, detail);
    nv_value_ = p.nv_value;
    return true;
  }
  return fail(FindingId::kNvValue, at, detail);
}

// counter_continues: the certified value is the next one, or the one after a value that a start found unused.
bool TpmEvidence::counter_continues(uint64_t value) const {
  return value > nv_value_ && value - nv_value_ <= (nv_ahead_ ? 2 : 1);
}

// value_explained: a writer may find the PCR one or more extends behind the log and catch up.
bool TpmEvidence::value_explained(const Digest& pcr) const {
  return pcr == base_pcr_ || extended_values_.contains(pcr);
}

void TpmEvidence::start(const FramePlace& place, const Start& p) {
  const Place at = place.at();
  const bool reset = p.tpm.reset_count != tpm_.reset_count;
  if (!tpm_at_start(at, p, reset)) return;
  if (!reset && !value_explained(p.pcr_value)) {
    unexplained_at_ = at;
    unexplained_since_anchor_ = barrier_ = true;
  }
  if (!counter_at_start(at, p, reset)) return;
  if (reset) {
    extended_.clear();
    extended_values_.clear();
    base_pcr_ = pcr_ = p.pcr_value;
  }
  tpm_ = p.tpm;
  clean_ = false;
}

// unexplained_extend: the PCR was found at another value than some frame led to. What the writer had queued after that
// frame was passed over: the replay goes on from the found value.
void TpmEvidence::unexplained_extend(const FramePlace& place, const UnexplainedExtend& p) {
  const Place at = place.at();
  unexplained_at_.reset();
  unexplained_since_anchor_ = barrier_ = true;
  if (p.expected == p.found || !value_explained(p.expected)) {
    fail(FindingId::kStartPcr, at, "expected value");
    return;
  }
  report_.add(FindingId::kUnexplainedExtend, at, "");
  pcr_ = p.found;
}

const TpmEvidence::Extended* TpmEvidence::anchored_frame(const Place& at, const Anchor& p) {
  const uint64_t first = extended_.empty() ? 0 : extended_.front().frame_seq;
  if (p.anchored_seq < first || p.anchored_seq - first >= extended_.size()) {
    fail(FindingId::kAnchorPosition, at, fmt::format("frame {}", p.anchored_seq));
    return nullptr;
  }
  const Extended& extended = extended_[static_cast<size_t>(p.anchored_seq - first)];
  if (extended.head != p.anchored_head) {
    fail(FindingId::kAnchorPosition, at, fmt::format("head of frame {}", p.anchored_seq));
    return nullptr;
  }
  if (extended.carried) {
    fail(FindingId::kAnchorPosition, at, fmt::format("frame {} was carried by a later one", p.anchored_seq));
    return nullptr;
  }
  return &extended;
}

// tpm_unchanged: the attested counts, clock and firmware continue what is recorded.
bool TpmEvidence::tpm_unchanged(const Place& at, const Attested& attested) {
  uint64_t clock_ms = tpm_.clock_ms;
  uint32_t restart_count = tpm_.restart_count;
  for (const TpmAttest* a : {&attested.quote.common, &attested.certified.common}) {
    if (a->clock.reset_count != tpm_.reset_count || a->clock.restart_count < tpm_.restart_count)
      return fail(FindingId::kTpmCounts, at,
                  fmt::format("attested reset {} restart {}, recorded reset {} restart {}", a->clock.reset_count,
                              a->clock.restart_count, tpm_.reset_count, tpm_.restart_count));
    if (a->clock.clock_ms < tpm_.clock_ms)
      return fail(FindingId::kTpmClock, at, fmt::format("{} ms after {} ms", a->clock.clock_ms, tpm_.clock_ms));
    if (a->firmware != tpm_.firmware) return fail(FindingId::kTpmIdentity, at, "firmware");
    clock_ms = std::max(clock_ms, a->clock.clock_ms);
    restart_count = std::max(restart_count, a->clock.restart_count);
  }
  if (restart_count != tpm_.restart_count)
    report_.add(FindingId::kRestartUnrecorded, at,
                fmt::format("restart {} after restart {}", restart_count, tpm_.restart_count));
  tpm_.clock_ms = clock_ms;
  tpm_.restart_count = restart_count;
  return true;
}

void TpmEvidence::anchor(const FrameView& frame, const FramePlace& place, const Anchor& p) {
  const Place at = place.at();
  ++report_.counts.anchors;
  const AnchorBinding binding{
      log_id_, p.anchored_seq, p.anchored_head, previous_attest_, p.challenge, p.nv_value, frame.header.writer_time_ns};
  Attested attested;
  if (!ak_) {  // cannot be: a genesis frame without a sound key is where verification ends
    fail(FindingId::kAkInvalid, at, "no key");
    return;
  }
  if (auto fault = ak_->check(p, qualifying_data(lane_, binding), attested, report_.counts.signatures)) {
    fail(finding_of(fault->kind), at, std::move(fault->what));
    return;
  }
  const Extended* extended = anchored_frame(at, p);
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
  if (attested.certified.value != p.nv_value || !counter_continues(p.nv_value)) {
    fail(FindingId::kNvValue, at,
         fmt::format("certified {}, recorded {}, before {}", attested.certified.value, p.nv_value, nv_value_));
    return;
  }
  if (p.tsc_before > p.tsc_after) {
    fail(FindingId::kTscOrder, at, "");
    return;
  }
  nv_value_ = p.nv_value;
  nv_ahead_ = unexplained_since_anchor_ = false;
  previous_attest_ = sha256_of(lane_, p.quote_attest);
  anchored_seq_ = p.anchored_seq;
  const TpmClockInfo& clock = attested.quote.common.clock;
  if (!barrier_)
    report_.proof = Proof{extended->records,          p.anchored_seq,      clock.clock_ms,
                          clock.reset_count,          clock.restart_count, clock.safe,
                          frame.header.writer_time_ns};
  while (extended_.front().frame_seq < p.anchored_seq) forget_oldest();
  base_pcr_ = extended->pcr;  // the quote shows that the TPM has left every value before it
}

}  // namespace cm::audit::verify
