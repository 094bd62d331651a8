// SPDX-License-Identifier: Apache-2.0
// gcm_siv_vectors_test.cpp: published vectors of AES-GCM-SIV on every lane this CPU can run: RFC 8452 appendix C, its
// counters that wrap among them, and Wycheproof where the external vectors have it. Case numbers are asserted, so that
// a file that is not read cannot pass. (Debian's python3-cryptography-vectors has nothing of this algorithm: its
// directory AES/SIV is RFC 5297.)
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS_GCM_SIV)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;

struct Case {
  Bytes key, nonce, aad, plain, cipher, tag;
  std::string place;
};

class GcmSivVectors : public testing::TestWithParam<Lane> {
 protected:
  GcmSivKey key_{};

  static GcmSivInput input(const Case& c, const Bytes& text) {
    return {c.nonce.data(), c.aad.data(), c.aad.size(), text.data(), text.size()};
  }

  void init(const Case& c) {
    ASSERT_EQ(gcm_siv_key_init(key_, GetParam(), c.key.data(), c.key.size()), Status::kOk) << c.place;
    ASSERT_EQ(c.nonce.size(), kGcmSivNonce) << c.place;
    ASSERT_EQ(c.tag.size(), kGcmSivTag) << c.place;
  }

  void expect_valid(const Case& c) {
    init(c);
    Bytes out(c.plain.size(), kUntouched), tag(kGcmSivTag, kUntouched);
    gcm_siv_seal(key_, out.data(), tag.data(), input(c, c.plain));
    EXPECT_EQ(to_hex(out), to_hex(c.cipher)) << c.place;
    EXPECT_EQ(to_hex(tag), to_hex(c.tag)) << c.place;
    std::fill(out.begin(), out.end(), kUntouched);
    EXPECT_TRUE(ct::declassify(gcm_siv_open(key_, out.data(), c.tag.data(), input(c, c.cipher)))) << c.place;
    EXPECT_EQ(to_hex(out), to_hex(c.plain)) << c.place;
  }

  void expect_refused(const Case& c) {
    init(c);
    Bytes out(c.cipher.size(), kUntouched);
    EXPECT_FALSE(ct::declassify(gcm_siv_open(key_, out.data(), c.tag.data(), input(c, c.cipher)))) << c.place;
    EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](uint8_t v) { return v == 0; })) << c.place;
  }
};

TEST_P(GcmSivVectors, rfc_8452_appendix_c) {
  VectorCount count(GetParam(), "aes_gcm_siv_rfc8452.txt");
  for (const RspRecord& r : read_rsp_file(CM_REPOSITORY_VECTORS_DIR "/aes_gcm_siv_rfc8452.txt")) {
    expect_valid({r.bytes("Key"), r.bytes("Nonce"), r.bytes("AAD"), r.bytes("Plaintext"), r.bytes("Ciphertext"),
                  r.bytes("Tag"), r.place});
    count.ran("of " + r.section.at("Section"));
  }
  count.expect({{"of C.1", 24}, {"of C.2", 24}, {"of C.3", 2}});
}

#if defined(CRYPTOMOD_EXTRA_VECTORS_GCM_SIV)
TEST_P(GcmSivVectors, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS_GCM_SIV);
  VectorCount count(GetParam(), "aes_gcm_siv_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Case c = {hex_field(test, "key"), hex_field(test, "iv"),  hex_field(test, "aad"), hex_field(test, "msg"),
                      hex_field(test, "ct"),  hex_field(test, "tag"), case_name(test)};
      const std::string result = test.at("result");
      count.ran(result);
      if (result == "valid")
        expect_valid(c);
      else
        expect_refused(c);
    }
  count.expect({{"valid", 136}, {"invalid", 66}});
}
#endif

INSTANTIATE_TEST_SUITE_P(lanes, GcmSivVectors, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
