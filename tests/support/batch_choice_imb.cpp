// SPDX-License-Identifier: Apache-2.0
// batch_choice_imb.cpp: the table of the test build, in place of crypto/module/batch_choice.cpp: what is at least two
// jobs of 64 bytes goes to lane imb, on every CPU that has AES instructions.
#include <iterator>

#include "crypto/module/batch_choice.h"

namespace cm {
namespace {

constexpr Lane kOwn[] = {Lane::kAesni, Lane::kVaes256, Lane::kVaes512};
constexpr BatchAlgorithm kAll[] = {BatchAlgorithm::kCbcEncrypt, BatchAlgorithm::kCmac, BatchAlgorithm::kCcmSeal,
                                   BatchAlgorithm::kCcmOpen};

using Table = std::array<BatchChoice, std::size(kOwn) * std::size(kAll)>;
constexpr Table table() {
  Table t{};
  size_t i = 0;
  for (const Lane own : kOwn)
    for (const BatchAlgorithm algorithm : kAll) t[i++] = {algorithm, own, 2, 64, Lane::kImb};
  return t;
}
constexpr Table kTable = table();

}  // namespace

Lane batch_choice(BatchAlgorithm algorithm, Lane own, size_t jobs, size_t bytes) {
  return choose(kTable, algorithm, own, jobs, bytes);
}

}  // namespace cm
