// SPDX-License-Identifier: Apache-2.0
// stack_residue_sha3_test.cpp: sponges, KMAC and batches of sponges leave no key, message or state on the stack they
// ran on (tests/support/stack_residue.h), on any lane.
#include <gtest/gtest.h>

#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "crypto/sha3/sp800_185.h"
#include "tests/support/lanes.h"
#include "tests/support/stack_residue.h"

namespace cm::test {
namespace {

// final_state: of a sponge that has taken in a message and been squeezed once.
Bytes final_state(size_t rate, const Bytes& message) {
  const auto s = std::make_unique<Sponge>();
  uint8_t first;
  sponge_init(*s, Lane::kPortable, rate);
  sponge_absorb(*s, message.data(), message.size());
  sponge_finish(*s, kSha3Suffix);
  sponge_squeeze(*s, &first, 1);
  return copy_of(s->state, sizeof s->state);
}

class StackResidueSha3 : public ::testing::Test {
 protected:
  const Bytes raw_ = noise(32, 1);
  const Bytes text_ = noise(1000, 2);
};

TEST_F(StackResidueSha3, sponge_and_kmac) {
  Bytes digest(kSha3_256Size);
  const Bytes state = final_state(kSha3_256Rate, text_);
  // Not the beginning of it, which is the digest.
  const Secrets secrets{{"message", text_}, {"state", Bytes(state.begin() + kSha3_256Size, state.end())}};
  for (const Lane lane : runnable_lanes(kKeccakKernels)) {
    expect_clean(
        lane_name(lane) + std::string(" sponge"),
        [&] { sponge(lane, kSha3_256Rate, kSha3Suffix, digest.data(), 32, text_.data(), text_.size()); }, secrets);
    const auto mac = std::make_unique<Sponge>();
    const Secrets with_key{{"key", raw_}, {"message", text_}};
    expect_clean(
        lane_name(lane) + std::string(" kmac"),
        [&] {
          kmac_init(*mac, lane, 256, raw_.data(), raw_.size(), nullptr, 0);
          sponge_absorb(*mac, text_.data(), text_.size());
          kmac_final(*mac, digest.data(), digest.size(), false);
        },
        with_key);
  }
}

// Ten jobs of every length around that of the text, so that all kernels have their turn and one job stays alone.
TEST_F(StackResidueSha3, batches) {
  std::vector<Bytes> digests(10, Bytes(kSha3_256Size));
  std::vector<SpongeJob> jobs;
  Secrets secrets{{"message", text_}};
  for (size_t i = 0; i < digests.size(); ++i) {
    const Bytes message(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(100 * (i + 1)));
    const Bytes state = final_state(kSha3_256Rate, message);
    secrets["state " + std::to_string(i)] = Bytes(state.begin() + kSha3_256Size, state.end());
    jobs.push_back({nullptr, kSha3_256Rate, kSha3Suffix, text_.data(), message.size(), digests[i].data(), 32});
  }
  for (const Lane wide : runnable_lanes(kKeccakMultiKernels)) {
    for (const Lane single : runnable_lanes(kKeccakKernels))
      expect_clean(
          lane_name(single) + std::string(" and ") + lane_name(wide),
          [&] { sponge_multi(single, wide, jobs.data(), jobs.size()); }, secrets);
  }
}

}  // namespace
}  // namespace cm::test
