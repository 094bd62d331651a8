// SPDX-License-Identifier: Apache-2.0
// tpm_evidence.h: what the TPM says about the log: replays the PCR over every frame, checks quotes, certified counter
// values and the TPM's own counts and clock, and derives up to which record the log is proved. It needs public keys
// only. docs/audit-format.md, "Anchors".
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "audit/attest/attest_key.h"
#include "audit/payload.h"
#include "audit/verify/client_rules.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

inline constexpr size_t kMaxFramesToAnchor = 1u << 18;  // how far an anchor may lie behind the frame it names

class TpmEvidence {
 public:
  TpmEvidence(Lane lane, Report& report) : lane_(lane), report_(report) {}

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

  // covers: whether the newest anchor proves the frame and all before it.
  bool covers(uint64_t frame_seq) const { return anchored_seq_ && *anchored_seq_ >= frame_seq; }
  uint32_t reset_count() const { return tpm_.reset_count; }
  // counter: value of the newest anchor, that of genesis before the first.
  uint64_t counter() const { return nv_value_; }
  // closed: called when an anchor covers an end frame: a TPM reset after it loses nothing.
  void closed() { clean_ = true; }

 private:
  struct Extended {
    uint64_t frame_seq = 0;
    uint64_t records = 0;  // up to the end of this frame
    Digest head{};
    Digest pcr{};          // of a carried frame: the value before it, which it left as it was
    bool begins = false;   // the replay began with it
    bool carried = false;  // a later frame carries it
  };

  bool fail(FindingId id, const Place& place, std::string detail);
  bool key_sound(const Place& at, const Genesis& p);
  bool tpm_at_start(const Place& at, const Start& p, bool reset);
  bool counter_at_start(const Place& at, const Start& p, bool reset);
  bool counter_continues(uint64_t value) const;
  bool value_explained(const Digest& pcr) const;
  bool carry(uint32_t count);
  void forget_value(const Extended& frame);
  void forget_oldest();
  bool tpm_unchanged(const Place& at, const Attested& attested);
  const Extended* anchored_frame(const Place& at, const Anchor& p);
  Digest extended_value(const Digest& pcr, const Digest& head) const;

  Lane lane_;
  Report& report_;
  std::optional<AttestKey> ak_;
  Genesis genesis_;
  LogId log_id_{};

  // The PCR: its value now; before the first entry of extended_; and after each frame since the newest anchored one,
  // that one included.
  Digest pcr_{};
  Digest base_pcr_{};
  std::deque<Extended> extended_;          // frame numbers without a gap
  std::multiset<Digest> extended_values_;  // pcr of each that is not carried: a log may be full of frames that ask
  std::optional<uint64_t> anchored_seq_;
  Digest previous_attest_{};
  TpmIdentity tpm_{};      // as last recorded or attested
  uint64_t nv_value_ = 0;  // of the newest anchor
  bool nv_ahead_ = false;  // a start found the counter one ahead of that
  bool clean_ = false;     // an anchor covers the end frame, nothing but anchors came since
  bool barrier_ = false;   // nothing is proved from here on
  bool unexplained_since_anchor_ = false;
  // A start found a PCR value that its frames do not lead to: the next frame must say so.
  std::optional<Place> unexplained_at_;
};

}  // namespace cm::audit::verify
