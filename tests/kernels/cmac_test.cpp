// SPDX-License-Identifier: Apache-2.0
// cmac_test.cpp: AES-CMAC on every AES lane: the examples of SP 800-38B, NIST CAVP and Wycheproof; agreement with the
// system's libcrypto for every length, in one call and in pieces; which tags are accepted.
#include "crypto/cmac/cmac.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

class Cmac : public testing::TestWithParam<Lane> {
 protected:
  void init(const Bytes& raw) { ASSERT_EQ(cmac_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }
  Bytes tag(const Bytes& text) {
    Bytes t(kCmacTag);
    cmac(key_, t.data(), text.data(), text.size());
    return t;
  }
  Status verify(const Bytes& t, const Bytes& text) {
    return cmac_verify(key_, t.data(), t.size(), text.data(), text.size());
  }

  CmacKey key_;
  std::mt19937_64 rng_{38};
};

TEST_P(Cmac, sp800_38b_examples) {
  for (const char* bits : {"128", "192", "256"}) {
    const std::string name = std::string("nist-800-38b-aes") + bits + ".txt";
    VectorCount count(GetParam(), name);
    for (const RspRecord& c : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/CMAC/" + name)) {
      init(c.bytes("KEY"));
      EXPECT_EQ(tag(c.bytes("MESSAGE")), c.bytes("OUTPUT")) << c.place;
      EXPECT_EQ(verify(c.bytes("OUTPUT"), c.bytes("MESSAGE")), Status::kOk) << c.place;
      count.ran("valid");
    }
    count.expect({{"valid", 4}});
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
// NIST CAVP, in the copies of BoringSSL. Tags of four bytes are compared with what is computed; verification refuses
// them (SP 800-38B appendix A wants 64 bits).
TEST_P(Cmac, cavp) {
  struct File {
    const char* name;
    size_t right, wrong;
  };
  for (const File& file : {File{"cavp_aes128_cmac_tests.txt", 48, 192}, File{"cavp_aes192_cmac_tests.txt", 60, 240},
                           File{"cavp_aes256_cmac_tests.txt", 48, 192}}) {
    VectorCount count(GetParam(), file.name);
    const std::string path = CRYPTOMOD_EXTRA_VECTORS "/boringssl/crypto/fipsmodule/cmac/";
    for (const RspRecord& c : read_rsp_file(path + file.name)) {
      Bytes message = c.bytes("Msg");
      message.resize(c.number("Mlen"));  // a message of no bytes is written as one
      const Bytes t = c.bytes("Mac");
      ASSERT_EQ(t.size(), c.number("Tlen")) << c.place;
      const bool right = c.text("Result").starts_with("P");
      count.ran(right ? "right" : "wrong");
      init(c.bytes("Key"));
      Bytes computed = tag(message);
      computed.resize(t.size());
      EXPECT_EQ(computed == t, right) << c.place;
      const Status verified = t.size() < 8 ? Status::kLength : right ? Status::kOk : Status::kAuth;
      EXPECT_EQ(verify(t, message), verified) << c.place;
    }
    count.expect({{"right", file.right}, {"wrong", file.wrong}});
  }
}

TEST_P(Cmac, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_cmac_test.json");
  VectorCount count(GetParam(), "aes_cmac_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes raw = hex_field(test, "key"), text = hex_field(test, "msg"), t = hex_field(test, "tag");
      if (raw.size() != 16 && raw.size() != 24 && raw.size() != 32) {
        EXPECT_EQ(test.at("result"), "invalid");
        EXPECT_EQ(cmac_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kLength);
        count.ran("of a wrong key size");
        continue;
      }
      init(raw);
      const bool right = test.at("result") == "valid";
      count.ran(right ? "valid" : "invalid");
      EXPECT_EQ(verify(t, text), right ? Status::kOk : Status::kAuth) << case_name(test);
    }
  count.expect({{"valid", 63}, {"invalid", 243}, {"of a wrong key size", 5}});
}
#endif

TEST_P(Cmac, equals_libcrypto_for_every_length) {
  Guarded page(4096);
  for (size_t size = 0; size <= 400; ++size) {
    const Bytes raw = random_bytes(rng_, 16 + 8 * (size % 3)), text = random_bytes(rng_, size);
    const Bytes expected = evp_cmac(raw, text);
    init(raw);
    for (const bool end : {false, true}) {
      uint8_t* const in = page.at(end, size);
      std::copy(text.begin(), text.end(), in);
      Bytes t(kCmacTag);
      cmac(key_, t.data(), in, size);
      ASSERT_EQ(t, expected) << size;
    }
  }
}

TEST_P(Cmac, pieces_of_any_size_give_the_same) {
  for (int i = 0; i < 400; ++i) {
    const size_t size = rng_() % 600, most = size_t{1} << rng_() % 10;
    const Bytes raw = random_bytes(rng_, 16 + 8 * (rng_() % 3)), text = random_bytes(rng_, size);
    init(raw);
    CmacState state;
    cmac_init(state, key_);
    for (size_t read = 0; read != size;) {
      const size_t now = std::min(size - read, rng_() % (most + 1));
      cmac_update(state, text.data() + read, now);
      read += now;
    }
    Bytes t(kCmacTag);
    cmac_final(state, t.data());
    ASSERT_EQ(t, evp_cmac(raw, text)) << size;
    const auto* bytes = reinterpret_cast<const uint8_t*>(&state);
    ASSERT_TRUE(std::all_of(bytes, bytes + sizeof state, [](uint8_t b) { return b == 0; }));
  }
}

TEST_P(Cmac, accepts_the_beginning_of_the_tag_from_64_bits_on_and_nothing_else) {
  init(random_bytes(rng_, 32));
  const Bytes text = random_bytes(rng_, 45), whole = tag(text);
  for (size_t size = 0; size <= 17; ++size) {
    Bytes t = whole;
    t.resize(size);
    const bool allowed = size >= 8 && size <= 16;
    EXPECT_EQ(verify(t, text), allowed ? Status::kOk : Status::kLength) << size;
    if (!allowed) continue;
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      t[bit / 8] = static_cast<uint8_t>(t[bit / 8] ^ 1u << bit % 8);
      EXPECT_EQ(verify(t, text), Status::kAuth) << size << " " << bit;
      t[bit / 8] = static_cast<uint8_t>(t[bit / 8] ^ 1u << bit % 8);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, Cmac, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
