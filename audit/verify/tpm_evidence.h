// SPDX-License-Identifier: Apache-2.0
// tpm_evidence.h: what the TPM says about the log: holds quotes, certified counter values and the TPM's own counts and
// clock against what the log says (audit/attest/tpm_ledger.h), and derives up to which record the log is proved. It
// needs public keys only. docs/audit-format.md, "Anchors".
#pragma once
#include <cstdint>
#include <optional>

#include "audit/attest/attest_key.h"
#include "audit/attest/tpm_ledger.h"
#include "audit/payload.h"
#include "audit/verify/client_rules.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

inline constexpr uint64_t kMaxFramesToAnchor = 1u << 18;  // how far an anchor may lie behind the frame it names

class TpmEvidence {
 public:
  TpmEvidence(Lane lane, Report& report) : lane_(lane), report_(report), ledger_(lane) {}

  // frame: called first for every frame.
  void frame(FrameType type);
  // Each of these is called for its frame type, before frame_extended.
  void genesis(const FramePlace& place, const LogId& log_id, const Genesis& p);
  void start(const FramePlace& place, const Start& p);
  void unexplained_extend(const FramePlace& place, const UnexplainedExtend& p);
  void anchor(const FrameView& frame, const FramePlace& place, const Anchor& p);

  // frame_extended: the head of this frame went into the PCR, those of the frames it carries did not. False when it
  // cannot carry them: the finding is reported.
  bool frame_extended(const FrameView& frame, const FramePlace& place, const Digest& head);

  const TpmLedger& ledger() const { return ledger_; }
  // closed: called when an anchor covers an end frame: a TPM reset after it loses nothing.
  void closed() { ledger_.end_covered(); }

 private:
  bool fail(FindingId id, const Place& place, std::string detail);
  bool key_sound(const Place& at, const Genesis& p);
  bool tpm_at_start(const Place& at, const Start& p, const StartNews& news);
  bool counter_at_start(const Place& at, const Start& p, const StartNews& news);
  const ExtendedFrame* anchored_frame(const Place& at, uint64_t anchor_seq, const Anchor& p);
  bool tpm_unchanged(const Place& at, const Attested& attested);

  Lane lane_;
  Report& report_;
  std::optional<AttestKey> ak_;
  Genesis genesis_;
  LogId log_id_{};
  TpmLedger ledger_;
  // A start found a PCR value that its frames do not lead to: the next frame must say so.
  std::optional<Place> unexplained_at_;
};

}  // namespace cm::audit::verify
