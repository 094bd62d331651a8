// SPDX-License-Identifier: Apache-2.0
// batch_choice.h: which lane a batch runs on: what measures fastest for its algorithm, the lane of our own that this
// CPU has, the number of its jobs and their size. docs/design/0008-ipsec-mb.md has the figures behind the product's
// table.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"

namespace cm {

enum class BatchAlgorithm : uint8_t { kCbcEncrypt, kCmac, kCcmSeal, kCcmOpen };

// BatchChoice: the lane of batches from so many jobs and so many bytes a job on, where own is the lane of our own. A
// later row overrules an earlier one.
struct BatchChoice {
  BatchAlgorithm algorithm;
  Lane own;
  size_t min_jobs;
  size_t min_bytes;
  Lane lane;
};

template <size_t N>
constexpr Lane choose(const std::array<BatchChoice, N>& table, BatchAlgorithm algorithm, Lane own, size_t jobs,
                      size_t bytes) {
  Lane lane = own;
  for (const BatchChoice& row : table)
    if (row.algorithm == algorithm && row.own == own && jobs >= row.min_jobs && bytes >= row.min_bytes) lane = row.lane;
  return lane;
}

// batch_choice: the choice of this build: batch_choice.cpp in the product, a table of their own in tests.
Lane batch_choice(BatchAlgorithm algorithm, Lane own, size_t jobs, size_t bytes);

}  // namespace cm
