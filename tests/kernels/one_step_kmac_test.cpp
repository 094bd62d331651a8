// SPDX-License-Identifier: Apache-2.0
// one_step_kmac_test.cpp: the one-step key derivation of SP 800-56C with KMAC on every lane of Keccak: libcrypto, with
// and without a salt; limits.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "crypto/kdf/one_step.h"
#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"

namespace cm::test {
namespace {

Bytes kmac_kdf(Lane lane, uint32_t bits, const Bytes& salt, const Bytes& secret, const Bytes& info, size_t size) {
  const OneStepInput input{secret.data(), secret.size(), info.data(), info.size()};
  return derived(
      size, [&](uint8_t* out, size_t n) { return one_step_kmac(lane, bits, salt.data(), salt.size(), out, n, input); });
}

KdfOracle oracle(uint32_t bits, const Bytes& salt, const Bytes& secret, const Bytes& info) {
  KdfOracle o("SSKDF");
  o.text("mac", "KMAC" + std::to_string(bits)).bytes("key", secret).bytes("info", info);
  if (!salt.empty()) o.bytes("salt", salt);
  return o;
}

class OneStepKmac : public testing::TestWithParam<Lane> {};

TEST_P(OneStepKmac, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("KMAC128 and KMAC256", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const uint32_t bits = rng() % 2 == 0 ? 128 : 256;
    const Bytes salt = random_bytes(rng, rng() % 3 == 0 ? 0 : 4 + rng() % 400),
                secret = random_bytes(rng, 1 + rng() % 300);
    const Bytes info = random_bytes(rng, rng() % 300);
    const size_t size = 1 + rng() % 600;
    RC_ASSERT(kmac_kdf(GetParam(), bits, salt, secret, info, size) == oracle(bits, salt, secret, info).derive(size));
  }));
}

TEST_P(OneStepKmac, every_length_to_two_blocks_without_a_salt) {
  const Bytes secret(40, 1), info(11, 2);
  for (const uint32_t bits : {128u, 256u})
    for (size_t size = 1; size <= 340; ++size)
      EXPECT_EQ(kmac_kdf(GetParam(), bits, {}, secret, info, size), oracle(bits, {}, secret, info).derive(size))
          << size;
}

TEST_P(OneStepKmac, no_salt_is_one_of_164_or_132_zeros) {
  const Bytes secret(40, 1);
  EXPECT_EQ(kmac_kdf(GetParam(), 128, {}, secret, {}, 32), kmac_kdf(GetParam(), 128, Bytes(164), secret, {}, 32));
  EXPECT_EQ(kmac_kdf(GetParam(), 256, {}, secret, {}, 32), kmac_kdf(GetParam(), 256, Bytes(132), secret, {}, 32));
}

TEST_P(OneStepKmac, sizes_are_limited) {
  const Bytes secret(40, 1);
  const OneStepInput input{secret.data(), secret.size(), nullptr, 0};
  const auto derive = [&](uint8_t* out, size_t n) { return one_step_kmac(GetParam(), 128, nullptr, 0, out, n, input); };
  for (const size_t size : {size_t{0}, size_t{kHashMaxInput} + 1, SIZE_MAX})
    EXPECT_EQ(refused(size, derive), Status::kLength) << size;
}

INSTANTIATE_TEST_SUITE_P(All, OneStepKmac, testing::ValuesIn(runnable_lanes(kKeccakKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
