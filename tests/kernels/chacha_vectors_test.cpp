// SPDX-License-Identifier: Apache-2.0
// chacha_vectors_test.cpp: published vectors on every ChaCha20-Poly1305 lane this CPU can run: RFC 8439 2.8.2, those of
// Debian's python3-cryptography-vectors (RFC 8439 A.2 and A.3 for the cipher and the hash alone among them) and, where
// the external vectors are, Wycheproof.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "tests/kernels/poly1305_lane.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;

// value: a field in hex, or as text in quotation marks.
Bytes value(const RspRecord& record, const char* name) {
  const std::string& text = record.text(name);
  if (text.size() >= 2 && text.front() == '"') return Bytes(text.begin() + 1, text.end() - 1);
  return from_hex(text);
}

struct Case {
  Bytes key, iv, aad, plain, cipher, tag;
  std::string place;
};

class ChaChaVectors : public testing::TestWithParam<Lane> {
 protected:
  ChaChaKey key_{};

  static ChaChaInput input(const Case& c, const Bytes& text) {
    return {c.iv.data(), c.aad.data(), c.aad.size(), text.data(), text.size()};
  }

  void init(const Case& c) {
    ASSERT_EQ(chacha_key_init(key_, GetParam(), c.key.data(), c.key.size()), Status::kOk) << c.place;
    ASSERT_EQ(c.iv.size(), kChaChaIv) << c.place;
  }

  void expect_valid(const Case& c) {
    init(c);
    Bytes out(c.plain.size(), kUntouched), tag(kChaChaTag, kUntouched);
    chacha_seal(key_, out.data(), tag.data(), input(c, c.plain));
    EXPECT_EQ(to_hex(out), to_hex(c.cipher)) << c.place;
    EXPECT_EQ(to_hex(tag), to_hex(c.tag)) << c.place;
    std::fill(out.begin(), out.end(), kUntouched);
    EXPECT_TRUE(ct::declassify(chacha_open(key_, out.data(), c.tag.data(), c.tag.size(), input(c, c.cipher))))
        << c.place;
    EXPECT_EQ(to_hex(out), to_hex(c.plain)) << c.place;
  }

  void expect_refused(const Case& c) {
    init(c);
    Bytes out(c.cipher.size(), kUntouched);
    EXPECT_FALSE(ct::declassify(chacha_open(key_, out.data(), c.tag.data(), c.tag.size(), input(c, c.cipher))))
        << c.place;
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](uint8_t v) { return v == 0; })) << c.place;
  }
};

TEST_P(ChaChaVectors, rfc_8439_2_8_2) {
  const std::string plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  expect_valid({from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
                from_hex("070000004041424344454647"), from_hex("50515253c0c1c2c3c4c5c6c7"),
                Bytes(plain.begin(), plain.end()),
                from_hex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92"
                         "728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b"
                         "4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"),
                from_hex("1ae10b594f09e26a7e902ecbd0600691"), "2.8.2"});
}

TEST_P(ChaChaVectors, boringssl) {
  VectorCount count(GetParam(), "boringssl.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/ciphers/ChaCha20Poly1305/boringssl.txt")) {
    expect_valid(
        {value(r, "KEY"), value(r, "NONCE"), value(r, "AD"), value(r, "IN"), value(r, "CT"), value(r, "TAG"), r.place});
    count.ran("valid");
  }
  count.expect({{"valid", 66}});
}

// RFC 8439 A.5 among them.
TEST_P(ChaChaVectors, openssl) {
  VectorCount count(GetParam(), "openssl.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/ciphers/ChaCha20Poly1305/openssl.txt")) {
    const Case c = {value(r, "Key"),        value(r, "IV"),  value(r, "AAD"), value(r, "Plaintext"),
                    value(r, "Ciphertext"), value(r, "Tag"), r.place};
    if (r.has("Result")) {
      count.ran("forged");
      expect_refused(c);
    } else {
      count.ran("valid");
      expect_valid(c);
    }
  }
  count.expect({{"valid", 4}, {"forged", 1}});
}

// The cipher alone, seen through the AEAD: its text begins with block 1 of the keystream, so a case that begins with
// another block has zeros before it; block 0 is the key of the hash, seen in the tag of nothing.
TEST_P(ChaChaVectors, chacha20_rfc_8439_a_2) {
  VectorCount count(GetParam(), "ChaCha20/rfc7539.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/ciphers/ChaCha20/rfc7539.txt")) {
    Case c = {r.bytes("KEY"), r.bytes("NONCE"), {}, r.bytes("PLAINTEXT"), r.bytes("CIPHERTEXT"), {}, r.place};
    const uint64_t first = r.number("INITIAL_BLOCK_COUNTER");
    init(c);
    Bytes tag(kChaChaTag), text(first == 0 ? 0 : 64 * (first - 1));
    if (first == 0) {
      ASSERT_EQ(c.plain, Bytes(64)) << r.place;
      chacha_seal(key_, text.data(), tag.data(), input(c, text));
      const Bytes one_time_key(c.cipher.begin(), c.cipher.begin() + 32);
      EXPECT_EQ(tag, poly1305_on(GetParam(), one_time_key, Bytes(16))) << r.place;
      count.ran("of block 0");
      continue;
    }
    const auto begin = static_cast<ptrdiff_t>(text.size());
    text.insert(text.end(), c.plain.begin(), c.plain.end());
    chacha_seal(key_, text.data(), tag.data(), input(c, text));
    EXPECT_EQ(to_hex(Bytes(text.begin() + begin, text.end())), to_hex(c.cipher)) << r.place;
    count.ran("of later blocks");
  }
  count.expect({{"of block 0", 1}, {"of later blocks", 2}});
}

// The file has RFC 8439 A.3, whose cases 7 to 11 stand at the edges of arithmetic modulo 2^130 - 5.
TEST_P(ChaChaVectors, poly1305_rfc_8439_a_3) {
  VectorCount count(GetParam(), "poly1305/rfc7539.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/poly1305/rfc7539.txt")) {
    EXPECT_EQ(to_hex(poly1305_on(GetParam(), r.bytes("KEY"), r.bytes("MSG"))), to_hex(r.bytes("TAG"))) << r.place;
    count.ran("valid");
  }
  count.expect({{"valid", 11}});
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
constexpr char kOtherIv[] = "IV not of 96 bits: the interface has no length for it (RFC 8439 2.8)";

TEST_P(ChaChaVectors, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/chacha20_poly1305_test.json");
  VectorCount count(GetParam(), "chacha20_poly1305_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Case c = {hex_field(test, "key"), hex_field(test, "iv"),  hex_field(test, "aad"), hex_field(test, "msg"),
                      hex_field(test, "ct"),  hex_field(test, "tag"), case_name(test)};
      if (c.iv.size() != kChaChaIv) {
        EXPECT_EQ(test.at("result"), "invalid") << c.place;
        count.left_out(kOtherIv);
      } else if (test.at("result") == "valid") {
        count.ran("valid");
        expect_valid(c);
      } else {
        count.ran("invalid");
        expect_refused(c);
      }
    }
  count.expect({{"valid", 256}, {"invalid", 60}}, {{kOtherIv, 9}});
}
#endif

INSTANTIATE_TEST_SUITE_P(lanes, ChaChaVectors, testing::ValuesIn(runnable_lanes(kChaChaKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
