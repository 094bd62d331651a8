// SPDX-License-Identifier: Apache-2.0
// golden_logs.h: the recipes of the logs in vectors/audit. ECDSA signatures differ each time they are made, so a
// rebuilt log takes those of the file; everything else must come out the same to the last byte.
#pragma once
#include <string>
#include <vector>

#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {

struct GoldenLog {
  const char* name;
  LogBuilder (*build)(const std::vector<Bytes>& signatures);
};

// clean: two runs of a writer with a recovery and a lost client between them, every frame proved.
// eventful: what a sound writer records when things go wrong: unexplained extend, broken ring, reset under the writer.
// rotated: closed segments, one by each reason, and a client whose records are sealed.
// carried: a TPM that is behind: batches that a later frame carries, one of them twice, and an anchor among them.
extern const GoldenLog kGoldenLogs[4];

// signatures_in: of a log's anchors, in the order in which they were made.
std::vector<Bytes> signatures_in(const std::vector<TestFrame>& frames);
std::string enrolment_json(const Enrolment& e);

}  // namespace cm::audit::test
