// SPDX-License-Identifier: Apache-2.0
// hmac_test.cpp: HMAC-SHA-256 on every lane: RFC 4231, Wycheproof, libcrypto for every key length around the block
// size, streaming against one-shot.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/hmac/hmac_sha256.h"
#include "crypto/sha2/sha256_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

Bytes mac_of(Lane lane, const Bytes& key, const Bytes& message) {
  HmacSha256Key k;
  hmac_sha256_key_init(k, lane, key.data(), key.size());
  Bytes mac(kSha256Size);
  hmac_sha256(k, mac.data(), message.data(), message.size());
  return mac;
}

Bytes oracle(const Bytes& key, const Bytes& message) {
  Bytes mac(kSha256Size);
  const uint8_t none = 0;  // libcrypto takes a null key for "the key of the call before"
  EXPECT_NE(HMAC(EVP_sha256(), key.empty() ? &none : key.data(), static_cast<int>(key.size()), message.data(),
                 message.size(), mac.data(), nullptr),
            nullptr);
  return mac;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

class HmacLanes : public testing::TestWithParam<Lane> {};

TEST_P(HmacLanes, rfc_4231) {
  VectorCount count(GetParam(), "rfc-4231-sha256.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/HMAC/rfc-4231-sha256.txt")) {
    EXPECT_EQ(to_hex(mac_of(GetParam(), r.bytes("Key"), r.bytes("Msg"))), r.text("MD")) << r.place;
    count.ran("MACs");
  }
  count.expect({{"MACs", 6}});  // test case 5, the truncated one, is not in Debian's file
}

TEST_P(HmacLanes, rfc_4231_case_5_truncated) {
  const Bytes message = {'T', 'e', 's', 't', ' ', 'W', 'i', 't', 'h', ' ',
                         'T', 'r', 'u', 'n', 'c', 'a', 't', 'i', 'o', 'n'};
  const Bytes mac = mac_of(GetParam(), Bytes(20, 0x0c), message);
  EXPECT_EQ(to_hex(mac.data(), 16), "a3b6167473100ee06e0c796c2955552b");
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(HmacLanes, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/hmac_sha256_test.json");
  VectorCount count(GetParam(), "hmac_sha256_test.json");
  for (const auto& group : root["testGroups"]) {
    const size_t tag_size = group["tagSize"].get<size_t>() / 8;
    for (const auto& test : group["tests"]) {
      const Bytes mac = mac_of(GetParam(), hex_field(test, "key"), hex_field(test, "msg"));
      const Bytes tag = hex_field(test, "tag");
      const bool expected = test["result"] == "valid";
      count.ran(expected ? "valid" : "invalid");
      EXPECT_EQ(tag.size() == tag_size && std::equal(tag.begin(), tag.end(), mac.begin()), expected) << case_name(test);
    }
  }
  count.expect({{"valid", 66}, {"invalid", 108}});
}
#endif

TEST_P(HmacLanes, every_key_length_to_200_agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  for (size_t key_size = 0; key_size <= 200; ++key_size) {
    const Bytes key = random_bytes(rng, key_size);
    const Bytes message = random_bytes(rng, rng() % 300);
    EXPECT_EQ(mac_of(GetParam(), key, message), oracle(key, message)) << key_size;
  }
}

TEST_P(HmacLanes, splits_do_not_matter_and_the_key_serves_again) {
  std::mt19937_64 key_rng(2);
  const Bytes raw = random_bytes(key_rng, 32);
  HmacSha256Key key;
  hmac_sha256_key_init(key, GetParam(), raw.data(), raw.size());
  EXPECT_TRUE(rc::check("streamed equals libcrypto", [&](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes message = random_bytes(rng, rng() % 1000);
    HmacSha256 ctx;
    hmac_sha256_init(ctx, key);
    for (size_t done = 0; done < message.size();) {
      const size_t take = std::min<size_t>(message.size() - done, rng() % 200);
      hmac_sha256_update(ctx, message.data() + done, take);
      done += take;
    }
    Bytes mac(kSha256Size);
    hmac_sha256_final(ctx, mac.data());
    RC_ASSERT(mac == oracle(raw, message));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&ctx);
    RC_ASSERT(std::all_of(bytes, bytes + sizeof ctx, [](uint8_t b) { return b == 0; }));
  }));
}

INSTANTIATE_TEST_SUITE_P(All, HmacLanes, testing::ValuesIn(runnable_lanes(kSha256Kernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
