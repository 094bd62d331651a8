// SPDX-License-Identifier: Apache-2.0
// pbkdf2_test.cpp: PBKDF2-HMAC-SHA-256 on every lane: RFC 7914 section 11, Wycheproof, libcrypto; and its limits.
#include "crypto/kdf/pbkdf2.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <random>

#include "crypto/sha2/sha256_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

Bytes derive(Lane lane, const Bytes& password, const Bytes& salt, uint32_t iterations, size_t size) {
  Bytes out(size);
  EXPECT_EQ(pbkdf2_hmac_sha256(lane, out.data(), size, password.data(), password.size(), salt.data(), salt.size(),
                               iterations),
            Status::kOk);
  return out;
}

Bytes ascii(std::string_view text) { return Bytes(text.begin(), text.end()); }

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

class Pbkdf2Lanes : public testing::TestWithParam<Lane> {};

TEST_P(Pbkdf2Lanes, rfc_7914) {
  EXPECT_EQ(to_hex(derive(GetParam(), ascii("passwd"), ascii("salt"), 1, 64)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(Pbkdf2Lanes, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/pbkdf2_hmacsha256_test.json");
  VectorCount count(GetParam(), "pbkdf2_hmacsha256_test.json");
  for (const auto& group : root["testGroups"]) {
    for (const auto& test : group["tests"]) {
      const Bytes expected = hex_field(test, "dk");
      ASSERT_EQ(test["result"], "valid");
      ASSERT_EQ(expected.size(), test["dkLen"].get<size_t>());
      EXPECT_EQ(derive(GetParam(), hex_field(test, "password"), hex_field(test, "salt"),
                       test["iterationCount"].get<uint32_t>(), expected.size()),
                expected)
          << case_name(test);
      count.ran("valid");
    }
  }
  count.expect({{"valid", 60}});
}
#endif

TEST_P(Pbkdf2Lanes, agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  for (int round = 0; round < 150; ++round) {
    const Bytes password = random_bytes(rng, 1 + rng() % 130);
    const Bytes salt = random_bytes(rng, rng() % 130);
    const uint32_t iterations = static_cast<uint32_t>(1 + rng() % 20);
    Bytes expected(1 + rng() % 200);
    ASSERT_EQ(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                                salt.data(), static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                                static_cast<int>(expected.size()), expected.data()),
              1);
    EXPECT_EQ(derive(GetParam(), password, salt, iterations, expected.size()), expected) << round;
  }
}

TEST_P(Pbkdf2Lanes, refuses_what_the_standard_does_not_define_and_writes_nothing) {
  Bytes out(4, 0xee);
  const uint8_t byte = 1;
  EXPECT_EQ(pbkdf2_hmac_sha256(GetParam(), out.data(), 4, &byte, 1, &byte, 1, 0), Status::kArgument);
  EXPECT_EQ(pbkdf2_hmac_sha256(GetParam(), out.data(), 0, &byte, 1, &byte, 1, 1), Status::kLength);
  EXPECT_EQ(pbkdf2_hmac_sha256(GetParam(), out.data(), size_t{0xffffffff} * 32 + 1, &byte, 1, &byte, 1, 1),
            Status::kLength);
  EXPECT_EQ(out, Bytes(4, 0xee));
}

INSTANTIATE_TEST_SUITE_P(All, Pbkdf2Lanes, testing::ValuesIn(runnable_lanes(kSha256Kernels)), LaneTestName{});

// The limits of SP 800-132 and IG D.N, each from both sides.
static_assert(pbkdf2_approved(14, 16, 1000, 14));
static_assert(!pbkdf2_approved(13, 16, 1000, 14));
static_assert(!pbkdf2_approved(14, 15, 1000, 14));
static_assert(!pbkdf2_approved(14, 16, 999, 14));
static_assert(!pbkdf2_approved(14, 16, 1000, 13));

}  // namespace
}  // namespace cm::test
