// SPDX-License-Identifier: Apache-2.0
// enrol_test.cpp: enrolment with a real writer and its software TPM, whose endorsement keys were certified here with
// tpm2-tools, as a maker of TPMs does. The TPM is the judge of our credentials, and we of those that tpm2-tools makes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "audit/attest/attest_key.h"
#include "audit/verify/enrolment.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/ek_authority.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

namespace verify = audit::verify;
using audit::FrameType;
using audit::test::Authority;
using audit::test::ek_extensions;
using audit::test::run_audit;
using nlohmann::json;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Kind: an endorsement key as tpm2-tools, the profile and we call it.
struct Kind {
  const char* name;
  const char* algorithm;
  const char* index;
  const char* usage;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
constexpr Kind kEcc = {"ecc-p256", "ecc", "0x01c0000a", "keyAgreement"};
constexpr Kind kRsa = {"rsa-2048", "rsa", "0x01c00002", "keyEncipherment"};

// Machine: a writer on a TPM whose endorsement keys have certificates of the maker.
class Machine {
 public:
  explicit Machine(const Authority& maker, const std::vector<Kind>& kinds = {kEcc})
      : writer_(dir_.path(), {"--anchor-interval-ms", "20"}) {
    start();
    // swtpm serves one client at a time, and it outlives its writer.
    writer_.kill_now();
    for (const Kind& kind : kinds) certify(maker, kind);
    start();
  }

  WriterProcess& writer() { return writer_; }
  std::string socket() const { return writer_.run_dir() + "/" + audit::kSocketName; }
  std::string file(const std::string& name) const { return dir_ / name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
  void start() {
    if (writer_.start() != "ready") throw std::runtime_error("the writer does not start");
  }

  // tpm: what a tpm2-tools command prints, while no writer has the TPM.
  std::string tpm(const std::string& command) const {
    const std::string line =
        "cd " + dir_.path() + " && TPM2TOOLS_TCTI=swtpm:path=" + writer_.run_dir() + "/swtpm.sock " + command + " 2>&1";
    FILE* pipe = popen(line.c_str(), "r");
    std::string text;
    char buffer[4096];
    while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
    if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + text);
    return text;
  }

  // The four steps; what they print on both outputs goes to said.
  int request(const std::string& more = "", std::string* said = nullptr) const {
    return run("request " + socket() + " -o " + file("request") + " " + more, said);
  }
  int challenge(const std::string& more = "", std::string* said = nullptr) const {
    return run("challenge " + file("request") + " --ca " + file("ca.pem") + " -o " + file("challenge") + " --keep " +
                   file("secret") + " " + more,
               said);
  }
  int answer(std::string* said = nullptr) const {
    return run("answer " + socket() + " " + file("challenge") + " -o " + file("answer"), said);
  }
  int finish(std::string* said = nullptr) const {
    return run("finish " + file("request") + " " + file("answer") + " --keep " + file("secret") + " -o " +
                   file("enrolment.json"),
               said);
  }
  int verify(json* verdict = nullptr) const {
    std::string text;
    const int code = run_audit("verify --json " + writer_.log_dir() + " --enrolment " + file("enrolment.json"), &text);
    if (verdict != nullptr) *verdict = json::parse(text);
    return code;
  }

  // expect_clean: the TPM holds the attestation key and nothing else. It ends the writer.
  void expect_clean() {
    writer_.kill_now();
    EXPECT_EQ(tpm("tpm2_getcap handles-transient"), "- 0x80000000\n");
    EXPECT_EQ(tpm("tpm2_getcap handles-loaded-session"), "");
    EXPECT_EQ(tpm("tpm2_getcap handles-saved-session"), "");
  }

 private:
  static int run(const std::string& arguments, std::string* said) {
    return run_audit("enrol " + arguments + " 2>&1", said);
  }
  void certify(const Authority& maker, const Kind& kind) const {
    write("ca.pem", maker.pem());
    tpm(std::string("tpm2_createek -c ek.ctx -f pem -u ek.pem -G ") + kind.algorithm);
    tpm("tpm2_flushcontext -t");
    const auto key = audit::test::key_from_pem(content_of(file("ek.pem")));
    const audit::Bytes der = maker.issue(key, {ek_extensions(kind.usage), ""});
    write("ek.der", {der.begin(), der.end()});
    tpm(std::string("tpm2_nvdefine ") + kind.index + " -C o -s " + std::to_string(der.size()) +
        " -a 'ownerread|ownerwrite|authread|no_da'");
    tpm(std::string("tpm2_nvwrite ") + kind.index + " -C o -i ek.der");
  }

  TempDir dir_;
  WriterProcess writer_;
};

class EnrolOfKind : public testing::TestWithParam<Kind> {};

TEST_P(EnrolOfKind, a_log_is_enrolled_and_its_record_says_whose_tpm_it_is) {
  const Authority maker("Maker");
  Machine machine(maker, {GetParam()});
  std::string said;
  const std::string other = std::string(GetParam().name) == kRsa.name ? kEcc.name : kRsa.name;
  EXPECT_EQ(machine.request("--ek " + other, &said), 2);
  EXPECT_TRUE(says(said, "has no endorsement certificate")) << said;
  ASSERT_EQ(machine.request("", &said), 0) << said;
  EXPECT_TRUE(says(said, GetParam().name)) << said;
  ASSERT_EQ(machine.challenge("", &said), 0) << said;
  EXPECT_TRUE(says(said, "id:49424D00")) << said;
  ASSERT_EQ(machine.answer(&said), 0) << said;
  ASSERT_EQ(machine.finish(&said), 0) << said;

  struct stat status{};
  ASSERT_EQ(stat(machine.file("secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto record = json::parse(content_of(machine.file("enrolment.json")));
  auto without = record;
  without.erase("endorsement");
  EXPECT_EQ(without, json::parse(content_of(machine.writer().trust_dir() + "/enrolment.json")));
  EXPECT_EQ(record.at("endorsement").at("ca_sha256"), verify::hex_text(maker.sha256()));
  EXPECT_EQ(record.at("endorsement").at("issuer"), "CN=Maker");
  ASSERT_EQ(machine.writer().terminate(), 0);
  json verdict;
  EXPECT_EQ(machine.verify(&verdict), 0);
  EXPECT_EQ(verdict.at("endorsement"), record.at("endorsement"));
  EXPECT_EQ(verdict.at("hardware"), false) << "swtpm";
}

TEST_P(EnrolOfKind, the_writer_opens_a_credential_of_tpm2_tools) {
  const Authority maker("Maker");
  Machine machine(maker, {GetParam()});
  ASSERT_EQ(machine.request(), 0);
  ASSERT_EQ(machine.challenge(), 0);
  const auto ak = json::parse(content_of(machine.writer().trust_dir() + "/enrolment.json")).at("ak_public");
  const auto area = *verify::parse_hex(ak.get<std::string>());
  const std::string name = verify::hex_text(audit::key_name(audit::best_sha256_lane(), area));
  machine.write("plain", std::string(32, 's'));
  machine.tpm(std::string("tpm2_makecredential -T none -u ek.pem -G ") + GetParam().algorithm + " -s plain -n " + name +
              " -o blob");
  // The file of tpm2-tools: magic, version, then a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET.
  const std::string blob = content_of(machine.file("blob"));
  const auto sized = [&](size_t at) {
    const size_t size = static_cast<uint8_t>(blob.at(at)) << 8 | static_cast<uint8_t>(blob.at(at + 1));
    return blob.substr(at + 2, size);
  };
  const std::string credential = sized(8), secret = sized(8 + 2 + credential.size());
  auto challenge = json::parse(content_of(machine.file("challenge")));
  challenge["credential"] = verify::hex_text(std::vector<uint8_t>(credential.begin(), credential.end()));
  challenge["encrypted_secret"] = verify::hex_text(std::vector<uint8_t>(secret.begin(), secret.end()));
  machine.write("challenge", challenge.dump());
  std::string said;
  ASSERT_EQ(machine.answer(&said), 0) << said;
  EXPECT_EQ(json::parse(content_of(machine.file("answer"))).at("secret"),
            verify::hex_text(std::vector<uint8_t>(32, 's')));
  EXPECT_EQ(machine.finish(&said), 1);
  EXPECT_TRUE(says(said, "not the one that was sent")) << said;
}

TEST_P(EnrolOfKind, no_changed_challenge_is_opened_and_nothing_stays_in_the_tpm) {
  const Authority maker("Maker");
  Machine machine(maker, {GetParam()});
  ASSERT_EQ(machine.request(), 0);
  ASSERT_EQ(machine.challenge(), 0);
  const auto good = json::parse(content_of(machine.file("challenge")));
  std::string said;
  for (const char* field : {"credential", "encrypted_secret"}) {
    const std::string hex = good.at(field);
    std::vector<std::string> changes = {"", hex.substr(0, 2), hex.substr(0, hex.size() - 2)};
    for (const size_t at : {size_t{0}, size_t{3}, size_t{10}, hex.size() / 2, hex.size() - 1}) {
      changes.push_back(hex);
      changes.back()[at] = hex[at] == '0' ? '1' : '0';
    }
    for (const std::string& changed : changes) {
      auto wrong = good;
      wrong[field] = changed;
      machine.write("challenge", wrong.dump());
      EXPECT_EQ(machine.answer(&said), 1) << field << " " << changed << said;
      EXPECT_TRUE(says(said, "does not open this challenge")) << said;
    }
    auto wrong = good;
    wrong[field] = std::string(2 * 513, 'a');
    machine.write("challenge", wrong.dump());
    EXPECT_EQ(machine.answer(&said), 2) << "longer than any";
  }
  machine.write("challenge", good.dump());
  ASSERT_EQ(machine.answer(&said), 0) << "the TPM goes on: " << said;
  ASSERT_EQ(machine.finish(&said), 0) << said;
  machine.expect_clean();
  machine.start();
  ASSERT_EQ(machine.writer().terminate(), 0);
  EXPECT_EQ(machine.verify(), 0);
}

std::string kind_name(const testing::TestParamInfo<Kind>& info) { return info.param.algorithm; }
INSTANTIATE_TEST_SUITE_P(enrol, EnrolOfKind, testing::Values(kEcc, kRsa), kind_name);

TEST(enrol, a_tpm_without_a_certificate_says_so) {
  const Authority maker("Maker");
  Machine machine(maker, {});
  std::string said;
  EXPECT_EQ(machine.request("", &said), 2);
  EXPECT_TRUE(says(said, "this TPM has no endorsement certificate")) << said;
  EXPECT_FALSE(std::filesystem::exists(machine.file("request")));
  machine.expect_clean();
}

TEST(enrol, another_tpm_does_not_open_the_challenge) {
  const Authority maker("Maker");
  Machine machine(maker), other(maker);
  ASSERT_EQ(machine.request(), 0);
  ASSERT_EQ(machine.challenge(), 0);
  other.write("challenge", content_of(machine.file("challenge")));
  std::string said;
  EXPECT_EQ(other.answer(&said), 1);
  EXPECT_TRUE(says(said, "another TPM")) << said;

  // The certificate of one TPM and the attestation key of another: its name is not that of the key which is there.
  ASSERT_EQ(other.request(), 0);
  auto mixed = json::parse(content_of(machine.file("request")));
  mixed["genesis"] = json::parse(content_of(other.file("request"))).at("genesis");
  machine.write("request", mixed.dump());
  ASSERT_EQ(machine.challenge(), 0);
  EXPECT_EQ(machine.answer(&said), 1) << said;
  machine.expect_clean();
  other.expect_clean();
}

TEST(enrol, the_auditor_refuses_what_the_certificate_does_not_bear_out) {
  const Authority maker("Maker"), stranger("Maker");
  Machine machine(maker);
  ASSERT_EQ(machine.request(), 0);
  const auto good = json::parse(content_of(machine.file("request")));
  std::string said;
  machine.write("ca.pem", stranger.pem());
  EXPECT_EQ(machine.challenge("", &said), 1);
  EXPECT_TRUE(says(said, "certificate is refused")) << said;
  EXPECT_FALSE(std::filesystem::exists(machine.file("secret")));
  machine.write("ca.pem", maker.pem());
  auto changed = good;
  std::string hex = good.at("ek_public");
  hex.back() = hex.back() == '0' ? '1' : '0';
  changed["ek_public"] = hex;
  machine.write("request", changed.dump());
  EXPECT_EQ(machine.challenge("", &said), 1);
  EXPECT_TRUE(says(said, "not the one that the certificate is about")) << said;
  machine.write("request", good.dump());
  EXPECT_EQ(run_audit("enrol challenge --ca " + machine.file("ca.pem") + " --keep " + machine.file("secret") + " -o " +
                      machine.file("challenge") + " --intermediate " + machine.file("ca.pem") + " " +
                      machine.file("request")),
            0)
      << "an option takes one file";
  machine.write("request", "{}");
  EXPECT_EQ(machine.challenge("", &said), 2);
  EXPECT_EQ(run_audit("enrol challenge " + machine.file("none") + " --ca x -o y --keep z"), 2);
  EXPECT_EQ(run_audit("enrol"), 64);
  EXPECT_EQ(run_audit("enrol request " + machine.socket()), 64);
  EXPECT_EQ(run_audit("enrol request " + machine.file("nobody") + " -o " + machine.file("x")), 2);
}

TEST(enrol, finish_takes_only_the_answer_to_this_challenge) {
  const Authority maker("Maker");
  Machine machine(maker);
  ASSERT_EQ(machine.request(), 0);
  ASSERT_EQ(machine.challenge(), 0);
  ASSERT_EQ(machine.answer(), 0);
  const auto answer = json::parse(content_of(machine.file("answer")));
  std::string said;
  auto changed = answer;
  changed["secret"] = std::string(64, '0');
  machine.write("answer", changed.dump());
  EXPECT_EQ(machine.finish(&said), 1);
  EXPECT_TRUE(says(said, "secret that came back")) << said;
  for (const char* field : {"log_id", "previous_attest", "anchor"}) {
    changed = answer;
    std::string hex = changed.at(field);
    hex[20] = hex[20] == '0' ? '1' : '0';
    changed[field] = hex;
    machine.write("answer", changed.dump());
    EXPECT_EQ(machine.finish(&said), 1) << field;
    EXPECT_TRUE(says(said, "anchor over the nonce is refused")) << said;
  }
  // A secret of another enrolment of the same log: its credential was opened, its nonce is another one.
  const std::string kept = content_of(machine.file("secret"));
  ASSERT_EQ(machine.challenge(), 0);
  machine.write("answer", answer.dump());
  EXPECT_EQ(machine.finish(&said), 1);
  machine.write("secret", kept);
  ASSERT_EQ(machine.finish(&said), 0) << said;
  // A request that was changed after the challenge.
  machine.write("request", content_of(machine.file("request")) + " ");
  EXPECT_EQ(machine.finish(&said), 2);
  EXPECT_TRUE(says(said, "another request")) << said;
}

TEST(enrol, disturbs_neither_records_nor_anchors) {
  const Authority maker("Maker");
  Machine machine(maker, {kEcc, kRsa});
  FakeClient client(machine.writer().run_dir());
  ASSERT_TRUE(client.attach());
  const uint32_t entry = static_cast<uint32_t>(audit::EventId::kAeadSeal);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(client.publish(0, entry, 1));
      ASSERT_TRUE(client.publish(0, entry | audit::kExitBit, 1));
    }
    ASSERT_EQ(machine.request(round % 2 == 0 ? "--ek ecc-p256" : "--ek rsa-2048"), 0);
    ASSERT_EQ(machine.challenge(), 0);
    ASSERT_EQ(machine.answer(), 0);
    ASSERT_EQ(machine.finish(), 0);
    ASSERT_TRUE(client.wait_extended(0));
  }
  ASSERT_TRUE(client.detach(false));
  ASSERT_EQ(machine.writer().terminate(), 0);
  json verdict;
  EXPECT_EQ(machine.verify(&verdict), 0);
  EXPECT_EQ(verdict.at("counts").at("records"), 400);
  EXPECT_EQ(read_log(machine.writer().log_dir()).of_type(FrameType::kUnexplainedExtend).size(), 0u);
}

TEST(enrol, the_writer_refuses_malformed_packets_and_a_crowd) {
  const TempDir dir;
  WriterProcess writer(dir.path(), {"--anchor-interval-ms", "60000"});
  ASSERT_EQ(writer.start(), "ready");
  const auto refused = [&](const auto& packet, const std::vector<int>& fds = {}) {
    FakeClient auditor(writer.run_dir());
    ASSERT_TRUE(auditor.connect());
    ASSERT_TRUE(auditor.send_raw(&packet, sizeof packet, fds));
    const std::vector<uint8_t> answer = auditor.receive();
    EXPECT_TRUE(says({answer.begin(), answer.end()}, "malformed"));
  };
  const audit::WireEnrol enrol{static_cast<uint32_t>(audit::WireType::kEnrol), audit::kWireVersion, 2, 0};
  for (const size_t at : {0u, 4u, 8u, 12u}) {
    audit::WireEnrol wrong = enrol;
    reinterpret_cast<uint8_t*>(&wrong)[at] = 0x77;
    refused(wrong);
  }
  refused(enrol, {0});
  audit::WireActivate activate{};
  activate.type = static_cast<uint32_t>(audit::WireType::kActivate);
  activate.version = audit::kWireVersion;
  activate.ek_kind = 1;
  for (auto field : {&audit::WireActivate::credential_size, &audit::WireActivate::secret_size,
                     &audit::WireActivate::ek_kind, &audit::WireActivate::reserved}) {
    audit::WireActivate wrong = activate;
    wrong.*field = 0x10000;
    refused(wrong);
  }
  // The first is answered at once, the next a minute later: so these wait.
  std::vector<std::unique_ptr<FakeClient>> waiting;
  for (int i = 0; i < 9; ++i) {
    waiting.push_back(std::make_unique<FakeClient>(writer.run_dir()));
    ASSERT_TRUE(waiting.back()->connect());
    ASSERT_TRUE(waiting.back()->send_raw(&enrol, sizeof enrol));
    if (i == 0) {
      EXPECT_GT(waiting.back()->receive().size(), sizeof(audit::WireRefused));
    }
  }
  FakeClient late(writer.run_dir());
  ASSERT_TRUE(late.connect());
  ASSERT_TRUE(late.send_raw(&enrol, sizeof enrol));
  std::vector<uint8_t> answer = late.receive();
  EXPECT_TRUE(says({answer.begin(), answer.end()}, "too many"));
  EXPECT_TRUE(FakeClient(writer.run_dir()).attach()) << "clients do not wait behind auditors";
  ASSERT_EQ(writer.terminate(), 0);
  for (size_t i = 1; i < waiting.size(); ++i) {
    answer = waiting[i]->receive();
    EXPECT_TRUE(says({answer.begin(), answer.end()}, "the writer is ending"));
  }
}

}  // namespace
}  // namespace cm::audit_test
