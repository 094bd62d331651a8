// SPDX-License-Identifier: Apache-2.0
// trust.cpp: see trust.h. It must not fill in anything that a file does not say.
#include "audit/verify/trust.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "audit/attest/p256.h"
#include "audit/verify/json_fields.h"

namespace cm::audit::verify {
namespace {

constexpr uint64_t kEnrolmentVersion = 1;
constexpr char kPemBegin[] = "-----BEGIN";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string without_space(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') out.push_back(c);
  return out;
}

}  // namespace

std::optional<std::string> read_trust_file(const std::string& path, std::string& error) {
  std::ifstream in(path, std::ios::binary);
  std::string content(kMaxTrustFileSize + 1, '\0');
  if (in) in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!in && !in.eof()) {
    error = fmt::format("cannot read {}: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() <= kMaxTrustFileSize) return content;
  error = fmt::format("{} is too large for a trust root", path);
  return std::nullopt;
}

std::optional<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(high << 4 | low));
  }
  return out;
}

Endorsement endorsement_in(Fields& f) {
  Endorsement e;
  e.certificate_sha256 = f.hex_array<kDigestSize>("certificate_sha256");
  e.subject = f.text("subject");
  e.issuer = f.text("issuer");
  e.ca_sha256 = f.hex_array<kDigestSize>("ca_sha256");
  e.checked = f.text("checked");
  return e;
}

std::optional<Enrolment> parse_enrolment(const std::string& text, std::string& error) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    error = "the enrolment record is not a JSON object";
    return std::nullopt;
  }
  Fields f(json);
  Enrolment e;
  if (f.number<uint64_t>("version") != kEnrolmentVersion) f.fail("version");
  e.log_id = f.hex_array<kIdSize>("log_id");
  e.ak_public = f.hex("ak_public");
  e.genesis_head = f.hex_array<kDigestSize>("genesis_head");
  e.reset_count = f.number<uint32_t>("reset_count");
  e.restart_count = f.number<uint32_t>("restart_count");
  e.clock_ms = f.number<uint64_t>("clock_ms");
  e.nv_index = f.number<uint32_t>("nv_index");
  e.nv_name = f.hex("nv_name");
  e.nv_start = f.number<uint64_t>("nv_start");
  e.pcr_index = f.number<uint32_t>("pcr_index");
  e.tpm_kind = f.text("tpm_kind");
  if (e.tpm_kind != "software" && e.tpm_kind != "device") f.fail("tpm_kind");
  if (!parse_ak_public(e.ak_public)) f.fail("ak_public");
  if (const auto it = json.find("endorsement"); it != json.end()) {
    Fields inner(*it);
    e.endorsement = endorsement_in(inner);
    if (!inner.bad().empty()) f.fail("endorsement");
  }
  if (f.bad().empty()) return e;
  error = fmt::format("field \"{}\" of the enrolment record is missing or wrong", f.bad());
  return std::nullopt;
}

std::optional<P256Point> parse_ak(const std::string& content, std::string& error) {
  const Bytes raw(content.begin(), content.end());
  if (content.starts_with(kPemBegin)) {
    if (auto point = point_from_pem(raw)) return point;
    error = "the PEM file does not hold a P-256 public key";
    return std::nullopt;
  }
  if (const auto ak = parse_ak_public(raw)) return ak->point;
  if (const auto bytes = parse_hex(without_space(content)))
    if (const auto ak = parse_ak_public(*bytes)) return ak->point;
  error = "the key file is neither a TPMT_PUBLIC of an ECDSA P-256 key, binary or hexadecimal, nor a PEM public key";
  return std::nullopt;
}

bool load_trust(const std::string& enrolment_path, const std::string& ak_path, Trust& trust, Report& report) {
  trust = {};
  if (enrolment_path.empty() && ak_path.empty()) return true;
  std::string error;
  if (const auto content = read_trust_file(enrolment_path.empty() ? ak_path : enrolment_path, error)) {
    if (!enrolment_path.empty())
      trust.enrolment = parse_enrolment(*content, error);
    else
      trust.ak = parse_ak(*content, error);
  }
  if (trust.enrolment || trust.ak) return true;
  report.add(FindingId::kTrustFile, Place{}, error);
  return false;
}

std::string enrolment_difference(const Enrolment& e, const LogId& log_id, const Digest& genesis_head,
                                 const Genesis& g) {
  const std::string kind = g.tpm.kind == 1 ? "software" : "device";
  if (e.log_id != log_id) return "log_id";
  if (e.ak_public != g.ak_public) return "ak_public";
  if (e.reset_count != g.tpm.reset_count) return "reset_count";
  if (e.restart_count != g.tpm.restart_count) return "restart_count";
  if (e.clock_ms != g.tpm.clock_ms) return "clock_ms";
  if (e.nv_index != g.nv_index) return "nv_index";
  if (e.nv_name != g.nv_name) return "nv_name";
  if (e.nv_start != g.nv_start) return "nv_start";
  if (e.pcr_index != g.pcr_index) return "pcr_index";
  if (e.tpm_kind != kind) return "tpm_kind";
  if (e.genesis_head != genesis_head) return "genesis_head";
  return {};
}

}  // namespace cm::audit::verify
