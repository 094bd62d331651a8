// SPDX-License-Identifier: Apache-2.0
// keccak_multi_test.cpp: states side by side on every lane: the kernels against portable, batches against the same
// messages one by one and against libcrypto, NIST CAVP files in batches.
#include "crypto/sha3/keccak_multi.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>

#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/lanes.h"
#include "tests/support/sha3_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

// ---- Kernels.

struct MultiKernel {
  const char* name;
  size_t lanes;
  FeatureMask needs;
  void (*absorb)(KeccakLanes& lanes, size_t rate_words, size_t count);
};

std::vector<MultiKernel> kernels() {
  std::vector<MultiKernel> all = {
      {"4 avx2", 4, kFeatureAvx2 | kFeatureBmi2, keccak_absorb_4_x86_avx2},
      {"4 avx512", 4, kFeatureAvx512 | kFeatureBmi2, keccak_absorb_4_x86_avx512},
      {"8 avx512", 8, kFeatureAvx512 | kFeatureBmi2, keccak_absorb_8_x86_avx512},
  };
  std::erase_if(all, [](const MultiKernel& k) { return (cpu_features() & k.needs) != k.needs; });
  return all;
}

TEST(KeccakMulti, kernels_equal_portable_at_every_rate) {
  std::mt19937_64 rng(1);
  for (const MultiKernel& k : kernels()) {
    for (const size_t rate_words : {9, 13, 17, 18, 21}) {
      for (size_t count = 1; count <= 4; ++count) {
        const auto lanes = std::make_unique<KeccakLanes>();
        uint64_t portable[kKeccakLanesMax][kKeccakStateWords];
        std::unique_ptr<Guarded> guarded[kKeccakLanesMax];
        for (size_t l = 0; l < k.lanes; ++l) {
          const Bytes blocks = random_bytes(rng, 8 * rate_words * count);
          guarded[l] = std::make_unique<Guarded>(blocks.size());  // for a kernel that reads behind the end
          std::copy(blocks.begin(), blocks.end(), guarded[l]->at_end(blocks.size()));
          lanes->in[l] = guarded[l]->at_end(blocks.size());
          for (size_t i = 0; i < kKeccakStateWords; ++i) portable[l][i] = lanes->state[k.lanes * i + l] = rng();
          keccak_absorb_portable(portable[l], rate_words, blocks.data(), count);
        }
        k.absorb(*lanes, rate_words, count);
        for (size_t l = 0; l < k.lanes; ++l) {
          for (size_t i = 0; i < kKeccakStateWords; ++i)
            EXPECT_EQ(lanes->state[k.lanes * i + l], portable[l][i]) << k.name << " lane " << l << " word " << i;
        }
      }
    }
  }
}

// ---- Batches.

struct Message {
  Sha3Function function;
  Bytes in, out;
  std::array<uint64_t, kKeccakStateWords> start{};
  bool begun = false;

  SpongeJob job() {
    return {
        begun ? start.data() : nullptr, function.rate, function.suffix, in.data(), in.size(), out.data(), out.size()};
  }
  // expected: from the sponge on lane portable, for what libcrypto cannot begin in the middle of.
  Bytes expected() const {
    if (!begun) return evp_sha3(function.name, in, out.size());
    Sponge s;
    sponge_init(s, Lane::kPortable, function.rate);
    std::copy(start.begin(), start.end(), s.state);
    sponge_absorb(s, in.data(), in.size());
    sponge_finish(s, function.suffix);
    Bytes wanted(out.size());
    sponge_squeeze(s, wanted.data(), wanted.size());
    return wanted;
  }
};

void run(Lane single, Lane wide, std::vector<Message>& messages) {
  std::vector<SpongeJob> jobs;
  for (Message& m : messages) jobs.push_back(m.job());
  sponge_multi(single, wide, jobs.data(), jobs.size());
}

class KeccakMultiLanes : public testing::TestWithParam<Lane> {};

TEST_P(KeccakMultiLanes, cavp_messages_in_batches) {
  for (const Sha3Function& f : kSha3Functions) {
    std::string name = std::string(f.name) + "ShortMsg.rsp";
    std::replace(name.begin(), name.end(), '-', '_');
    VectorCount count(GetParam(), "batches of " + name);
    std::vector<Message> messages;
    std::vector<std::string> digests;
    for (const RspRecord& r :
         read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/hashes/") + (f.size != 0 ? "SHA3/" : "SHAKE/") + name)) {
      Bytes in = r.bytes("Msg");
      in.resize(r.number("Len") / 8);
      digests.push_back(r.text(f.size != 0 ? "MD" : "Output"));
      messages.push_back({f, in, Bytes(digests.back().size() / 2), {}, false});
    }
    for (size_t at = 0; at < messages.size(); at += kSpongeJobsMax) {
      std::vector<Message> batch(
          messages.begin() + static_cast<ptrdiff_t>(at),
          messages.begin() + static_cast<ptrdiff_t>(std::min(at + kSpongeJobsMax, messages.size())));
      run(Lane::kPortable, GetParam(), batch);
      for (size_t i = 0; i < batch.size(); ++i) {
        EXPECT_EQ(to_hex(batch[i].out), digests[at + i]) << name << " " << at + i;
        count.ran("digests");
      }
    }
    const size_t cases = f.size != 0 ? f.rate + 1 : 2 * f.rate + 1;
    count.expect({{"digests", cases}});
  }
}

TEST_P(KeccakMultiLanes, every_number_of_equal_jobs) {
  std::mt19937_64 rng(2);
  for (size_t count = 0; count <= kSpongeJobsMax; ++count) {
    std::vector<Message> messages(count);
    for (Message& m : messages) m = {kSha3Functions[1], random_bytes(rng, 300), Bytes(kSha3_256Size), {}, false};
    run(Lane::kPortable, GetParam(), messages);
    for (const Message& m : messages) EXPECT_EQ(m.out, m.expected()) << count;
  }
}

TEST_P(KeccakMultiLanes, any_batch_equals_one_by_one) {
  const std::vector<Lane> singles = runnable_lanes(kKeccakKernels);
  EXPECT_TRUE(rc::check("a batch equals one by one", [&](uint32_t seed) {
    std::mt19937_64 rng(seed);
    std::vector<Message> messages(rng() % (kSpongeJobsMax + 1));
    const bool one_rate = rng() % 2 == 0;
    for (Message& m : messages) {
      m.function = kSha3Functions[one_rate ? 4 : rng() % std::size(kSha3Functions)];
      m.in = random_bytes(rng, rng() % 8 == 0 ? rng() % 5000 : rng() % 400);
      m.out = Bytes(m.function.size != 0 ? m.function.size : rng() % (rng() % 4 == 0 ? 1000 : 100));
      m.begun = rng() % 4 == 0;
      for (uint64_t& word : m.start) word = rng();
    }
    run(singles[rng() % singles.size()], GetParam(), messages);
    for (const Message& m : messages) RC_ASSERT(m.out == m.expected());
  }));
}

// One job goes on long after the others, and takes every kernel there is on its way.
TEST_P(KeccakMultiLanes, lengths_far_apart) {
  std::mt19937_64 rng(3);
  std::vector<Message> messages(13);
  for (size_t i = 0; i < messages.size(); ++i)
    messages[i] = {kSha3Functions[5], random_bytes(rng, i * i * i * 20), Bytes(7 + 150 * (i % 3)), {}, false};
  run(Lane::kPortable, GetParam(), messages);
  for (const Message& m : messages) EXPECT_EQ(m.out, m.expected()) << m.in.size();
}

INSTANTIATE_TEST_SUITE_P(All, KeccakMultiLanes, testing::ValuesIn(runnable_lanes(kKeccakMultiKernels)), LaneTestName{});

TEST(KeccakMulti, a_lane_of_another_algorithm_and_a_rate_that_is_none_stop_the_process) {
  uint8_t out[2][32];
  SpongeJob jobs[2] = {{nullptr, 136, kSha3Suffix, nullptr, 0, out[0], 32},
                       {nullptr, 136, kSha3Suffix, nullptr, 0, out[1], 32}};
  EXPECT_DEATH(sponge_multi(Lane::kPortable, Lane::kShani, jobs, 2), "");
  EXPECT_DEATH(sponge_multi(Lane::kPortable, Lane::kPortable, jobs, kSpongeJobsMax + 1), "");
  jobs[1].rate = 135;
  EXPECT_DEATH(sponge_multi(Lane::kPortable, Lane::kPortable, jobs, 2), "");
}

}  // namespace
}  // namespace cm::test
