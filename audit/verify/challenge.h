// SPDX-License-Identifier: Apache-2.0
// challenge.h: what a writer's answer to a live challenge shows (audit/wire.h): that the TPM with the log's key was
// there after the nonce was drawn, and at which head the log stood. It says nothing about what is in the log: `verify
// --head` does.
#pragma once
#include <string>

#include "audit/verify/report.h"
#include "audit/verify/trust.h"
#include "audit/wire.h"

namespace cm::audit::verify {

// ChallengeResult: the report has the findings and so the exit code.
struct ChallengeResult {
  Report report;
  std::string log_id;  // hex
  uint64_t anchored_frame = 0;
  std::string head;  // hex, of that frame
  uint64_t nv_value = 0;
  uint64_t clock_ms = 0;
  uint32_t reset_count = 0;
  uint32_t restart_count = 0;
  uint64_t writer_time_ns = 0;
};

// judge_answer: trust holds the enrolment record or the key; without either no answer shows anything.
ChallengeResult judge_answer(Lane lane, const WireAnswer& answer, const Digest& nonce, const Trust& trust);

std::string to_text(const ChallengeResult& result);
std::string to_json(const ChallengeResult& result);

}  // namespace cm::audit::verify
