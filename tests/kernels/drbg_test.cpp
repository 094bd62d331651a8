// SPDX-License-Identifier: Apache-2.0
// drbg_test.cpp: CTR_DRBG-AES-256 without derivation function on every lane: NIST CAVP cases, libcrypto's own CTR-DRBG
// fed with the same seeds over random sequences of calls, counter carries, limits and states.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/drbg/ctr_drbg.h"
#include "tests/support/drbg_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

Bytes generate(CtrDrbg& drbg, size_t size, const Bytes& additional) {
  Bytes out(size);
  EXPECT_EQ(ctr_drbg_generate(drbg, out.data(), size, additional.data(), additional.size()), Status::kOk);
  return out;
}

class DrbgLanes : public testing::TestWithParam<Lane> {
 protected:
  DrbgLanes() : drbg_{} {}
  CtrDrbg drbg_;
  const Bytes seed_ = Bytes(kDrbgSeed, 0x5c);
  void instantiate() { ASSERT_EQ(ctr_drbg_instantiate(drbg_, GetParam(), seed_.data(), nullptr, 0), Status::kOk); }
};

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(DrbgLanes, cavp) {
  VectorCount count(GetParam(), "ctrdrbg_vectors.txt");
  for (const RspRecord& r :
       read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/boringssl/crypto/fipsmodule/rand/ctrdrbg_vectors.txt")) {
    count.ran("reseeded");
    const Bytes personalization = r.bytes("PersonalizationString");
    const Bytes additional = r.bytes("AdditionalInputReseed");
    ASSERT_EQ(ctr_drbg_instantiate(drbg_, GetParam(), r.bytes("EntropyInput").data(), personalization.data(),
                                   personalization.size()),
              Status::kOk);
    ASSERT_EQ(ctr_drbg_reseed(drbg_, r.bytes("EntropyInputReseed").data(), additional.data(), additional.size()),
              Status::kOk);
    const size_t size = r.bytes("ReturnedBits").size();
    generate(drbg_, size, r.bytes("AdditionalInput1"));
    EXPECT_EQ(to_hex(generate(drbg_, size, r.bytes("AdditionalInput2"))), r.text("ReturnedBits")) << r.place;
  }
  count.expect({{"reseeded", 240}});
}
#endif

TEST_P(DrbgLanes, random_sequences_of_calls_agree_with_libcrypto) {
  EXPECT_TRUE(rc::check("equals CTR-DRBG of libcrypto", [this](uint32_t random) {
    std::mt19937_64 rng(random);
    const auto input = [&rng] { return random_bytes(rng, rng() % 2 == 0 ? 0 : rng() % (kDrbgSeed + 1)); };
    const Bytes seed = random_bytes(rng, kDrbgSeed);
    const Bytes personalization = input();
    DrbgOracle theirs(seed, personalization);
    RC_ASSERT(ctr_drbg_instantiate(drbg_, GetParam(), seed.data(), personalization.data(), personalization.size()) ==
              Status::kOk);
    for (int call = 0; call < 12; ++call) {
      const Bytes additional = input();
      if (rng() % 4 == 0) {
        const Bytes fresh = random_bytes(rng, kDrbgSeed);
        theirs.reseed(fresh, additional);
        RC_ASSERT(ctr_drbg_reseed(drbg_, fresh.data(), additional.data(), additional.size()) == Status::kOk);
      }
      const size_t size = 1 + rng() % (rng() % 8 == 0 ? kDrbgMaxRequest : 300);
      RC_ASSERT(generate(drbg_, size, additional) == theirs.generate(size, additional));
    }
  }));
}

TEST_P(DrbgLanes, every_size_to_200_agrees_with_libcrypto) {
  instantiate();
  DrbgOracle theirs(seed_, {});
  for (size_t size = 1; size <= 200; ++size) EXPECT_EQ(generate(drbg_, size, {}), theirs.generate(size, {})) << size;
  EXPECT_EQ(generate(drbg_, kDrbgMaxRequest, {}), theirs.generate(kDrbgMaxRequest, {}));
}

// libcrypto returns from a request of no bytes before it updates its state, so it is no oracle here.
TEST_P(DrbgLanes, a_request_of_no_bytes_still_moves_the_state) {
  instantiate();
  const Bytes first = generate(drbg_, 32, {});
  instantiate();
  EXPECT_EQ(ctr_drbg_generate(drbg_, nullptr, 0, nullptr, 0), Status::kOk);
  EXPECT_EQ(drbg_.reseed_counter, 2u);
  EXPECT_NE(generate(drbg_, 32, {}), first);
}

// The counter is the whole block: its carry must cross every byte, in the output and in the update after it.
TEST_P(DrbgLanes, the_counter_carries_through_all_sixteen_bytes) {
  constexpr size_t kOut = 80;
  for (size_t steps_before_wrap = 0; steps_before_wrap <= kOut / 16 + 4; ++steps_before_wrap) {
    instantiate();
    const AesKey key = drbg_.key;
    std::fill_n(drbg_.v, 15, uint8_t{0xff});
    drbg_.v[15] = static_cast<uint8_t>(0xff - steps_before_wrap);
    Bytes counters(kOut + kDrbgSeed + 16, 0);
    for (size_t i = 0; i < counters.size() / 16; ++i) {
      uint8_t* block = counters.data() + 16 * i;
      if (i <= steps_before_wrap) std::fill_n(block, 15, uint8_t{0xff});
      block[15] = static_cast<uint8_t>(0xff - steps_before_wrap + i);
    }
    Bytes expected(counters.size());
    aes_encrypt_blocks(key, expected.data(), counters.data(), counters.size() / 16);
    EXPECT_EQ(generate(drbg_, kOut, {}), Bytes(expected.begin(), expected.begin() + kOut)) << steps_before_wrap;
    AesKey next;
    ASSERT_EQ(aes_key_init(next, GetParam(), expected.data() + kOut, 32), Status::kOk);
    EXPECT_TRUE(std::equal(next.encrypt, next.encrypt + 15 * 16, drbg_.key.encrypt)) << steps_before_wrap;
  }
}

TEST_P(DrbgLanes, v_carries_after_a_rekey) {
  // Seed chosen so that V becomes all ones: seed = keystream of the zero key, xor (any key, ff..ff).
  AesKey zero;
  const uint8_t raw[32] = {};
  ASSERT_EQ(aes_key_init(zero, GetParam(), raw, sizeof raw), Status::kOk);
  Bytes seed(kDrbgSeed, 0);
  for (uint8_t i = 0; i < 3; ++i) seed[16u * i + 15] = static_cast<uint8_t>(i + 1);
  aes_encrypt_blocks(zero, seed.data(), seed.data(), 3);
  for (size_t i = 32; i < kDrbgSeed; ++i) seed[i] ^= 0xff;
  DrbgOracle theirs(seed, {});
  ASSERT_EQ(ctr_drbg_instantiate(drbg_, GetParam(), seed.data(), nullptr, 0), Status::kOk);
  EXPECT_EQ(Bytes(drbg_.v, drbg_.v + 16), Bytes(16, 0));
  EXPECT_EQ(generate(drbg_, 100, {}), theirs.generate(100, {}));
}

TEST_P(DrbgLanes, limits_are_refused_before_any_work) {
  instantiate();
  const CtrDrbg before = drbg_;
  Bytes out(kDrbgMaxRequest + 1, 0xee);
  const Bytes long_input(kDrbgSeed + 1, 1);
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), out.size(), nullptr, 0), Status::kLength);
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), 1, long_input.data(), long_input.size()), Status::kLength);
  EXPECT_EQ(ctr_drbg_reseed(drbg_, seed_.data(), long_input.data(), long_input.size()), Status::kLength);
  EXPECT_EQ(ctr_drbg_instantiate(drbg_, GetParam(), seed_.data(), long_input.data(), long_input.size()),
            Status::kLength);
  drbg_.reseed_counter = kDrbgReseedInterval + 1;
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), 1, nullptr, 0), Status::kExhausted);
  EXPECT_EQ(out, Bytes(out.size(), 0xee));
  EXPECT_TRUE(std::equal(before.v, before.v + 16, drbg_.v));
  drbg_.reseed_counter = kDrbgReseedInterval;
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), 1, nullptr, 0), Status::kOk);
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), 1, nullptr, 0), Status::kExhausted);
  EXPECT_EQ(ctr_drbg_reseed(drbg_, seed_.data(), nullptr, 0), Status::kOk);
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), 1, nullptr, 0), Status::kOk);
}

TEST_P(DrbgLanes, needs_instantiation_and_is_gone_after_zeroisation) {
  Bytes out(16, 0xee);
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), out.size(), nullptr, 0), Status::kState);
  EXPECT_EQ(ctr_drbg_reseed(drbg_, seed_.data(), nullptr, 0), Status::kState);
  instantiate();
  generate(drbg_, 16, {});
  ctr_drbg_zeroise(drbg_);
  const auto* raw = reinterpret_cast<const uint8_t*>(&drbg_);
  EXPECT_TRUE(std::all_of(raw, raw + sizeof drbg_, [](uint8_t b) { return b == 0; }));
  EXPECT_EQ(ctr_drbg_generate(drbg_, out.data(), out.size(), nullptr, 0), Status::kState);
  EXPECT_EQ(out, Bytes(16, 0xee));
}

INSTANTIATE_TEST_SUITE_P(All, DrbgLanes, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
