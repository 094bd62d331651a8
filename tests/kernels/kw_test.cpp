// SPDX-License-Identifier: Apache-2.0
// kw_test.cpp: AES-KW on every lane: NIST CAVP files, RFC 3394, Wycheproof, libcrypto; refusal leaves nothing behind.
#include "crypto/keywrap/kw.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;
constexpr char kDirectory[] = CM_DEBIAN_VECTORS_DIR "/keywrap/kwtestvectors/";

struct Unwrapped {
  Status status;
  Bytes out;
  bool refused_cleanly() const {
    return status == Status::kAuth && std::all_of(out.begin(), out.end(), [](uint8_t b) { return b == 0; });
  }
};

class Kw : public testing::TestWithParam<Lane> {
 protected:
  AesKey key_of(const Bytes& raw) {
    AesKey key;
    EXPECT_EQ(aes_key_init(key, GetParam(), raw.data(), raw.size()), Status::kOk);
    return key;
  }
  Bytes wrap(const Bytes& raw, const Bytes& plain) {
    Bytes out(kw_wrapped_size(plain.size()), kUntouched);
    EXPECT_EQ(kw_wrap(key_of(raw), out.data(), plain.data(), plain.size()), Status::kOk);
    return out;
  }
  Unwrapped unwrap(const Bytes& raw, const Bytes& wrapped) {
    Unwrapped u{Status::kUnsupported, Bytes(wrapped.size() < 8 ? 0 : wrapped.size() - 8, kUntouched)};
    u.status = kw_unwrap(key_of(raw), u.out.data(), wrapped.data(), wrapped.size());
    return u;
  }
  std::mt19937_64 rng_{3394};
};

TEST_P(Kw, cavp_wrap) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string name = std::string("KW_AE_") + bits + ".txt";
    VectorCount count(GetParam(), name);
    for (const RspRecord& r : read_rsp_file(kDirectory + name)) {
      EXPECT_EQ(wrap(r.bytes("K"), r.bytes("P")), r.bytes("C")) << r.place;
      count.ran("wrapped");
    }
    count.expect({{"wrapped", 500}});
  }
}

TEST_P(Kw, cavp_unwrap) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string name = std::string("KW_AD_") + bits + ".txt";
    VectorCount count(GetParam(), name);
    for (const RspRecord& r : read_rsp_file(kDirectory + name)) {
      count.ran(r.has("FAIL") ? "forged" : "genuine");
      const Unwrapped u = unwrap(r.bytes("K"), r.bytes("C"));
      if (r.has("FAIL")) {
        EXPECT_TRUE(u.refused_cleanly()) << r.place;
      } else {
        EXPECT_EQ(u.status, Status::kOk) << r.place;
        EXPECT_EQ(u.out, r.bytes("P")) << r.place;
      }
    }
    count.expect({{"genuine", 400}, {"forged", 100}});
  }
}

// RFC 3394 section 4.
TEST_P(Kw, rfc_3394_examples) {
  struct Example {
    size_t key_size, plain_size;
    const char* wrapped;
  };
  const Example examples[] = {
      {16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
      {24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"},
      {32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
      {24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"},
      {32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"},
      {32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
  };
  const Bytes text = from_hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
  for (const Example& e : examples) {
    Bytes raw(e.key_size), plain(text.begin(), text.begin() + static_cast<ptrdiff_t>(e.plain_size));
    for (size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<uint8_t>(i);
    EXPECT_EQ(to_hex(wrap(raw, plain)), e.wrapped);
    EXPECT_EQ(unwrap(raw, from_hex(e.wrapped)).out, plain);
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(Kw, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_wrap_test.json");
  VectorCount count(GetParam(), "aes_wrap_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes raw = hex_field(test, "key"), wrapped = hex_field(test, "ct"), plain = hex_field(test, "msg");
      const Unwrapped u = unwrap(raw, wrapped);
      const std::string result = test.at("result");
      count.ran(result);
      if (result == "valid") {
        EXPECT_EQ(u.status, Status::kOk) << case_name(test);
        EXPECT_EQ(u.out, plain) << case_name(test);
        EXPECT_EQ(wrap(raw, plain), wrapped) << case_name(test);
      } else {
        // "acceptable" are keys of one semiblock, which SP 800-38F does not allow.
        EXPECT_TRUE(u.refused_cleanly()) << case_name(test);
      }
    }
  count.expect({{"valid", 36}, {"invalid", 126}, {"acceptable", 3}});
}
#endif

TEST_P(Kw, every_length_to_400_agrees_with_libcrypto_and_comes_back) {
  for (size_t size = 16; size <= 400; size += 8) {
    const Bytes raw = random_bytes(rng_, 16 + 8 * (size / 8 % 3)), plain = random_bytes(rng_, size);
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    const EVP_CIPHER* cipher = raw.size() == 16   ? EVP_aes_128_wrap()
                               : raw.size() == 24 ? EVP_aes_192_wrap()
                                                  : EVP_aes_256_wrap();
    Bytes expected(size + 8);
    int written = 0;
    EXPECT_EQ(EVP_EncryptInit_ex(context, cipher, nullptr, raw.data(), nullptr), 1);
    EXPECT_EQ(EVP_EncryptUpdate(context, expected.data(), &written, plain.data(), static_cast<int>(size)), 1);
    EVP_CIPHER_CTX_free(context);
    const Bytes wrapped = wrap(raw, plain);
    EXPECT_EQ(wrapped, expected) << size;
    const Unwrapped u = unwrap(raw, wrapped);
    EXPECT_EQ(u.status, Status::kOk) << size;
    EXPECT_EQ(u.out, plain) << size;
  }
}

TEST_P(Kw, refuses_other_lengths_and_every_changed_bit) {
  const Bytes raw = random_bytes(rng_, 32), plain = random_bytes(rng_, 24);
  const AesKey key = key_of(raw);
  for (size_t size = 0; size <= 50; ++size) {
    const Bytes text(size, 1);
    Bytes out(size + 8, kUntouched);
    const bool allowed = size >= 16 && size % 8 == 0;
    EXPECT_EQ(kw_wrap(key, out.data(), text.data(), size), allowed ? Status::kOk : Status::kLength) << size;
    EXPECT_TRUE(unwrap(raw, text).refused_cleanly()) << size;
  }
  const Bytes large(kKwMaxPlain + 16);
  Bytes out(large.size() + 8);
  EXPECT_EQ(kw_wrap(key, out.data(), large.data(), kKwMaxPlain), Status::kOk);
  EXPECT_EQ(kw_wrap(key, out.data(), large.data(), kKwMaxPlain + 8), Status::kLength);
  EXPECT_TRUE(unwrap(raw, large).refused_cleanly());
  Bytes wrapped = wrap(raw, plain);
  for (size_t bit = 0; bit < 8 * wrapped.size(); ++bit) {
    wrapped[bit / 8] = static_cast<uint8_t>(wrapped[bit / 8] ^ 1u << bit % 8);
    EXPECT_TRUE(unwrap(raw, wrapped).refused_cleanly()) << bit;
    wrapped[bit / 8] = static_cast<uint8_t>(wrapped[bit / 8] ^ 1u << bit % 8);
  }
}

TEST_P(Kw, unwraps_in_place_of_the_wrapped_bytes) {
  const Bytes raw = random_bytes(rng_, 16), plain = random_bytes(rng_, 40);
  Bytes wrapped = wrap(raw, plain);
  ASSERT_EQ(kw_unwrap(key_of(raw), wrapped.data(), wrapped.data(), wrapped.size()), Status::kOk);
  wrapped.resize(plain.size());
  EXPECT_EQ(wrapped, plain);
}

INSTANTIATE_TEST_SUITE_P(lanes, Kw, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
