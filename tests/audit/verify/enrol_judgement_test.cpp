// SPDX-License-Identifier: Apache-2.0
// enrol_judgement_test.cpp: what an auditor who enrols refuses, and when a verdict speaks of hardware. No TPM needed.
#include <gtest/gtest.h>

#include "audit/verify/enrolment.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/ek_authority.h"
#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

using verify::CaFiles;
using verify::check_ek_certificate;

constexpr EkKind kEcc = EkKind::kEccP256;
constexpr EkKind kRsa = EkKind::kRsa2048;

// refusal: empty when the certificate is accepted.
std::string refusal(const Bytes& nv, const CaFiles& cas, EkKind kind = kEcc) {
  std::string why;
  const auto key = check_ek_certificate(nv, kind, cas, why);
  EXPECT_EQ(key.has_value(), why.empty());
  return why;
}

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(ek_certificate, of_each_kind_leads_to_its_root) {
  const Authority root("Maker of TPMs"), between("Maker, Works 7", &root);
  const CaFiles cas = {root.pem(), {between.pem()}};
  std::string why;
  const auto ecc =
      check_ek_certificate(between.issue(new_ec_key(), {ek_extensions("keyAgreement"), ""}), kEcc, cas, why);
  ASSERT_TRUE(ecc) << why;
  EXPECT_EQ(ecc->about.subject, "2.23.133.2.3=id:00010002,2.23.133.2.2=test,2.23.133.2.1=id:49424D00");
  EXPECT_EQ(ecc->about.issuer, "CN=Maker\\, Works 7");
  EXPECT_EQ(ecc->about.ca_sha256, root.sha256());
  EXPECT_EQ(ecc->ek_public.size(), 2u + 48 + 4 + 2 * 34);
  const auto rsa =
      check_ek_certificate(root.issue(new_rsa_key(), {ek_extensions("keyEncipherment"), "an EK"}), kRsa, cas, why);
  ASSERT_TRUE(rsa) << why;
  EXPECT_EQ(rsa->about.subject, "CN=an EK");
  EXPECT_EQ(rsa->ek_public.size(), 2u + 48 + 8 + 256);
  EXPECT_EQ(refusal(root.issue(new_ec_key(), {"basicConstraints=critical,CA:FALSE", "bare"}), cas), "");
}

TEST(ek_certificate, is_refused_when_it_does_not_lead_to_a_root) {
  const Authority root("root"), other("root"), between("between", &root);
  const CertificatePlan good = {ek_extensions("keyAgreement"), ""};
  const Bytes certificate = between.issue(new_ec_key(), good);
  EXPECT_EQ(refusal(certificate, {root.pem(), {between.pem()}}), "");
  EXPECT_EQ(refusal(certificate, {between.pem(), {}}), "") << "what is named as a root is one";
  EXPECT_TRUE(says(refusal(certificate, {root.pem(), {}}), "unable to get local issuer certificate"));
  EXPECT_NE(refusal(certificate, {other.pem(), {between.pem()}}), "") << "another CA of the same name";
  EXPECT_TRUE(says(refusal(certificate, {"", {between.pem()}}), "holds no PEM certificates"));
  EXPECT_TRUE(says(refusal(certificate, {root.pem(), {"nonsense"}}), "holds no PEM certificates"));
  EXPECT_TRUE(says(refusal(certificate, {root.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                         {between.pem()}}),
                   "holds no PEM certificates"));
  const CertificatePlan no_ca = {"basicConstraints=critical,CA:FALSE", ""};
  const Authority leaf("leaf", &root, &no_ca);
  EXPECT_TRUE(says(refusal(leaf.issue(new_ec_key(), good), {root.pem(), {leaf.pem()}}), "invalid CA certificate"));
}

TEST(ek_certificate, is_refused_out_of_its_time) {
  const Authority root("root");
  const std::string extensions = ek_extensions("keyAgreement");
  EXPECT_TRUE(says(refusal(root.issue(new_ec_key(), {extensions, "", -7200, -60}), {root.pem(), {}}), "expired"));
  EXPECT_TRUE(says(refusal(root.issue(new_ec_key(), {extensions, "", 600, 7200}), {root.pem(), {}}), "not yet valid"));
  const CertificatePlan past = {"", "", -7200, -60};
  const Authority old("old", nullptr, &past);
  EXPECT_TRUE(says(refusal(old.issue(new_ec_key(), {extensions, ""}), {old.pem(), {}}), "expired"));
}

TEST(ek_certificate, is_refused_when_it_is_for_something_else) {
  const Authority root("root");
  const auto refused = [&](const std::string& extensions, const TestKey& key, EkKind kind = kEcc) {
    return refusal(root.issue(key, {extensions, "x"}), {root.pem(), {}}, kind);
  };
  const std::string end = "basicConstraints=critical,CA:FALSE\n";
  EXPECT_TRUE(
      says(refused("basicConstraints=critical,CA:TRUE\nkeyUsage=keyAgreement,keyCertSign", new_ec_key()), "CA's"));
  EXPECT_TRUE(says(refused(end + "keyUsage=critical,digitalSignature", new_ec_key()), "key usage"));
  EXPECT_TRUE(says(refused(ek_extensions("keyEncipherment"), new_ec_key()), "key usage"));
  EXPECT_TRUE(says(refused(end + "extendedKeyUsage=serverAuth,2.23.133.8.2", new_ec_key()), "extended key usage"));
  EXPECT_EQ(refused(end + "extendedKeyUsage=serverAuth,2.23.133.8.1", new_ec_key()), "");
  EXPECT_TRUE(says(refused(end + "1.2.3.4=critical,ASN1:NULL", new_ec_key()), "critical extension"));
  EXPECT_TRUE(says(refused(ek_extensions("keyAgreement"), new_rsa_key()), "not ecc-p256"));
  EXPECT_TRUE(says(refused(ek_extensions("keyEncipherment"), new_rsa_key(3072), kRsa), "not rsa-2048"));
  EXPECT_TRUE(says(refused(ek_extensions("keyEncipherment"), new_ec_key(), kRsa), "not rsa-2048"));
}

TEST(ek_certificate, is_refused_when_it_is_none_or_a_root_itself) {
  const Authority root("root");
  Bytes certificate = root.issue(new_ec_key(), {ek_extensions("keyAgreement"), ""});
  const CaFiles cas = {root.pem(), {}};
  certificate.resize(certificate.size() + 100);
  EXPECT_EQ(refusal(certificate, cas), "") << "an NV index filled up with zeroes";
  certificate.back() = 1;
  EXPECT_TRUE(says(refusal(certificate, cas), "no X.509"));
  EXPECT_TRUE(says(refusal({}, cas), "no X.509"));
  EXPECT_TRUE(says(refusal(Bytes(50, 0xff), cas), "no X.509"));
  const CertificatePlan self = {ek_extensions("keyAgreement"), "self"};
  const Authority own("self", nullptr, &self);
  const std::string pem = own.pem();
  std::string der_text;
  FILE* pipe = popen(("openssl x509 -outform DER <<'EOF'\n" + pem + "EOF\n").c_str(), "r");
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) der_text.append(buffer, n);
  pclose(pipe);
  EXPECT_TRUE(says(refusal({der_text.begin(), der_text.end()}, {pem, {}}), "among the roots"));
}

// Enrolling: a request that is in order, of a log that was made here.
struct Enrolling {
  Enrolling() {
    plain.log.tpm.identity.kind = 2;
    g.writer_version = "1";
    g.tpm = plain.log.tpm.identity;
    g.pcr_index = plain.log.tpm.pcr_index;
    g.nv_index = plain.log.tpm.nv_index;
    g.nv_name = plain.log.tpm.nv_name();
    g.nv_start = plain.log.tpm.nv_value;
    g.ak_public = plain.log.tpm.ak_public();
    request.ek_certificate = root.issue(new_ec_key(), {ek_extensions("keyAgreement"), ""});
    std::string why;
    request.ek_public = check_ek_certificate(request.ek_certificate, kEcc, cas, why)->ek_public;
  }
  std::string refusal() {
    request.genesis = encode(g);
    std::string why;
    const bool prepared =
        verify::prepare(best_sha256_lane(), request, verify::enrol_text(request), cas, why).has_value();
    EXPECT_EQ(prepared, why.empty());
    return why;
  }

  PlainLog plain = {LogBuilder(7), {}};
  const Authority root{"root"};
  const CaFiles cas = {root.pem(), {}};
  Genesis g;
  verify::EnrolRequest request;
};

TEST(enrol_request, is_refused_when_a_key_is_not_what_it_must_be) {
  Enrolling e;
  EXPECT_EQ(e.refusal(), "");
  const Bytes good = e.request.ek_public;
  e.request.ek_public.back() ^= 1;
  EXPECT_TRUE(says(e.refusal(), "not the one that the certificate is about"));
  for (const size_t at : {3u, 5u, 7u, 8u, 20u, 45u}) {  // name algorithm, attributes, policy, cipher
    e.request.ek_public = good;
    e.request.ek_public[at] ^= 1;
    EXPECT_TRUE(says(e.refusal(), "default template")) << at;
  }
  e.request.ek_public = good;
  // restricted, fixedTPM, fixedParent, sensitiveDataOrigin, sign, decrypt (part 2, 8.3)
  for (const uint32_t bit : {1u << 16, 1u << 1, 1u << 4, 1u << 5, 1u << 18, 1u << 17}) {
    const Bytes ak = e.plain.log.tpm.ak_public();
    const std::span<const uint8_t> all(ak);
    e.g.ak_public = ak_template(kAkAttributes ^ bit, all.subspan(22, 32), all.subspan(56, 32));
    EXPECT_TRUE(says(e.refusal(), "attestation key is refused")) << bit;
  }
  e.g.ak_public = {1, 2, 3};
  EXPECT_TRUE(says(e.refusal(), "attestation key is refused"));
  e.g = {};
  EXPECT_TRUE(says(e.refusal(), "genesis payload is none"));
}

TEST(enrol_files, are_read_as_they_were_written_and_nothing_else_is) {
  Enrolling e;
  ASSERT_EQ(e.refusal(), "");
  std::string error;
  const std::string text = verify::enrol_text(e.request);
  ASSERT_TRUE(verify::parse_enrol_request(text, error)) << error;
  EXPECT_EQ(verify::enrol_text(*verify::parse_enrol_request(text, error)), text);
  const auto prepared = verify::prepare(best_sha256_lane(), e.request, text, e.cas, error);
  ASSERT_TRUE(prepared);
  const std::string challenge = verify::enrol_text(prepared->challenge), secret = verify::enrol_text(prepared->secret);
  EXPECT_EQ(verify::enrol_text(*verify::parse_enrol_challenge(challenge, error)), challenge);
  EXPECT_EQ(verify::enrol_text(*verify::parse_enrol_secret(secret, error)), secret);
  verify::EnrolAnswer answer{Bytes(32, 7), {}};
  answer.anchor.payload_size = 100;
  const std::string answered = verify::enrol_text(answer);
  EXPECT_EQ(verify::enrol_text(*verify::parse_enrol_answer(answered, error)), answered);

  const auto none = [&](const std::string& of, auto parse) {
    const auto json = nlohmann::json::parse(of);
    for (const auto& [name, value] : json.items()) {
      nlohmann::json changed = json;
      changed.erase(name);
      EXPECT_FALSE(parse(changed.dump(), error)) << "without " << name;
      for (const nlohmann::json& wrong :
           {nlohmann::json(-1), nlohmann::json("x"), nlohmann::json(), nlohmann::json({1})}) {
        changed[name] = wrong;
        EXPECT_FALSE(parse(changed.dump(), error)) << name << " " << wrong;
      }
    }
    nlohmann::json more = json;
    more["more"] = 1;
    EXPECT_FALSE(parse(more.dump(), error));
    for (const char* other : {"", "[]", "7", "{}"}) EXPECT_FALSE(parse(other, error));
  };
  none(text, verify::parse_enrol_request);
  none(challenge, verify::parse_enrol_challenge);
  none(secret, verify::parse_enrol_secret);
  none(answered, verify::parse_enrol_answer);
  for (const std::string& of : {challenge, secret, answered}) EXPECT_FALSE(verify::parse_enrol_request(of, error));
}

// ---------------------------------------------------------------------------------------------------- verdicts

// ended_log: without clients, ended and covered.
LogBuilder ended_log(uint8_t tpm_kind) {
  LogBuilder log(7);
  log.tpm.identity.kind = tpm_kind;
  log.genesis();
  log.clock();
  log.anchor();
  log.end();
  log.anchor();
  return log;
}

verify::Trust endorsed(const LogBuilder& log) {
  verify::Trust trust = trust_of(log);
  trust.enrolment->endorsement = {{}, "CN=EK 1", "CN=Maker", {}, "2026-11-23T10:00:00Z"};
  trust.enrolment->endorsement->certificate_sha256.fill(0xce);
  return trust;
}

bool listed(const std::vector<std::string>& lines, const char* part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return says(line, part); });
}

TEST(endorsement, makes_a_verdict_speak_of_hardware_only_when_the_tpm_is_a_device) {
  const LogBuilder device = ended_log(2), software = ended_log(1);
  const Report with = check(device.segments, endorsed(device));
  EXPECT_EQ(exit_code(with), 0) << ids(with);
  EXPECT_TRUE(hardware_shown(with));
  EXPECT_TRUE(listed(with.checked, "hardware, when the record was made"));
  EXPECT_TRUE(listed(with.checked, "cececece"));
  EXPECT_FALSE(listed(with.not_checked, "genuine hardware"));
  const Report without = check(device);
  EXPECT_FALSE(hardware_shown(without));
  EXPECT_TRUE(listed(without.not_checked, "no endorsement certificate was enrolled"));
  const Report soft = check(software.segments, endorsed(software));
  EXPECT_EQ(exit_code(soft), 0);
  EXPECT_FALSE(hardware_shown(soft));
  EXPECT_TRUE(soft.has(FindingId::kSoftwareAnchor));
  EXPECT_TRUE(listed(soft.not_checked, "it says that it is software"));
  const auto json = nlohmann::json::parse(verify::to_json(with));
  EXPECT_EQ(json.at("hardware"), true);
  EXPECT_EQ(json.at("endorsement").at("issuer"), "CN=Maker");
  EXPECT_EQ(nlohmann::json::parse(verify::to_json(without)).at("endorsement"), nullptr);
}

TEST(endorsement, shows_nothing_about_another_log_or_one_without_an_anchor) {
  LogBuilder device = ended_log(2);
  verify::Trust other = endorsed(device);
  other.enrolment->genesis_head.fill(1);
  const Report mismatch = check(device.segments, other);
  EXPECT_EQ(exit_code(mismatch), 1);
  EXPECT_FALSE(hardware_shown(mismatch));
  LogBuilder bare(7);
  bare.tpm.identity.kind = 2;
  bare.genesis();
  const Report nothing = check(bare.segments, endorsed(bare));
  EXPECT_EQ(exit_code(nothing), 3);
  EXPECT_FALSE(hardware_shown(nothing));
  EXPECT_TRUE(listed(nothing.not_checked, "nothing is proved with the key"));
}

TEST(endorsement, is_read_whole_or_the_record_is_none) {
  const LogBuilder device = ended_log(2);
  const std::string text = verify::enrolment_text(*endorsed(device).enrolment);
  std::string error;
  const auto read = verify::parse_enrolment(text, error);
  ASSERT_TRUE(read) << error;
  ASSERT_TRUE(read->endorsement);
  EXPECT_EQ(verify::enrolment_text(*read), text);
  const auto json = nlohmann::json::parse(text);
  for (const auto& [name, value] : json.at("endorsement").items()) {
    nlohmann::json changed = json;
    changed["endorsement"].erase(name);
    EXPECT_FALSE(verify::parse_enrolment(changed.dump(), error)) << name;
    EXPECT_TRUE(says(error, "endorsement"));
    changed["endorsement"][name] = 7;
    EXPECT_FALSE(verify::parse_enrolment(changed.dump(), error)) << name;
  }
  for (const char* wrong : {"null", "[]", "\"x\"", "{}"}) {
    nlohmann::json changed = json;
    changed["endorsement"] = nlohmann::json::parse(wrong);
    EXPECT_FALSE(verify::parse_enrolment(changed.dump(), error)) << wrong;
  }
}

}  // namespace
}  // namespace cm::audit::test
