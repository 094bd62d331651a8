// SPDX-License-Identifier: Apache-2.0
// findings_test.cpp: for every row of audit/verify/findings.h a log that earns exactly it. A row without a scenario
// fails the test, and so does a scenario that earns another finding of code 1 or 2 first.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "audit/verify/client_rules.h"
#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

using verify::finding_row;
using verify::kFindings;

namespace fs = std::filesystem;

// Directory: a log directory on disk for the findings that need one.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "cm-findings-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Directory() { fs::remove_all(path_); }
  void write(const std::string& name, const Bytes& content) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  }
  Report check(const LogBuilder& log) const {
    Report report;
    verify::DirectorySource source;
    if (source.open(path_.string(), report))
      verify::verify_log(source, {best_sha256_lane(), trust_of(log), std::nullopt, std::nullopt}, report);
    return report;
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

class UnreadableSource final : public verify::LogSource {
 public:
  size_t segment_count() const override { return 1; }
  std::string segment_name(size_t) const override { return "00000000.cmlog"; }
  uint64_t segment_size(size_t) const override { return 4096; }
  bool read(size_t, uint64_t, std::span<uint8_t>) override { return false; }
};

using Edit = std::function<void(LogBuilder&, TestClient&)>;

Report after_open(const Edit& edit) {
  PlainLog p = open_log();
  edit(p.log, p.client);
  return check(p.log);
}

Report with_header(const HeaderEdit& edit) {
  return after_open([&](LogBuilder& log, TestClient&) { log.add(FrameType::kEnd, encode(End{1}), {}, edit); });
}

Report with_anchor(const AnchorEdits& edits) {
  return after_open([&](LogBuilder& log, TestClient&) { log.anchor(edits); });
}

Report with_quote(const std::function<void(AttestFields&)>& edit) {
  AnchorEdits edits;
  edits.quote = edit;
  return with_anchor(edits);
}

Report with_certification(const std::function<void(AttestFields&)>& edit) {
  AnchorEdits edits;
  edits.certification = edit;
  return with_anchor(edits);
}

Report after_signing(const std::function<void(Anchor&)>& edit) {
  AnchorEdits edits;
  edits.after_signing = edit;
  return with_anchor(edits);
}

Report with_records(const std::function<std::vector<Record>(LogBuilder&, TestClient&)>& make) {
  return after_open([&](LogBuilder& log, TestClient& c) { log.batch(make(log, c)); });
}

// with_last_byte: changes one byte counted from the end of the log.
Report with_byte_from_end(size_t from_end, uint8_t change) {
  PlainLog p = open_log();
  Bytes& bytes = p.log.segments[0];
  bytes[bytes.size() - from_end] = static_cast<uint8_t>(bytes[bytes.size() - from_end] ^ change);
  return check(p.log);
}

Report with_genesis(const std::function<void(Genesis&)>& edit) {
  LogBuilder log;
  log.genesis(edit);
  log.end();
  log.anchor();
  return check(log);
}

Report with_recovery(const std::function<void(LogBuilder&, Start&)>& edit) {
  PlainLog p = open_log();
  p.log.start(FrameType::kRecovery, [&](Start& s) { edit(p.log, s); });
  p.log.end();
  p.log.anchor();
  return check(p.log);
}

Report with_boot(const std::function<void(Start&)>& edit) {
  PlainLog p = closed_log();
  p.log.tpm.reset(true);
  p.log.start(FrameType::kBoot, edit);
  return check(p.log);
}

// Fixture: made anew for every scenario.
struct Fixture {
  PlainLog open = open_log();
  PlainLog closed = closed_log();
  verify::Trust trust = trust_of(closed.log);
  Directory dir;
  Report report;
};
using Scenarios = std::map<FindingId, std::function<Report(Fixture&)>>;

const Scenarios kUndecided = {
    {FindingId::kIoError,
     [](Fixture& f) -> Report {
       UnreadableSource source;
       verify::verify_log(source, {Lane::kPortable, {}, std::nullopt, std::nullopt}, f.report);
       return f.report;
     }},
    {FindingId::kNoSegments, [](Fixture& f) -> Report { return f.dir.check(f.closed.log); }},
    {FindingId::kNotALog, [](Fixture&) -> Report { return check({Bytes(1000, 0x55)}); }},
    {FindingId::kUnsupportedVersion,
     [](Fixture& f) -> Report {
       std::vector<Bytes> segments = f.closed.log.segments;
       segments[0][8] = 2;
       return check(segments);
     }},
    {FindingId::kTrustFile,
     [](Fixture& f) -> Report {
       verify::load_trust(f.dir.path() + "/none.json", "", f.trust, f.report);
       return f.report;
     }},
    {FindingId::kLimit,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) {
         std::vector<Record> records;
         for (size_t i = 0; i <= verify::kMaxOpenCalls; ++i) records.push_back(c.rings[0].entry(EventId::kStatus));
         return records;
       });
     }},
};

const Scenarios kBytesAndChain = {
    {FindingId::kForeignFile,
     [](Fixture& f) -> Report {
       f.dir.write("00000000.cmlog", f.closed.log.segments[0]);
       f.dir.write("notes.txt", {'x'});
       return f.dir.check(f.closed.log);
     }},
    {FindingId::kSegmentMissing,
     [](Fixture& f) -> Report {
       f.dir.write("00000000.cmlog", f.closed.log.segments[0]);
       f.dir.write("00000002.cmlog", f.closed.log.segments[0]);
       return f.dir.check(f.closed.log);
     }},
    {FindingId::kNotAFrame,
     [](Fixture&) -> Report { return after_open([](LogBuilder& log, TestClient&) { log.raw(Bytes(256, 0x33)); }); }},
    {FindingId::kFrameSize, [](Fixture&) -> Report { return with_byte_from_end(8, 0x40); }},
    {FindingId::kHeaderField,
     [](Fixture&) -> Report { return with_header([](FrameHeader& h) { h.carried = kMaxCarried + 1; }); }},
    {FindingId::kRecordDamaged, [](Fixture&) -> Report { return with_byte_from_end(64 + 3 * 64 + 5, 0xff); }},
    {FindingId::kFrameDamaged,
     [](Fixture&) -> Report { return with_header([](FrameHeader& h) { h.records_digest[7] ^= 0xff; }); }},
    {FindingId::kTrailerDamaged, [](Fixture&) -> Report { return with_byte_from_end(64 - 9, 0xff); }},
    {FindingId::kLogId, [](Fixture&) -> Report { return with_header([](FrameHeader& h) { h.log_id[0] ^= 1; }); }},
    {FindingId::kFrameSequence, [](Fixture&) -> Report { return with_header([](FrameHeader& h) { ++h.frame_seq; }); }},
    {FindingId::kRecordSequence,
     [](Fixture&) -> Report { return with_header([](FrameHeader& h) { ++h.first_record; }); }},
    {FindingId::kPreviousHead,
     [](Fixture&) -> Report { return with_header([](FrameHeader& h) { h.prev_head[31] ^= 1; }); }},
    {FindingId::kWriterTime,
     [](Fixture&) -> Report { return with_header([](FrameHeader& h) { h.writer_time_ns -= 1'000'000'000; }); }},
};

const Scenarios kFramesAndClients = {
    {FindingId::kPayload,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient&) { log.add(FrameType::kEnd, {1, 0, 0, 0, 1}); });
     }},
    {FindingId::kFrameOrder,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient&) {
         log.end();
         log.clock();
       });
     }},
    {FindingId::kClientState,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient& c) {
         log.detach(c);
         log.detach(c);
       });
     }},
    {FindingId::kRingAllocation,
     [](Fixture&) -> Report {
       return after_open(
           [](LogBuilder& log, TestClient&) { log.attach(2, [](ClientAttach& a) { a.first_ring_id = 1; }); });
     }},
    {FindingId::kBatchMarks,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient& c) {
         log.batch(c.rings[1].call(EventId::kStatus), [](Batch& b) { ++b.marks[0].count; });
       });
     }},
    {FindingId::kRingSequence,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) {
         ++c.rings[1].next;
         return c.rings[1].call(EventId::kStatus);
       });
     }},
    {FindingId::kEventUnknown,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) { return std::vector{c.rings[0].record(0x30099)}; });
     }},
    {FindingId::kEventPlace,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) { return std::vector{c.rings[1].record(0x10001)}; });
     }},
    {FindingId::kEntryExit,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) { return std::vector{c.rings[1].exit(EventId::kStatus)}; });
     }},
    {FindingId::kOpenEntries,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient& c) {
         log.batch({c.rings[1].entry(EventId::kStatus)});
         log.lost(c, {});
       });
     }},
    {FindingId::kSessionUnopened,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient& c) {
         log.batch(c.rings[1].call(EventId::kRandomBytes, log.session_id(0x77)));
         log.detach(c);
       });
     }},
    {FindingId::kSessionShared,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient&) {
         TestClient other = log.attach();
         log.batch(other.rings[1].call(EventId::kRandomBytes, log.session_id(0x51)));
       });
     }},
    {FindingId::kSealNotZero,
     [](Fixture&) -> Report {
       return with_records([](LogBuilder&, TestClient& c) {
         Record r = c.rings[1].entry(EventId::kStatus);
         r.seal = 1;
         return std::vector{r};
       });
     }},
};

const Scenarios kTrustAndAnchors = {
    {FindingId::kAkInvalid,
     [](Fixture&) -> Report { return with_genesis([](Genesis& g) { g.ak_public[7] ^= 0x02; }); }},
    {FindingId::kAkMismatch,
     [](Fixture& f) -> Report {
       return check(f.closed.log.segments, {std::nullopt, audit::parse_ak_public(SoftTpm(9).ak_public())->point});
     }},
    {FindingId::kEnrolmentMismatch,
     [](Fixture& f) -> Report {
       f.trust.enrolment->reset_count += 1;
       return check(f.closed.log.segments, f.trust);
     }},
    {FindingId::kHeadNotFound, [](Fixture& f) -> Report { return check(f.closed.log.segments, f.trust, Digest{}); }},
    {FindingId::kAttestMalformed,
     [](Fixture&) -> Report { return with_quote([](AttestFields& f) { f.trailing = {0}; }); }},
    {FindingId::kAttestSignature,
     [](Fixture&) -> Report { return after_signing([](Anchor& a) { a.quote_signature.back() ^= 1; }); }},
    {FindingId::kAttestSigner,
     [](Fixture&) -> Report { return with_quote([](AttestFields& f) { f.signer.back() ^= 1; }); }},
    {FindingId::kAttestBinding,
     [](Fixture&) -> Report {
       AnchorEdits edits;
       edits.binding = [](AnchorBinding& b) { b.challenge[0] = 1; };
       return with_anchor(edits);
     }},
    {FindingId::kAnchorPosition,
     [](Fixture&) -> Report {
       AnchorEdits edits;
       edits.binding = [](AnchorBinding& b) { b.anchored_seq = 99; };
       edits.after_signing = [](Anchor& a) { a.anchored_seq = 99; };
       return with_anchor(edits);
     }},
    {FindingId::kQuoteSelection,
     [](Fixture&) -> Report {
       return with_quote([](AttestFields& f) { f.selection = {{0x000b, 1u << 14}, {0x0004, 1u << 14}}; });
     }},
    {FindingId::kQuotePcr,
     [](Fixture&) -> Report { return with_quote([](AttestFields& f) { f.digest_or_name.back() ^= 1; }); }},
    {FindingId::kNvName,
     [](Fixture&) -> Report { return with_certification([](AttestFields& f) { f.digest_or_name.back() ^= 1; }); }},
    {FindingId::kNvValue,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient&) {
         ++log.tpm.nv_value;
         log.anchor();
       });
     }},
    {FindingId::kTscOrder,
     [](Fixture&) -> Report { return after_signing([](Anchor& a) { a.tsc_before = a.tsc_after + 1; }); }},
    {FindingId::kTpmClock, [](Fixture&) -> Report { return with_quote([](AttestFields& f) { f.clock_ms = 1; }); }},
    {FindingId::kTpmCounts, [](Fixture&) -> Report { return with_quote([](AttestFields& f) { ++f.reset_count; }); }},
    {FindingId::kTpmIdentity,
     [](Fixture&) -> Report { return with_recovery([](LogBuilder&, Start& s) { ++s.tpm.manufacturer; }); }},
    {FindingId::kStartPcr,
     [](Fixture&) -> Report { return with_recovery([](LogBuilder&, Start& s) { s.pcr_value[0] ^= 1; }); }},
    {FindingId::kNvBehind,
     [](Fixture& f) -> Report {
       return check(f.closed.log.segments, f.trust, std::nullopt, f.closed.log.tpm.nv_value + 1);
     }},
    {FindingId::kNvBeyond,
     [](Fixture& f) -> Report {
       return check(f.closed.log.segments, f.trust, std::nullopt, f.closed.log.tpm.nv_value - 1);
     }},
    {FindingId::kSegmentSeal,
     [](Fixture&) -> Report {
       return after_open([](LogBuilder& log, TestClient&) {
         log.segment_seal(kSealedFull);
         log.next_in_new_segment = false;
         log.clock();
       });
     }},
};

const Scenarios kIncompleteAndNotes = {
    {FindingId::kNoTrustRoot, [](Fixture&) -> Report { return check(closed_log().log.segments); }},
    {FindingId::kAkOnly,
     [](Fixture& f) -> Report {
       return check(f.open.log.segments, {std::nullopt, audit::parse_ak_public(f.open.log.tpm.ak_public())->point});
     }},
    {FindingId::kNoEnd, [](Fixture& f) -> Report { return check(f.open.log); }},
    {FindingId::kEndUnanchored,
     [](Fixture& f) -> Report {
       f.open.log.end();
       return check(f.open.log);
     }},
    {FindingId::kTornLastFrame,
     [](Fixture& f) -> Report {
       f.open.log.raw(Bytes(f.open.log.segments[0].begin(), f.open.log.segments[0].begin() + 200));
       return check(f.open.log);
     }},
    {FindingId::kUncleanReset,
     [](Fixture& f) -> Report {
       f.open.log.tpm.reset(false);
       f.open.log.start(FrameType::kBoot);
       return check(f.open.log);
     }},
    {FindingId::kUnexplainedExtend,
     [](Fixture& f) -> Report {
       f.open.log.unexplained(f.open.log.tpm.pcr, Digest{});
       return check(f.open.log);
     }},
    {FindingId::kResetGap, [](Fixture&) -> Report { return with_boot([](Start& s) { ++s.tpm.reset_count; }); }},
    {FindingId::kRestartUnrecorded,
     [](Fixture&) -> Report { return with_quote([](AttestFields& f) { ++f.restart_count; }); }},
    {FindingId::kNvJump,
     [](Fixture&) -> Report {
       LogBuilder log;
       log.tpm.identity.kind = 2;
       log.genesis();
       log.tpm.reset(false);
       log.tpm.nv_value += 100;
       log.start(FrameType::kBoot);
       return check(log);
     }},
    {FindingId::kResettablePcr,
     [](Fixture&) -> Report {
       LogBuilder log;
       log.tpm.pcr_index = 16;
       log.genesis();
       log.end();
       log.anchor();
       return check(log);
     }},
    {FindingId::kSealBroken,
     [](Fixture& f) -> Report {
       f.open.log.seal_broken(f.open.client, f.open.client.rings[1].id(), f.open.client.rings[1].next);
       return check(f.open.log);
     }},
    {FindingId::kRecordTime,
     [](Fixture& f) -> Report {
       std::vector<Record> call = f.open.client.rings[1].call(EventId::kStatus);
       call[0].time_ns += 3'600'000'000'000;
       f.open.log.batch(call);
       return check(f.open.log);
     }},
    {FindingId::kOpenAtDetach,
     [](Fixture& f) -> Report {
       f.open.log.batch({f.open.client.rings[1].entry(EventId::kShutdown)});
       f.open.log.detach(f.open.client);
       return check(f.open.log);
     }},
    {FindingId::kSessionUnproved,
     [](Fixture& f) -> Report {
       f.open.log.batch(f.open.client.rings[1].call(EventId::kRandomBytes, f.open.log.session_id(0x78)));
       f.open.log.lost(f.open.client, {});
       return check(f.open.log);
     }},
    {FindingId::kNvPending,
     [](Fixture& f) -> Report {
       const LogBuilder& log = f.open.log;
       return check(log.segments, trust_of(log), std::nullopt, log.tpm.nv_value + 1);
     }},
    {FindingId::kSoftwareAnchor, [](Fixture& f) -> Report { return check(f.open.log); }},
    {FindingId::kNoIsolation, [](Fixture&) -> Report { return with_genesis([](Genesis& g) { g.isolated = 0; }); }},
    {FindingId::kClientLost,
     [](Fixture& f) -> Report {
       f.open.log.lost(f.open.client, {});
       return check(f.open.log);
     }},
    {FindingId::kRecovered,
     [](Fixture&) -> Report { return with_recovery([](LogBuilder&, Start& s) { s.torn_bytes = 17; }); }},
    {FindingId::kAnchorLost,
     [](Fixture&) -> Report {
       return with_recovery([](LogBuilder& log, Start& s) { s.nv_value = ++log.tpm.nv_value; });
     }},
    {FindingId::kFirmwareChanged, [](Fixture&) -> Report { return with_boot([](Start& s) { ++s.tpm.firmware; }); }},
};

std::optional<Report> scenario(FindingId id) {
  for (const Scenarios* group :
       {&kUndecided, &kBytesAndChain, &kFramesAndClients, &kTrustAndAnchors, &kIncompleteAndNotes}) {
    const auto it = group->find(id);
    if (it == group->end()) continue;
    Fixture fixture;
    return it->second(fixture);
  }
  return std::nullopt;
}

TEST(findings, every_row_is_earned_by_a_log) {
  for (const verify::FindingRow& row : kFindings) {
    const auto report = scenario(row.id);
    ASSERT_TRUE(report.has_value()) << "no scenario for " << row.name;
    EXPECT_TRUE(report->has(row.id)) << row.name << " expected, found " << ids(*report);
    const bool fatal = row.exit_code == 1 || row.exit_code == 2;
    EXPECT_EQ(report->fatal, fatal ? 1u : 0u) << row.name << ": " << ids(*report);
    if (row.exit_code != 0) {
      EXPECT_EQ(verify::exit_code(*report), row.exit_code) << row.name << ": " << ids(*report);
    }
  }
}

TEST(findings, seals_of_a_kind_nobody_knows_are_not_passed_over) {
  const Report report =
      after_open([](LogBuilder& log, TestClient&) { log.attach(2, [](ClientAttach& a) { a.seal_kind = 2; }); });
  EXPECT_TRUE(report.has(FindingId::kUnsupportedVersion)) << ids(report);
  EXPECT_EQ(verify::exit_code(report), 2);
}

// The quote shows that the TPM has left every value before that of the anchored frame.
TEST(findings, start_that_finds_a_pcr_from_before_the_anchored_frame_is_one_that_nothing_explains) {
  for (const bool before_anchored : {true, false}) {
    PlainLog p = open_log();
    const uint64_t anchored = p.log.frames.size() - 1;
    p.log.anchor();
    const Digest found = p.log.pcrs[before_anchored ? anchored - 1 : anchored];
    p.log.start(FrameType::kRecovery, [&](Start& s) { s.pcr_value = found; });
    const Report report = check(p.log);
    EXPECT_EQ(report.has(FindingId::kStartPcr), false) << "raised by the frame after: " << ids(report);
    p.log.clock();
    EXPECT_EQ(check(p.log).has(FindingId::kStartPcr), before_anchored) << ids(check(p.log));
  }
}

TEST(findings, counter_that_wraps_does_not_continue) {
  LogBuilder log;
  log.tpm.nv_value = ~uint64_t{0};
  log.genesis();
  log.clock();
  log.anchor();
  ASSERT_EQ(log.tpm.nv_value, 0u);
  const Report report = check(log);
  EXPECT_TRUE(report.has(FindingId::kNvValue)) << ids(report);
}

TEST(findings, times_at_the_end_of_64_bits_are_compared_without_a_wrap) {
  PlainLog p = open_log();
  *p.log.now_ns = ~uint64_t{0} - 1'000'000'000;
  p.log.batch(p.client.rings[1].call(EventId::kRandomBytes, p.log.session_id(0x51)));
  close_log(p);
  const Report report = check(p.log);
  EXPECT_FALSE(report.has(FindingId::kRecordTime)) << ids(report);
}

TEST(findings, names_and_texts_are_there_and_names_are_unique) {
  std::set<std::string> names;
  for (const verify::FindingRow& row : kFindings) {
    EXPECT_FALSE(std::string(row.text).empty()) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.exit_code >= 0 && row.exit_code <= 3) << row.name;
  }
}

TEST(findings, json_and_text_carry_the_place) {
  const Report report = *scenario(FindingId::kRecordDamaged);
  const std::string json = verify::to_json(report);
  EXPECT_NE(json.find("\"id\": \"record-damaged\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"segment\": \"00000000.cmlog\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"exit_code\": 1"), std::string::npos) << json;
  EXPECT_NE(verify::to_text(report).find("record 4 (ring 1 seq"), std::string::npos) << verify::to_text(report);
}

}  // namespace
}  // namespace cm::audit::test
