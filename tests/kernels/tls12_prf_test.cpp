// SPDX-License-Identifier: Apache-2.0
// tls12_prf_test.cpp: the pseudorandom function of TLS 1.2 with every hash function on every lane: Botan's file, which
// has the vectors of the TLS working group; libcrypto; label and seed as one string.
#include "crypto/kdf/tls12_prf.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

Bytes prf(HashId id, Lane lane, const Bytes& secret, const Bytes& label, const Bytes& seed, size_t size) {
  HmacKey key;
  hmac_key_init(key, id, lane, secret.data(), secret.size());
  return derived(size, [&](uint8_t* out, size_t n) {
    return tls12_prf(key, out, n, label.data(), label.size(), seed.data(), seed.size());
  });
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
class Tls12PrfVectors : public testing::TestWithParam<LaneSet> {};

TEST_P(Tls12PrfVectors, botan) {
  VectorCount count(GetParam().name, "tls_prf.vec");
  for (const RspRecord& r : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/botan/kdf/tls_prf.vec")) {
    const std::string title = r.section.begin()->first;
    if (title == "TLS-PRF") {
      count.left_out("the function of TLS 1.0 and 1.1, with MD5");
      continue;
    }
    ASSERT_TRUE(title.starts_with("TLS-12-PRF(HMAC(") && title.ends_with("))")) << title;
    const HashId id = hash_of_name(title.substr(16, title.size() - 18));
    const Bytes expected = r.bytes("Output");
    EXPECT_EQ(
        prf(id, hash_lane(id, GetParam().hash), r.bytes("Secret"), r.bytes("Label"), r.bytes("Salt"), expected.size()),
        expected)
        << r.place;
    count.ran(hash_row(id).name);
  }
  count.expect({{"SHA-224", 1}, {"SHA-256", 1}, {"SHA-384", 1}, {"SHA-512", 1}},
               {{"the function of TLS 1.0 and 1.1, with MD5", 32}});
}

INSTANTIATE_TEST_SUITE_P(All, Tls12PrfVectors, testing::ValuesIn(lane_sets()), ParamName{});
#endif

class Tls12PrfLanes : public testing::TestWithParam<HashOnLane> {
 protected:
  static Bytes ours(const Bytes& secret, const Bytes& label, const Bytes& seed, size_t size) {
    return prf(GetParam().id, GetParam().lane, secret, label, seed, size);
  }
  static Bytes oracle(const Bytes& secret, const Bytes& label_and_seed, size_t size) {
    return KdfOracle("TLS1-PRF").hash(GetParam().id).bytes("secret", secret).bytes("seed", label_and_seed).derive(size);
  }
};

TEST_P(Tls12PrfLanes, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("any label, seed and size", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes secret = random_bytes(rng, 1 + rng() % 200), label = random_bytes(rng, rng() % 60);
    const Bytes random = random_bytes(rng, 1 + rng() % 200);
    const size_t size = 1 + rng() % 600;
    RC_ASSERT(ours(secret, label, random, size) == oracle(secret, joined({label, random}), size));
  }));
}

// The labels of RFC 5246 and of the extended master secret (RFC 7627 section 4), with seeds as long as they are there.
TEST_P(Tls12PrfLanes, labels_of_the_handshake) {
  std::mt19937_64 rng(7627);
  const size_t digest_size = GetParam().row().digest_size;
  const Bytes premaster = random_bytes(rng, 48), randoms = random_bytes(rng, 64), hash = random_bytes(rng, digest_size);
  const Bytes master = ours(premaster, ascii("extended master secret"), hash, 48);
  EXPECT_EQ(master, oracle(premaster, joined({ascii("extended master secret"), hash}), 48));
  EXPECT_EQ(ours(premaster, ascii("master secret"), randoms, 48),
            oracle(premaster, joined({ascii("master secret"), randoms}), 48));
  EXPECT_EQ(ours(master, ascii("key expansion"), randoms, 136),
            oracle(master, joined({ascii("key expansion"), randoms}), 136));
  for (const char* label : {"client finished", "server finished"})
    EXPECT_EQ(ours(master, ascii(label), hash, 12), oracle(master, joined({ascii(label), hash}), 12));
}

TEST_P(Tls12PrfLanes, label_and_seed_are_one_string_and_may_be_empty) {
  const Bytes secret(48, 1), text = ascii("key expansion and more");
  for (size_t at = 0; at <= text.size(); ++at) {
    const auto middle = text.begin() + static_cast<ptrdiff_t>(at);
    EXPECT_EQ(ours(secret, Bytes(text.begin(), middle), Bytes(middle, text.end()), 150), oracle(secret, text, 150));
  }
  const Bytes a = evp_hmac(GetParam().id, {}, {});
  EXPECT_EQ(ours({}, {}, {}, a.size()), evp_hmac(GetParam().id, {}, a));
}

TEST_P(Tls12PrfLanes, no_output_is_refused) {
  HmacKey key;
  hmac_key_init(key, GetParam().id, GetParam().lane, nullptr, 0);
  const auto none = [&](uint8_t* out, size_t n) { return tls12_prf(key, out, n, nullptr, 0, nullptr, 0); };
  EXPECT_EQ(refused(0, none), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, Tls12PrfLanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
