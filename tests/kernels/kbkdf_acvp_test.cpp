// SPDX-License-Identifier: Apache-2.0
// kbkdf_acvp_test.cpp: samples of NIST's ACVP server, on every lane: the places of the counter in feedback and
// double-pipeline mode that CAVP's file of counter mode does not have; KMAC; the two steps of SP 800-56C.
#include <gtest/gtest.h>

#include "crypto/kdf/two_step.h"
#include "tests/kernels/kbkdf_input.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

std::vector<RspRecord> records_of(const std::string& function) {
  std::vector<RspRecord> found;
  for (RspRecord& r : read_rsp_file(CM_REPOSITORY_VECTORS_DIR "/key_derivation_acvp.txt"))
    if (r.section.at("Function") == function) found.push_back(std::move(r));
  return found;
}

class AcvpSamples : public testing::TestWithParam<LaneSet> {};

TEST_P(AcvpSamples, kbkdf) {
  VectorCount count(GetParam().name, "key_derivation_acvp.txt KBKDF");
  for (const RspRecord& r : records_of("KBKDF")) {
    const std::string &mode = r.text("Mode"), &place = r.text("Location"), &mac = r.text("MAC");
    Input in{mode == "feedback" ? KbkdfMode::kFeedback : KbkdfMode::kDoublePipeline,
             static_cast<uint32_t>(r.number("Counter")),
             r.bytes("IV"),
             {},
             {}};
    (place == "after fixed data" ? in.before : in.after).push_back(r.bytes("Fixed"));
    in.counter_first = place == "before iterator";
    const Bytes key = r.bytes("Key"), expected = r.bytes("Output");
    if (mac.starts_with("HMAC-")) {
      const HashId id = hash_of_name(mac.substr(5));
      EXPECT_EQ(with_hmac(id, hash_lane(id, GetParam().hash), key, in, expected.size()), expected) << r.place;
    } else {
      ASSERT_EQ(mac, "CMAC-AES" + std::to_string(8 * key.size()));
      EXPECT_EQ(with_cmac(GetParam().aes, key, in, expected.size()), expected) << r.place;
    }
    count.ran(mode + ", " + place);
  }
  count.expect({{"feedback, after fixed data", 2},
                {"feedback, before fixed data", 1},
                {"feedback, before iterator", 2},
                {"feedback, none", 1},
                {"double pipeline, before iterator", 2}});
}

TEST_P(AcvpSamples, kmac) {
  VectorCount count(GetParam().name, "key_derivation_acvp.txt KMAC");
  for (const RspRecord& r : records_of("KMAC")) {
    const Bytes key = r.bytes("Key"), label = r.bytes("Label"), context = r.bytes("Context"),
                expected = r.bytes("Output");
    const uint32_t bits = r.text("MAC") == "KMAC128" ? 128 : 256;
    EXPECT_EQ(derived(expected.size(),
                      [&](uint8_t* out, size_t n) {
                        return kbkdf_kmac(GetParam().hash.keccak, bits, key.data(), key.size(), out, n, label.data(),
                                          label.size(), context.data(), context.size());
                      }),
              expected)
        << r.place;
    count.ran(r.text("MAC"));
  }
  count.expect({{"KMAC128", 1}, {"KMAC256", 1}});
}

TEST_P(AcvpSamples, two_step) {
  VectorCount count(GetParam().name, "key_derivation_acvp.txt two-step");
  constexpr HashId kId = HashId::kSha512_224;
  for (const RspRecord& r : records_of("two-step")) {
    const Bytes salt = r.bytes("Salt"), secret = r.bytes("Secret"), expected = r.bytes("Output");
    HmacKey key;
    hmac_key_init(key, kId, GetParam().hash.sha512, salt.data(), salt.size());
    const Input in{KbkdfMode::kFeedback, 32, r.bytes("IV"), {r.bytes("Fixed")}, {}};
    const Bytes out = with_parts(in, [&](const KbkdfInput& input) {
      return derived(expected.size(), [&](uint8_t* to, size_t n) {
        return two_step_hmac(key, to, n, secret.data(), secret.size(), input);
      });
    });
    EXPECT_EQ(out, expected) << r.place;
    count.ran(salt.empty() ? "default salt" : "salt");
  }
  count.expect({{"salt", 2}, {"default salt", 1}});
}

INSTANTIATE_TEST_SUITE_P(All, AcvpSamples, testing::ValuesIn(lane_sets()), ParamName{});

}  // namespace
}  // namespace cm::test
