// SPDX-License-Identifier: Apache-2.0
// arrangements.cpp: mutants in which frames are whole and stand elsewhere, twice, not at all, or come from another log.
#include <algorithm>

#include "tests/audit/mutations/mutant.h"

namespace cm::audit::test {
namespace {

constexpr uint16_t kSegmentSealType = 12;

// Item: a frame of this log or of another.
struct Item {
  const std::vector<Bytes>* from;
  FrameAt at;
  uint64_t number = 0;
  bool own = true;
  bool same_id = false;  // a frame of another log that has this log's id
};
using Arrangement = std::vector<std::vector<Item>>;  // by segment

Arrangement arrange(const std::vector<Bytes>& segments, bool own = true, bool same_id = false) {
  Arrangement out(segments.size());
  uint64_t number = 0;
  for (const FrameAt& at : frames_in(segments)) out[at.segment].push_back({&segments, at, number++, own, same_id});
  return out;
}

std::vector<Bytes> bytes_of(const Arrangement& arrangement) {
  std::vector<Bytes> out;
  for (const auto& items : arrangement) {
    Bytes& segment = out.emplace_back();
    for (const Item& i : items) {
      const Bytes& from = (*i.from)[i.at.segment];
      segment.insert(segment.end(), from.begin() + static_cast<ptrdiff_t>(i.at.offset),
                     from.begin() + static_cast<ptrdiff_t>(i.at.offset + i.at.size));
    }
  }
  return out;
}

FindingId what_is_wrong(const Item& item, uint64_t place, bool behind_seal) {
  if (behind_seal) return FindingId::kSegmentSeal;
  if (item.number != place) return FindingId::kFrameSequence;
  if (place == 0) return FindingId::kEnrolmentMismatch;
  return item.same_id ? FindingId::kPreviousHead : FindingId::kLogId;
}

// judge: frames are accepted up to the first that does not stand in its place.
Expected judge(const CleanLog& clean, const Arrangement& arrangement) {
  uint64_t place = 0;
  for (size_t s = 0; s < arrangement.size(); ++s) {
    bool sealed = false;
    FrameAt here;
    here.segment = s;
    if (arrangement[s].empty() && s + 1 == arrangement.size()) return prefix(clean, place, {FindingId::kTornLastFrame});
    if (arrangement[s].empty()) return tampered_at(clean, {FindingId::kFrameSize}, here, place);
    for (const Item& item : arrangement[s]) {
      if (sealed || !item.own || item.number != place)
        return tampered_at(clean, {what_is_wrong(item, place, sealed)}, here, place);
      // A frame that moved over the border between two segments may still be in order; a seal says where it stood.
      sealed = item.at.type == kSegmentSealType;
      if (sealed && (item.at.segment != s || item.at.offset != here.offset))
        return tampered_at(clean, {FindingId::kSegmentSeal}, here, place);
      here.offset += item.at.size;
      ++place;
    }
  }
  return prefix(clean, place);
}

std::pair<size_t, size_t> somewhere(const Arrangement& a, Dice& dice) {
  size_t count = 0;
  for (const auto& items : a) count += items.size();
  size_t n = dice.below(count);
  for (size_t s = 0;; n -= a[s++].size())
    if (n < a[s].size()) return {s, n};
}

auto iterator_at(std::vector<Item>& items, size_t n) { return items.begin() + static_cast<ptrdiff_t>(n); }

Mutant arranged(const CleanLog& clean, const Arrangement& arrangement, std::string what) {
  Mutant m = mutant_of(clean);
  m.expected = judge(clean, arrangement);
  m.segments = bytes_of(arrangement);
  m.what = std::move(what);
  return m;
}

std::string text(std::pair<size_t, size_t> place) {
  return "segment " + std::to_string(place.first) + " frame " + std::to_string(place.second);
}

}  // namespace

Mutant frame_deleted(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Arrangement a = arrange(clean.log.segments);
  const auto place = somewhere(a, dice);
  std::vector<Item>& items = a[place.first];
  const size_t end = std::min(items.size(), place.second + (dice.one_in(3) ? dice.from_to(2, 6) : 1));
  items.erase(iterator_at(items, place.second), iterator_at(items, end));
  return arranged(clean, a, "deleted from " + text(place));
}

Mutant frame_moved(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Arrangement a = arrange(clean.log.segments);
  const auto from = somewhere(a, dice), to = somewhere(a, dice);
  if (dice.one_in(2)) {
    std::swap(a[from.first][from.second], a[to.first][to.second]);
  } else {
    const Item item = a[from.first][from.second];
    a[from.first].erase(iterator_at(a[from.first], from.second));
    a[to.first].insert(iterator_at(a[to.first], std::min(to.second, a[to.first].size())), item);
  }
  return arranged(clean, a, "moved from " + text(from) + " to " + text(to));
}

Mutant frame_doubled(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Arrangement a = arrange(clean.log.segments);
  const auto from = somewhere(a, dice);
  const Item item = a[from.first][from.second];
  auto to = from;
  if (dice.one_in(2)) to = somewhere(a, dice);
  a[to.first].insert(iterator_at(a[to.first], to.second + dice.below(2)), item);
  return arranged(clean, a, "doubled " + text(from) + " at " + text(to));
}

// splice: a frame of another log in place of one or between two, or all frames from a place on. The other log has the
// same attestation key, another, or even the same log id.
Mutant splice(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  const CleanLog other = draw_clean_log(seed ^ uint64_t{1} << 40, Shape::kAny, dice.one_in(2) ? clean.key : 0);
  const bool same_id = dice.one_in(3), same_number = !dice.one_in(3);
  const std::vector<Bytes> foreign = same_id ? assemble(clean.log.chain.log_id, other.log.frames) : other.log.segments;
  Arrangement a = arrange(clean.log.segments), b = arrange(foreign, false, same_id);
  const auto to = somewhere(a, dice);
  auto from = somewhere(b, dice);
  const uint64_t number = a[to.first][to.second].number;
  for (size_t s = 0; same_number && s < b.size(); ++s)
    for (size_t n = 0; n < b[s].size(); ++n)
      if (b[s][n].number == number) from = {s, n};
  std::vector<Item>& items = a[to.first];
  const uint64_t how = dice.below(3);
  if (how == 0) {
    items.insert(iterator_at(items, to.second), b[from.first][from.second]);
  } else if (how == 1) {
    items[to.second] = b[from.first][from.second];
  } else {
    items.erase(iterator_at(items, to.second), items.end());
    items.insert(items.end(), iterator_at(b[from.first], from.second), b[from.first].end());
    a.resize(to.first + 1);
  }
  return arranged(clean, a, "frame of another log " + text(from) + " at " + text(to));
}

// cut_at_frame: the log ends with a whole frame. An enrolment record does not show that; a head that somebody saw or
// the TPM's counter does.
Mutant cut_at_frame(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  Mutant m = mutant_of(clean);
  const auto at = frames_in(m.segments);
  const uint64_t frames = dice.one_in(50) ? 0 : dice.from_to(1, at.size());
  Findings more;
  if (frames < at.size()) {
    m.segments[at[frames].segment].resize(at[frames].offset);
    m.segments.resize(at[frames].segment + 1);
    // A segment that nothing is left of: gone, or an empty file.
    if (m.segments.back().empty() && m.segments.size() > 1 && dice.one_in(2)) m.segments.pop_back();
    if (m.segments.back().empty()) more.insert(FindingId::kTornLastFrame);
  }
  m.what = "cut to " + std::to_string(frames) + " of " + std::to_string(at.size()) + " frames";
  const uint64_t question = dice.below(3);
  if (question == 1) {
    const uint64_t seen = dice.below(at.size());
    m.head = clean.log.heads[seen];
    m.what += ", --head of frame " + std::to_string(seen);
    if (seen >= frames) more.insert(FindingId::kHeadNotFound);
  } else if (question == 2 && frames > 0) {
    m.nv_value = clean.moments.back().nv_value;
    m.what += ", --nv-value";
    more.merge(counter_finding(clean.moments[frames - 1], *m.nv_value));
  }
  m.expected = prefix(clean, frames, more);
  return m;
}

}  // namespace cm::audit::test
