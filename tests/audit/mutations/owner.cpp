// SPDX-License-Identifier: Apache-2.0
// owner.cpp: mutants by an attacker who owns the log, but not the attestation key. What a quote covers is found; what
// no anchor covers is called incomplete before and after, by design.
#include <algorithm>
#include <cstring>

#include "tests/audit/mutations/mutant.h"
#include "tests/audit/mutations/rechain.h"

namespace cm::audit::test {
namespace {

// Changed: a log and one frame of it, not the first, with a change that no rule binds.
struct Changed {
  CleanLog clean;
  std::vector<TestFrame> frames;
  uint64_t number = 0;
};

Changed draw_change(uint64_t seed, Dice& dice) {
  Changed c{draw_clean_log(seed), {}, 0};
  c.frames = c.clean.log.frames;
  c.number = dice.from_to(1, c.frames.size() - 1);
  change_freely(c.frames[c.number], dice);
  return c;
}

Mutant owned(const CleanLog& clean, std::vector<Bytes> segments, std::string what) {
  Mutant m = mutant_of(clean);
  m.segments = std::move(segments);
  m.what = std::move(what);
  return m;
}

// expect: the witness, whose number grew by shift; without one everything is as it was.
void expect(Mutant& m, const CleanLog& clean, const std::optional<Witness>& witness, int shift) {
  if (!witness) return;
  const uint64_t number = witness->frame + static_cast<uint64_t>(static_cast<int64_t>(shift));
  m.expected = tampered_at(clean, {witness->id}, frames_in(m.segments).at(number), number);
  m.expected.proved = proved_before(clean, witness->frame);
}

// expect_by: a rule may find the change in its own frame or a later one, the witness does at the latest. Without a
// witness the rules alone decide, and what breaks none is no worse than the log was.
void expect_by(Mutant& m, const CleanLog& clean, uint64_t changed) {
  const auto witness = first_witness(clean, changed, Claims::kLeft);
  const int before = m.expected.code;
  m.expected = {};
  m.expected.frame = changed;
  if (witness)
    m.expected.last_frame = witness->frame;
  else
    m.expected.may_be = {before, verify::kExitTampered, verify::kExitUndecided, verify::kExitIncomplete};
  if (!witness) m.expected.last_frame = clean.log.frames.size();
}

std::optional<uint64_t> clock_in(const CleanLog& clean, Dice& dice) {
  std::vector<uint64_t> found;
  for (uint64_t i = 1; i < clean.log.frames.size(); ++i)
    if (clean.log.frames[i].type == FrameType::kClock) found.push_back(i);
  if (found.empty()) return std::nullopt;
  return dice.one_of(found);
}

// recount: the frames that carried what lies around this place carry one more or one less.
void recount(std::vector<TestFrame>& frames, uint64_t place, int more) {
  for (uint64_t i = place; i < frames.size(); ++i)
    if (frames[i].carried != 0 && i - frames[i].carried < place) frames[i].carried += static_cast<uint32_t>(more);
}

Mutant clock_deleted(const CleanLog& clean, uint64_t number) {
  std::vector<TestFrame> frames = clean.log.frames;
  if (frames[number].new_segment && number + 1 < frames.size()) frames[number + 1].new_segment = true;
  recount(frames, number + 1, -1);
  frames.erase(frames.begin() + static_cast<ptrdiff_t>(number));
  Mutant m = owned(clean, rechain(clean, frames), "clock frame " + std::to_string(number) + " deleted");
  expect(m, clean, first_witness(clean, number, Claims::kLeft), -1);
  return m;
}

Mutant clock_inserted(const CleanLog& clean, uint64_t number) {
  std::vector<TestFrame> frames = clean.log.frames;
  TestFrame clock{FrameType::kClock, frames[number - 1].writer_time_ns, padded(encode(Clock{1, 2, 3, 4})), {}, false};
  if (number < frames.size()) std::swap(clock.new_segment, frames[number].new_segment);
  if (number == frames.size()) clock.new_segment = frames[number - 1].type == FrameType::kSegmentSeal;
  recount(frames, number, 1);
  frames.insert(frames.begin() + static_cast<ptrdiff_t>(number), clock);
  Mutant m = owned(clean, rechain(clean, frames), "clock frame inserted as " + std::to_string(number));
  expect(m, clean, first_witness(clean, number, Claims::kLeft), 1);
  return m;
}

// contents_exchanged: of two records; ring and number in it stay.
void contents_exchanged(Record& a, Record& b) {
  std::swap(a, b);
  std::swap(a.ring_id, b.ring_id);
  std::swap(a.ring_seq, b.ring_seq);
}

}  // namespace

// frame_resealed: digests and checksum of the changed frame are right again, the chain is not.
Mutant frame_resealed(uint64_t seed) {
  Dice dice(seed);
  const Changed c = draw_change(seed, dice);
  const LogBuilder& log = c.clean.log;
  const auto at = frames_in(log.segments);
  Chain chain{log.chain.log_id, c.number, at[c.number].first_record, log.heads[c.number - 1]};
  const Bytes bytes = frame_bytes(chain, c.frames[c.number]);
  Mutant m = owned(c.clean, log.segments, "frame " + std::to_string(c.number) + " changed and made sound");
  std::copy(bytes.begin(), bytes.end(),
            m.segments[at[c.number].segment].begin() + static_cast<ptrdiff_t>(at[c.number].offset));
  if (c.number + 1 < at.size())
    m.expected = tampered_at(c.clean, {FindingId::kPreviousHead}, at[c.number + 1], c.number + 1);
  return m;
}

Mutant rechained(uint64_t seed) {
  Dice dice(seed);
  const uint64_t how = dice.below(6);
  const Changed c = draw_change(seed, dice);
  if (how == 0)
    if (const auto number = clock_in(c.clean, dice)) return clock_deleted(c.clean, *number);
  if (how == 1 && !c.clean.moments[c.number - 1].ended) return clock_inserted(c.clean, c.number);
  const Claims claims = how < 4 ? Claims::kLeft : Claims::kCorrected;
  Mutant m = owned(c.clean, rechain(c.clean, c.frames, claims),
                   "frame " + std::to_string(c.number) + " changed, all heads new" +
                       (claims == Claims::kLeft ? "" : ", claims about the PCR too"));
  expect(m, c.clean, first_witness(c.clean, c.number, claims), 0);
  return m;
}

// rechained_cut: the attacker also cuts off the anchor that would show his change. That is not seen, but for a head or
// a counter that somebody knows.
Mutant rechained_cut(uint64_t seed) {
  Dice dice(seed);
  Changed c = draw_change(seed, dice);
  const auto witness = first_witness(c.clean, c.number, Claims::kCorrected);
  const uint64_t frames = witness ? witness->frame : c.frames.size();
  c.frames.resize(frames);
  Mutant m = owned(c.clean, rechain(c.clean, c.frames, Claims::kCorrected),
                   "frame " + std::to_string(c.number) + " changed, cut to " + std::to_string(frames) + " frames");
  Findings more;
  const uint64_t question = dice.below(3);
  if (question == 1) {
    const uint64_t seen = dice.below(c.clean.log.heads.size());
    m.head = c.clean.log.heads[seen];
    if (seen >= c.number) more.insert(FindingId::kHeadNotFound);
  } else if (question == 2) {
    m.nv_value = c.clean.moments.back().nv_value;
    more.merge(counter_finding(c.clean.moments[frames - 1], *m.nv_value));
  }
  m.expected = prefix(c.clean, frames, more);
  return m;
}

// rechained_field: a bit of any field of payload or records.
Mutant rechained_field(uint64_t seed) {
  Dice dice(seed);
  const CleanLog clean = draw_clean_log(seed);
  const auto at = frames_in(clean.log.segments);
  const uint64_t number = dice.one_in(20) ? 0 : dice.from_to(1, at.size() - 1);
  const FrameAt& f = at[number];
  std::vector<Field> fields = fields_of(std::span(clean.log.segments[f.segment]).subspan(f.offset, f.size));
  std::erase_if(fields, [](const Field& field) { return field.part == Part::kHeader || field.part == Part::kTrailer; });
  const Field field = dice.one_of(fields);
  std::vector<TestFrame> frames = clean.log.frames;
  const uint64_t place = field.offset + dice.below(field.size);
  uint8_t& byte = field.part == Part::kPayload
                      ? frames[number].var[place - sizeof(FrameHeader)]
                      : reinterpret_cast<uint8_t*>(frames[number].records.data())[place - f.records_at()];
  byte = static_cast<uint8_t>(byte ^ 1u << dice.below(8));
  Mutant m = owned(clean, assemble(clean.log.chain.log_id, frames),
                   "frame " + std::to_string(number) + " byte " + std::to_string(place) + ", " + field.name);
  const bool quoted =
      f.type == static_cast<uint16_t>(FrameType::kAnchor) && field.name.find("tsc") == std::string::npos;
  if (number == 0 || quoted) {
    m.expected = tampered_at(clean, {}, f, number);
    m.expected.offset.reset();
  } else {
    expect_by(m, clean, number);
  }
  return m;
}

// records_rechained: two records change places, or all of their contents but ring and number do.
Mutant records_rechained(uint64_t seed) {
  Dice dice(seed);
  for (uint64_t i = 0;; ++i) {
    const CleanLog clean = draw_clean_log(seed + (i << 32));
    const uint64_t number = dice.below(clean.log.frames.size());
    std::vector<TestFrame> frames = clean.log.frames;
    std::vector<Record>& records = frames[number].records;
    if (records.size() < 2) continue;
    const uint64_t a = dice.below(records.size() - 1), b = dice.from_to(a + 1, records.size() - 1);
    const bool same_ring = records[a].ring_id == records[b].ring_id, renumbered = dice.one_in(3);
    if (renumbered)
      contents_exchanged(records[a], records[b]);
    else
      std::swap(records[a], records[b]);
    Mutant m = owned(clean, assemble(clean.log.chain.log_id, frames),
                     "records " + std::to_string(a) + " and " + std::to_string(b) + " of frame " +
                         std::to_string(number) + (renumbered ? " but ring and number" : ""));
    if (renumbered) {
      expect_by(m, clean, number);
      return m;
    }
    const FrameAt f = frames_in(m.segments)[number];
    m.expected = tampered_at(clean, {same_ring ? FindingId::kRingSequence : FindingId::kBatchMarks}, f, number,
                             f.records_at() + 64 * a);
    m.expected.record = f.first_record + a;
    return m;
  }
}

}  // namespace cm::audit::test
