// SPDX-License-Identifier: Apache-2.0
// mutant.h: one changed log, and the answer it must get. Every kind works out the answer from what it changed and from
// docs/audit-format.md, and asks no verifier.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/audit/mutations/clean_log.h"
#include "tests/audit/mutations/dice.h"
#include "tests/audit/mutations/fields.h"

namespace cm::audit::test {

// Expected: fields that are not set are not looked at.
struct Expected {
  int code = verify::kExitTampered;
  // Of code 1 and 2: the finding that decides is one of these, at this place. A frame from frame to last_frame.
  std::vector<FindingId> ids;
  std::optional<std::string> segment;
  std::optional<uint64_t> offset;
  std::optional<uint64_t> frame, last_frame;
  std::optional<uint64_t> record;
  // Of code 0 and 3: exactly these findings; or one of several codes, where may_be is set.
  std::optional<Findings> all;
  std::vector<int> may_be;
  // Records that are said to be proved, in any case.
  std::optional<uint64_t> proved;
};

struct Mutant {
  std::string what;  // for messages
  std::vector<Bytes> segments;
  verify::Trust trust;
  std::optional<Digest> head;
  std::optional<uint64_t> nv_value;
  std::function<void(const std::string& directory)> change_files;  // after the segments were written
  Expected expected;
  std::string field;  // that was hit, of the kind that goes through all fields
};

struct KindRow {
  const char* name;
  Mutant (*make)(uint64_t seed);
};
const std::vector<KindRow>& kinds();
// kFieldKind: its seeds go through field_names() in order. It is the first, and the one that goes through the rules the
// second.
inline constexpr char kFieldKind[] = "bit-flip";

// Names of the places where frames stand, for expectations.
std::string segment_name(size_t number);
// place_of: from the parts of the frames, whatever their headers say.
FrameAt place_of(const LogBuilder& log, uint64_t frame);
// proved_before: what is proved when verification stops in this frame.
uint64_t proved_before(const CleanLog& clean, uint64_t frame);
// tampered_at: code 1 in this frame, at an offset in it.
Expected tampered_at(const CleanLog& clean, std::vector<FindingId> ids, const FrameAt& at, uint64_t frame,
                     uint64_t within = 0);
// prefix: the answer on the first frames of a log.
Expected prefix(const CleanLog& clean, size_t frames, const Findings& more = {});
// counter_finding: on a log that ends like this, when the TPM's counter is given.
Findings counter_finding(const Moment& last, uint64_t given);
// mutant_of: the log as it is.
Mutant mutant_of(const CleanLog& clean);

// The kinds, by file. bytes.cpp:
Mutant bit_flip(uint64_t seed);
Mutant byte_change(uint64_t seed);
Mutant checksum_right(uint64_t seed);
Mutant cut_in_frame(uint64_t seed);
Mutant lost_sectors(uint64_t seed);
Mutant records_exchanged(uint64_t seed);
// arrangements.cpp:
Mutant frame_deleted(uint64_t seed);
Mutant frame_moved(uint64_t seed);
Mutant frame_doubled(uint64_t seed);
Mutant splice(uint64_t seed);
Mutant cut_at_frame(uint64_t seed);
// owner.cpp: the attacker owns the log, but not the key.
Mutant frame_resealed(uint64_t seed);
Mutant rechained(uint64_t seed);
Mutant rechained_field(uint64_t seed);
Mutant rechained_cut(uint64_t seed);
Mutant records_rechained(uint64_t seed);
// old_anchors.cpp, tail_rules.cpp, forged_anchors.cpp, files.cpp:
Mutant old_anchor(uint64_t seed);
Mutant tail_rule(uint64_t seed);
Mutant forged_anchor(uint64_t seed);
Mutant segment_files(uint64_t seed);
Mutant trust_root(uint64_t seed);

}  // namespace cm::audit::test
