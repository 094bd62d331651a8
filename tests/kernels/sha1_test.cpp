// SPDX-License-Identifier: Apache-2.0
// sha1_test.cpp: SHA-1 on every lane: NIST CAVP byte-oriented files (short, long, Monte Carlo), libcrypto as oracle for
// all short lengths at all alignments and for random long messages in pieces, equality of lanes from any state.
#include "crypto/sha1/sha1.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/sha1/sha1_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

const std::string kFiles = CM_DEBIAN_VECTORS_DIR "/hashes/SHA1/SHA1";

Bytes digest_of(Lane lane, const uint8_t* message, size_t size) {
  uint32_t state[5];
  Bytes digest(kSha1Size);
  sha1_initial_state(state);
  sha1_finish(lane, state, size, message, size);
  sha1_write_digest(digest.data(), state);
  return digest;
}
Bytes digest_of(Lane lane, const Bytes& message) { return digest_of(lane, message.data(), message.size()); }

Bytes oracle(const uint8_t* message, size_t size) {
  Bytes digest(kSha1Size);
  EXPECT_EQ(EVP_Digest(message, size, digest.data(), nullptr, EVP_sha1(), nullptr), 1);
  return digest;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

class Sha1Lanes : public testing::TestWithParam<Lane> {};

TEST_P(Sha1Lanes, cavp_messages) {
  const std::pair<const char*, size_t> files[] = {{"ShortMsg.rsp", 65}, {"LongMsg.rsp", 64}};
  for (const auto& [name, cases] : files) {
    VectorCount count(GetParam(), std::string("SHA1") + name);
    for (const RspRecord& r : read_rsp_file(kFiles + name)) {
      count.ran("digests");
      Bytes message = r.bytes("Msg");
      message.resize(r.number("Len") / 8);  // Len = 0 comes with one dummy byte
      EXPECT_EQ(to_hex(digest_of(GetParam(), message)), r.text("MD")) << r.place;
    }
    count.expect({{"digests", cases}});
  }
}

// One thousand digests between two printed ones: SHAVS 6.4.
Bytes monte_carlo_step(Lane lane, const Bytes& seed) {
  Bytes md[3] = {seed, seed, seed};
  for (int i = 0; i < 1000; ++i) {
    Bytes message;
    for (const Bytes& d : md) message.insert(message.end(), d.begin(), d.end());
    std::rotate(md, md + 1, md + 3);
    md[2] = digest_of(lane, message);
  }
  return md[2];
}

TEST_P(Sha1Lanes, cavp_monte_carlo) {
  const auto records = read_rsp_file(kFiles + "Monte.rsp");
  VectorCount count(GetParam(), "SHA1Monte.rsp");
  Bytes seed = records.at(0).bytes("Seed");
  for (size_t i = 1; i < records.size(); ++i) {
    seed = monte_carlo_step(GetParam(), seed);
    ASSERT_EQ(to_hex(seed), records[i].text("MD")) << records[i].place;
    count.ran("digests");
  }
  count.expect({{"digests", 100}});
}

TEST_P(Sha1Lanes, every_length_to_five_blocks_at_every_alignment_agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  const Bytes data = random_bytes(rng, 2 * kSha1Block + 5 * kSha1Block);
  for (size_t size = 0; size <= 5 * kSha1Block; ++size) {
    const Bytes start = oracle(data.data(), size);
    EXPECT_EQ(digest_of(GetParam(), data.data(), size), start) << size;
    const size_t offset = 1 + size % (kSha1Block - 1);
    EXPECT_EQ(digest_of(GetParam(), data.data() + offset, size), oracle(data.data() + offset, size)) << size;
  }
  for (size_t offset = 0; offset < kSha1Block; ++offset)
    for (const size_t size : {size_t{64}, size_t{119}, size_t{300}})
      EXPECT_EQ(digest_of(GetParam(), data.data() + offset, size), oracle(data.data() + offset, size)) << offset;
}

TEST_P(Sha1Lanes, blocks_before_the_end_may_come_in_any_pieces) {
  EXPECT_TRUE(rc::check("in pieces equals libcrypto", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes message = random_bytes(rng, rng() % 5000);
    uint32_t state[5];
    sha1_initial_state(state);
    size_t done = 0;
    while (rng() % 4 != 0) {
      const size_t count = rng() % ((message.size() - done) / kSha1Block + 1);
      sha1_blocks(GetParam(), state, message.data() + done, count);
      done += count * kSha1Block;
    }
    sha1_finish(GetParam(), state, message.size(), message.data() + done, message.size() - done);
    Bytes digest(kSha1Size);
    sha1_write_digest(digest.data(), state);
    RC_ASSERT(digest == oracle(message.data(), message.size()));
  }));
}

TEST_P(Sha1Lanes, equals_portable_from_any_state) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 200; ++round) {
    const size_t count = rng() % 9;
    const Bytes blocks = random_bytes(rng, count * kSha1Block + 1);
    uint32_t ours[5], portable[5];
    for (int i = 0; i < 5; ++i) ours[i] = portable[i] = static_cast<uint32_t>(rng());
    sha1_blocks(GetParam(), ours, blocks.data() + 1, count);
    sha1_blocks(Lane::kPortable, portable, blocks.data() + 1, count);
    EXPECT_TRUE(std::equal(ours, ours + 5, portable)) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sha1Lanes, testing::ValuesIn(runnable_lanes(kSha1Kernels)), LaneTestName{});

TEST(Sha1, a_lane_of_another_algorithm_stops_the_process) {
  uint32_t state[5] = {};
  const uint8_t block[kSha1Block] = {};
  EXPECT_DEATH(sha1_blocks(Lane::kAesni, state, block, 1), "");
  EXPECT_DEATH(sha1_blocks(Lane::kNone, state, block, 1), "");
}

TEST(Sha1, a_message_that_is_too_long_or_shorter_than_its_end_stops_the_process) {
  uint32_t state[5] = {};
  const uint8_t block[kSha1Block] = {};
  EXPECT_DEATH(sha1_finish(Lane::kPortable, state, kSha1MaxInput + 1, block, 1), "");
  EXPECT_DEATH(sha1_finish(Lane::kPortable, state, 1, block, 2), "");
}

}  // namespace
}  // namespace cm::test
