// SPDX-License-Identifier: Apache-2.0
// engine.h: runs the table of casts.h and latches one lane per algorithm. Sees algorithms and kernel tables, never the
// module: the integrity test is handed in by the caller.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"
#include "selftest/casts.h"

namespace cm::selftest {

struct Outcome {
  CastId id;
  Lane lane;
  Status status;
  uint32_t ns;
};

inline constexpr size_t kMaxOutcomes = 256;

struct Report {
  Outcome outcomes[kMaxOutcomes];
  size_t count;
  Status status;        // kOk, or that of the first failure (kSelftest, kIntegrity, kEntropy)
  size_t first_failed;  // index into outcomes when status is not kOk
};

// run_all: every row on every lane this CPU can run. integrity is called for row kIntegrity with the best SHA-256 lane
// that has passed. All rows run even when one fails, but none after a failed integrity test. Thread-safe: works on its
// arguments and the stack only.
void run_all(Report& report, Status (*integrity)(Lane sha256_lane));

// run_imb: appends what lane imb has, when it is loaded: integrity, which is not called when null, and the batches.
void run_imb(Report& report, Status (*integrity)(Lane sha256_lane));

// Lanes: the lane of each algorithm family that services use after a report without failure.
struct Lanes {
  Lane sha256;
  Lane aes;
  Lane gcm;
  Lane chacha;
  Lane sha1;
  Lane sha512;
  Lane keccak;
  Lane hash_multi;  // of many messages at once, beside the lane of one
};
// choose_lanes: the fastest lane of each table that this CPU runs. Pure.
Lanes choose_lanes();

}  // namespace cm::selftest
