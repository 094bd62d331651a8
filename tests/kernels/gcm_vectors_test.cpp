// SPDX-License-Identifier: Apache-2.0
// gcm_vectors_test.cpp: NIST CAVP AES-GCM vectors from Debian's python3-cryptography-vectors (47,250 cases) and, where
// the external vectors are, Wycheproof for GCM and GMAC, on every GCM lane this CPU can run.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;

struct VectorFile {
  const char* name;
  size_t cases;
  size_t forged;  // marked FAIL
};
constexpr VectorFile kFiles[] = {
    {"gcmEncryptExtIV128.rsp", 7875, 0}, {"gcmEncryptExtIV192.rsp", 7875, 0}, {"gcmEncryptExtIV256.rsp", 7875, 0},
    {"gcmDecrypt128.rsp", 7875, 4011},   {"gcmDecrypt192.rsp", 7875, 3978},   {"gcmDecrypt256.rsp", 7875, 3919},
};

const std::vector<RspRecord>& records_of(const char* file) {
  static std::map<std::string, std::vector<RspRecord>> read;
  std::vector<RspRecord>& records = read[file];
  if (records.empty()) records = read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/ciphers/AES/GCM/") + file);
  return records;
}

bool all_zero(const Bytes& b) {
  return std::all_of(b.begin(), b.end(), [](uint8_t v) { return v == 0; });
}

class GcmVectors : public testing::TestWithParam<Lane> {
 protected:
  GcmKey key_;

  void init(const Bytes& raw) { ASSERT_EQ(gcm_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }

  static GcmInput input(const Bytes& iv, const Bytes& aad, const Bytes& text) {
    return {iv.data(), iv.size(), aad.data(), aad.size(), text.data(), text.size()};
  }

  // expect_seal: tag may be shorter than 16 bytes.
  void expect_seal(const Bytes& iv, const Bytes& aad, const Bytes& plain, const Bytes& cipher, const Bytes& tag,
                   const std::string& place) {
    Bytes out(plain.size(), kUntouched), full_tag(kGcmTag, kUntouched);
    gcm_seal(key_, out.data(), full_tag.data(), input(iv, aad, plain));
    full_tag.resize(tag.size());
    EXPECT_EQ(out, cipher) << place;
    EXPECT_EQ(full_tag, tag) << place;
  }

  void expect_open(const Bytes& iv, const Bytes& aad, const Bytes& plain, const Bytes& cipher, const Bytes& tag,
                   const std::string& place) {
    Bytes out(cipher.size(), kUntouched);
    EXPECT_TRUE(ct::declassify(gcm_open(key_, out.data(), tag.data(), tag.size(), input(iv, aad, cipher)))) << place;
    EXPECT_EQ(out, plain) << place;
  }

  void expect_refused(const Bytes& iv, const Bytes& aad, const Bytes& cipher, const Bytes& tag,
                      const std::string& place) {
    Bytes out(cipher.size(), kUntouched);
    EXPECT_FALSE(ct::declassify(gcm_open(key_, out.data(), tag.data(), tag.size(), input(iv, aad, cipher)))) << place;
    EXPECT_TRUE(all_zero(out)) << place;
  }
};

TEST_P(GcmVectors, cavp) {
  for (const VectorFile& file : kFiles) {
    const bool encrypts = std::string_view(file.name).starts_with("gcmEncrypt");
    VectorCount count(GetParam(), file.name);
    for (const RspRecord& c : records_of(file.name)) {
      init(c.bytes("Key"));
      const Bytes iv = c.bytes("IV"), aad = c.bytes("AAD"), cipher = c.bytes("CT"), tag = c.bytes("Tag");
      ASSERT_EQ(tag.size() * 8, c.section_number("Taglen")) << c.place;
      if (c.has("FAIL")) {
        count.ran("forged");
        expect_refused(iv, aad, cipher, tag, c.place);
        continue;
      }
      count.ran("genuine");
      const Bytes plain = c.bytes("PT");
      if (encrypts) expect_seal(iv, aad, plain, cipher, tag, c.place);
      expect_open(iv, aad, plain, cipher, tag, c.place);
    }
    VectorCount::Counts expected{{"genuine", file.cases - file.forged}};
    if (file.forged != 0) expected["forged"] = file.forged;
    count.expect(expected);
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(GcmVectors, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_gcm_test.json");
  VectorCount count(GetParam(), "aes_gcm_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes iv = hex_field(test, "iv");
      if (iv.empty()) {
        EXPECT_EQ(test.at("result"), "invalid");
        count.left_out("no IV: gcm.h leaves that check to its callers");
        continue;
      }
      const std::string result = test.at("result");
      count.ran(result);
      init(hex_field(test, "key"));
      const Bytes aad = hex_field(test, "aad"), plain = hex_field(test, "msg"), cipher = hex_field(test, "ct");
      const Bytes tag = hex_field(test, "tag");
      if (result == "valid") {
        expect_seal(iv, aad, plain, cipher, tag, case_name(test));
        expect_open(iv, aad, plain, cipher, tag, case_name(test));
      } else {
        expect_refused(iv, aad, cipher, tag, case_name(test));
      }
    }
  count.expect({{"valid", 229}, {"invalid", 81}}, {{"no IV: gcm.h leaves that check to its callers", 6}});
}

// GMAC (SP 800-38D 3) is GCM of no text.
TEST_P(GcmVectors, wycheproof_gmac) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_gmac_test.json");
  VectorCount count(GetParam(), "aes_gmac_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const std::string result = test.at("result");
      count.ran(result);
      init(hex_field(test, "key"));
      const Bytes iv = hex_field(test, "iv"), message = hex_field(test, "msg"), tag = hex_field(test, "tag");
      if (result == "valid") {
        expect_seal(iv, message, {}, {}, tag, case_name(test));
        expect_open(iv, message, {}, {}, tag, case_name(test));
      } else {
        expect_refused(iv, message, {}, tag, case_name(test));
      }
    }
  count.expect({{"valid", 90}, {"invalid", 324}});
}
#endif

INSTANTIATE_TEST_SUITE_P(lanes, GcmVectors, testing::ValuesIn(runnable_lanes(kGcmKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
