// SPDX-License-Identifier: Apache-2.0
// sha256_test.cpp: SHA-256 and SHA-224 on every lane: NIST CAVP byte-oriented files (short, long, Monte Carlo),
// libcrypto as oracle for all short lengths and random long ones, streaming against one-shot at random splits and
// alignments.
#include "crypto/sha2/sha256.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/sha2/sha256_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

const std::string kFiles = CM_DEBIAN_VECTORS_DIR "/hashes/SHA2/SHA256";
const std::string kFiles224 = CM_DEBIAN_VECTORS_DIR "/hashes/SHA2/SHA224";
constexpr size_t kSha224Size = 28;

Bytes digest_of(Lane lane, const Bytes& message) {
  Bytes digest(kSha256Size);
  sha256(lane, digest.data(), message.data(), message.size());
  return digest;
}

Bytes digest224_of(Lane lane, const Bytes& message) {
  uint32_t state[8];
  Bytes digest(kSha256Size);
  sha224_initial_state(state);
  sha256_finish(lane, state, message.size(), message.data(), message.size());
  sha256_write_digest(digest.data(), state);
  digest.resize(kSha224Size);
  return digest;
}

Bytes oracle(const Bytes& message) {
  Bytes digest(kSha256Size);
  EXPECT_EQ(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  return digest;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

class Sha256Lanes : public testing::TestWithParam<Lane> {};

using DigestOf = Bytes (*)(Lane lane, const Bytes& message);

void check_messages(Lane lane, const std::string& files, DigestOf digest) {
  const std::pair<const char*, size_t> kinds[] = {{"ShortMsg.rsp", 65}, {"LongMsg.rsp", 64}};
  for (const auto& [kind, cases] : kinds) {
    VectorCount count(lane, files.substr(files.rfind('/') + 1) + kind);
    for (const RspRecord& r : read_rsp_file(files + kind)) {
      count.ran("digests");
      Bytes message = r.bytes("Msg");
      message.resize(r.number("Len") / 8);  // Len = 0 comes with one dummy byte
      EXPECT_EQ(to_hex(digest(lane, message)), r.text("MD")) << r.place;
    }
    count.expect({{"digests", cases}});
  }
}

TEST_P(Sha256Lanes, cavp_messages) {
  check_messages(GetParam(), kFiles, digest_of);
  check_messages(GetParam(), kFiles224, digest224_of);
}

// One thousand digests between two printed ones: SHAVS 6.4.
Bytes monte_carlo_step(Lane lane, const Bytes& seed, DigestOf digest) {
  Bytes md[3] = {seed, seed, seed};
  for (int i = 0; i < 1000; ++i) {
    Bytes message;
    for (const Bytes& d : md) message.insert(message.end(), d.begin(), d.end());
    std::rotate(md, md + 1, md + 3);
    md[2] = digest(lane, message);
  }
  return md[2];
}

void check_monte_carlo(Lane lane, const std::string& files, DigestOf digest) {
  const auto records = read_rsp_file(files + "Monte.rsp");
  VectorCount count(lane, files.substr(files.rfind('/') + 1) + "Monte.rsp");
  Bytes seed = records.at(0).bytes("Seed");
  for (size_t i = 1; i < records.size(); ++i) {
    seed = monte_carlo_step(lane, seed, digest);
    ASSERT_EQ(to_hex(seed), records[i].text("MD")) << records[i].place;
    count.ran("digests");
  }
  count.expect({{"digests", 100}});
}

TEST_P(Sha256Lanes, cavp_monte_carlo) {
  check_monte_carlo(GetParam(), kFiles, digest_of);
  check_monte_carlo(GetParam(), kFiles224, digest224_of);
}

TEST_P(Sha256Lanes, every_length_to_five_blocks_at_every_alignment_agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  const Bytes data = random_bytes(rng, 64 + 320);
  for (size_t size = 0; size <= 320; ++size) {
    const size_t offset = size % 64;
    const Bytes message(data.begin() + static_cast<ptrdiff_t>(offset),
                        data.begin() + static_cast<ptrdiff_t>(offset + size));
    Bytes digest(kSha256Size);
    sha256(GetParam(), digest.data(), data.data() + offset, size);
    EXPECT_EQ(digest, oracle(message)) << size;
  }
}

TEST_P(Sha256Lanes, splits_do_not_matter) {
  EXPECT_TRUE(rc::check("streamed equals libcrypto", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes message = random_bytes(rng, rng() % 5000);
    Sha256 ctx;
    sha256_init(ctx, GetParam());
    for (size_t done = 0; done < message.size();) {
      const size_t take = std::min<size_t>(message.size() - done, rng() % (rng() % 4 == 0 ? 1000 : 130));
      sha256_update(ctx, message.data() + done, take);
      done += take;
    }
    Bytes digest(kSha256Size);
    sha256_final(ctx, digest.data());
    RC_ASSERT(digest == oracle(message));
  }));
}

TEST_P(Sha256Lanes, a_context_can_be_copied_midway) {
  std::mt19937_64 rng(2);
  const Bytes message = random_bytes(rng, 200);
  Sha256 ctx;
  sha256_init(ctx, GetParam());
  sha256_update(ctx, message.data(), 90);
  Sha256 copy = ctx;
  sha256_update(copy, message.data() + 90, 110);
  Bytes whole(kSha256Size), part(kSha256Size);
  sha256_final(copy, whole.data());
  sha256_final(ctx, part.data());
  EXPECT_EQ(whole, oracle(message));
  EXPECT_EQ(part, oracle(Bytes(message.begin(), message.begin() + 90)));
}

TEST_P(Sha256Lanes, equals_portable_from_any_state) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 200; ++round) {
    const size_t count = rng() % 9;
    const Bytes blocks = random_bytes(rng, count * kSha256Block + 1);
    uint32_t ours[8], portable[8];
    for (int i = 0; i < 8; ++i) ours[i] = portable[i] = static_cast<uint32_t>(rng());
    sha256_blocks(GetParam(), ours, blocks.data() + 1, count);
    sha256_blocks(Lane::kPortable, portable, blocks.data() + 1, count);
    EXPECT_TRUE(std::equal(ours, ours + 8, portable)) << count;
  }
}

TEST_P(Sha256Lanes, two_messages_equal_one_after_the_other) {
  std::mt19937_64 rng(5);
  for (int round = 0; round < 300; ++round) {
    const size_t count = rng() % 9;
    const Bytes data = random_bytes(rng, 2 * count * kSha256Block + 128);
    const uint8_t* blocks[2] = {data.data() + rng() % 64, data.data() + count * kSha256Block + rng() % 64};
    if (round % 2 != 0) std::swap(blocks[0], blocks[1]);
    uint32_t two[2][8], one[2][8];
    for (int i = 0; i < 16; ++i) two[i / 8][i % 8] = one[i / 8][i % 8] = static_cast<uint32_t>(rng());
    sha256_blocks_two(GetParam(), two[0], two[1], blocks[0], blocks[1], count);
    for (int i = 0; i < 2; ++i) {
      sha256_blocks(Lane::kPortable, one[i], blocks[i], count);
      EXPECT_TRUE(std::equal(two[i], two[i] + 8, one[i])) << "message " << i << " of " << count << " blocks";
    }
  }
}

TEST_P(Sha256Lanes, a_block_as_words_equals_the_block_as_bytes) {
  std::mt19937_64 rng(4);
  for (int round = 0; round < 100; ++round) {
    uint32_t words[16], from_words[8], from_bytes[8];
    uint8_t block[kSha256Block];
    for (int i = 0; i < 16; ++i) {
      words[i] = static_cast<uint32_t>(rng());
      store_be32(block + 4 * i, words[i]);
    }
    for (int i = 0; i < 8; ++i) from_words[i] = from_bytes[i] = static_cast<uint32_t>(rng());
    sha256_words(GetParam(), from_words, words);
    sha256_blocks(GetParam(), from_bytes, block, 1);
    EXPECT_TRUE(std::equal(from_words, from_words + 8, from_bytes)) << round;
  }
}

TEST_P(Sha256Lanes, final_leaves_nothing_in_the_context) {
  Sha256 ctx;
  sha256_init(ctx, GetParam());
  const Bytes message(100, 0x77);
  sha256_update(ctx, message.data(), message.size());
  Bytes digest(kSha256Size);
  sha256_final(ctx, digest.data());
  const auto* raw = reinterpret_cast<const uint8_t*>(&ctx);
  EXPECT_TRUE(std::all_of(raw, raw + sizeof ctx, [](uint8_t b) { return b == 0; }));
}

INSTANTIATE_TEST_SUITE_P(All, Sha256Lanes, testing::ValuesIn(runnable_lanes(kSha256Kernels)), LaneTestName{});

TEST(Sha256, a_lane_of_another_algorithm_stops_the_process) {
  uint32_t state[8] = {};
  const uint8_t block[kSha256Block] = {};
  EXPECT_DEATH(sha256_blocks(Lane::kAesni, state, block, 1), "");
  EXPECT_DEATH(sha256_blocks(Lane::kNone, state, block, 1), "");
  const uint32_t words[16] = {};
  EXPECT_DEATH(sha256_words(Lane::kVaes512, state, words), "");
  uint32_t other[8] = {};
  EXPECT_DEATH(sha256_blocks_two(Lane::kAvx512, state, other, block, block, 1), "");
}

}  // namespace
}  // namespace cm::test
