// SPDX-License-Identifier: Apache-2.0
// one_step_test.cpp: the one-step key derivation of SP 800-56C with a hash and with HMAC, and that of ANSI X9.63, on
// every lane: NIST CAVP's file of X9.63, libcrypto; limits.
#include "crypto/kdf/one_step.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

OneStepInput input_of(const Bytes& secret, const Bytes& info) {
  return {secret.data(), secret.size(), info.data(), info.size()};
}

Bytes x963(HashId id, Lane lane, const Bytes& secret, const Bytes& info, size_t size) {
  return derived(size, [&](uint8_t* out, size_t n) { return x963_kdf(id, lane, out, n, input_of(secret, info)); });
}

class OneStepVectors : public testing::TestWithParam<LaneSet> {};

TEST_P(OneStepVectors, cavp_x963) {
  VectorCount count(GetParam().name, "ansx963_2001.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/KDF/ansx963_2001.txt")) {
    const size_t size = r.section_number("key data length") / 8;
    std::string hash;
    for (const auto& [name, value] : r.section)
      if (name.starts_with("SHA-")) hash = name;
    const HashId id = hash_of_name(hash);
    EXPECT_EQ(to_hex(x963(id, hash_lane(id, GetParam().hash), r.bytes("Z"), r.bytes("SharedInfo"), size)),
              r.text("key_data"))
        << r.place;
    count.ran(hash);
  }
  count.expect({{"SHA-1", 20}, {"SHA-224", 20}, {"SHA-256", 20}, {"SHA-384", 20}, {"SHA-512", 20}});
}

INSTANTIATE_TEST_SUITE_P(All, OneStepVectors, testing::ValuesIn(lane_sets()), ParamName{});

class OneStepLanes : public testing::TestWithParam<HashOnLane> {
 protected:
  static HashId id() { return GetParam().id; }
  static Lane lane() { return GetParam().lane; }
  static size_t digest_size() { return GetParam().row().digest_size; }

  static Bytes with_hash(const Bytes& secret, const Bytes& info, size_t size) {
    return derived(size,
                   [&](uint8_t* out, size_t n) { return one_step_hash(id(), lane(), out, n, input_of(secret, info)); });
  }
  static Bytes with_hmac(const Bytes& salt, const Bytes& secret, const Bytes& info, size_t size) {
    HmacKey key;
    hmac_key_init(key, id(), lane(), salt.data(), salt.size());
    return derived(size, [&](uint8_t* out, size_t n) { return one_step_hmac(key, out, n, input_of(secret, info)); });
  }
};

TEST_P(OneStepLanes, agree_with_libcrypto) {
  EXPECT_TRUE(rc::check("hash, HMAC and X9.63", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes secret = random_bytes(rng, 1 + rng() % 300), info = random_bytes(rng, rng() % 2 * (rng() % 300));
    const Bytes salt = random_bytes(rng, rng() % 2 * (rng() % 300));
    const size_t size = 1 + rng() % (rng() % 8 == 0 ? 300 * digest_size() : 5 * digest_size());
    const auto oracle = [&](const char* name) {
      KdfOracle o(name);
      o.hash(id()).bytes("key", secret).bytes("info", info);
      return o;
    };
    RC_ASSERT(with_hash(secret, info, size) == oracle("SSKDF").derive(size));
    RC_ASSERT(with_hmac(salt, secret, info, size) ==
              oracle("SSKDF").text("mac", "HMAC").bytes("salt", salt).derive(size));
    RC_ASSERT(x963(id(), lane(), secret, info, size) == oracle("X963KDF").derive(size));
  }));
}

// SP 800-56C 4.1: without a salt, a block of zeros is the key of HMAC.
TEST_P(OneStepLanes, no_salt_is_one_of_zeros) {
  const Bytes zeros(GetParam().row().block_size), secret(20, 1), info(9, 2);
  EXPECT_EQ(with_hmac({}, secret, info, 100), with_hmac(zeros, secret, info, 100));
  EXPECT_EQ(with_hmac({}, secret, info, 100),
            KdfOracle("SSKDF").hash(id()).text("mac", "HMAC").bytes("key", secret).bytes("info", info).derive(100));
}

// The words of the standards for one digest: SP 800-56C 4.1, counter before the secret; X9.63, behind it.
TEST_P(OneStepLanes, first_digest_by_hand) {
  const Bytes secret(33, 3), info(5, 4), one = big_endian(1, 4);
  EXPECT_EQ(with_hash(secret, info, digest_size()), evp_digest(id(), joined({one, secret, info})));
  EXPECT_EQ(with_hmac({5}, secret, info, digest_size()), evp_hmac(id(), {5}, joined({one, secret, info})));
  EXPECT_EQ(x963(id(), lane(), secret, info, digest_size()), evp_digest(id(), joined({secret, one, info})));
}

TEST_P(OneStepLanes, sizes_are_limited) {
  const Bytes secret(20, 1);
  HmacKey key;
  hmac_key_init(key, id(), lane(), secret.data(), secret.size());
  const OneStepInput input = input_of(secret, {});
  for (const size_t size : {size_t{0}, size_t{0xffffffff} * digest_size() + 1, SIZE_MAX}) {
    const auto hash = [&](uint8_t* out, size_t n) { return one_step_hash(id(), lane(), out, n, input); };
    const auto hmac = [&](uint8_t* out, size_t n) { return one_step_hmac(key, out, n, input); };
    const auto x963 = [&](uint8_t* out, size_t n) { return x963_kdf(id(), lane(), out, n, input); };
    EXPECT_EQ(refused(size, hash), Status::kLength) << size;
    EXPECT_EQ(refused(size, hmac), Status::kLength) << size;
    EXPECT_EQ(refused(size, x963), Status::kLength) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(All, OneStepLanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
