// SPDX-License-Identifier: Apache-2.0
// verifier.h: the verdict on a log: frame parse -> checks within the frame -> chain -> meaning (clients, records) ->
// evidence of the TPM. Streams; stops at the first place that is not as it must be, because nothing after it can be
// judged. Reads files and public keys only.
#pragma once
#include <optional>

#include "audit/chain.h"
#include "audit/parallel_hash.h"
#include "audit/verify/log_source.h"
#include "audit/verify/observer.h"
#include "audit/verify/report.h"
#include "audit/verify/trust.h"

namespace cm::audit::verify {

struct Options {
  Lane lane = Lane::kPortable;  // one that best_sha256_lane tested
  Trust trust;
  std::optional<Digest> head;        // a head the log must contain
  std::optional<uint64_t> nv_value;  // of the log's TPM counter, read by the auditor after the log was
  Lane wide = best_wide_sha256_lane();
  FrameObserver* observer = nullptr;
};

// verify_log: fills the report, which may already hold findings about the directory.
void verify_log(LogSource& source, const Options& options, Report& report);

}  // namespace cm::audit::verify
