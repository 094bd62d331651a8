// SPDX-License-Identifier: Apache-2.0
// tpm_ledger.h: what the frames of a log say of its TPM, carried from frame to frame: the PCR, the counter, identity
// and clock, and whether anything can still be proved. Writer and verifier keep the same one. It judges nothing: the
// verifier asks it before it lets it take a frame, the writer lets it take what it wrote. docs/audit-format.md,
// "Anchors".
#pragma once
#include <cstdint>
#include <optional>

#include "audit/attest/attest_key.h"
#include "audit/attest/pcr_ledger.h"
#include "audit/payload.h"

namespace cm::audit {

inline constexpr uint8_t kTpmSoftware = 1;
inline constexpr uint8_t kTpmDevice = 2;

// resettable_pcr: locality 0, which is software, may reset these (PC Client Platform TPM Profile, 4.6).
constexpr bool resettable_pcr(uint32_t pcr) { return pcr == 16 || pcr == 23; }

// TpmTimes: the part of the TPM's identity that moves on within one of its runs.
struct TpmTimes {
  uint64_t clock_ms = 0;
  uint32_t restart_count = 0;
};

// times_of: the later ones of an anchor's quote and certification; zero for an anchor that has none.
TpmTimes times_of(const TpmQuote& quote, const TpmNvCertify& certified);
TpmTimes times_of(const Anchor& p);

// StartNews: what a start frame says that the log did not know.
struct StartNews {
  enum class Counter : uint8_t {
    kSame,
    kAhead,   // by one that an interrupted anchor left
    kJumped,  // a chip's orderly counter after an unclean shutdown
    kWrong,
  };
  bool reset = false;
  bool unclean = false;      // a reset, and frames were not anchored
  bool unexplained = false;  // a PCR value that no frame led to, without a reset
  Counter counter = Counter::kSame;
};

class TpmLedger {
 public:
  explicit TpmLedger(Lane lane) : lane_(lane), pcr_(lane) {}

  const PcrLedger& pcr() const { return pcr_; }
  // tpm: as last recorded or attested.
  const TpmIdentity& tpm() const { return tpm_; }
  // counter: value of the newest anchor, that of genesis before the first.
  uint64_t counter() const { return counter_; }
  // counter_continues: whether the next anchor may have this value.
  bool counter_continues(uint64_t value) const { return value > counter_ && value - counter_ <= (ahead_ ? 2 : 1); }
  const Digest& previous_attest() const { return previous_attest_; }
  const std::optional<uint64_t>& anchored_seq() const { return anchored_seq_; }
  // covers: whether the newest anchor proves the frame and all before it, as far as anything can be proved.
  bool covers(uint64_t frame_seq) const { return anchored_seq_ && *anchored_seq_ >= frame_seq; }
  // proof_ended: nothing is proved from here on.
  bool proof_ended() const { return proof_ended_; }

  StartNews look_at(const Start& p) const;

  // Each takes what a frame of its type says, before extend().
  void genesis(const Genesis& p);
  void start(const Start& p);
  void unexplained(const UnexplainedExtend& p);
  // anchor: its anchored_seq is a frame that pcr() knows.
  void anchor(const Anchor& p, const TpmTimes& times);
  // end_covered: an anchor covers the end frame: a reset after it loses nothing.
  void end_covered() { clean_ = true; }
  // extend: every frame. False when it cannot carry so many frames.
  bool extend(const FrameHeader& header, const Digest& head) { return pcr_.extend(header, head); }

 private:
  StartNews::Counter look_at_counter(const Start& p, const StartNews& news) const;

  Lane lane_;
  PcrLedger pcr_;
  TpmIdentity tpm_{};
  uint64_t counter_ = 0;
  Digest previous_attest_{};
  std::optional<uint64_t> anchored_seq_;
  bool ahead_ = false;  // a start found the counter one ahead
  bool clean_ = false;  // an anchor covers the end frame, nothing but anchors came since
  bool proof_ended_ = false;
  bool unexplained_since_anchor_ = false;
};

}  // namespace cm::audit
