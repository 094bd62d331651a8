// SPDX-License-Identifier: Apache-2.0
// ccm_test.cpp: AES-CCM on every AES lane: the NIST CAVP files, the examples of SP 800-38C, Wycheproof; agreement with
// the system's libcrypto for every length of text and AAD, nonce and tag, in place and apart; refusal leaves nothing
// behind; which sizes are taken.
#include "crypto/ccm/ccm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

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

constexpr uint8_t kUntouched = 0xee;

CcmInput input(const Bytes& nonce, const Bytes& aad, const Bytes& text) {
  return {nonce.data(), nonce.size(), aad.data(), aad.size(), text.data(), text.size()};
}

class Ccm : public testing::TestWithParam<Lane> {
 protected:
  void init(const Bytes& raw) { ASSERT_EQ(aes_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }

  void expect_seal(const Bytes& nonce, const Bytes& aad, const Bytes& plain, const Sealed& expected,
                   const std::string& place) {
    Bytes out(plain.size(), kUntouched), tag(expected.tag.size(), kUntouched);
    ASSERT_TRUE(ccm_sizes_fit(input(nonce, aad, plain), tag.size())) << place;
    ccm_seal(key_, out.data(), tag.data(), tag.size(), input(nonce, aad, plain));
    EXPECT_EQ(out, expected.cipher) << place;
    EXPECT_EQ(tag, expected.tag) << place;
  }
  void expect_open(const Bytes& nonce, const Bytes& aad, const Bytes& plain, const Sealed& sealed,
                   const std::string& place) {
    Bytes out(plain.size(), kUntouched);
    EXPECT_TRUE(open(nonce, aad, sealed, out)) << place;
    EXPECT_EQ(out, plain) << place;
  }
  void expect_refused(const Bytes& nonce, const Bytes& aad, const Sealed& sealed, const std::string& place) {
    Bytes out(sealed.cipher.size(), kUntouched);
    EXPECT_FALSE(open(nonce, aad, sealed, out)) << place;
    EXPECT_EQ(out, Bytes(sealed.cipher.size())) << place;
  }
  bool open(const Bytes& nonce, const Bytes& aad, const Sealed& sealed, Bytes& out) {
    const CcmInput in = input(nonce, aad, sealed.cipher);
    EXPECT_TRUE(ccm_sizes_fit(in, sealed.tag.size()));
    return ct::declassify(ccm_open(key_, out.data(), sealed.tag.data(), sealed.tag.size(), in));
  }

  AesKey key_;
  std::mt19937_64 rng_{380};
};

struct VectorFile {
  const char* name;
  size_t cases;
  size_t forged;  // Result = Fail
};
// DVPT*.txt are the cases of DVPT*.rsp with the reason why a case fails.
constexpr VectorFile kFiles[] = {
    {"DVPT128.txt", 240, 160}, {"DVPT192.txt", 240, 160}, {"DVPT256.txt", 240, 160}, {"DVPT128.rsp", 240, 160},
    {"DVPT192.rsp", 240, 160}, {"DVPT256.rsp", 240, 160}, {"VADT128.rsp", 330, 0},   {"VADT192.rsp", 330, 0},
    {"VADT256.rsp", 330, 0},   {"VNT128.rsp", 70, 0},     {"VNT192.rsp", 70, 0},     {"VNT256.rsp", 70, 0},
    {"VPT128.rsp", 250, 0},    {"VPT192.rsp", 250, 0},    {"VPT256.rsp", 250, 0},    {"VTT128.rsp", 70, 0},
    {"VTT192.rsp", 70, 0},     {"VTT256.rsp", 70, 0},
};

// Case: a record with what stands above it: lengths and key are given once for many cases, in brackets or in records of
// their own. A field of length 0 is written as one byte.
class Case {
 public:
  Case(const RspRecord& record, const std::map<std::string, std::string>& above) : record_(record), above_(above) {}

  size_t number(const std::string& name) const {
    for (const auto& [key, value] : record_.section) {  // "[Alen = 0, Plen = 0]" is read as one value
      const std::string all = key + " = " + value + ",";
      const size_t at = all.find(name + " = ");
      if (at != std::string::npos) return std::stoull(all.substr(at + name.size() + 3));
    }
    return std::stoull(above_.at(name));
  }
  Bytes bytes(const std::string& name) const {
    return record_.has(name) ? record_.bytes(name) : from_hex(above_.at(name));
  }
  Bytes bytes(const std::string& name, size_t size) const {
    Bytes b = bytes(name);
    EXPECT_EQ(b.size(), size == 0 ? 1 : size) << record_.place;
    b.resize(size);
    return b;
  }

 private:
  const RspRecord& record_;
  const std::map<std::string, std::string>& above_;
};

TEST_P(Ccm, cavp) {
  for (const VectorFile& file : kFiles) {
    VectorCount count(GetParam(), file.name);
    std::map<std::string, std::string> above;
    for (const RspRecord& record : read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/ciphers/AES/CCM/") + file.name)) {
      if (!record.has("CT")) {
        for (const auto& [name, value] : record.fields) above[name] = value;
        continue;
      }
      const Case c(record, above);
      init(c.bytes("Key"));
      const size_t text_size = c.number("Plen"), tag_size = c.number("Tlen");
      const Bytes nonce = c.bytes("Nonce", c.number("Nlen")), aad = c.bytes("Adata", c.number("Alen"));
      const Bytes both = c.bytes("CT", text_size + tag_size);
      const auto end = both.begin() + static_cast<ptrdiff_t>(text_size);
      const Sealed sealed{Bytes(both.begin(), end), Bytes(end, both.end())};
      if (record.has("Result") && record.text("Result").starts_with("Fail")) {
        count.ran("forged");
        expect_refused(nonce, aad, sealed, record.place);
        continue;
      }
      count.ran("genuine");
      const Bytes plain = c.bytes("Payload", text_size);
      expect_seal(nonce, aad, plain, sealed, record.place);
      expect_open(nonce, aad, plain, sealed, record.place);
    }
    VectorCount::Counts expected{{"genuine", file.cases - file.forged}};
    if (file.forged != 0) expected["forged"] = file.forged;
    count.expect(expected);
  }
}

// SP 800-38C appendix C: examples 1 to 3, and 4 with 65,536 bytes of AAD, whose size takes six bytes.
TEST_P(Ccm, sp800_38c_examples) {
  struct Example {
    const char *nonce, *aad, *plain, *cipher, *tag;
  };
  const Example examples[] = {
      {"10111213141516", "0001020304050607", "20212223", "7162015b", "4dac255d"},
      {"1011121314151617", "000102030405060708090a0b0c0d0e0f", "202122232425262728292a2b2c2d2e2f",
       "d2a1f0e051ea5f62081a7792073d593d", "1fc64fbfaccd"},
      {"101112131415161718191a1b", "000102030405060708090a0b0c0d0e0f10111213",
       "202122232425262728292a2b2c2d2e2f3031323334353637", "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5",
       "484392fbc1b09951"},
  };
  init(from_hex("404142434445464748494a4b4c4d4e4f"));
  for (const Example& e : examples) {
    const Sealed sealed{from_hex(e.cipher), from_hex(e.tag)};
    expect_seal(from_hex(e.nonce), from_hex(e.aad), from_hex(e.plain), sealed, e.nonce);
    expect_open(from_hex(e.nonce), from_hex(e.aad), from_hex(e.plain), sealed, e.nonce);
  }
  Bytes aad(65536);
  for (size_t i = 0; i < aad.size(); ++i) aad[i] = static_cast<uint8_t>(i);
  const Sealed sealed{from_hex("69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72"),
                      from_hex("b4ac6bec93e8598e7f0dadbcea5b")};
  expect_seal(from_hex("101112131415161718191a1b1c"), aad,
              from_hex("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"), sealed, "example 4");
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(Ccm, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_ccm_test.json");
  VectorCount count(GetParam(), "aes_ccm_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      init(hex_field(test, "key"));
      const Bytes nonce = hex_field(test, "iv"), aad = hex_field(test, "aad"), plain = hex_field(test, "msg");
      const Sealed sealed{hex_field(test, "ct"), hex_field(test, "tag")};
      const auto flags = test.at("flags").get<std::set<std::string>>();
      if (test.at("result") == "valid") {
        count.ran("valid");
        expect_seal(nonce, aad, plain, sealed, case_name(test));
        expect_open(nonce, aad, plain, sealed, case_name(test));
      } else if (!flags.contains("ModifiedTag")) {
        count.ran("of a wrong size");
        EXPECT_FALSE(ccm_sizes_fit(input(nonce, aad, plain), sealed.tag.size())) << case_name(test);
      } else {
        count.ran("forged");
        expect_refused(nonce, aad, sealed, case_name(test));
      }
    }
  count.expect({{"valid", 405}, {"forged", 81}, {"of a wrong size", 66}});
}
#endif

TEST_P(Ccm, equals_libcrypto_for_every_length) {
  Guarded in_page(4096), out_page(4096), aad_page(4096), tag_page(4096);
  for (size_t size = 0; size <= 200; ++size) {
    const size_t tag_size = 4 + 2 * (rng_() % 7), aad_size = rng_() % 150;
    const Bytes raw = random_bytes(rng_, 16 + 8 * (size % 3)), nonce = random_bytes(rng_, 7 + rng_() % 7);
    const Bytes aad = random_bytes(rng_, aad_size), text = random_bytes(rng_, size);
    const Sealed expected = evp_ccm(raw, nonce, aad, text, tag_size);
    init(raw);
    for (const bool end : {false, true}) {
      uint8_t* const in = in_page.at(end, size);
      uint8_t* const out = out_page.at(end, size);
      uint8_t* const a = aad_page.at(end, aad_size);
      uint8_t* const tag = tag_page.at(end, tag_size);
      std::copy(text.begin(), text.end(), in);
      std::copy(aad.begin(), aad.end(), a);
      const CcmInput seal{nonce.data(), nonce.size(), a, aad_size, in, size};
      ccm_seal(key_, out, tag, tag_size, seal);
      ASSERT_TRUE(std::equal(expected.cipher.begin(), expected.cipher.end(), out)) << size;
      ASSERT_TRUE(std::equal(expected.tag.begin(), expected.tag.end(), tag)) << size;
      ccm_seal(key_, in, tag, tag_size, seal);
      ASSERT_TRUE(std::equal(expected.cipher.begin(), expected.cipher.end(), in)) << size;
      ASSERT_TRUE(ct::declassify(ccm_open(key_, out, tag, tag_size, seal))) << size;
      ASSERT_TRUE(std::equal(text.begin(), text.end(), out)) << size;
      ASSERT_TRUE(ct::declassify(ccm_open(key_, in, tag, tag_size, seal))) << size;
      ASSERT_TRUE(std::equal(text.begin(), text.end(), in)) << size;
    }
  }
}

TEST_P(Ccm, every_size_of_aad_around_its_encodings) {
  init(random_bytes(rng_, 16));
  const Bytes raw = random_bytes(rng_, 16), nonce = random_bytes(rng_, 11), text = random_bytes(rng_, 33);
  init(raw);
  std::vector<size_t> sizes{0xfefe, 0xfeff, 0xff00, 0xff01, 0xffff, 0x10000, 0x10001};
  for (size_t size = 0; size <= 130; ++size) sizes.push_back(size);
  for (const size_t size : sizes) {
    const Bytes aad = random_bytes(rng_, size);
    expect_seal(nonce, aad, text, evp_ccm(raw, nonce, aad, text, 16), std::to_string(size));
  }
}

TEST_P(Ccm, any_change_is_refused_and_leaves_no_text) {
  init(random_bytes(rng_, 32));
  const Bytes nonce = random_bytes(rng_, 13), aad = random_bytes(rng_, 9), text = random_bytes(rng_, 45);
  Sealed sealed{Bytes(text.size()), Bytes(10)};
  ccm_seal(key_, sealed.cipher.data(), sealed.tag.data(), sealed.tag.size(), input(nonce, aad, text));
  const auto flip = [](Bytes b, size_t bit) {
    b[bit / 8] = static_cast<uint8_t>(b[bit / 8] ^ 1u << bit % 8);
    return b;
  };
  for (size_t bit = 0; bit < 8 * nonce.size(); ++bit) expect_refused(flip(nonce, bit), aad, sealed, "nonce");
  for (size_t bit = 0; bit < 8 * aad.size(); ++bit) expect_refused(nonce, flip(aad, bit), sealed, "aad");
  for (size_t bit = 0; bit < 8 * text.size(); ++bit)
    expect_refused(nonce, aad, {flip(sealed.cipher, bit), sealed.tag}, "text");
  for (size_t bit = 0; bit < 8 * sealed.tag.size(); ++bit)
    expect_refused(nonce, aad, {sealed.cipher, flip(sealed.tag, bit)}, "tag");
}

TEST(CcmSizes, are_those_of_the_standard) {
  for (size_t nonce_size = 0; nonce_size <= 20; ++nonce_size)
    for (size_t tag_size = 0; tag_size <= 20; ++tag_size) {
      const bool fits = nonce_size >= 7 && nonce_size <= 13 && tag_size >= 4 && tag_size <= 16 && tag_size % 2 == 0;
      EXPECT_EQ(ccm_sizes_fit({nullptr, nonce_size, nullptr, 0, nullptr, 0}, tag_size), fits);
    }
  for (size_t nonce_size = 7; nonce_size <= 13; ++nonce_size) {
    const size_t q = 15 - nonce_size;
    const size_t most = q == 8 ? SIZE_MAX : (size_t{1} << 8 * q) - 1;
    EXPECT_TRUE(ccm_sizes_fit({nullptr, nonce_size, nullptr, 0, nullptr, most}, 16));
    if (q != 8) {
      EXPECT_FALSE(ccm_sizes_fit({nullptr, nonce_size, nullptr, 0, nullptr, most + 1}, 16));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, Ccm, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
