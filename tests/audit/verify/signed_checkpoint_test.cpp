// SPDX-License-Identifier: Apache-2.0
// signed_checkpoint_test.cpp: checkpoints that a real writer's TPM signs: what they show without the log, who may ask
// for them, and that no other signature counts.
#include <gtest/gtest.h>

#include <fstream>

#include "audit/verify/log_signature.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

namespace verify = audit::verify;
using audit::Digest;
using audit::FrameType;
using audit::WireSign;
using audit::WireType;
using audit::test::run_audit;

constexpr uint32_t kEntry = static_cast<uint32_t>(audit::EventId::kAeadSeal);

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Signing: a writer with records, and files beside it.
struct Signing {
  TempDir dir;
  WriterProcess writer{dir.path(), {"--anchor-interval-ms", "20"}};
  std::unique_ptr<FakeClient> client;
  uint64_t calls = 0;

  // begin: three calls are in the log.
  bool begin() { return writer.start() == "ready" && attach() && call(3); }
  bool attach() {
    client = std::make_unique<FakeClient>(writer.run_dir());
    return client->attach();
  }
  bool call(int times) {
    for (int i = 0; i < times; ++i)
      if (!client->publish(0, kEntry, ++calls) || !client->publish(0, kEntry | audit::kExitBit, calls)) return false;
    return client->wait_acked(0);
  }
  std::string operator/(const std::string& name) const { return dir / name; }
  std::string socket() const { return writer.run_dir() + "/" + audit::kSocketName; }
  std::string enrolment() const { return " --enrolment " + writer.trust_dir() + "/enrolment.json"; }
  std::string log() const { return " " + writer.log_dir() + enrolment(); }
  int sign(const std::string& name, const std::string& more = "") const {
    return run_audit("checkpoint" + log() + " --sign " + socket() + " -o " + dir / name + more);
  }
  verify::Trust trust() const {
    verify::Trust out;
    verify::Report report;
    EXPECT_TRUE(verify::load_trust(writer.trust_dir() + "/enrolment.json", "", out, report));
    return out;
  }
  std::vector<Digest> challenges() const {
    std::vector<Digest> out;
    for (const auto& anchor : read_log(writer.log_dir()).payloads<audit::Anchor>(FrameType::kAnchor))
      if (anchor.challenge != Digest{}) out.push_back(anchor.challenge);
    return out;
  }
};

std::string out_of(const std::string& arguments, int code = 0) {
  std::string text;
  EXPECT_EQ(run_audit(arguments, &text), code) << arguments << "\n" << text;
  return text;
}

TEST(signed_checkpoint, vouches_for_records_without_the_log) {
  Signing s;
  ASSERT_TRUE(s.begin());
  ASSERT_EQ(s.sign("then"), 0);
  EXPECT_NE(out_of("check-proof " + s / "then" + s.enrolment()).find("signed by the log's key"), std::string::npos);
  out_of("prove 3" + s.log() + " --checkpoint " + s / "then -o " + s / "proof");
  EXPECT_NE(out_of("check-proof " + s / "proof" + s.enrolment()).find("#3 "), std::string::npos);
  out_of("check-proof " + s / "proof", 3);
  out_of("check-proof " + s / "proof --checkpoint " + s / "then");
  ASSERT_TRUE(s.call(5));
  ASSERT_EQ(s.sign("now"), 0);
  EXPECT_NE(out_of("diff-head " + s / "then" + s.log() + " --proof " + s / "growth --checkpoint " + s / "now")
                .find("after an anchor over it"),
            std::string::npos);
  out_of("check-proof " + s / "growth" + s.enrolment() + " --old " + s / "then");
  out_of("check-proof " + s / "growth" + s.enrolment(), 3);
  ASSERT_TRUE(s.client->detach(false));
  ASSERT_EQ(s.writer.terminate(), 0);
  std::string error;
  const auto then = verify::parse_tree_text(read_file(s / "then"), error),
             now = verify::parse_tree_text(read_file(s / "now"), error);
  const Lane lane = audit::best_sha256_lane();
  EXPECT_EQ(s.challenges(), (std::vector<Digest>{audit::checkpoint_challenge(lane, then->note.text),
                                                 audit::checkpoint_challenge(lane, now->note.text)}))
      << "the log knows of every signature";
  EXPECT_EQ(verify::exit_code(verdict(s.writer)), 0);
}

TEST(signed_checkpoint, shows_what_the_trust_root_can_show) {
  Signing s, other;
  ASSERT_TRUE(s.begin());
  ASSERT_TRUE(other.begin());
  ASSERT_EQ(s.sign("signed"), 0);
  std::ofstream(s / "ak")
      << nlohmann::json::parse(read_file(s.writer.trust_dir() + "/enrolment.json")).at("ak_public").get<std::string>();
  EXPECT_NE(out_of("check-proof " + s / "signed --ak " + s / "ak", 3).find("signed by the given key"),
            std::string::npos);
  out_of("check-proof " + s / "signed" + other.enrolment(), 1);
  out_of("check-proof " + s / "signed", 64);
  out_of("checkpoint " + s.writer.log_dir() + " --sign " + s.socket(), 64);
  out_of("checkpoint" + s.log() + " --sign " + s / "nobody", 2);
  std::string said;
  EXPECT_EQ(run_audit("checkpoint" + s.log() + " --sign " + other.socket() + " 2>&1", &said), 2);
  EXPECT_NE(said.find("another writer answers"), std::string::npos) << said;
  // A proof under a checkpoint of another log, or of a tree that this log never had.
  ASSERT_EQ(other.sign("signed"), 0);
  out_of("prove 0" + s.log() + " --checkpoint " + other / "signed", 1);
  std::string text = read_file(s / "signed");
  char& digit = text[text.find('\n', text.find('\n') + 1) + 1];
  digit = digit == 'A' ? 'B' : 'A';
  std::ofstream(s / "changed") << text;
  out_of("prove 0" + s.log() + " --checkpoint " + s / "changed", 1);
  out_of("check-proof " + s / "changed" + s.enrolment(), 1);
  out_of("diff-head " + s / "changed" + s.log(), 1);
}

TEST(signed_checkpoint, no_change_of_it_is_believed) {
  Signing s;
  ASSERT_TRUE(s.begin());
  ASSERT_EQ(s.sign("signed"), 0);
  const std::string text = read_file(s / "signed");
  const auto key = verify::checkpoint_key(s.trust());
  ASSERT_TRUE(key);
  const Lane lane = audit::best_sha256_lane();
  std::string error;
  const auto verdict_of = [&](const std::string& in) {
    const auto tree = verify::parse_tree_text(in, error);
    return tree ? verify::judge_note(lane, *key, tree->checkpoint().origin, tree->note) : verify::NoteVerdict::kWrong;
  };
  ASSERT_EQ(verdict_of(text), verify::NoteVerdict::kSigned);
  for (size_t at = 0; at < text.size(); ++at)
    for (const char c : {static_cast<char>(text[at] ^ 1), static_cast<char>(text[at] ^ 4), 'A', '\n'}) {
      if (c == text[at]) continue;
      std::string changed = text;
      changed[at] = c;
      EXPECT_NE(verdict_of(changed), verify::NoteVerdict::kSigned) << "at " << at << ":\n" << changed;
    }
}

WireSign sign_packet(uint64_t size, uint32_t version = audit::kWireVersion) {
  return {static_cast<uint32_t>(WireType::kSign), version, size, {}};
}

// refusal_of: what the writer at this socket says instead of a signature; empty when it signs.
std::string refusal_of(const std::string& run_dir, const WireSign& packet) {
  FakeClient auditor(run_dir);
  if (!auditor.connect() || !auditor.send_raw(&packet, sizeof packet)) return "no connection";
  const std::vector<uint8_t> answer = auditor.receive();
  if (answer.size() == sizeof(audit::WireSigned)) return "";
  return answer.size() == sizeof(audit::WireRefused) ? std::string(answer.begin() + 4, answer.end()) : "no answer";
}

TEST(signed_checkpoint, is_refused_for_records_that_are_not_there) {
  Signing s;
  ASSERT_TRUE(s.begin());
  EXPECT_EQ(refusal_of(s.writer.run_dir(), sign_packet(6)), "");
  EXPECT_NE(refusal_of(s.writer.run_dir(), sign_packet(7)).find("so many records"), std::string::npos);
  EXPECT_NE(refusal_of(s.writer.run_dir(), sign_packet(6, 2)).find("malformed"), std::string::npos);
  EXPECT_EQ(s.challenges().size(), 1u);
}

TEST(signed_checkpoint, a_writer_without_a_tpm_says_so_and_goes_on) {
  Signing s;
  ASSERT_TRUE(s.begin());
  s.writer.kill_swtpm();
  ASSERT_TRUE(s.client->wait_flag(audit::kWriterNoTpm, true));
  EXPECT_NE(refusal_of(s.writer.run_dir(), sign_packet(1)).find("the TPM does not answer"), std::string::npos);
  s.writer.restart_swtpm();
  ASSERT_TRUE(s.client->wait_flag(audit::kWriterNoTpm, false));
  ASSERT_TRUE(s.call(1));
  EXPECT_EQ(s.sign("signed"), 0);
  ASSERT_TRUE(s.client->detach(false));
  ASSERT_EQ(s.writer.terminate(), 0);
}

}  // namespace
}  // namespace cm::audit_test
