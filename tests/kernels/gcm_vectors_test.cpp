// SPDX-License-Identifier: Apache-2.0
// gcm_vectors_test.cpp: NIST CAVP AES-GCM vectors from Debian's python3-cryptography-vectors (47,250 cases) and, where
// the shared vectors are, Wycheproof, on every GCM lane this CPU can run. Case numbers are asserted, so that a file
// that is not read cannot pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
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
  size_t total = 0;
  for (const VectorFile& file : kFiles) {
    const bool encrypts = std::string_view(file.name).starts_with("gcmEncrypt");
    size_t cases = 0, forged = 0;
    for (const RspRecord& c : records_of(file.name)) {
      init(c.bytes("Key"));
      const Bytes iv = c.bytes("IV"), aad = c.bytes("AAD"), cipher = c.bytes("CT"), tag = c.bytes("Tag");
      ASSERT_EQ(tag.size() * 8, c.section_number("Taglen")) << c.place;
      ++cases;
      if (c.has("FAIL")) {
        ++forged;
        expect_refused(iv, aad, cipher, tag, c.place);
        continue;
      }
      const Bytes plain = c.bytes("PT");
      if (encrypts) expect_seal(iv, aad, plain, cipher, tag, c.place);
      expect_open(iv, aad, plain, cipher, tag, c.place);
    }
    EXPECT_EQ(cases, file.cases) << file.name;
    EXPECT_EQ(forged, file.forged) << file.name;
    total += cases;
  }
  EXPECT_EQ(total, 47250u);
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(GcmVectors, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_gcm_test.json");
  size_t valid = 0, invalid = 0, empty_iv = 0;
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes iv = hex_field(test, "iv");
      if (iv.empty()) {
        // SP 800-38D wants at least one bit of IV; gcm.h leaves that check to the callers.
        EXPECT_EQ(test.at("result"), "invalid");
        ++empty_iv;
        continue;
      }
      init(hex_field(test, "key"));
      const Bytes aad = hex_field(test, "aad"), plain = hex_field(test, "msg"), cipher = hex_field(test, "ct");
      const Bytes tag = hex_field(test, "tag");
      if (test.at("result") == "valid") {
        expect_seal(iv, aad, plain, cipher, tag, case_name(test));
        expect_open(iv, aad, plain, cipher, tag, case_name(test));
        ++valid;
      } else {
        expect_refused(iv, aad, cipher, tag, case_name(test));
        ++invalid;
      }
    }
  EXPECT_EQ(valid, 229u);
  EXPECT_EQ(invalid, 81u);
  EXPECT_EQ(empty_iv, 6u);
}
#endif

INSTANTIATE_TEST_SUITE_P(lanes, GcmVectors, testing::ValuesIn(runnable_lanes(kGcmKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
