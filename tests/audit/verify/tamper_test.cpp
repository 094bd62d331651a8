// SPDX-License-Identifier: Apache-2.0
// tamper_test.cpp: every way to change the bytes of a log: single bits (all of them), truncation (every length), frames
// deleted, swapped, doubled; an attacker who recomputes every digest, and one who holds the attestation key besides.
#include <gtest/gtest.h>

#include <rapidcheck.h>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

using verify::exit_code;

// FrameSpan: where a frame and its sections stand in its segment.
struct FrameSpan {
  size_t begin = 0;
  size_t records_begin = 0;
  size_t records_end = 0;
  size_t end = 0;
  uint64_t first_record = 0;
};

std::vector<FrameSpan> spans_of(const std::vector<TestFrame>& frames) {
  std::vector<FrameSpan> out;
  size_t at = 0;
  uint64_t records = 0;
  for (const TestFrame& f : frames) {
    if (f.new_segment) at = 0;
    FrameSpan s;
    s.begin = at;
    s.records_begin = at + sizeof(FrameHeader) + f.var.size();
    s.records_end = s.records_begin + f.records.size() * sizeof(Record);
    s.end = at + frame_size(static_cast<uint32_t>(f.var.size()), static_cast<uint32_t>(f.records.size()));
    s.first_record = records;
    records += f.records.size();
    at = s.end;
    out.push_back(s);
  }
  return out;
}

const verify::Finding& fatal(const Report& r) { return *r.first(1); }

// Every bit of a whole log. Nothing is ever taken for good, and the place is exact: the byte, and the record in it.
TEST(tamper, every_single_bit_is_found_and_named) {
  const PlainLog p = closed_log();
  const std::vector<FrameSpan> spans = spans_of(p.log.frames);
  const verify::Trust trust = trust_of(p.log);
  std::vector<Bytes> segments = p.log.segments;
  Bytes& bytes = segments[0];
  size_t in_records = 0;
  size_t frame = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    while (at >= spans[frame].end) ++frame;
    const FrameSpan& s = spans[frame];
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << bit);
      const Report r = check(segments, trust);
      bytes[at] = static_cast<uint8_t>(bytes[at] ^ 1u << bit);
      const int code = exit_code(r);
      if (code == 2) {
        ASSERT_LT(at, 10u) << "only magic and version make the log unrecognisable: " << ids(r);
        continue;
      }
      ASSERT_EQ(code, 1) << "byte " << at << " bit " << bit << ": " << ids(r);
      const verify::Finding& f = fatal(r);
      ASSERT_EQ(f.place.segment, "00000000.cmlog");
      ASSERT_EQ(f.place.frame.value_or(~0ull), frame) << "byte " << at << ": " << ids(r);
      if (at < s.records_begin || at >= s.records_end) {
        ASSERT_NE(f.id, FindingId::kRecordDamaged) << "byte " << at;
        continue;
      }
      ++in_records;
      const size_t index = (at - s.records_begin) / sizeof(Record);
      const Record& original = p.log.frames[frame].records[index];
      ASSERT_EQ(f.id, FindingId::kRecordDamaged) << "byte " << at << " bit " << bit << ": " << ids(r);
      ASSERT_EQ(f.place.offset, at);
      ASSERT_TRUE(f.place.record.has_value());
      ASSERT_EQ(f.place.record->number, s.first_record + index);
      ASSERT_EQ(f.place.record->ring_id, original.ring_id);
      ASSERT_EQ(f.place.record->ring_seq, original.ring_seq);
      ASSERT_EQ(f.place.record->event_id, original.event_id);
    }
  }
  EXPECT_EQ(in_records, p.log.chain.records * sizeof(Record) * 8);
}

// A change of several bits cannot be located by the checksum; the midstates name the first record that differs.
TEST(tamper, changed_record_is_named_by_its_midstate) {
  const PlainLog p = closed_log();
  const std::vector<FrameSpan> spans = spans_of(p.log.frames);
  for (size_t f = 0; f < spans.size(); ++f) {
    for (size_t i = 1; i < p.log.frames[f].records.size(); ++i) {
      std::vector<Bytes> segments = p.log.segments;
      for (size_t b = 0; b < 8; ++b) segments[0][spans[f].records_begin + i * 64 + 40 + b] ^= 0x5a;
      const Report r = check(segments, trust_of(p.log));
      ASSERT_EQ(exit_code(r), 1);
      ASSERT_EQ(fatal(r).id, FindingId::kRecordDamaged) << ids(r);
      ASSERT_EQ(fatal(r).place.record->number, spans[f].first_record + i);
    }
  }
}

TEST(tamper, truncation_at_every_byte_is_never_verified) {
  PlainLog p = open_log();
  p.log.next_in_new_segment = true;
  close_log(p);
  const verify::Trust trust = trust_of(p.log);
  for (size_t segment = 0; segment < p.log.segments.size(); ++segment) {
    for (size_t size = 0; size < p.log.segments[segment].size(); ++size) {
      std::vector<Bytes> segments(p.log.segments.begin(), p.log.segments.begin() + static_cast<ptrdiff_t>(segment + 1));
      segments.back().resize(size);
      const int last_cut = exit_code(check(segments, trust));
      ASSERT_NE(last_cut, 0) << "segment " << segment << " cut to " << size;
      if (size > sizeof(FrameHeader) || segment > 0) {
        ASSERT_NE(last_cut, 1) << segment << " " << size;
      }
      // A cut segment that is not the last is no torn write.
      if (segment + 1 == p.log.segments.size()) continue;
      segments = p.log.segments;
      segments[segment].resize(size);
      const int middle_cut = exit_code(check(segments, trust));
      ASSERT_TRUE(middle_cut == 1 || middle_cut == 2) << "segment " << segment << " cut to " << size;
    }
  }
}

TEST(tamper, zeros_at_the_end_look_like_a_torn_write_and_other_bytes_do_not) {
  PlainLog p = open_log();
  const size_t end = p.log.segments[0].size();
  p.log.raw(Bytes(5000, 0));
  EXPECT_EQ(exit_code(check(p.log)), 3);
  p.log.segments[0].back() = 1;
  EXPECT_EQ(exit_code(check(p.log)), 3) << "the middle of a frame whose first sectors and end are missing";
  p.log.segments[0][end] = 1;
  EXPECT_EQ(exit_code(check(p.log)), 1);
}

// The pages of a last frame reach the disk in any order: every sector that may be missing makes a torn write, in the
// last frame and nowhere else, and a single changed byte never does.
TEST(tamper, missing_sectors_of_the_last_frame_are_a_torn_write) {
  PlainLog p = open_log();
  std::vector<Record> records;
  for (int i = 0; i < 20; ++i) {
    const auto call = p.client.rings[1].call(EventId::kStatus);
    records.insert(records.end(), call.begin(), call.end());
  }
  p.log.batch(records);
  const FrameSpan last = spans_of(p.log.frames).back();
  ASSERT_EQ(last.end, p.log.segments[0].size());
  const verify::Trust trust = trust_of(p.log);
  constexpr size_t kSector = 512;
  size_t torn = 0;
  for (size_t sector = last.begin / kSector; sector * kSector < last.end; ++sector) {
    std::vector<Bytes> segments = p.log.segments;
    const size_t begin = std::max(sector * kSector, last.begin);
    const size_t end = std::min((sector + 1) * kSector, last.end);
    std::fill(segments[0].begin() + static_cast<ptrdiff_t>(begin), segments[0].begin() + static_cast<ptrdiff_t>(end),
              0);
    const Report r = check(segments, trust);
    EXPECT_EQ(exit_code(r), 3) << "sector " << sector << ": " << ids(r);
    EXPECT_TRUE(r.has(FindingId::kTornLastFrame)) << "sector " << sector << ": " << ids(r);
    ++torn;
    // All but one byte of a sector is not what a disk leaves.
    segments[0][begin + 5] = 1;
    EXPECT_EQ(exit_code(check(segments, trust)), 1) << "sector " << sector;
  }
  EXPECT_GE(torn, 5u);
  std::vector<Bytes> segments = p.log.segments;
  for (size_t at = last.begin; at < last.end; ++at) {
    segments[0][at] ^= 0x10;
    ASSERT_EQ(exit_code(check(segments, trust)), 1) << at - last.begin;
    segments[0][at] ^= 0x10;
  }
  // The same hole with a frame behind it is damage.
  p.log.anchor();
  segments = p.log.segments;
  std::fill_n(segments[0].begin() + static_cast<ptrdiff_t>((last.begin / kSector + 2) * kSector), kSector, 0);
  EXPECT_EQ(exit_code(check(segments, trust)), 1);
}

TEST(tamper, deleted_doubled_and_swapped_frames) {
  const PlainLog p = closed_log();
  const std::vector<FrameSpan> spans = spans_of(p.log.frames);
  const verify::Trust trust = trust_of(p.log);
  const Bytes& whole = p.log.segments[0];
  const auto piece = [&](size_t f) {
    return Bytes(whole.begin() + static_cast<ptrdiff_t>(spans[f].begin),
                 whole.begin() + static_cast<ptrdiff_t>(spans[f].end));
  };
  const auto join = [&](const std::vector<size_t>& order) {
    Bytes out;
    for (const size_t f : order) {
      const Bytes b = piece(f);
      out.insert(out.end(), b.begin(), b.end());
    }
    return out;
  };
  std::vector<size_t> all(spans.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<size_t> order = all;
    order.erase(order.begin() + static_cast<ptrdiff_t>(i));
    const int deleted = exit_code(check({join(order)}, trust));
    EXPECT_EQ(deleted, i + 1 == all.size() ? 3 : 1) << "deleted " << i;
    order = all;
    order.insert(order.begin() + static_cast<ptrdiff_t>(i), i);
    EXPECT_EQ(exit_code(check({join(order)}, trust)), 1) << "doubled " << i;
    for (size_t j = i + 1; j < all.size(); ++j) {
      order = all;
      std::swap(order[i], order[j]);
      EXPECT_EQ(exit_code(check({join(order)}, trust)), 1) << "swapped " << i << " " << j;
    }
  }
}

TEST(tamper, frames_of_another_log_are_not_accepted) {
  const PlainLog p = closed_log();
  PlainLog other = open_log();
  other.log.chain.log_id[3] ^= 1;
  std::vector<Bytes> segments = p.log.segments;
  Chain chain = p.log.chain;
  chain.log_id[0] ^= 1;
  const Bytes extra = frame_bytes(chain, {FrameType::kAnchor, *p.log.now_ns, Bytes(64), {}, false});
  segments[0].insert(segments[0].end(), extra.begin(), extra.end());
  const Report r = check(segments, trust_of(p.log));
  EXPECT_EQ(exit_code(r), 1);
  EXPECT_TRUE(r.has(FindingId::kLogId)) << ids(r);
}

// An attacker who can write every byte but cannot make the TPM sign: all digests are computed anew after the change.
TEST(attacker, rewriting_without_the_key_is_found) {
  const PlainLog p = closed_log();
  const verify::Trust trust = trust_of(p.log);
  ASSERT_EQ(assemble(p.log.chain.log_id, p.log.frames), p.log.segments);
  size_t tried = 0;
  for (size_t f = 0; f + 1 < p.log.frames.size(); ++f) {  // the last anchor's own frame is covered by nothing later
    const auto attempt = [&](const std::function<void(TestFrame&)>& edit) {
      std::vector<TestFrame> frames = p.log.frames;
      edit(frames[f]);
      const Report r = check(assemble(p.log.chain.log_id, frames), trust);
      EXPECT_EQ(exit_code(r), 1) << "frame " << f << ": " << ids(r);
      ++tried;
    };
    attempt([](TestFrame& t) { t.writer_time_ns += 1; });
    for (size_t i = 0; i < p.log.frames[f].records.size(); ++i)
      for (const size_t byte : {4u, 8u, 20u, 41u, 50u})
        attempt([&](TestFrame& t) { reinterpret_cast<uint8_t*>(&t.records[i])[byte] ^= 1; });
    for (size_t byte = 0; byte < p.log.frames[f].var.size(); byte += 5)
      attempt([&](TestFrame& t) { t.var[byte] ^= 1; });
  }
  EXPECT_GT(tried, 200u);
}

// The same attacker also corrects what the anchors say about the heads and the PCR; the quotes still say otherwise.
TEST(attacker, rewriting_the_anchors_claims_is_found) {
  PlainLog p = closed_log();
  p.log.frames[3].records[5].object ^= 1;
  Chain chain;
  chain.log_id = p.log.chain.log_id;
  Bytes segment;
  SoftTpm replay(1);
  std::vector<Digest> heads, pcrs;
  for (TestFrame& f : p.log.frames) {
    Anchor a;
    if (f.type == FrameType::kAnchor && decode(f.var, a)) {
      a.anchored_head = heads[a.anchored_seq];
      a.pcr_value = pcrs[a.anchored_seq];
      f.var = padded(encode(a));
    }
    const Bytes bytes = frame_bytes(chain, f);
    segment.insert(segment.end(), bytes.begin(), bytes.end());
    replay.extend(chain.previous);
    heads.push_back(chain.previous);
    pcrs.push_back(replay.pcr);
  }
  const Report r = check({segment}, trust_of(p.log));
  EXPECT_EQ(exit_code(r), 1);
  EXPECT_TRUE(r.has(FindingId::kAttestBinding)) << ids(r);
}

// Whoever reaches the TPM can recreate the attestation key, reset the TPM, and have any history extended and quoted.
// forged_log: such a history: same key, same log id, other records.
LogBuilder forged_log(const PlainLog& real, bool keep_genesis, bool admit_reset) {
  LogBuilder forged;
  if (keep_genesis) forged.genesis();
  forged.tpm.identity = real.log.tpm.identity;
  forged.tpm.nv_value = real.log.tpm.nv_value;
  forged.tpm.reset(false);
  if (!keep_genesis) forged.genesis();
  if (keep_genesis && !admit_reset) forged.tpm.extend(forged.heads[0]);
  if (keep_genesis && admit_reset) forged.start(FrameType::kBoot);
  TestClient client = forged.attach();
  forged.batch(client.rings[1].call(EventId::kStatus));
  forged.detach(client);
  forged.end();
  forged.anchor();
  return forged;
}

TEST(attacker, another_history_under_the_recreated_key_is_tampered) {
  const PlainLog real = closed_log();
  const verify::Trust trust = trust_of(real.log);
  for (const auto& [keep_genesis, admit_reset] : {std::pair{false, false}, {true, false}, {true, true}}) {
    const LogBuilder forged = forged_log(real, keep_genesis, admit_reset);
    const Report r = check(forged.segments, trust);
    EXPECT_EQ(exit_code(r), 1) << keep_genesis << admit_reset << ": " << ids(r);
    // Without the enrolment record the forgery is at most "incomplete": a key alone pins nothing.
    const auto ak = audit::parse_ak_public(forged.tpm.ak_public());
    EXPECT_NE(exit_code(check(forged.segments, {std::nullopt, ak->point})), 0);
  }
  EXPECT_TRUE(check(forged_log(real, true, true).segments, trust).has(FindingId::kNvValue));
  EXPECT_TRUE(check(forged_log(real, true, false).segments, trust).has(FindingId::kTpmCounts));
  EXPECT_TRUE(check(forged_log(real, false, false).segments, trust).has(FindingId::kEnrolmentMismatch));
}

// Anchored frames are cut off and the writer is restarted: the PCR is not explained and the counter disagrees.
TEST(attacker, truncated_anchors_under_a_live_tpm_are_tampered) {
  PlainLog p = open_log();
  p.log.anchor();
  PlainLog cut = open_log();
  cut.log.tpm = p.log.tpm;
  cut.log.unexplained(cut.log.pcrs.back(), cut.log.tpm.pcr);
  cut.log.start(FrameType::kRecovery);
  const Report r = check(cut.log);
  EXPECT_EQ(exit_code(r), 1) << ids(r);
  EXPECT_TRUE(r.has(FindingId::kUnexplainedExtend));
  EXPECT_TRUE(r.has(FindingId::kNvValue));
}

// Any edits of any bytes: the verdict is never "verified", and nothing crashes.
TEST(tamper, arbitrary_edits_are_never_verified) {
  const PlainLog p = closed_log();
  const verify::Trust trust = trust_of(p.log);
  const bool ok = rc::check("edited bytes", [&] {
    std::vector<Bytes> segments = p.log.segments;
    const auto edits = *rc::gen::inRange(1, 6);
    for (int i = 0; i < edits; ++i) {
      const auto at = *rc::gen::inRange<size_t>(0, segments[0].size());
      segments[0][at] = *rc::gen::arbitrary<uint8_t>();
    }
    if (segments == p.log.segments) return;
    RC_ASSERT(exit_code(check(segments, trust)) != 0);
  });
  EXPECT_TRUE(ok);
}

TEST(tamper, random_bytes_after_a_valid_header_never_crash) {
  const bool ok = rc::check("random sections", [] {
    const auto type = *rc::gen::inRange<uint16_t>(0, 16);
    const auto blocks = *rc::gen::inRange(0, 8);
    const auto var = *rc::gen::container<Bytes>(static_cast<size_t>(blocks) * 64, rc::gen::arbitrary<uint8_t>());
    LogBuilder log;
    log.genesis();
    log.attach();
    log.add(static_cast<FrameType>(type), var, std::vector<Record>(*rc::gen::inRange<size_t>(0, 3)));
    RC_ASSERT(exit_code(check(log)) != 0);
  });
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace cm::audit::test
