// SPDX-License-Identifier: Apache-2.0
// hash_many_test.cpp: messages of mixed hashes and lengths at once, plain and under HMAC, give what they give one after
// the other, on every set of lanes.
#include "crypto/hash/hash_many.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/hmac/hmac_many.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

// any_size: short ones, ends of blocks, long ones.
size_t any_size(std::mt19937_64& rng) {
  switch (rng() % 4) {
    case 0:
      return rng() % 20;
    case 1:
      return 60 + rng() % 100;
    case 2:
      return rng() % 1000;
    default:
      return rng() % 5000;
  }
}

HashId any_hash(std::mt19937_64& rng, bool mixed) { return mixed ? kHashes[rng() % kHashCount].id : HashId::kSha256; }

class HashMany : public testing::TestWithParam<LaneSet> {};

TEST_P(HashMany, equals_one_after_the_other) {
  std::mt19937_64 rng(1);
  for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
    for (int round = 0; round < 60; ++round) {
      const size_t count = rng() % (kHashManyMax + 1);
      std::vector<Bytes> in(count), out(count);
      std::vector<HashJob> jobs(count);
      for (size_t i = 0; i < count; ++i) {
        in[i] = random_bytes(rng, any_size(rng));
        out[i].resize(kHashMaxSize, 0xee);
        jobs[i] = {any_hash(rng, round % 3 != 0), nullptr, 0, in[i].data(), in[i].size(), out[i].data(), nullptr};
      }
      hash_many(GetParam().hash, wide, jobs.data(), count);
      for (size_t i = 0; i < count; ++i) {
        Bytes expected(kHashMaxSize, 0xee);
        hash_digest(jobs[i].id, Lane::kPortable, expected.data(), in[i].data(), in[i].size());
        EXPECT_EQ(out[i], expected) << hash_row(jobs[i].id).name << " " << in[i].size() << " " << lane_name(wide);
      }
    }
  }
}

TEST_P(HashMany, hmac_equals_one_after_the_other) {
  std::mt19937_64 rng(2);
  for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
    for (int round = 0; round < 30; ++round) {
      const size_t count = rng() % (kHashManyMax + 1);
      std::vector<Bytes> in(count), out(count);
      std::vector<HmacKey> keys(count);
      std::vector<HmacJob> jobs(count);
      for (size_t i = 0; i < count; ++i) {
        const Bytes raw = random_bytes(rng, rng() % 200);
        in[i] = random_bytes(rng, any_size(rng));
        out[i].resize(kHashMaxSize, 0xee);
        hmac_key_init(keys[i], any_hash(rng, round % 3 != 0), Lane::kPortable, raw.data(), raw.size());
        jobs[i] = {&keys[i], out[i].data(), in[i].data(), in[i].size()};
      }
      hmac_many(GetParam().hash, wide, jobs.data(), count);
      for (size_t i = 0; i < count; ++i) {
        Bytes expected(kHashMaxSize, 0xee);
        hmac(keys[i], expected.data(), in[i].data(), in[i].size());
        EXPECT_EQ(out[i], expected) << hash_row(keys[i].id).name << " " << in[i].size() << " " << lane_name(wide);
      }
    }
  }
}

TEST_P(HashMany, a_digest_may_stand_where_its_message_began) {
  std::mt19937_64 rng(3);
  for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
    std::vector<Bytes> buffers, expected;
    std::vector<HashJob> jobs;
    for (size_t i = 0; i < kHashManyMax; ++i) {
      buffers.push_back(random_bytes(rng, kHashMaxSize + any_size(rng)));
      expected.push_back(buffers.back());
    }
    for (size_t i = 0; i < kHashManyMax; ++i) {
      const HashId id = any_hash(rng, true);
      hash_digest(id, Lane::kPortable, expected[i].data(), buffers[i].data(), buffers[i].size());
      jobs.push_back({id, nullptr, 0, buffers[i].data(), buffers[i].size(), buffers[i].data(), nullptr});
    }
    hash_many(GetParam().hash, wide, jobs.data(), jobs.size());
    EXPECT_EQ(buffers, expected) << lane_name(wide);
  }
}

INSTANTIATE_TEST_SUITE_P(All, HashMany, testing::ValuesIn(lane_sets()), ParamName{});

}  // namespace
}  // namespace cm::test
