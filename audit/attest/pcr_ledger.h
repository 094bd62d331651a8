// SPDX-License-Identifier: Apache-2.0
// pcr_ledger.h: the PCR of a log, replayed from its frames: its value now, and the frames since the newest anchored one
// with the value each led to. Writer and verifier use it, so that both say the same of a value that a TPM has. It reads
// no frame and asks no TPM. docs/audit-format.md, "Anchors".
#pragma once
#include <cstdint>
#include <deque>
#include <set>

#include "audit/chain.h"

namespace cm::audit {

// extended_pcr: the value of a SHA-256 PCR after an extend (TPM 2.0 Library, Part 1, 17.4).
Digest extended_pcr(Lane lane, const Digest& pcr, const Digest& head);

// ExtendedFrame: a frame whose head went into the PCR.
struct ExtendedFrame {
  uint64_t frame_seq = 0;
  uint64_t first_seq = 0;  // of the frames that went in with it: itself, or the first one that it carries
  uint64_t records = 0;    // of the log up to the end of this frame
  Digest head{};
  Digest before{};      // the PCR when it went in
  Digest pcr{};         // and after it
  bool begins = false;  // the replay began with it
};

class PcrLedger {
 public:
  static constexpr size_t kMaxFrames = size_t{1} << 18;  // more are not remembered

  explicit PcrLedger(Lane lane) : lane_(lane) {}

  // begin: a value that no frame led to: the first of a log or after a reset of the TPM. What stood before is
  // forgotten.
  void begin(const Digest& value);
  // found: a value that no frame led to either; the frames before it are remembered.
  void found(const Digest& value);
  // extend: the next frame, and how many directly before it it carries. False when it cannot carry so many: one of them
  // began the replay, is anchored or not remembered; nothing is changed then.
  bool extend(const FrameHeader& header, const Digest& head);
  // anchored: the TPM has quoted the value after this frame, which find() knows: it has left every value before.
  void anchored(uint64_t frame_seq);

  const Digest& value() const { return value_; }
  // find: a frame since the newest anchored one, that one included, that no later one carries; null: there is none.
  const ExtendedFrame* find(uint64_t frame_seq) const;
  // carried: a later frame carries it.
  bool carried(uint64_t frame_seq) const;
  // explains: the PCR had this value at one of those frames, or before the first of them.
  bool explains(const Digest& pcr) const { return pcr == base_ || values_.contains(pcr); }
  // behind: the frames, oldest first, that would follow on this value, looking back as far as the replay began last.
  // False when none of them has it.
  bool behind(const Digest& pcr, std::deque<ExtendedFrame>& out) const;

 private:
  std::deque<ExtendedFrame>::const_iterator at_or_behind(uint64_t frame_seq) const;
  void forget_oldest();

  Lane lane_;
  Digest value_{};
  Digest base_{};  // before the first of frames_
  std::deque<ExtendedFrame> frames_;
  std::multiset<Digest> values_;  // pcr of each: a log may be full of frames that ask
};

}  // namespace cm::audit
