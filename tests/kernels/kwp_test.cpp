// SPDX-License-Identifier: Apache-2.0
// kwp_test.cpp: AES-KWP on every lane: NIST CAVP files, RFC 5649, Wycheproof, libcrypto; refusal leaves nothing behind.
#include "crypto/keywrap/kwp.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;

AesKey key_of(Lane lane, const Bytes& raw) {
  AesKey key;
  EXPECT_EQ(aes_key_init(key, lane, raw.data(), raw.size()), Status::kOk);
  return key;
}

Bytes wrap(Lane lane, const Bytes& raw, const Bytes& plain) {
  Bytes out(kwp_wrapped_size(plain.size()), kUntouched);
  EXPECT_EQ(kwp_wrap(key_of(lane, raw), out.data(), plain.data(), plain.size()), Status::kOk);
  return out;
}

struct Unwrapped {
  Status status;
  Bytes out;  // whole output buffer
  size_t plain_size;
  Bytes plain() const { return Bytes(out.begin(), out.begin() + static_cast<ptrdiff_t>(plain_size)); }
  bool refused_cleanly() const {
    return status == Status::kAuth && plain_size == ~size_t{0} &&
           std::all_of(out.begin(), out.end(), [](uint8_t b) { return b == 0; });
  }
};

Unwrapped unwrap(Lane lane, const Bytes& raw, const Bytes& wrapped) {
  Unwrapped r{Status::kUnsupported, Bytes(wrapped.size() < 8 ? 0 : wrapped.size() - 8, kUntouched), ~size_t{0}};
  r.status = kwp_unwrap(key_of(lane, raw), r.out.data(), &r.plain_size, wrapped.data(), wrapped.size());
  return r;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

Bytes oracle(const Bytes& key, const Bytes& plain) {
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_wrap_pad()
                             : key.size() == 24 ? EVP_aes_192_wrap_pad()
                                                : EVP_aes_256_wrap_pad();
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(plain.size() + 32);
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(ctx, cipher, nullptr, key.data(), nullptr), 1);
  EXPECT_EQ(EVP_EncryptUpdate(ctx, out.data(), &size, plain.data(), static_cast<int>(plain.size())), 1);
  EVP_CIPHER_CTX_free(ctx);
  out.resize(static_cast<size_t>(size));
  return out;
}

class KwpLanes : public testing::TestWithParam<Lane> {};

TEST_P(KwpLanes, cavp_wrap) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string name = std::string("KWP_AE_") + bits + ".txt";
    VectorCount count(GetParam(), name);
    for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/keywrap/kwtestvectors/" + name)) {
      EXPECT_EQ(to_hex(wrap(GetParam(), r.bytes("K"), r.bytes("P"))), r.text("C")) << r.place;
      count.ran("wrapped");
    }
    count.expect({{"wrapped", 500}});
  }
}

TEST_P(KwpLanes, cavp_unwrap) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string name = std::string("KWP_AD_") + bits + ".txt";
    VectorCount count(GetParam(), name);
    for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/keywrap/kwtestvectors/" + name)) {
      count.ran(r.has("FAIL") ? "forged" : "genuine");
      const Unwrapped u = unwrap(GetParam(), r.bytes("K"), r.bytes("C"));
      if (r.has("FAIL")) {
        EXPECT_TRUE(u.refused_cleanly()) << r.place;
      } else {
        ASSERT_EQ(u.status, Status::kOk) << r.place;
        EXPECT_EQ(to_hex(u.plain()), r.text("P")) << r.place;
      }
    }
    count.expect({{"genuine", 400}, {"forged", 100}});
  }
}

TEST_P(KwpLanes, rfc_5649_and_every_length_to_127) {
  VectorCount count(GetParam(), "kwp_botan.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/keywrap/kwp_botan.txt")) {
    count.ran("wrapped and unwrapped");
    EXPECT_EQ(wrap(GetParam(), r.bytes("Key"), r.bytes("Input")), r.bytes("Output")) << r.place;
    EXPECT_EQ(unwrap(GetParam(), r.bytes("Key"), r.bytes("Output")).plain(), r.bytes("Input")) << r.place;
  }
  count.expect({{"wrapped and unwrapped", 129}});
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(KwpLanes, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_kwp_test.json");
  VectorCount count(GetParam(), "aes_kwp_test.json");
  for (const auto& group : root["testGroups"]) {
    for (const auto& test : group["tests"]) {
      const Bytes key = hex_field(test, "key");
      const Bytes wrapped = hex_field(test, "ct");
      const Unwrapped u = unwrap(GetParam(), key, wrapped);
      const std::string result = test["result"];
      count.ran(result);
      if (result == "valid") {
        ASSERT_EQ(u.status, Status::kOk) << case_name(test);
        EXPECT_EQ(u.plain(), hex_field(test, "msg")) << case_name(test);
        EXPECT_EQ(wrap(GetParam(), key, u.plain()), wrapped) << case_name(test);
      } else {
        EXPECT_TRUE(u.refused_cleanly()) << case_name(test);
      }
    }
  }
  count.expect({{"valid", 77}, {"invalid", 177}});
}
#endif

TEST_P(KwpLanes, every_length_to_130_agrees_with_libcrypto_and_comes_back) {
  std::mt19937_64 rng(1);
  for (size_t size = 1; size <= 130; ++size) {
    const Bytes key = random_bytes(rng, 16 + 8 * (size % 3));
    const Bytes plain = random_bytes(rng, size);
    const Bytes wrapped = wrap(GetParam(), key, plain);
    EXPECT_EQ(wrapped, oracle(key, plain)) << size;
    const Unwrapped u = unwrap(GetParam(), key, wrapped);
    ASSERT_EQ(u.status, Status::kOk) << size;
    EXPECT_EQ(u.plain(), plain) << size;
  }
}

TEST_P(KwpLanes, every_single_bit_change_is_refused) {
  EXPECT_TRUE(rc::check("flipped bit", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes key = random_bytes(rng, 32);
    Bytes wrapped = wrap(GetParam(), key, random_bytes(rng, 1 + rng() % 60));
    wrapped[rng() % wrapped.size()] ^= static_cast<uint8_t>(1 << rng() % 8);
    RC_ASSERT(unwrap(GetParam(), key, wrapped).refused_cleanly());
  }));
}

// A wrapped text whose initial value and padding the test chooses: what an attacker with the key could make.
Bytes wrap_raw(Lane lane, const Bytes& raw, const Bytes& a_and_plain) {
  const AesKey key = key_of(lane, raw);
  Bytes text = a_and_plain;
  const size_t n = text.size() / 8 - 1;
  uint8_t block[16];
  std::copy_n(text.begin(), 8, block);
  if (n == 1) {
    aes_encrypt_blocks(key, text.data(), text.data(), 1);
    return text;
  }
  for (uint64_t t = 1; t <= 6 * n; ++t) {
    uint8_t* r = text.data() + 8 + (t - 1) % n * 8;
    std::copy_n(r, 8, block + 8);
    aes_encrypt_blocks(key, block, block, 1);
    std::copy_n(block + 8, 8, r);
    store_be64(block, load_be64(block) ^ t);
  }
  std::copy_n(block, 8, text.begin());
  return text;
}

TEST_P(KwpLanes, initial_value_length_and_padding_are_each_checked) {
  const Bytes key(32, 0x42);
  for (const size_t n : {1, 2, 5}) {
    const size_t full = 8 * n;
    for (size_t length = 0; length <= full + 9; ++length) {
      Bytes text(8 + full, 0);
      store_be32(text.data(), 0xa65959a6);
      store_be32(text.data() + 4, static_cast<uint32_t>(length));
      const bool fits = length > full - 8 && length <= full;
      const Unwrapped u = unwrap(GetParam(), key, wrap_raw(GetParam(), key, text));
      if (fits) {
        EXPECT_EQ(u.status, Status::kOk) << n << " " << length;
        EXPECT_EQ(u.plain_size, length);
      } else {
        EXPECT_TRUE(u.refused_cleanly()) << n << " " << length;
      }
      for (size_t i = length; fits && i < full; ++i) {
        Bytes dirty = text;
        dirty[8 + i] = 0x80;
        EXPECT_TRUE(unwrap(GetParam(), key, wrap_raw(GetParam(), key, dirty)).refused_cleanly()) << n << " " << i;
      }
      for (size_t bit = 0; fits && bit < 32; ++bit) {
        Bytes other = text;
        other[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
        EXPECT_TRUE(unwrap(GetParam(), key, wrap_raw(GetParam(), key, other)).refused_cleanly()) << n << " " << bit;
      }
    }
    Bytes huge(8 + full, 0);
    store_be32(huge.data(), 0xa65959a6);
    store_be32(huge.data() + 4, 0xffffffff);
    EXPECT_TRUE(unwrap(GetParam(), key, wrap_raw(GetParam(), key, huge)).refused_cleanly());
  }
}

TEST_P(KwpLanes, sizes_outside_the_format_are_refused) {
  const Bytes key(16, 1);
  for (size_t size = 0; size < 64; ++size) {
    if (size >= 16 && size % 8 == 0) continue;
    EXPECT_TRUE(unwrap(GetParam(), key, Bytes(size, 0x33)).refused_cleanly()) << size;
  }
  // Right but for its size: trailing bytes, and a plaintext longer than the module takes.
  for (size_t extra = 1; extra < 8; ++extra) {
    Bytes wrapped = wrap(GetParam(), key, Bytes(20, 0x44));
    wrapped.resize(wrapped.size() + extra);
    EXPECT_TRUE(unwrap(GetParam(), key, wrapped).refused_cleanly()) << extra;
  }
  Bytes text(8 + kKwpMaxPlain + 8, 0x44);
  store_be32(text.data(), 0xa65959a6);
  store_be32(text.data() + 4, kKwpMaxPlain + 8);
  EXPECT_TRUE(unwrap(GetParam(), key, wrap_raw(GetParam(), key, text)).refused_cleanly());
  uint8_t out[8] = {};
  EXPECT_EQ(kwp_wrap(key_of(GetParam(), key), out, out, 0), Status::kLength);
  EXPECT_EQ(kwp_wrap(key_of(GetParam(), key), out, out, kKwpMaxPlain + 1), Status::kLength);
}

TEST_P(KwpLanes, the_longest_plaintext_comes_back_and_unwrapping_in_place_works) {
  std::mt19937_64 rng(3);
  const Bytes key = random_bytes(rng, 32);
  const Bytes plain = random_bytes(rng, kKwpMaxPlain);
  Bytes wrapped = wrap(GetParam(), key, plain);
  EXPECT_EQ(wrapped, oracle(key, plain));
  size_t plain_size = 0;
  ASSERT_EQ(kwp_unwrap(key_of(GetParam(), key), wrapped.data(), &plain_size, wrapped.data(), wrapped.size()),
            Status::kOk);
  wrapped.resize(plain_size);
  EXPECT_EQ(wrapped, plain);
}

INSTANTIATE_TEST_SUITE_P(All, KwpLanes, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName{});

}  // namespace
}  // namespace cm::test
