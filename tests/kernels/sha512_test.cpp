// SPDX-License-Identifier: Apache-2.0
// sha512_test.cpp: SHA-512, SHA-384, SHA-512/224 and SHA-512/256 on every lane: NIST CAVP byte-oriented files (short,
// long, Monte Carlo), libcrypto as oracle for all short lengths at all alignments and for random long messages in
// pieces, equality of lanes from any state.
#include "crypto/sha2/sha512.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/sha2/sha512_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

// Hash: one of the family.
struct Hash {
  const char* name;  // as in the names of the files
  size_t size;       // of its digest
  void (*initial_state)(uint64_t* state);
  const EVP_MD* (*evp)();
};

const Hash kHashes[] = {
    {"SHA512", 64, sha512_initial_state, EVP_sha512},
    {"SHA384", 48, sha384_initial_state, EVP_sha384},
    {"SHA512_224", 28, sha512_224_initial_state, EVP_sha512_224},
    {"SHA512_256", 32, sha512_256_initial_state, EVP_sha512_256},
};

std::string file_of(const Hash& hash, const char* kind) {
  return std::string(CM_DEBIAN_VECTORS_DIR "/hashes/SHA2/") + hash.name + kind;
}

Bytes digest_of(const Hash& hash, const uint64_t* state) {
  Bytes digest(kSha512Size);
  sha512_write_digest(digest.data(), state);
  digest.resize(hash.size);
  return digest;
}

Bytes digest_of(const Hash& hash, Lane lane, const uint8_t* message, size_t size) {
  uint64_t state[8];
  hash.initial_state(state);
  sha512_finish(lane, state, size, message, size);
  return digest_of(hash, state);
}
Bytes digest_of(const Hash& hash, Lane lane, const Bytes& message) {
  return digest_of(hash, lane, message.data(), message.size());
}

Bytes oracle(const Hash& hash, const uint8_t* message, size_t size) {
  Bytes digest(hash.size);
  EXPECT_EQ(EVP_Digest(message, size, digest.data(), nullptr, hash.evp(), nullptr), 1);
  return digest;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

class Sha512Lanes : public testing::TestWithParam<Lane> {};

TEST_P(Sha512Lanes, cavp_messages) {
  const std::pair<const char*, size_t> files[] = {{"ShortMsg.rsp", 129}, {"LongMsg.rsp", 128}};
  for (const Hash& hash : kHashes)
    for (const auto& [kind, cases] : files) {
      VectorCount count(GetParam(), std::string(hash.name) + kind);
      for (const RspRecord& r : read_rsp_file(file_of(hash, kind))) {
        count.ran("digests");
        Bytes message = r.bytes("Msg");
        message.resize(r.number("Len") / 8);  // Len = 0 comes with one dummy byte
        EXPECT_EQ(to_hex(digest_of(hash, GetParam(), message)), r.text("MD")) << r.place;
      }
      count.expect({{"digests", cases}});
    }
}

// One thousand digests between two printed ones: SHAVS 6.4.
Bytes monte_carlo_step(const Hash& hash, Lane lane, const Bytes& seed) {
  Bytes md[3] = {seed, seed, seed};
  for (int i = 0; i < 1000; ++i) {
    Bytes message;
    for (const Bytes& d : md) message.insert(message.end(), d.begin(), d.end());
    std::rotate(md, md + 1, md + 3);
    md[2] = digest_of(hash, lane, message);
  }
  return md[2];
}

TEST_P(Sha512Lanes, cavp_monte_carlo) {
  for (const Hash& hash : kHashes) {
    const auto records = read_rsp_file(file_of(hash, "Monte.rsp"));
    VectorCount count(GetParam(), std::string(hash.name) + "Monte.rsp");
    Bytes seed = records.at(0).bytes("Seed");
    for (size_t i = 1; i < records.size(); ++i) {
      seed = monte_carlo_step(hash, GetParam(), seed);
      ASSERT_EQ(to_hex(seed), records[i].text("MD")) << records[i].place;
      count.ran("digests");
    }
    count.expect({{"digests", 100}});
  }
}

TEST_P(Sha512Lanes, every_length_to_five_blocks_at_every_alignment_agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  const Bytes data = random_bytes(rng, 2 * kSha512Block + 5 * kSha512Block);
  const auto check = [&](const Hash& hash, size_t offset, size_t size) {
    const uint8_t* message = data.data() + offset;
    EXPECT_EQ(digest_of(hash, GetParam(), message, size), oracle(hash, message, size))
        << hash.name << " of " << size << " bytes at " << offset;
  };
  for (const Hash& hash : kHashes) {
    for (size_t size = 0; size <= 5 * kSha512Block; ++size) {
      check(hash, 0, size);
      check(hash, 1 + size % (kSha512Block - 1), size);
    }
    for (size_t offset = 0; offset < kSha512Block; ++offset)
      for (const size_t size : {size_t{128}, size_t{239}, size_t{600}}) check(hash, offset, size);
  }
}

TEST_P(Sha512Lanes, blocks_before_the_end_may_come_in_any_pieces) {
  EXPECT_TRUE(rc::check("in pieces equals libcrypto", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Hash& hash = kHashes[rng() % std::size(kHashes)];
    const Bytes message = random_bytes(rng, rng() % 10000);
    uint64_t state[8];
    hash.initial_state(state);
    size_t done = 0;
    while (rng() % 4 != 0) {
      const size_t count = rng() % ((message.size() - done) / kSha512Block + 1);
      sha512_blocks(GetParam(), state, message.data() + done, count);
      done += count * kSha512Block;
    }
    sha512_finish(GetParam(), state, message.size(), message.data() + done, message.size() - done);
    RC_ASSERT(digest_of(hash, state) == oracle(hash, message.data(), message.size()));
  }));
}

TEST_P(Sha512Lanes, equals_portable_from_any_state) {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 200; ++round) {
    const size_t count = rng() % 35;
    const Bytes blocks = random_bytes(rng, count * kSha512Block + 1);
    uint64_t ours[8], portable[8];
    for (int i = 0; i < 8; ++i) ours[i] = portable[i] = rng();
    sha512_blocks(GetParam(), ours, blocks.data() + 1, count);
    sha512_blocks(Lane::kPortable, portable, blocks.data() + 1, count);
    EXPECT_TRUE(std::equal(ours, ours + 8, portable)) << count;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sha512Lanes, testing::ValuesIn(runnable_lanes(kSha512Kernels)), LaneTestName{});

TEST(Sha512, a_lane_of_another_algorithm_stops_the_process) {
  uint64_t state[8] = {};
  const uint8_t block[kSha512Block] = {};
  EXPECT_DEATH(sha512_blocks(Lane::kShani, state, block, 1), "");
  EXPECT_DEATH(sha512_blocks(Lane::kNone, state, block, 1), "");
}

TEST(Sha512, a_message_that_is_too_long_or_shorter_than_its_end_stops_the_process) {
  uint64_t state[8] = {};
  const uint8_t block[kSha512Block] = {};
  EXPECT_DEATH(sha512_finish(Lane::kPortable, state, kSha512MaxInput + 1, block, 1), "");
  EXPECT_DEATH(sha512_finish(Lane::kPortable, state, 1, block, 2), "");
}

}  // namespace
}  // namespace cm::test
