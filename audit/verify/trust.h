// SPDX-License-Identifier: Apache-2.0
// trust.h: the trust root an auditor brings: the enrolment record made when the log was created, or an attestation key
// alone. Kept outside the log; docs/audit-format.md, "Enrolment record".
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "audit/attest/tpm_structures.h"
#include "audit/payload.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

inline constexpr size_t kMaxTrustFileSize = 1u << 20;

struct Enrolment {
  LogId log_id{};
  Bytes ak_public;
  Digest genesis_head{};
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint64_t clock_ms = 0;
  uint32_t nv_index = 0;
  Bytes nv_name;
  uint64_t nv_start = 0;
  uint32_t pcr_index = 0;
  std::string tpm_kind;
  std::optional<Endorsement> endorsement;  // when an auditor enrolled the TPM itself (`cryptomod-audit enrol`)
};

// Trust: at most one of the two.
struct Trust {
  std::optional<Enrolment> enrolment;
  std::optional<P256Point> ak;
};

// Each returns nothing and sets error to a sentence when the text is not what it must be.
std::optional<Enrolment> parse_enrolment(const std::string& text, std::string& error);
// parse_ak: a TPMT_PUBLIC, binary or in hexadecimal, or a PEM SubjectPublicKeyInfo.
std::optional<P256Point> parse_ak(const std::string& content, std::string& error);

// load_trust: from the files that are named, at most one of the two. Adds trust-file to the report and answers false
// when a file cannot be read or is not one.
bool load_trust(const std::string& enrolment_path, const std::string& ak_path, Trust& trust, Report& report);

// read_trust_file: the content, bounded by kMaxTrustFileSize.
std::optional<std::string> read_trust_file(const std::string& path, std::string& error);

std::optional<Bytes> parse_hex(std::string_view text);

// enrolment_difference: the first field in which a genesis frame differs from what was enrolled, empty when none does.
std::string enrolment_difference(const Enrolment& e, const LogId& log_id, const Digest& genesis_head, const Genesis& g);

}  // namespace cm::audit::verify
