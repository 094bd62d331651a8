// SPDX-License-Identifier: Apache-2.0
// kbkdf_test.cpp: the key derivation of SP 800-108 with HMAC and AES-CMAC on every lane: all three modes in the plain
// words of the standard over libcrypto's HMAC and CMAC, libcrypto's two modes; how far a counter counts; errors.
#include "crypto/kdf/kbkdf.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>

#include "tests/kernels/kbkdf_input.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"

namespace cm::test {
namespace {

// as_the_standard_says: SP 800-108 rev. 1 sections 4.1 to 4.3, step by step.
Bytes as_the_standard_says(const Input& in, size_t size, const std::function<Bytes(const Bytes&)>& prf) {
  Bytes before, after, out;
  for (const Bytes& part : in.before) before = joined({before, part});
  for (const Bytes& part : in.after) after = joined({after, part});
  Bytes fed_back = in.iv, a = joined({before, after});
  for (uint64_t i = 1; out.size() < size; ++i) {
    const Bytes counter = big_endian(i, in.counter_bits / 8), rest = joined({before, counter, after});
    const auto iterated = [&](const Bytes& variable) {
      return prf(in.counter_first ? joined({counter, variable, before, after}) : joined({variable, rest}));
    };
    Bytes k;
    switch (in.mode) {
      case KbkdfMode::kCounter:
        k = prf(rest);
        break;
      case KbkdfMode::kFeedback:
        k = fed_back = iterated(fed_back);
        break;
      case KbkdfMode::kDoublePipeline:
        a = prf(a);
        k = iterated(a);
        break;
    }
    out = joined({out, k});
  }
  out.resize(size);
  return out;
}

Input random_input(std::mt19937_64& rng) {
  constexpr KbkdfMode kModes[] = {KbkdfMode::kCounter, KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline};
  Input in{kModes[rng() % 3], 0, {}, {}, {}};
  in.counter_bits = static_cast<uint32_t>(8 * (in.mode == KbkdfMode::kCounter ? 1 + rng() % 4 : rng() % 5));
  if (in.mode == KbkdfMode::kFeedback) in.iv = random_bytes(rng, rng() % 2 * (rng() % 80));
  for (auto* parts : {&in.before, &in.after})
    for (size_t n = rng() % 4; n != 0; --n) parts->push_back(random_bytes(rng, rng() % 2 * (rng() % 100)));
  in.counter_first = rng() % 2 == 0;
  return in;
}

class KbkdfHmac : public testing::TestWithParam<HashOnLane> {};

TEST_P(KbkdfHmac, is_what_the_standard_says) {
  EXPECT_TRUE(rc::check("three modes over HMAC", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes key = random_bytes(rng, rng() % 200);
    const Input in = random_input(rng);
    const size_t size = 1 + rng() % 400;
    const auto prf = [&](const Bytes& message) { return evp_hmac(GetParam().id, key, message); };
    RC_ASSERT(with_hmac(GetParam().id, GetParam().lane, key, in, size) == as_the_standard_says(in, size, prf));
  }));
}

// libcrypto's two modes have a counter of 32 bits before label, zero, context, length.
KdfOracle libcrypto(const Input& in, const Bytes& key, bool zero, bool length) {
  KdfOracle oracle("KBKDF");
  oracle.text("mode", in.mode == KbkdfMode::kCounter ? "counter" : "feedback").bytes("key", key);
  oracle.bytes("salt", in.after[0]).bytes("info", in.after[2]).number("use-l", length).number("use-separator", zero);
  if (!in.iv.empty()) oracle.bytes("seed", in.iv);
  return oracle;
}

Input input_for_libcrypto(std::mt19937_64& rng, size_t prf_size, size_t size, bool zero, bool length) {
  const KbkdfMode mode = rng() % 2 == 0 ? KbkdfMode::kCounter : KbkdfMode::kFeedback;
  const bool iv = mode == KbkdfMode::kFeedback && rng() % 2 == 0;
  return {mode,
          32,
          random_bytes(rng, iv ? prf_size : 0),
          {},
          {random_bytes(rng, 1 + rng() % 60), Bytes(zero ? 1 : 0), random_bytes(rng, 1 + rng() % 60),
           big_endian(size * 8, length ? 4 : 0)}};
}

TEST_P(KbkdfHmac, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("counter and feedback mode", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const bool zero = rng() % 2 == 0, length = rng() % 2 == 0;
    const size_t size = 1 + rng() % 400;
    const Bytes key = random_bytes(rng, 1 + rng() % 200);
    const Input in = input_for_libcrypto(rng, GetParam().row().digest_size, size, zero, length);
    RC_ASSERT(with_hmac(GetParam().id, GetParam().lane, key, in, size) ==
              libcrypto(in, key, zero, length).text("mac", "HMAC").hash(GetParam().id).derive(size));
  }));
}

// A counter of 8 bits counts to 255, one of 16 to 65535; without one, 2^32 - 1 blocks are allowed.
TEST_P(KbkdfHmac, a_counter_does_not_begin_again) {
  const Bytes raw(32, 7);
  HmacKey key;
  hmac_key_init(key, GetParam().id, GetParam().lane, raw.data(), raw.size());
  const size_t block = GetParam().row().digest_size;
  const Input in{KbkdfMode::kCounter, 8, {}, {Bytes(5, 1)}, {Bytes(6, 2)}};
  const auto prf = [&](const Bytes& message) { return evp_hmac(GetParam().id, raw, message); };
  EXPECT_EQ(with_hmac(GetParam().id, GetParam().lane, raw, in, 255 * block),
            as_the_standard_says(in, 255 * block, prf));
  const auto answer = [&](KbkdfMode mode, uint32_t bits, size_t size) {
    return refused(size, [&](uint8_t* out, size_t n) {
      return kbkdf_hmac(key, out, n, {mode, bits, {}, nullptr, 0, nullptr, 0});
    });
  };
  for (const KbkdfMode mode : {KbkdfMode::kCounter, KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline}) {
    for (const uint32_t bits : {8u, 16u, 24u, 32u}) {
      EXPECT_EQ(answer(mode, bits, 0), Status::kLength);
      EXPECT_EQ(answer(mode, bits, ((size_t{1} << bits) - 1) * block + 1), Status::kLength) << bits;
      EXPECT_EQ(answer(mode, bits, SIZE_MAX), Status::kLength) << bits;
    }
    for (const uint32_t bits : {1u, 7u, 12u, 40u, 64u, 0xfffffff8u})
      EXPECT_EQ(answer(mode, bits, 1), Status::kArgument) << bits;
  }
  EXPECT_EQ(answer(KbkdfMode::kCounter, 0, 1), Status::kArgument);
  for (const KbkdfMode mode : {KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline})
    EXPECT_EQ(answer(mode, 0, 0xffffffff * block + 1), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, KbkdfHmac, testing::ValuesIn(hashes_on_lanes()), ParamName{});

class KbkdfCmac : public testing::TestWithParam<Lane> {};

TEST_P(KbkdfCmac, is_what_the_standard_says_and_agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("modes over CMAC", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes key = random_bytes(rng, 16 + 8 * (rng() % 3));
    const size_t size = 1 + rng() % 200;
    const Input any = random_input(rng);
    const auto prf = [&](const Bytes& message) { return evp_cmac(key, message); };
    RC_ASSERT(with_cmac(GetParam(), key, any, size) == as_the_standard_says(any, size, prf));
    const bool zero = rng() % 2 == 0, length = rng() % 2 == 0;
    const Input in = input_for_libcrypto(rng, kCmacTag, size, zero, length);
    const std::string cipher = "AES-" + std::to_string(key.size() * 8) + "-CBC";
    RC_ASSERT(with_cmac(GetParam(), key, in, size) ==
              libcrypto(in, key, zero, length).text("mac", "CMAC").text("cipher", cipher).derive(size));
  }));
}

INSTANTIATE_TEST_SUITE_P(All, KbkdfCmac, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
