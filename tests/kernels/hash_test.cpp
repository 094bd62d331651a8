// SPDX-License-Identifier: Apache-2.0
// hash_test.cpp: every hash function of hash.h on every lane of its core: NIST CAVP byte-oriented files, libcrypto for
// each length to three blocks and for long messages in pieces, states in the middle of a message; the table of hashes
// and the limit of a message.
#include "crypto/hash/hash.h"

#include <cryptomod/cryptomod.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

class HashLanesTest : public testing::TestWithParam<HashOnLane> {
 protected:
  static HashId id() { return GetParam().id; }
  static Lane lane() { return GetParam().lane; }
  static size_t block() { return GetParam().row().block_size; }
  static size_t digest_size() { return GetParam().row().digest_size; }

  // digest_of: with bytes behind the digest, which must stay.
  template <class Write>
  static Bytes digest_of(Write write) {
    Bytes out(digest_size() + 16, 0xee);
    write(out.data());
    EXPECT_EQ(Bytes(out.end() - 16, out.end()), Bytes(16, 0xee)) << "more than the digest is written";
    out.resize(digest_size());
    return out;
  }
  static Bytes digest_of(const uint8_t* message, size_t size) {
    return digest_of([&](uint8_t* out) { hash_digest(id(), lane(), out, message, size); });
  }
  static Bytes final_of(Hash& ctx) {
    return digest_of([&](uint8_t* out) { hash_final(ctx, out); });
  }

  std::mt19937_64 rng_{180};
};

TEST_P(HashLanesTest, cavp_messages) {
  struct File {
    HashId id;
    const char* path;
    size_t short_cases, long_cases;
  };
  constexpr File kFiles[] = {
      {HashId::kSha1, "SHA1/SHA1", 65, 64},
      {HashId::kSha224, "SHA2/SHA224", 65, 64},
      {HashId::kSha256, "SHA2/SHA256", 65, 64},
      {HashId::kSha384, "SHA2/SHA384", 129, 128},
      {HashId::kSha512, "SHA2/SHA512", 129, 128},
      {HashId::kSha512_224, "SHA2/SHA512_224", 129, 128},
      {HashId::kSha512_256, "SHA2/SHA512_256", 129, 128},
      {HashId::kSha3_224, "SHA3/SHA3_224", 145, 100},
      {HashId::kSha3_256, "SHA3/SHA3_256", 137, 100},
      {HashId::kSha3_384, "SHA3/SHA3_384", 105, 100},
      {HashId::kSha3_512, "SHA3/SHA3_512", 73, 100},
  };
  const auto* file = std::find_if(std::begin(kFiles), std::end(kFiles), [](const File& f) { return f.id == id(); });
  ASSERT_NE(file, std::end(kFiles));
  for (const bool is_long : {false, true}) {
    const std::string name = std::string(file->path) + (is_long ? "LongMsg.rsp" : "ShortMsg.rsp");
    VectorCount count(lane(), name);
    for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/hashes/" + name)) {
      Bytes message = r.bytes("Msg");
      message.resize(r.number("Len") / 8);  // Len = 0 comes with one dummy byte
      EXPECT_EQ(to_hex(digest_of(message.data(), message.size())), r.text("MD")) << r.place;
      count.ran("digests");
    }
    count.expect({{"digests", is_long ? file->long_cases : file->short_cases}});
  }
}

TEST_P(HashLanesTest, every_length_to_three_blocks_at_every_alignment_agrees_with_libcrypto) {
  const Bytes data = random_bytes(rng_, 3 * block() + 64);
  for (size_t size = 0; size <= 3 * block(); ++size) {
    const uint8_t* const begin = data.data() + size % 64;
    EXPECT_EQ(digest_of(begin, size), evp_digest(id(), Bytes(begin, begin + size))) << size;
  }
}

TEST_P(HashLanesTest, splits_do_not_matter) {
  EXPECT_TRUE(rc::check("streamed equals libcrypto", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes message = random_bytes(rng, rng() % (rng() % 8 == 0 ? 40000 : 2000));
    const size_t most = rng() % 4 == 0 ? 3000 : 2 * block() + 2;
    Hash ctx;
    hash_init(ctx, id(), lane());
    for (size_t done = 0; done < message.size();) {
      const size_t take = std::min<size_t>(message.size() - done, rng() % most);
      hash_update(ctx, message.data() + done, take);
      done += take;
      RC_ASSERT(ctx.size == done);
    }
    RC_ASSERT(final_of(ctx) == evp_digest(id(), message));
  }));
}

// Each point to stop at in three blocks: before, at and behind the ends of blocks.
TEST_P(HashLanesTest, each_split_in_two_and_a_copy_at_that_place) {
  const Bytes message = random_bytes(rng_, 3 * block() - 1);
  const Bytes whole = evp_digest(id(), message);
  for (size_t at = 0; at <= message.size(); ++at) {
    Hash ctx;
    hash_init(ctx, id(), lane());
    hash_update(ctx, message.data(), at);
    Hash copy = ctx;
    hash_update(copy, message.data() + at, message.size() - at);
    EXPECT_EQ(final_of(copy), whole) << at;
    EXPECT_EQ(final_of(ctx), evp_digest(id(), Bytes(message.begin(), message.begin() + static_cast<ptrdiff_t>(at))));
  }
}

TEST_P(HashLanesTest, nothing_at_all_and_null_pointers) {
  Hash ctx;
  hash_init(ctx, id(), lane());
  hash_update(ctx, nullptr, 0);
  EXPECT_EQ(final_of(ctx), evp_digest(id(), {}));
  EXPECT_EQ(digest_of(nullptr, 0), evp_digest(id(), {}));
}

TEST_P(HashLanesTest, finishes_from_the_middle_of_a_message) {
  for (size_t blocks = 0; blocks <= 4; ++blocks) {
    const Bytes message = random_bytes(rng_, blocks * block() + rng_() % (3 * block()));
    const size_t before = blocks * block();
    HashState middle, state;
    hash_start(id(), middle);
    if (blocks != 0) hash_blocks(id(), lane(), middle, message.data(), blocks);
    for (int again = 0; again < 2; ++again) {  // the state in the middle is not used up
      hash_copy(id(), state, middle);
      hash_finish(id(), lane(), state, message.size(), message.data() + before, message.size() - before);
      EXPECT_EQ(digest_of([&](uint8_t* out) { hash_write(id(), out, state); }), evp_digest(id(), message)) << blocks;
    }
  }
}

TEST_P(HashLanesTest, equals_portable_from_any_state) {
  for (int round = 0; round < 100; ++round) {
    const size_t count = rng_() % 9;
    const Bytes blocks = random_bytes(rng_, count * block() + 1);
    HashState ours, portable;
    const Bytes start = random_bytes(rng_, sizeof ours);
    std::memcpy(&ours, start.data(), sizeof ours);
    hash_copy(id(), portable, ours);
    hash_blocks(id(), lane(), ours, blocks.data() + 1, count);
    hash_blocks(id(), Lane::kPortable, portable, blocks.data() + 1, count);
    EXPECT_EQ(std::memcmp(&ours, &portable, GetParam().row().state_size), 0) << count;
  }
}

TEST_P(HashLanesTest, final_leaves_nothing_in_the_context) {
  Hash ctx;
  std::memset(static_cast<void*>(&ctx), 0x55, sizeof ctx);
  hash_init(ctx, id(), lane());
  const Bytes message(block() + 70, 0x77);
  hash_update(ctx, message.data(), message.size());
  final_of(ctx);
  const auto* raw = reinterpret_cast<const uint8_t*>(&ctx);
  EXPECT_TRUE(std::all_of(raw, raw + sizeof ctx, [](uint8_t b) { return b == 0; }));
}

INSTANTIATE_TEST_SUITE_P(All, HashLanesTest, testing::ValuesIn(hashes_on_lanes()), ParamName{});

TEST(HashTable, sizes_are_those_of_libcrypto) {
  for (const HashRow& row : kHashes) {
    const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md(EVP_MD_fetch(nullptr, row.name, nullptr), EVP_MD_free);
    ASSERT_TRUE(md) << row.name;
    EXPECT_EQ(EVP_MD_get_size(md.get()), row.digest_size) << row.name;
    EXPECT_EQ(EVP_MD_get_block_size(md.get()), row.block_size) << row.name;
  }
  EXPECT_EQ(kHashCount, 11u);
}

TEST(HashTable, numbers_are_those_of_the_interface) {
  const std::pair<HashId, int> numbers[] = {
      {HashId::kSha256, CM_HASH_SHA256},         {HashId::kSha1, CM_HASH_SHA1},
      {HashId::kSha224, CM_HASH_SHA224},         {HashId::kSha384, CM_HASH_SHA384},
      {HashId::kSha512, CM_HASH_SHA512},         {HashId::kSha512_224, CM_HASH_SHA512_224},
      {HashId::kSha512_256, CM_HASH_SHA512_256}, {HashId::kSha3_224, CM_HASH_SHA3_224},
      {HashId::kSha3_256, CM_HASH_SHA3_256},     {HashId::kSha3_384, CM_HASH_SHA3_384},
      {HashId::kSha3_512, CM_HASH_SHA3_512},
  };
  EXPECT_EQ(std::size(numbers), kHashCount);
  for (const auto& [id, number] : numbers) EXPECT_EQ(static_cast<int>(id), number) << hash_row(id).name;
}

TEST(HashTable, lane_of_a_hash_is_that_of_its_core) {
  constexpr HashLanes kLanes{Lane::kPortable, Lane::kShani, Lane::kAvx2, Lane::kAvx512};
  for (const HashRow& row : kHashes) {
    const std::string name = row.name;
    const bool is_sha3 = name.starts_with("SHA3-");
    const bool is_sha512 = name.starts_with("SHA-512") || name == "SHA-384";
    const Lane expected = is_sha3           ? Lane::kAvx512
                          : is_sha512       ? Lane::kAvx2
                          : name == "SHA-1" ? Lane::kPortable
                                            : Lane::kShani;
    EXPECT_EQ(hash_lane(row.id, kLanes), expected) << name;
  }
}

TEST(HashTable, a_lane_of_another_algorithm_stops_the_process) {
  HashState state{};
  const uint8_t block[kHashMaxBlock] = {};
  for (const HashRow& row : kHashes)
    for (const Lane lane : {Lane::kNone, Lane::kAesni, Lane::kVaes512})
      EXPECT_DEATH(hash_blocks(row.id, lane, state, block, 1), "") << row.name << " " << lane_name(lane);
}

// The limit, from both sides and where sums would wrap round.
static_assert(hash_takes(0, kHashMaxInput));
static_assert(!hash_takes(0, kHashMaxInput + 1));
static_assert(hash_takes(kHashMaxInput, 0));
static_assert(!hash_takes(kHashMaxInput, 1));
static_assert(hash_takes(kHashMaxInput - 5, 5));
static_assert(!hash_takes(kHashMaxInput - 5, 6));
static_assert(!hash_takes(kHashMaxInput + 1, 0));
static_assert(!hash_takes(1, UINT64_MAX));
static_assert(!hash_takes(UINT64_MAX, UINT64_MAX));

}  // namespace
}  // namespace cm::test
