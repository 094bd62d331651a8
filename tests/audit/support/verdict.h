// SPDX-License-Identifier: Apache-2.0
// verdict.h: what the verifier says about the log of a writer under test, held against its enrolment record.
#pragma once
#include "audit/verify/verifier.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {

inline audit::verify::Report verdict(const WriterProcess& writer) {
  audit::verify::Report report;
  audit::verify::Trust trust;
  audit::verify::DirectorySource source;
  if (audit::verify::load_trust(writer.trust_dir() + "/enrolment.json", "", trust, report) &&
      source.open(writer.log_dir(), report))
    audit::verify::verify_log(source, {audit::best_sha256_lane(), trust, std::nullopt, std::nullopt}, report);
  return report;
}

}  // namespace cm::audit_test
