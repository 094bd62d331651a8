// SPDX-License-Identifier: Apache-2.0
// A real log, changed in every way a hand can change a file without the TPM: the verifier must say so and name the
// place.
#include <nlohmann/json.hpp>
#include <random>

#include "audit/chain.h"
#include "tests/module/fixture.h"
#include "tests/system/log_reader.h"

namespace cm::test {
namespace {

constexpr int kBitFlips = 300;

struct Verdict {
  int exit_code;
  nlohmann::json report;
};

class Tamper : public ::testing::Test {
 protected:
  // One log for all tests of this process: several batches, anchors, two runs of the writer, an orderly end.
  static void SetUpTestSuite() {
    dir_ = new Directory;
    for (int run = 0; run < 2; ++run) {
      const InitParams init(*dir_);
      ASSERT_EQ(cm_init(&init.params), CM_OK);
      cm_session session{};
      ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
      const cm_key key = import_gcm(session, pattern(32));
      std::vector<uint8_t> text(100), out(100);
      uint8_t iv[12], tag[16];
      for (int batch = 0; batch < 6; ++batch) {
        for (int i = 0; i < 40; ++i)
          ASSERT_EQ(cm_aead_seal(session, key, out.data(), 100, iv, 12, tag, 16, nullptr, 0, text.data(), 100), CM_OK);
        ASSERT_EQ(cm_audit_sync(session, 1, 20'000), CM_OK);
      }
      ASSERT_EQ(cm_shutdown(), CM_OK);
    }
    log_ = *dir_ / "log";
    const auto names = segments(log_);
    ASSERT_EQ(names.size(), 1U);
    segment_ = names[0];
    original_ = read_file(segment_);
    frames_ = frames_of(original_);
    ASSERT_GT(frames_.size(), 16U);
    const Verdict clean = verify();
    ASSERT_EQ(clean.exit_code, 0) << clean.report.dump(1);
  }
  static void TearDownTestSuite() { delete dir_; }
  void TearDown() override { write_file(segment_, original_); }

  static Verdict verify() {
    const std::string command = std::string(CM_AUDIT_PATH) + " verify --json --enrolment " +
                                *dir_ / "trust/enrolment.json" + " " + log_ + " 2>/dev/null";
    std::string text;
    FILE* pipe = popen(command.c_str(), "r");
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, n);
    const int status = pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, nlohmann::json::parse(text, nullptr, false)};
  }

  static Verdict verify_frames(const std::vector<LoggedFrame>& frames) {
    std::vector<uint8_t> bytes;
    for (const LoggedFrame& frame : frames) bytes.insert(bytes.end(), frame.bytes.begin(), frame.bytes.end());
    write_file(segment_, bytes);
    return verify();
  }

  // names_record: whether some finding that says "tampered" names this record.
  static bool names_record(const nlohmann::json& report, uint64_t number) {
    for (const auto& finding : report["findings"])
      if (finding["place"].value("record", ~uint64_t{0}) == number) return true;
    return false;
  }
  static bool names_frame(const nlohmann::json& report, uint64_t sequence) {
    for (const auto& finding : report["findings"])
      if (finding["place"].contains("frame") && finding["place"]["frame"] == sequence) return true;
    return false;
  }
  static bool names_offset_in(const nlohmann::json& report, const LoggedFrame& frame) {
    for (const auto& finding : report["findings"]) {
      const uint64_t offset = finding["place"].value("offset", ~uint64_t{0});
      if (offset >= frame.offset && offset < frame.offset + frame.bytes.size()) return true;
    }
    return false;
  }

  static inline Directory* dir_;
  static inline std::string log_, segment_;
  static inline std::vector<uint8_t> original_;
  static inline std::vector<LoggedFrame> frames_;
};

TEST_F(Tamper, every_single_bit_change_is_found_and_its_place_named) {
  std::mt19937 random(7);
  for (int i = 0; i < kBitFlips; ++i) {
    const size_t bit = std::uniform_int_distribution<size_t>(0, original_.size() * 8 - 1)(random);
    auto changed = original_;
    changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    write_file(segment_, changed);
    const Verdict verdict = verify();
    const auto frame =
        std::find_if(frames_.rbegin(), frames_.rend(), [&](const LoggedFrame& f) { return f.offset <= bit / 8; });
    const bool first = frame->offset == 0;
    const bool allowed = verdict.exit_code == 1 || (first && verdict.exit_code == 2);
    ASSERT_TRUE(allowed) << "bit " << bit << ": exit " << verdict.exit_code << "\n" << verdict.report.dump(1);
    if (verdict.exit_code != 1) continue;
    const size_t inside = bit / 8 - frame->offset;
    const size_t records_at = sizeof(audit::FrameHeader) + frame->header.var_size;
    if (inside >= records_at && inside < records_at + size_t{frame->header.record_count} * 64) {
      const uint64_t number = frame->header.first_record + (inside - records_at) / 64;
      ASSERT_TRUE(names_record(verdict.report, number)) << "record " << number << "\n" << verdict.report.dump(1);
    } else {
      ASSERT_TRUE(names_frame(verdict.report, frame->header.frame_seq) || names_offset_in(verdict.report, *frame))
          << "frame " << frame->header.frame_seq << " byte " << inside << "\n"
          << verdict.report.dump(1);
    }
  }
}

TEST_F(Tamper, deleted_swapped_and_doubled_frames_are_found) {
  for (size_t i = 0; i + 1 < frames_.size(); ++i) {
    auto deleted = frames_;
    deleted.erase(deleted.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(verify_frames(deleted).exit_code, 1) << "deleted frame " << i;
    auto doubled = frames_;
    doubled.insert(doubled.begin() + static_cast<ptrdiff_t>(i), frames_[i]);
    EXPECT_EQ(verify_frames(doubled).exit_code, 1) << "doubled frame " << i;
    auto swapped = frames_;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(verify_frames(swapped).exit_code, 1) << "swapped frames " << i << " and " << i + 1;
  }
}

TEST_F(Tamper, truncation_at_a_frame_border_is_never_complete) {
  // A log that is cut where an earlier run of the writer had ended in order proves that prefix; only a head or a live
  // TPM can tell that there was more. Every other border must not be called complete.
  size_t complete = 0;
  for (size_t keep = 0; keep < frames_.size(); ++keep) {
    const std::vector<LoggedFrame> cut(frames_.begin(), frames_.begin() + static_cast<ptrdiff_t>(keep));
    const int code = verify_frames(cut).exit_code;
    const bool orderly_end = keep >= 2 && cut[keep - 1].type() == audit::FrameType::kAnchor &&
                             cut[keep - 2].type() == audit::FrameType::kEnd;
    if (orderly_end) {
      EXPECT_EQ(code, 0) << keep;
      ++complete;
    } else {
      EXPECT_NE(code, 0) << "cut to " << keep << " frames";
      EXPECT_NE(code, -1);
    }
  }
  EXPECT_EQ(complete, 1U);
}

TEST_F(Tamper, a_rewritten_history_without_the_tpm_is_found) {
  // Every digest and every link is made right again after one record was changed: only the TPM's evidence is left to
  // object.
  const Lane lane = audit::best_sha256_lane();
  audit::ChainPosition position;
  position.log_id = [&] {
    audit::LogId id;
    std::memcpy(id.data(), frames_[0].header.log_id, id.size());
    return id;
  }();
  std::vector<uint8_t> bytes;
  bool changed = false;
  for (const LoggedFrame& frame : frames_) {
    auto records = frame.records();
    if (!changed && records.size() > 10) {
      records[10].detail ^= 1;
      changed = true;
    }
    const auto rebuilt =
        audit::build_frame(lane, position, frame.type(), frame.header.writer_time_ns, frame.var(), records);
    bytes.insert(bytes.end(), rebuilt.begin(), rebuilt.end());
  }
  ASSERT_TRUE(changed);
  write_file(segment_, bytes);
  EXPECT_EQ(verify().exit_code, 1);
}

}  // namespace
}  // namespace cm::test
