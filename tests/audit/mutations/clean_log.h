// SPDX-License-Identifier: Apache-2.0
// clean_log.h: random logs as sound writers leave them, with what a verifier must say about each of their beginnings.
// The plan is kept while the log is made and asks no verifier.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {

using Findings = std::set<FindingId>;

// Planned: a finding of code 0 or 3 that a verifier reports when it has read this frame.
struct Planned {
  FindingId id;
  uint64_t frame;
};

// Moment: what holds after a frame.
struct Moment {
  bool ended = false;     // the last of end and start frames is an end frame
  bool covered = false;   // and an anchor covers it
  uint64_t proved = 0;    // records that an anchor proves
  uint64_t nv_value = 0;  // of the last anchor
};

struct CleanLog {
  LogBuilder log;
  std::vector<Planned> planned;
  std::vector<Moment> moments;  // one a frame
  uint8_t key = 0;              // that of the attestation key, for another log of the same TPM
};

// kAny: ended or not. kRunning: its last writer has not ended, and everything a start found is settled.
enum class Shape : uint8_t { kAny, kRunning };
CleanLog draw_clean_log(uint64_t seed, Shape shape = Shape::kAny, uint8_t key = 0);  // key 0: drawn

// findings_of: the findings on the first frames of a log, none of which is of code 1 or 2. code_of: 1 before 2
// before 3.
Findings findings_of(const CleanLog& clean, size_t frames);
Findings findings_of(const CleanLog& clean);
int code_of(const Findings& findings);

}  // namespace cm::audit::test
