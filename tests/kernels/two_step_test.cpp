// SPDX-License-Identifier: Apache-2.0
// two_step_test.cpp: the two-step key derivation of SP 800-56C on every lane: extraction by libcrypto's HMAC and CMAC
// and expansion by its KBKDF, in counter and feedback mode; libcrypto's HKDF, which is one of its forms; in
// double-pipeline mode what kbkdf.h says to libcrypto's extraction (kbkdf_test.cpp tests that); salts; errors.
#include "crypto/kdf/two_step.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/kernels/kbkdf_input.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"

namespace cm::test {
namespace {

Bytes two_hmac(const HashOnLane& hash, const Bytes& salt, const Bytes& secret, const Input& in, size_t size) {
  HmacKey key;
  hmac_key_init(key, hash.id, hash.lane, salt.data(), salt.size());
  return with_parts(in, [&](const KbkdfInput& input) {
    return derived(
        size, [&](uint8_t* out, size_t n) { return two_step_hmac(key, out, n, secret.data(), secret.size(), input); });
  });
}

Bytes two_cmac(Lane lane, const Bytes& salt, const Bytes& secret, const Input& in, size_t size) {
  CmacKey key;
  EXPECT_EQ(cmac_key_init(key, lane, salt.data(), salt.size()), Status::kOk);
  return with_parts(in, [&](const KbkdfInput& input) {
    return derived(
        size, [&](uint8_t* out, size_t n) { return two_step_cmac(key, out, n, secret.data(), secret.size(), input); });
  });
}

Input random_input(std::mt19937_64& rng, size_t prf_size) {
  constexpr KbkdfMode kModes[] = {KbkdfMode::kCounter, KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline};
  Input in{kModes[rng() % 3], 32, {}, {}, {random_bytes(rng, 1 + rng() % 60), random_bytes(rng, 1 + rng() % 60)}};
  if (in.mode == KbkdfMode::kFeedback && rng() % 2 == 0) in.iv = random_bytes(rng, prf_size);
  return in;
}

// expanded: by libcrypto's KBKDF with the fixed input as label and context.
KdfOracle expanded(const Input& in, const Bytes& key) {
  KdfOracle oracle("KBKDF");
  oracle.text("mode", in.mode == KbkdfMode::kCounter ? "counter" : "feedback").bytes("key", key);
  oracle.bytes("salt", in.after[0]).bytes("info", in.after[1]).number("use-l", 0).number("use-separator", 0);
  if (!in.iv.empty()) oracle.bytes("seed", in.iv);
  return oracle;
}

class TwoStepHmac : public testing::TestWithParam<HashOnLane> {};

TEST_P(TwoStepHmac, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("HMAC, then KBKDF with HMAC", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const HashOnLane& hash = GetParam();
    const Bytes salt = random_bytes(rng, rng() % 2 * (rng() % 200)), secret = random_bytes(rng, 1 + rng() % 200);
    const Input in = random_input(rng, hash.row().digest_size);
    const size_t size = 1 + rng() % 300;
    const Bytes k_dk = evp_hmac(hash.id, salt, secret);
    const Bytes expected = in.mode == KbkdfMode::kDoublePipeline
                               ? with_hmac(hash.id, hash.lane, k_dk, in, size)
                               : expanded(in, k_dk).text("mac", "HMAC").hash(hash.id).derive(size);
    RC_ASSERT(two_hmac(hash, salt, secret, in, size) == expected);
  }));
}

TEST_P(TwoStepHmac, has_hkdf_among_its_forms) {
  const Bytes salt(20, 1), secret(40, 2), info(30, 3);
  const Input in{KbkdfMode::kFeedback, 8, {}, {info}, {}};
  const size_t size = 5 * size_t{GetParam().row().digest_size} - 3;
  KdfOracle hkdf("HKDF");
  hkdf.hash(GetParam().id).bytes("salt", salt).bytes("key", secret).bytes("info", info);
  EXPECT_EQ(two_hmac(GetParam(), salt, secret, in, size), hkdf.derive(size));
}

TEST_P(TwoStepHmac, no_salt_is_a_block_of_zeros) {
  const Bytes secret(40, 2);
  const Input in{KbkdfMode::kCounter, 32, {}, {}, {Bytes(5, 1)}};
  EXPECT_EQ(two_hmac(GetParam(), {}, secret, in, 50),
            two_hmac(GetParam(), Bytes(GetParam().row().block_size), secret, in, 50));
}

TEST_P(TwoStepHmac, answers_of_the_expansion_are_its_own) {
  HmacKey key;
  const Bytes salt(20, 1);
  hmac_key_init(key, GetParam().id, GetParam().lane, salt.data(), salt.size());
  const auto answer = [&](uint32_t bits, size_t size) {
    return refused(size, [&](uint8_t* out, size_t n) {
      return two_step_hmac(key, out, n, salt.data(), salt.size(),
                           {KbkdfMode::kCounter, bits, {}, nullptr, 0, nullptr, 0});
    });
  };
  EXPECT_EQ(answer(12, 1), Status::kArgument);
  EXPECT_EQ(answer(32, 0), Status::kLength);
  EXPECT_EQ(answer(8, 255 * size_t{GetParam().row().digest_size} + 1), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, TwoStepHmac, testing::ValuesIn(hashes_on_lanes()), ParamName{});

class TwoStepCmac : public testing::TestWithParam<Lane> {};

// The salt is a key of any size, K_DK one of AES-128.
TEST_P(TwoStepCmac, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("CMAC, then KBKDF with CMAC-AES-128", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes salt = random_bytes(rng, 16 + 8 * (rng() % 3)), secret = random_bytes(rng, rng() % 200);
    const Input in = random_input(rng, kCmacTag);
    const size_t size = 1 + rng() % 200;
    const Bytes k_dk = evp_cmac(salt, secret);
    const Bytes expected = in.mode == KbkdfMode::kDoublePipeline
                               ? with_cmac(GetParam(), k_dk, in, size)
                               : expanded(in, k_dk).text("mac", "CMAC").text("cipher", "AES-128-CBC").derive(size);
    RC_ASSERT(two_cmac(GetParam(), salt, secret, in, size) == expected);
  }));
}

TEST_P(TwoStepCmac, answers_of_the_expansion_are_its_own) {
  CmacKey key;
  const Bytes salt(16);
  ASSERT_EQ(cmac_key_init(key, GetParam(), salt.data(), salt.size()), Status::kOk);
  const auto answer = [&](uint32_t bits, size_t size) {
    return refused(size, [&](uint8_t* out, size_t n) {
      return two_step_cmac(key, out, n, salt.data(), salt.size(),
                           {KbkdfMode::kCounter, bits, {}, nullptr, 0, nullptr, 0});
    });
  };
  EXPECT_EQ(answer(0, 1), Status::kArgument);
  EXPECT_EQ(answer(32, 0), Status::kLength);
  EXPECT_EQ(answer(8, 255 * kCmacTag + 1), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, TwoStepCmac, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
