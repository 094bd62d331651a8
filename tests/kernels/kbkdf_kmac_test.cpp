// SPDX-License-Identifier: Apache-2.0
// kbkdf_kmac_test.cpp: the key derivation of SP 800-108 rev. 1 with KMAC on every lane of Keccak: libcrypto's KMAC with
// the arguments in the places that section 4.4 gives them; limits; what is left on the stack.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "crypto/kdf/kbkdf.h"
#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"

namespace cm::test {
namespace {

struct Case {
  uint32_t bits;
  Bytes key, label, context;
};

Bytes by_module(Lane lane, const Case& c, size_t size) {
  return derived(size, [&](uint8_t* out, size_t n) {
    return kbkdf_kmac(lane, c.bits, c.key.data(), c.key.size(), out, n, c.label.data(), c.label.size(),
                      c.context.data(), c.context.size());
  });
}

Bytes by_libcrypto(const Case& c, size_t size) {
  Bytes label = c.label, out(size);
  label.push_back(0);  // an empty label has a place too
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, label.data(), label.size() - 1),
                               OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  size_t written = 0;
  const std::string name = "KMAC" + std::to_string(c.bits);
  if (EVP_Q_mac(nullptr, name.c_str(), nullptr, nullptr, params, c.key.data(), c.key.size(), c.context.data(),
                c.context.size(), out.data(), out.size(), &written) == nullptr ||
      written != size)
    throw std::runtime_error("libcrypto refuses " + name);
  return out;
}

class KbkdfKmac : public testing::TestWithParam<Lane> {};

TEST_P(KbkdfKmac, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("KMAC128 and KMAC256", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Case c{rng() % 2 == 0 ? 128u : 256u, random_bytes(rng, 4 + rng() % 400),
                 random_bytes(rng, rng() % 2 * (rng() % 200)), random_bytes(rng, rng() % 2 * (rng() % 600))};
    const size_t size = 1 + rng() % 700;
    RC_ASSERT(by_module(GetParam(), c, size) == by_libcrypto(c, size));
  }));
}

// The length is part of the input: a shorter output is not the beginning of a longer one.
TEST_P(KbkdfKmac, every_length_to_two_blocks) {
  for (const uint32_t bits : {128u, 256u}) {
    const Case c{bits, Bytes(32, 1), Bytes(9, 2), Bytes(20, 3)};
    for (size_t size = 1; size <= 340; ++size) EXPECT_EQ(by_module(GetParam(), c, size), by_libcrypto(c, size)) << size;
    const Bytes two = by_module(GetParam(), c, 32);
    EXPECT_NE(by_module(GetParam(), c, 16), Bytes(two.begin(), two.begin() + 16));
  }
}

TEST_P(KbkdfKmac, sizes_are_limited) {
  const Bytes key(32, 1);
  const auto derive = [&](uint8_t* out, size_t n) {
    return kbkdf_kmac(GetParam(), 256, key.data(), key.size(), out, n, nullptr, 0, nullptr, 0);
  };
  for (const size_t size : {size_t{0}, size_t{kHashMaxInput} + 1, SIZE_MAX})
    EXPECT_EQ(refused(size, derive), Status::kLength) << size;
}

INSTANTIATE_TEST_SUITE_P(All, KbkdfKmac, testing::ValuesIn(runnable_lanes(kKeccakKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
