// SPDX-License-Identifier: Apache-2.0
// old_anchors.cpp: mutants that use quotes again which the TPM once made: of this log or of another.
#include <algorithm>

#include "tests/audit/mutations/mutant.h"
#include "tests/audit/mutations/rechain.h"

namespace cm::audit::test {
namespace {

std::vector<uint64_t> anchors_in(const CleanLog& clean) {
  std::vector<uint64_t> out;
  for (uint64_t i = 0; i < clean.log.frames.size(); ++i)
    if (clean.log.frames[i].type == FrameType::kAnchor) out.push_back(i);
  return out;
}

CleanLog draw_with_anchors(uint64_t seed, size_t anchors, uint8_t key = 0) {
  for (uint64_t i = 0;; ++i) {
    CleanLog clean = draw_clean_log(seed + (i << 32), Shape::kAny, key);
    if (anchors_in(clean).size() >= anchors) return clean;
  }
}

Anchor anchor_of(const TestFrame& frame) {
  Anchor a;
  static_cast<void>(decode(frame.var, a));
  return a;
}

Mutant answered(const CleanLog& clean, const std::vector<TestFrame>& frames, uint64_t number, FindingId id,
                std::string what) {
  Mutant m = mutant_of(clean);
  m.segments = rechain(clean, frames);
  m.expected = tampered_at(clean, {id}, frames_in(m.segments).at(number), number);
  m.what = std::move(what) + " at frame " + std::to_string(number);
  return m;
}

// again: an anchor frame once more, later.
Mutant again(const CleanLog& clean, Dice& dice) {
  std::vector<TestFrame> frames = clean.log.frames;
  const uint64_t old = dice.one_of(anchors_in(clean)), number = dice.from_to(old + 1, frames.size());
  TestFrame copy = frames[old];
  copy.new_segment = false;
  if (number < frames.size())
    std::swap(copy.new_segment, frames[number].new_segment);
  else
    copy.new_segment = frames.back().type == FrameType::kSegmentSeal;
  frames.insert(frames.begin() + static_cast<ptrdiff_t>(number), copy);
  return answered(clean, frames, number, FindingId::kAttestBinding, "anchor " + std::to_string(old) + " once more");
}

// mixed: parts of an anchor, of this log or of another, in place of those of a later one.
Mutant mixed(const CleanLog& clean, const TestFrame& old, uint64_t number, bool same_key, Dice& dice) {
  std::vector<TestFrame> frames = clean.log.frames;
  const Anchor source = anchor_of(old);
  Anchor a = anchor_of(frames[number]);
  FindingId id = same_key ? FindingId::kAttestBinding : FindingId::kAttestSignature;
  switch (dice.below(4)) {
    case 0:
      a = source;
      break;
    case 1:
      a.quote_attest = source.quote_attest;
      a.quote_signature = source.quote_signature;
      break;
    case 2:
      a.nv_attest = source.nv_attest;
      a.nv_signature = source.nv_signature;
      break;
    default:
      a.quote_attest = source.quote_attest;
      id = FindingId::kAttestSignature;
      break;
  }
  if (dice.one_in(2)) frames[number].writer_time_ns = old.writer_time_ns;
  // Another time is not that of the rest of the quotes: where only one of them is replaced, both are wrong.
  frames[number].var = padded(encode(a));
  return answered(clean, frames, number, id, "parts of an older anchor");
}

}  // namespace

Mutant old_anchor(uint64_t seed) {
  Dice dice(seed);
  const uint64_t how = dice.below(4);
  if (how == 0) return again(draw_with_anchors(seed, 1), dice);
  const CleanLog clean = draw_with_anchors(seed, 2);
  const std::vector<uint64_t> anchors = anchors_in(clean);
  const uint64_t later = dice.from_to(1, anchors.size() - 1);
  if (how < 3) return mixed(clean, clean.log.frames[anchors[dice.below(later)]], anchors[later], true, dice);
  const bool same_key = dice.one_in(2);
  const auto other_key = static_cast<uint8_t>(clean.key % 200 + 1);
  const CleanLog other = draw_with_anchors(seed ^ uint64_t{1} << 40, 1, same_key ? clean.key : other_key);
  return mixed(clean, other.log.frames[dice.one_of(anchors_in(other))], anchors[later], same_key, dice);
}

}  // namespace cm::audit::test
