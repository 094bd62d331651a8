// SPDX-License-Identifier: Apache-2.0
// enrol_files.h: the four files that go between an auditor and the machine he enrols (docs/audit-format.md,
// "Enrolment"). Each is one JSON object with exactly its fields; parse gives nothing, and a sentence, for anything
// else.
#pragma once
#include <optional>
#include <string>

#include "audit/verify/make_credential.h"
#include "audit/verify/trust.h"
#include "audit/wire.h"

namespace cm::audit::verify {

// EnrolRequest: what the machine says of its log and its TPM.
struct EnrolRequest {
  LogId log_id{};
  Digest genesis_head{};
  Bytes genesis;  // payload of the frame
  EkKind ek_kind = EkKind::kEccP256;
  Bytes ek_certificate;
  Bytes ek_public;
};

// EnrolChallenge: what only that TPM can answer: a credential, and a nonce for a live challenge.
struct EnrolChallenge {
  LogId log_id{};
  EkKind ek_kind = EkKind::kEccP256;
  Credential credential;
  Digest nonce{};
};

// EnrolSecret: what the auditor keeps to himself until the answer comes.
struct EnrolSecret {
  Digest request_sha256{};  // of the file
  Digest secret{};
  Digest nonce{};
  Endorsement endorsement;
};

struct EnrolAnswer {
  Bytes secret;       // as the TPM opened it
  WireAnswer anchor;  // over the nonce
};

std::string enrol_text(const EnrolRequest& request);
std::string enrol_text(const EnrolChallenge& challenge);
std::string enrol_text(const EnrolSecret& secret);
std::string enrol_text(const EnrolAnswer& answer);
std::optional<EnrolRequest> parse_enrol_request(const std::string& text, std::string& error);
std::optional<EnrolChallenge> parse_enrol_challenge(const std::string& text, std::string& error);
std::optional<EnrolSecret> parse_enrol_secret(const std::string& text, std::string& error);
std::optional<EnrolAnswer> parse_enrol_answer(const std::string& text, std::string& error);

// enrolment_text: the enrolment record.
std::string enrolment_text(const Enrolment& enrolment);

}  // namespace cm::audit::verify
