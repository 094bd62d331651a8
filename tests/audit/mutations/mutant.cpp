// SPDX-License-Identifier: Apache-2.0
// mutant.cpp: see mutant.h.
#include "tests/audit/mutations/mutant.h"

#include <cstdio>

namespace cm::audit::test {

const std::vector<KindRow>& kinds() {
  static const std::vector<KindRow> kRows = {
      {kFieldKind, bit_flip},
      {"tail-rule", tail_rule},
      {"byte-change", byte_change},
      {"checksum-right", checksum_right},
      {"cut-in-frame", cut_in_frame},
      {"lost-sectors", lost_sectors},
      {"records-exchanged", records_exchanged},
      {"frame-deleted", frame_deleted},
      {"frame-moved", frame_moved},
      {"frame-doubled", frame_doubled},
      {"splice", splice},
      {"cut-at-frame", cut_at_frame},
      {"frame-resealed", frame_resealed},
      {"rechained", rechained},
      {"rechained-field", rechained_field},
      {"rechained-cut", rechained_cut},
      {"records-rechained", records_rechained},
      {"old-anchor", old_anchor},
      {"forged-anchor", forged_anchor},
      {"segment-files", segment_files},
      {"trust-root", trust_root},
  };
  return kRows;
}

std::string segment_name(size_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%08zu.cmlog", number);
  return text;
}

FrameAt place_of(const LogBuilder& log, uint64_t frame) {
  FrameAt at;
  for (uint64_t i = 0;; ++i) {
    const TestFrame& f = log.frames[i];
    if (f.new_segment) {
      ++at.segment;
      at.offset = 0;
    }
    if (i == frame) return at;
    at.offset += frame_size(static_cast<uint32_t>(f.var.size()), static_cast<uint32_t>(f.records.size()));
    at.first_record += f.records.size();
  }
}

uint64_t proved_before(const CleanLog& clean, uint64_t frame) {
  return frame == 0 ? 0 : clean.moments.at(frame - 1).proved;
}

Expected tampered_at(const CleanLog& clean, std::vector<FindingId> ids, const FrameAt& at, uint64_t frame,
                     uint64_t within) {
  Expected e;
  e.ids = std::move(ids);
  e.segment = segment_name(at.segment);
  e.offset = at.offset + within;
  e.frame = frame;
  e.proved = proved_before(clean, frame);
  return e;
}

Expected prefix(const CleanLog& clean, size_t frames, const Findings& more) {
  Expected e;
  if (frames == 0) {
    e.code = verify::kExitUndecided;
    e.ids = {FindingId::kNotALog};
    return e;
  }
  e.all = findings_of(clean, frames);
  e.all->insert(more.begin(), more.end());
  e.code = code_of(*e.all);
  e.proved = clean.moments[frames - 1].proved;
  return e;
}

Findings counter_finding(const Moment& last, uint64_t given) {
  if (given == last.nv_value) return {};
  if (given < last.nv_value) return {FindingId::kNvBeyond};
  return {given == last.nv_value + 1 && !last.covered ? FindingId::kNvPending : FindingId::kNvBehind};
}

Mutant mutant_of(const CleanLog& clean) {
  Mutant m;
  m.segments = clean.log.segments;
  m.trust = trust_of(clean.log);
  m.expected = prefix(clean, clean.moments.size());
  return m;
}

}  // namespace cm::audit::test
