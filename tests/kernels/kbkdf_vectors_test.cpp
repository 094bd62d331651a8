// SPDX-License-Identifier: Apache-2.0
// kbkdf_vectors_test.cpp: the key derivation of SP 800-108 with HMAC and AES-CMAC on every lane against files: NIST
// CAVP's of counter mode, Botan's of counter and feedback mode and of the two steps of SP 800-56C.
#include <gtest/gtest.h>

#include <regex>

#include "crypto/kdf/hkdf.h"
#include "tests/kernels/kbkdf_input.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

// with_prf: a function by its name in a file, as "HMAC_SHA256", "HMAC(SHA-256)", "CMAC_AES128".
Bytes with_prf(const LaneSet& lanes, const std::string& name, const Bytes& raw, const Input& in, size_t size) {
  const std::string letters = letters_of(name);
  if (letters.starts_with("HMAC")) {
    const HashId id = hash_of_name(letters.substr(4));
    return with_hmac(id, hash_lane(id, lanes.hash), raw, in, size);
  }
  if (letters != "CMACAES" + std::to_string(raw.size() * 8)) throw std::runtime_error("no function " + name);
  return with_cmac(lanes.aes, raw, in, size);
}

class KbkdfVectors : public testing::TestWithParam<LaneSet> {};

TEST_P(KbkdfVectors, cavp_counter_mode) {
  VectorCount count(GetParam().name, "nist-800-108-KBKDF-CTR.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/KDF/nist-800-108-KBKDF-CTR.txt")) {
    const std::string& prf = r.section.at("PRF");
    const std::string& place = r.section.at("CTRLOCATION");
    const std::string kind = prf + " " + place + " " + r.section.at("RLEN");
    if (prf.starts_with("CMAC_TDES")) {
      count.left_out(prf + ": the module has no Triple DES");
      continue;
    }
    Input in{KbkdfMode::kCounter, static_cast<uint32_t>(std::stoul(r.section.at("RLEN"))), {}, {}, {}};
    if (place == "MIDDLE_FIXED") {
      in.before = {r.bytes("DataBeforeCtrData")};
      in.after = {r.bytes("DataAfterCtrData")};
    } else {
      ASSERT_TRUE(place == "BEFORE_FIXED" || place == "AFTER_FIXED") << r.place;
      auto& parts = place == "BEFORE_FIXED" ? in.after : in.before;
      parts.push_back(r.bytes("FixedInputData"));
    }
    ASSERT_EQ(to_hex(with_prf(GetParam(), prf, r.bytes("KI"), in, r.number("L") / 8)), r.text("KO")) << r.place;
    count.ran(kind);
  }
  VectorCount::Counts ran;
  for (const char* prf : {"CMAC_AES128", "CMAC_AES192", "CMAC_AES256", "HMAC_SHA1", "HMAC_SHA224", "HMAC_SHA256",
                          "HMAC_SHA384", "HMAC_SHA512"})
    for (const char* place : {"BEFORE_FIXED", "AFTER_FIXED", "MIDDLE_FIXED"})
      for (const char* bits : {"8_BITS", "16_BITS", "24_BITS", "32_BITS"})
        ran[std::string(prf) + " " + place + " " + bits] = 40;
  count.expect(ran,
               {{"CMAC_TDES2: the module has no Triple DES", 480}, {"CMAC_TDES3: the module has no Triple DES", 480}});
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
// Fixed input as in SP 800-108 section 4: label, zero, context, length of the output in bits.
std::vector<Bytes> fixed_input(const Bytes& label, const Bytes& context, size_t size, size_t length_bits) {
  return {label, {0}, context, big_endian(size * 8, length_bits / 8)};
}

TEST_P(KbkdfVectors, botan_counter_and_feedback_mode) {
  for (const bool feedback : {false, true}) {
    const std::string file = feedback ? "sp800_108_fb.vec" : "sp800_108_ctr.vec";
    VectorCount count(GetParam().name, file);
    for (const RspRecord& r : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/botan/kdf/" + file)) {
      const std::string title = r.section.begin()->first;
      const std::regex form("SP800-108-(?:Counter|Feedback)\\(([HC]MAC\\([^)]+\\))(?:,([0-9]+),([0-9]+))?\\)");
      std::smatch m;
      ASSERT_TRUE(std::regex_match(title, m, form)) << title;
      if (m[1] == "CMAC(TripleDES)") {
        count.left_out("the module has no Triple DES");
        continue;
      }
      const Bytes salt = r.bytes("Salt"), expected = r.bytes("Output");
      const size_t prf_size = letters_of(m[1].str()).starts_with("CMAC")
                                  ? kCmacTag
                                  : hash_row(hash_of_name(letters_of(m[1].str()).substr(4))).digest_size;
      // In feedback mode Botan takes the beginning of the salt as IV, if it is long enough.
      const auto iv_end = salt.begin() + static_cast<ptrdiff_t>(feedback && salt.size() >= prf_size ? prf_size : 0);
      const Input in{feedback ? KbkdfMode::kFeedback : KbkdfMode::kCounter,
                     m[2].matched ? static_cast<uint32_t>(std::stoul(m[2])) : 32,
                     Bytes(salt.begin(), iv_end),
                     {},
                     fixed_input(r.bytes("Label"), Bytes(iv_end, salt.end()), expected.size(),
                                 m[3].matched ? std::stoul(m[3]) : 32)};
      EXPECT_EQ(with_prf(GetParam(), m[1], r.bytes("Secret"), in, expected.size()), expected) << r.place;
      count.ran(m[1]);
    }
    count.expect({{"HMAC(SHA-1)", 30},
                  {"HMAC(SHA-256)", 86},
                  {"HMAC(SHA-384)", 30},
                  {"HMAC(SHA-512)", 30},
                  {"CMAC(AES-128)", 33},
                  {"CMAC(AES-192)", 30},
                  {"CMAC(AES-256)", 30}},
                 {{"the module has no Triple DES", 30}});
  }
}

// The two steps of SP 800-56C section 5 with feedback mode: HMAC under the salt, then SP 800-108.
TEST_P(KbkdfVectors, botan_two_steps) {
  VectorCount count(GetParam().name, "sp800_56c.vec");
  for (const RspRecord& r : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/botan/kdf/sp800_56c.vec")) {
    const std::string title = r.section.begin()->first;
    ASSERT_TRUE(title.starts_with("SP800-56C(HMAC(SHA-") && title.ends_with("))")) << title;
    const HashId id = hash_of_name(title.substr(15, title.size() - 17));
    const Lane lane = hash_lane(id, GetParam().hash);
    const Bytes salt = r.bytes("Salt"), secret = r.bytes("Secret"), expected = r.bytes("Output");
    Bytes key(hash_row(id).digest_size);
    hkdf_extract(id, lane, key.data(), salt.data(), salt.size(), secret.data(), secret.size());
    const Input in{KbkdfMode::kFeedback, 32, {}, {}, fixed_input(r.bytes("Label"), {}, expected.size(), 32)};
    EXPECT_EQ(with_hmac(id, lane, key, in, expected.size()), expected) << r.place;
    count.ran(hash_row(id).name);
  }
  count.expect({{"SHA-1", 10}, {"SHA-256", 10}, {"SHA-384", 10}, {"SHA-512", 10}});
}
#endif

INSTANTIATE_TEST_SUITE_P(All, KbkdfVectors, testing::ValuesIn(lane_sets()), ParamName{});

}  // namespace
}  // namespace cm::test
