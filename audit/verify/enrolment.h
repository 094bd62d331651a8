// SPDX-License-Identifier: Apache-2.0
// enrolment.h: the auditor's two judgements when he enrols a log (docs/design/0015-enrolment.md): of what the machine
// says of its TPM, and of what the TPM answered.
#pragma once
#include <optional>
#include <string>

#include "audit/verify/challenge.h"
#include "audit/verify/enrol_files.h"

namespace cm::audit::verify {

// enrolment_of: the record that a request gives, without an endorsement. Nothing, and the reason, when its genesis
// payload is none or its attestation key no such key.
std::optional<Enrolment> enrolment_of(Lane lane, const EnrolRequest& request, std::string& why);

// Prepared: a challenge and what belongs to it.
struct Prepared {
  EnrolChallenge challenge;
  EnrolSecret secret;
};
// prepare: nothing, and the reason, when the certificate, the endorsement key or the attestation key is refused.
// request_file: the bytes that the request was parsed from.
std::optional<Prepared> prepare(Lane lane, const EnrolRequest& request, const std::string& request_file,
                                const CaFiles& cas, std::string& why);

// conclude: the finished record; nothing, and the reason, when the TPM did not answer as it must.
std::optional<Enrolment> conclude(Lane lane, const EnrolRequest& request, const EnrolSecret& secret,
                                  const EnrolAnswer& answer, std::string& why);

}  // namespace cm::audit::verify
