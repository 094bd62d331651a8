// SPDX-License-Identifier: Apache-2.0
// enrol_files.cpp: see enrol_files.h.
#include "audit/verify/enrol_files.h"

#include <fmt/format.h>

#include <cstring>

#include "audit/verify/json_fields.h"

namespace cm::audit::verify {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kVersion = 1;
constexpr char kRequest[] = "libcryptomod/enrol-request";
constexpr char kChallenge[] = "libcryptomod/enrol-challenge";
constexpr char kSecret[] = "libcryptomod/enrol-secret";
constexpr char kAnswer[] = "libcryptomod/enrol-answer";

Json begun(const char* format) { return {{"format", format}, {"version", kVersion}}; }
std::string finished(const Json& json) { return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n"; }

Json endorsement_json(const Endorsement& e) {
  return {{"certificate_sha256", hex_text(e.certificate_sha256)},
          {"subject", e.subject},
          {"issuer", e.issuer},
          {"ca_sha256", hex_text(e.ca_sha256)},
          {"checked", e.checked}};
}

// Letter: the JSON object of one of the files, with as many members as it must have.
struct Letter {
  Letter(const std::string& text, const char* expected_format, size_t members)
      : format(expected_format), json(nlohmann::json::parse(text, nullptr, false)), fields(json) {
    if (fields.text("format") != format || json.size() != members) fields.fail("format");
    if (fields.number<uint32_t>("version") != kVersion) fields.fail("version");
  }
  EkKind ek_kind() {
    const auto kind = ek_kind_of(fields.text("ek_kind"));
    if (!kind) fields.fail("ek_kind");
    return kind.value_or(EkKind::kEccP256);
  }
  bool sound(std::string& error) const {
    if (fields.bad().empty()) return true;
    error = fmt::format("this is no {} of version {}: field \"{}\" is missing or wrong, or there are others", format,
                        kVersion, fields.bad());
    return false;
  }

  const char* const format;
  const nlohmann::json json;
  Fields fields;
};

}  // namespace

std::string enrol_text(const EnrolRequest& r) {
  Json out = begun(kRequest);
  out["log_id"] = hex_text(r.log_id);
  out["genesis_head"] = hex_text(r.genesis_head);
  out["genesis"] = hex_text(r.genesis);
  out["ek_kind"] = ek_kind_text(r.ek_kind);
  out["ek_certificate"] = hex_text(r.ek_certificate);
  out["ek_public"] = hex_text(r.ek_public);
  return finished(out);
}

std::string enrol_text(const EnrolChallenge& c) {
  Json out = begun(kChallenge);
  out["log_id"] = hex_text(c.log_id);
  out["ek_kind"] = ek_kind_text(c.ek_kind);
  out["credential"] = hex_text(c.credential.id_object);
  out["encrypted_secret"] = hex_text(c.credential.encrypted_secret);
  out["nonce"] = hex_text(c.nonce);
  return finished(out);
}

std::string enrol_text(const EnrolSecret& s) {
  Json out = begun(kSecret);
  out["request_sha256"] = hex_text(s.request_sha256);
  out["secret"] = hex_text(s.secret);
  out["nonce"] = hex_text(s.nonce);
  out["endorsement"] = endorsement_json(s.endorsement);
  return finished(out);
}

std::string enrol_text(const EnrolAnswer& a) {
  Json out = begun(kAnswer);
  out["secret"] = hex_text(a.secret);
  out["log_id"] = hex_text(a.anchor.log_id);
  out["writer_time_ns"] = a.anchor.writer_time_ns;
  out["previous_attest"] = hex_text(a.anchor.previous_attest);
  const std::span<const uint8_t> payload = a.anchor.payload;
  out["anchor"] = hex_text(payload.first(std::min<size_t>(a.anchor.payload_size, payload.size())));
  return finished(out);
}

std::optional<EnrolRequest> parse_enrol_request(const std::string& text, std::string& error) {
  Letter letter(text, kRequest, 8);
  Fields& f = letter.fields;
  EnrolRequest r;
  r.log_id = f.hex_array<kIdSize>("log_id");
  r.genesis_head = f.hex_array<kDigestSize>("genesis_head");
  r.genesis = f.hex("genesis");
  r.ek_kind = letter.ek_kind();
  r.ek_certificate = f.hex("ek_certificate");
  r.ek_public = f.hex("ek_public");
  if (!letter.sound(error)) return std::nullopt;
  return r;
}

std::optional<EnrolChallenge> parse_enrol_challenge(const std::string& text, std::string& error) {
  Letter letter(text, kChallenge, 7);
  Fields& f = letter.fields;
  EnrolChallenge c;
  c.log_id = f.hex_array<kIdSize>("log_id");
  c.ek_kind = letter.ek_kind();
  c.credential.id_object = f.hex("credential");
  c.credential.encrypted_secret = f.hex("encrypted_secret");
  c.nonce = f.hex_array<kDigestSize>("nonce");
  if (c.credential.id_object.size() > kMaxCredential) f.fail("credential");
  if (c.credential.encrypted_secret.size() > kMaxCredentialSecret) f.fail("encrypted_secret");
  if (c.nonce == Digest{}) f.fail("nonce");
  if (!letter.sound(error)) return std::nullopt;
  return c;
}

std::optional<EnrolSecret> parse_enrol_secret(const std::string& text, std::string& error) {
  Letter letter(text, kSecret, 6);
  Fields& f = letter.fields;
  EnrolSecret s;
  s.request_sha256 = f.hex_array<kDigestSize>("request_sha256");
  s.secret = f.hex_array<kDigestSize>("secret");
  s.nonce = f.hex_array<kDigestSize>("nonce");
  const auto it = letter.json.find("endorsement");
  Fields inner(it == letter.json.end() ? letter.json : *it);
  s.endorsement = endorsement_in(inner);
  if (!inner.bad().empty()) f.fail("endorsement");
  if (!letter.sound(error)) return std::nullopt;
  return s;
}

std::optional<EnrolAnswer> parse_enrol_answer(const std::string& text, std::string& error) {
  Letter letter(text, kAnswer, 7);
  Fields& f = letter.fields;
  EnrolAnswer a{};
  a.secret = f.hex("secret");
  const auto log_id = f.hex_array<kIdSize>("log_id");
  const auto previous = f.hex_array<kDigestSize>("previous_attest");
  const Bytes anchor = f.hex("anchor");
  a.anchor.type = static_cast<uint32_t>(WireType::kAnswer);
  a.anchor.version = kWireVersion;
  a.anchor.writer_time_ns = f.number<uint64_t>("writer_time_ns");
  if (anchor.size() > sizeof a.anchor.payload) f.fail("anchor");
  if (!letter.sound(error)) return std::nullopt;
  std::ranges::copy(log_id, a.anchor.log_id);
  std::ranges::copy(previous, a.anchor.previous_attest);
  std::ranges::copy(anchor, a.anchor.payload);
  a.anchor.payload_size = static_cast<uint32_t>(anchor.size());
  return a;
}

std::string enrolment_text(const Enrolment& e) {
  Json out = {{"version", kVersion},
              {"log_id", hex_text(e.log_id)},
              {"ak_public", hex_text(e.ak_public)},
              {"genesis_head", hex_text(e.genesis_head)},
              {"reset_count", e.reset_count},
              {"restart_count", e.restart_count},
              {"clock_ms", e.clock_ms},
              {"nv_index", e.nv_index},
              {"nv_name", hex_text(e.nv_name)},
              {"nv_start", e.nv_start},
              {"pcr_index", e.pcr_index},
              {"tpm_kind", e.tpm_kind}};
  if (e.endorsement) out["endorsement"] = endorsement_json(*e.endorsement);
  return finished(out);
}

}  // namespace cm::audit::verify
