// SPDX-License-Identifier: Apache-2.0
// batch_choice.cpp: the product's table. It is empty: on no lane is ipsec-mb faster than our own kernels by as much as
// a tenth (docs/design/0008-ipsec-mb.md), and so every batch stays on its own lane.
#include "crypto/module/batch_choice.h"

namespace cm {
namespace {

constexpr std::array<BatchChoice, 0> kBatchChoices{};

}  // namespace

Lane batch_choice(BatchAlgorithm algorithm, Lane own, size_t jobs, size_t bytes) {
  return choose(kBatchChoices, algorithm, own, jobs, bytes);
}

}  // namespace cm
