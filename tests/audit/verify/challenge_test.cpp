// SPDX-License-Identifier: Apache-2.0
// challenge_test.cpp: live challenges: a real writer answers them with its TPM, and no other answer is believed.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "audit/verify/challenge.h"
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
using audit::WireAnswer;
using audit::WireChallenge;
using audit::WireType;
using audit::test::run_audit;

constexpr char kNonce[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

Digest nonce_bytes(const std::string& hex = kNonce) {
  Digest out;
  const auto bytes = verify::parse_hex(hex);
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::string socket_of(const WriterProcess& writer) { return writer.run_dir() + "/" + audit::kSocketName; }
std::string enrolment_of(const WriterProcess& writer) {
  return " --enrolment " + writer.trust_dir() + "/enrolment.json";
}

verify::Trust trust_of(const WriterProcess& writer) {
  verify::Trust trust;
  verify::Report report;
  EXPECT_TRUE(verify::load_trust(writer.trust_dir() + "/enrolment.json", "", trust, report));
  return trust;
}

WireChallenge challenge_packet(const Digest& nonce) {
  WireChallenge packet{static_cast<uint32_t>(WireType::kChallenge), audit::kWireVersion, {}};
  std::copy(nonce.begin(), nonce.end(), packet.nonce);
  return packet;
}

// answer_of: what a real writer answers.
WireAnswer answer_of(const WriterProcess& writer, const Digest& nonce) {
  FakeClient auditor(writer.run_dir());
  const WireChallenge packet = challenge_packet(nonce);
  WireAnswer answer{};
  if (!auditor.connect() || !auditor.send_raw(&packet, sizeof packet)) throw std::runtime_error("challenge");
  const std::vector<uint8_t> bytes = auditor.receive();
  if (bytes.size() != sizeof answer) throw std::runtime_error("answer");
  std::memcpy(&answer, bytes.data(), sizeof answer);
  return answer;
}

int code_of(const WireAnswer& answer, const Digest& nonce, const verify::Trust& trust) {
  return exit_code(verify::judge_answer(audit::best_sha256_lane(), answer, nonce, trust).report);
}

TEST(challenge, an_idle_writer_answers_and_its_log_holds_the_anchor) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"});
  ASSERT_EQ(writer.start(), "ready");
  std::string text;
  ASSERT_EQ(run_audit("challenge --json " + socket_of(writer) + enrolment_of(writer) + " --nonce " + kNonce, &text), 0);
  const auto said = nlohmann::json::parse(text);
  ASSERT_EQ(run_audit("challenge " + socket_of(writer) + enrolment_of(writer), &text), 0) << "a nonce of its own";
  EXPECT_NE(text.find("answered (exit 0)"), std::string::npos);
  ASSERT_EQ(writer.terminate(), 0);

  const Log log = read_log(writer.log_dir());
  std::vector<Digest> asked;
  for (const auto& anchor : log.payloads<audit::Anchor>(FrameType::kAnchor))
    if (anchor.challenge != Digest{}) asked.push_back(anchor.challenge);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0], nonce_bytes());
  EXPECT_EQ(
      run_audit("verify " + writer.log_dir() + enrolment_of(writer) + " --head " + said.at("head").get<std::string>()),
      0)
      << "the head that was attested is in the log";
}

TEST(challenge, is_answered_between_the_records_of_clients) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"});
  ASSERT_EQ(writer.start(), "ready");
  FakeClient client(writer.run_dir());
  ASSERT_TRUE(client.attach());
  for (uint8_t i = 1; i <= 10; ++i) {
    Digest nonce{};
    nonce.fill(i);
    const uint32_t entry = static_cast<uint32_t>(audit::EventId::kAeadSeal);
    ASSERT_TRUE(client.publish(0, entry, i));
    ASSERT_TRUE(client.publish(0, entry | audit::kExitBit, i));
    EXPECT_EQ(code_of(answer_of(writer, nonce), nonce, trust_of(writer)), 0);
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(writer.terminate(), 0);
  EXPECT_EQ(exit_code(verdict(writer)), 0);
}

TEST(challenge, no_changed_answer_is_believed) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  const Digest nonce = nonce_bytes();
  const WireAnswer answer = answer_of(writer, nonce);
  const verify::Trust trust = trust_of(writer);
  ASSERT_EQ(code_of(answer, nonce, trust), 0);
  Digest other = nonce;
  other[31] ^= 1;
  EXPECT_EQ(code_of(answer, other, trust), 1) << "an old answer";
  // type and version are the connection's business.
  const size_t end = offsetof(WireAnswer, payload) + answer.payload_size;
  for (size_t at = offsetof(WireAnswer, log_id); at < sizeof answer; at += at < end ? 1 : 101) {
    WireAnswer changed = answer;
    reinterpret_cast<uint8_t*>(&changed)[at] ^= 1;
    // Time stamps of the CPU are recorded beside the quote and signed by nobody.
    const size_t tsc = offsetof(WireAnswer, payload) + 8 + 32 + 32 + 8 + 32;
    if (at >= tsc && at < tsc + 16) continue;
    EXPECT_EQ(code_of(changed, nonce, trust), 1) << "byte " << at;
  }
}

TEST(challenge, what_it_shows_depends_on_the_trust_root) {
  const TempDir dir, other_dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "20"}), other(other_dir.path());
  ASSERT_EQ(writer.start(), "ready");
  ASSERT_EQ(other.start(), "ready");
  std::ifstream enrolment(writer.trust_dir() + "/enrolment.json");
  std::ofstream(dir / "ak") << nlohmann::json::parse(enrolment).at("ak_public").get<std::string>();
  const std::string ask = "challenge " + socket_of(writer);
  EXPECT_EQ(run_audit(ask + " --ak " + (dir / "ak")), 3);
  EXPECT_EQ(run_audit(ask + enrolment_of(other)), 1) << "another TPM";
  EXPECT_EQ(run_audit(ask), 64);
  EXPECT_EQ(run_audit(ask + enrolment_of(writer) + " --nonce " + std::string(64, '0')), 64);
  EXPECT_EQ(run_audit(ask + enrolment_of(writer) + " --nonce 00ff"), 64);
  EXPECT_EQ(run_audit("challenge " + dir.path() + "/nobody" + enrolment_of(writer)), 2);
  EXPECT_EQ(run_audit(ask + " --enrolment " + dir.path() + "/none"), 2);
}

// answered_with: what the program says when the writer's socket answers with these bytes; none: it stays silent.
int answered_with(const std::string& directory, const std::string& arguments, const std::vector<uint8_t>& bytes,
                  std::string* said) {
  const std::string path = directory + "/lying.sock";
  unlink(path.c_str());
  const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1) != 0)
    throw std::runtime_error("bind");
  std::thread liar([&] {
    const int peer = accept(listener, nullptr, nullptr);
    uint8_t challenge[256];
    (void)!recv(peer, challenge, sizeof challenge, 0);
    if (!bytes.empty()) (void)!send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (bytes.empty()) (void)!recv(peer, challenge, sizeof challenge, 0);  // until the other side gives up
    close(peer);
  });
  const int code = run_audit("challenge " + path + " --timeout-s 1 " + arguments + " 2>&1", said);
  liar.join();
  close(listener);
  return code;
}

TEST(challenge, says_what_is_wrong_with_an_answer_that_is_none) {
  const TempDir dir;
  WriterProcess writer(dir.path());
  ASSERT_EQ(writer.start(), "ready");
  const std::string arguments = enrolment_of(writer);
  std::string said;
  EXPECT_EQ(answered_with(dir.path(), arguments, {}, &said), 2);
  EXPECT_NE(said.find("no answer in time"), std::string::npos) << said;
  EXPECT_EQ(answered_with(dir.path(), arguments, std::vector<uint8_t>(10), &said), 2);
  EXPECT_EQ(answered_with(dir.path(), arguments, std::vector<uint8_t>(sizeof(WireAnswer) + 1), &said), 2);
  EXPECT_EQ(answered_with(dir.path(), arguments, std::vector<uint8_t>(sizeof(WireAnswer)), &said), 2);
  EXPECT_NE(said.find("no answer of this version"), std::string::npos) << said;
  const WireAnswer old = answer_of(writer, nonce_bytes());
  const auto* bytes = reinterpret_cast<const uint8_t*>(&old);
  EXPECT_EQ(answered_with(dir.path(), arguments, {bytes, bytes + sizeof old}, &said), 1) << "an answer of before";
  EXPECT_NE(said.find("another nonce"), std::string::npos) << said;
}

TEST(challenge, the_writer_refuses_what_is_no_challenge_and_what_it_cannot_answer) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "60000"});
  ASSERT_EQ(writer.start(), "ready");
  const Digest nonce = nonce_bytes();
  const auto refused = [&](const WireChallenge& packet, const std::vector<int>& fds, const char* why) {
    FakeClient auditor(writer.run_dir());
    ASSERT_TRUE(auditor.connect());
    ASSERT_TRUE(auditor.send_raw(&packet, sizeof packet, fds));
    const std::vector<uint8_t> answer = auditor.receive();
    const std::string text(answer.begin(), answer.end());
    EXPECT_NE(text.find(why), std::string::npos) << text;
  };
  refused(challenge_packet({}), {}, "malformed");
  refused(challenge_packet(nonce), {0}, "malformed");
  WireChallenge later = challenge_packet(nonce);
  ++later.version;
  refused(later, {}, "malformed");
  // The first anchor is taken at the start, the next a minute later: so these wait.
  for (int i = 0; i < 500 && read_log(writer.log_dir()).of_type(FrameType::kAnchor).empty(); ++i) pause_ms(10);
  std::vector<std::unique_ptr<FakeClient>> waiting;
  for (int i = 0; i < 64; ++i) {
    waiting.push_back(std::make_unique<FakeClient>(writer.run_dir()));
    const WireChallenge packet = challenge_packet(nonce);
    ASSERT_TRUE(waiting.back()->connect());
    ASSERT_TRUE(waiting.back()->send_raw(&packet, sizeof packet));
  }
  refused(challenge_packet(nonce), {}, "too many");
  EXPECT_TRUE(FakeClient(writer.run_dir()).attach()) << "clients do not wait behind challenges";
  ASSERT_EQ(writer.terminate(), 0);
  for (const auto& auditor : waiting) {
    const std::vector<uint8_t> answer = auditor->receive();
    EXPECT_NE(std::string(answer.begin(), answer.end()).find("the writer is ending"), std::string::npos);
  }
}

}  // namespace
}  // namespace cm::audit_test
