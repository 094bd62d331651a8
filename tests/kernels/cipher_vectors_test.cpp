// SPDX-License-Identifier: Apache-2.0
// cipher_vectors_test.cpp: NIST CAVP vectors (GFSbox, KeySbox, VarKey, VarTxt, MMT) and those of RFC 3686 from Debian's
// python3-cryptography-vectors through the streaming interface, on every AES lane this CPU can run; and of the external
// vectors Wycheproof and Botan for CBC and CBC with ciphertext stealing, BoringSSL for CTR.
#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "crypto/cipher/cipher.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

constexpr char kDirectory[] = CM_DEBIAN_VECTORS_DIR "/ciphers/AES/";

struct VectorFile {
  const char* name;
  CipherMode mode;
  size_t cases;
};
constexpr VectorFile kFiles[] = {
    {"CBC/CBCGFSbox128.rsp", CipherMode::kCbc, 14},        {"CBC/CBCGFSbox192.rsp", CipherMode::kCbc, 12},
    {"CBC/CBCGFSbox256.rsp", CipherMode::kCbc, 10},        {"CBC/CBCKeySbox128.rsp", CipherMode::kCbc, 42},
    {"CBC/CBCKeySbox192.rsp", CipherMode::kCbc, 48},       {"CBC/CBCKeySbox256.rsp", CipherMode::kCbc, 32},
    {"CBC/CBCMMT128.rsp", CipherMode::kCbc, 20},           {"CBC/CBCMMT192.rsp", CipherMode::kCbc, 20},
    {"CBC/CBCMMT256.rsp", CipherMode::kCbc, 20},           {"CBC/CBCVarKey128.rsp", CipherMode::kCbc, 256},
    {"CBC/CBCVarKey192.rsp", CipherMode::kCbc, 384},       {"CBC/CBCVarKey256.rsp", CipherMode::kCbc, 512},
    {"CBC/CBCVarTxt128.rsp", CipherMode::kCbc, 256},       {"CBC/CBCVarTxt192.rsp", CipherMode::kCbc, 256},
    {"CBC/CBCVarTxt256.rsp", CipherMode::kCbc, 256},       {"CFB/CFB128GFSbox128.rsp", CipherMode::kCfb128, 14},
    {"CFB/CFB128GFSbox192.rsp", CipherMode::kCfb128, 12},  {"CFB/CFB128GFSbox256.rsp", CipherMode::kCfb128, 10},
    {"CFB/CFB128KeySbox128.rsp", CipherMode::kCfb128, 42}, {"CFB/CFB128KeySbox192.rsp", CipherMode::kCfb128, 48},
    {"CFB/CFB128KeySbox256.rsp", CipherMode::kCfb128, 32}, {"CFB/CFB128MMT128.rsp", CipherMode::kCfb128, 20},
    {"CFB/CFB128MMT192.rsp", CipherMode::kCfb128, 20},     {"CFB/CFB128MMT256.rsp", CipherMode::kCfb128, 20},
    {"CFB/CFB128VarKey128.rsp", CipherMode::kCfb128, 256}, {"CFB/CFB128VarKey192.rsp", CipherMode::kCfb128, 384},
    {"CFB/CFB128VarKey256.rsp", CipherMode::kCfb128, 512}, {"CFB/CFB128VarTxt128.rsp", CipherMode::kCfb128, 256},
    {"CFB/CFB128VarTxt192.rsp", CipherMode::kCfb128, 256}, {"CFB/CFB128VarTxt256.rsp", CipherMode::kCfb128, 256},
    {"CFB/CFB8GFSbox128.rsp", CipherMode::kCfb8, 14},      {"CFB/CFB8GFSbox192.rsp", CipherMode::kCfb8, 12},
    {"CFB/CFB8GFSbox256.rsp", CipherMode::kCfb8, 10},      {"CFB/CFB8KeySbox128.rsp", CipherMode::kCfb8, 42},
    {"CFB/CFB8KeySbox192.rsp", CipherMode::kCfb8, 48},     {"CFB/CFB8KeySbox256.rsp", CipherMode::kCfb8, 32},
    {"CFB/CFB8MMT128.rsp", CipherMode::kCfb8, 20},         {"CFB/CFB8MMT192.rsp", CipherMode::kCfb8, 20},
    {"CFB/CFB8MMT256.rsp", CipherMode::kCfb8, 20},         {"CFB/CFB8VarKey128.rsp", CipherMode::kCfb8, 256},
    {"CFB/CFB8VarKey192.rsp", CipherMode::kCfb8, 384},     {"CFB/CFB8VarKey256.rsp", CipherMode::kCfb8, 512},
    {"CFB/CFB8VarTxt128.rsp", CipherMode::kCfb8, 256},     {"CFB/CFB8VarTxt192.rsp", CipherMode::kCfb8, 256},
    {"CFB/CFB8VarTxt256.rsp", CipherMode::kCfb8, 256},     {"ECB/ECBGFSbox128.rsp", CipherMode::kEcb, 14},
    {"ECB/ECBGFSbox192.rsp", CipherMode::kEcb, 12},        {"ECB/ECBGFSbox256.rsp", CipherMode::kEcb, 10},
    {"ECB/ECBKeySbox128.rsp", CipherMode::kEcb, 42},       {"ECB/ECBKeySbox192.rsp", CipherMode::kEcb, 48},
    {"ECB/ECBKeySbox256.rsp", CipherMode::kEcb, 32},       {"ECB/ECBMMT128.rsp", CipherMode::kEcb, 20},
    {"ECB/ECBMMT192.rsp", CipherMode::kEcb, 20},           {"ECB/ECBMMT256.rsp", CipherMode::kEcb, 20},
    {"ECB/ECBVarKey128.rsp", CipherMode::kEcb, 256},       {"ECB/ECBVarKey192.rsp", CipherMode::kEcb, 384},
    {"ECB/ECBVarKey256.rsp", CipherMode::kEcb, 512},       {"ECB/ECBVarTxt128.rsp", CipherMode::kEcb, 256},
    {"ECB/ECBVarTxt192.rsp", CipherMode::kEcb, 256},       {"ECB/ECBVarTxt256.rsp", CipherMode::kEcb, 256},
    {"OFB/OFBGFSbox128.rsp", CipherMode::kOfb, 14},        {"OFB/OFBGFSbox192.rsp", CipherMode::kOfb, 12},
    {"OFB/OFBGFSbox256.rsp", CipherMode::kOfb, 10},        {"OFB/OFBKeySbox128.rsp", CipherMode::kOfb, 42},
    {"OFB/OFBKeySbox192.rsp", CipherMode::kOfb, 48},       {"OFB/OFBKeySbox256.rsp", CipherMode::kOfb, 32},
    {"OFB/OFBMMT128.rsp", CipherMode::kOfb, 20},           {"OFB/OFBMMT192.rsp", CipherMode::kOfb, 20},
    {"OFB/OFBMMT256.rsp", CipherMode::kOfb, 20},           {"OFB/OFBVarKey128.rsp", CipherMode::kOfb, 256},
    {"OFB/OFBVarKey192.rsp", CipherMode::kOfb, 384},       {"OFB/OFBVarKey256.rsp", CipherMode::kOfb, 512},
    {"OFB/OFBVarTxt128.rsp", CipherMode::kOfb, 256},       {"OFB/OFBVarTxt192.rsp", CipherMode::kOfb, 256},
    {"OFB/OFBVarTxt256.rsp", CipherMode::kOfb, 256},       {"CTR/aes-128-ctr.txt", CipherMode::kCtr, 3},
    {"CTR/aes-192-ctr.txt", CipherMode::kCtr, 3},          {"CTR/aes-256-ctr.txt", CipherMode::kCtr, 3}};

Bytes crypt(Lane lane, CipherMode mode, Direction direction, const Bytes& raw, const Bytes& iv, const Bytes& in) {
  AesKey key;
  EXPECT_EQ(aes_key_init(key, lane, raw.data(), raw.size()), Status::kOk);
  CipherState state;
  cipher_init(state, key, mode, direction, iv.data());
  Bytes out(in.size() + kCipherMaxHeld);
  size_t size = cipher_update(state, out.data(), in.data(), in.size()), rest = 0;
  EXPECT_EQ(cipher_final(state, out.data() + size, &rest), Status::kOk);
  out.resize(size + rest);
  return out;
}

class CipherVectors : public testing::TestWithParam<Lane> {
 protected:
  // expect_both: either direction can be computed from a case of the other.
  void expect_both(CipherMode mode, const Bytes& key, const Bytes& iv, const Bytes& plain, const Bytes& cipher,
                   const std::string& place) {
    EXPECT_EQ(crypt(GetParam(), mode, Direction::kEncrypt, key, iv, plain), cipher) << place;
    EXPECT_EQ(crypt(GetParam(), mode, Direction::kDecrypt, key, iv, cipher), plain) << place;
  }
};

TEST_P(CipherVectors, cavp_and_rfc_3686) {
  for (const VectorFile& file : kFiles) {
    VectorCount count(GetParam(), file.name);
    for (const RspRecord& c : read_rsp_file(std::string(kDirectory) + file.name)) {
      const Bytes key = c.bytes("KEY"), iv = file.mode == CipherMode::kEcb ? Bytes{} : c.bytes("IV");
      const Bytes plain = c.bytes("PLAINTEXT"), cipher = c.bytes("CIPHERTEXT");
      const bool encrypts = c.section.contains("ENCRYPT");
      ASSERT_TRUE(encrypts || c.section.contains("DECRYPT")) << c.place;
      count.ran(encrypts ? "encryption" : "decryption");
      expect_both(file.mode, key, iv, plain, cipher, c.place);
    }
    if (file.mode == CipherMode::kCtr)
      count.expect({{"encryption", file.cases}});
    else
      count.expect({{"encryption", file.cases / 2}, {"decryption", file.cases / 2}});
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
// pad_pkcs7: the padding of PKCS #7 is not the module's; a case with it is taken with the padding added.
Bytes pad_pkcs7(Bytes text) {
  const size_t pad = kAesBlock - text.size() % kAesBlock;
  text.resize(text.size() + pad, static_cast<uint8_t>(pad));
  return text;
}
bool well_padded(const Bytes& text) {
  const size_t pad = text.empty() ? 0 : text.back();
  return pad != 0 && pad <= kAesBlock &&
         std::all_of(text.end() - static_cast<ptrdiff_t>(pad), text.end(), [&](uint8_t b) { return b == pad; });
}

// Invalid cases are so by their padding alone, which is seen after decryption.
TEST_P(CipherVectors, wycheproof_cbc_pkcs5) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_cbc_pkcs5_test.json");
  VectorCount count(GetParam(), "aes_cbc_pkcs5_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes key = hex_field(test, "key"), iv = hex_field(test, "iv"), cipher = hex_field(test, "ct");
      const std::string result = test.at("result");
      count.ran(result);
      if (result == "valid")
        expect_both(CipherMode::kCbc, key, iv, pad_pkcs7(hex_field(test, "msg")), cipher, case_name(test));
      else
        EXPECT_FALSE(well_padded(crypt(GetParam(), CipherMode::kCbc, Direction::kDecrypt, key, iv, cipher)))
            << case_name(test);
    }
  count.expect({{"valid", 72}, {"invalid", 144}});
}

TEST_P(CipherVectors, boringssl_ctr) {
  for (const auto& [name, cases] :
       {std::pair<const char*, size_t>{"aes_128_ctr.txt", 568}, {"aes_192_ctr.txt", 700}, {"aes_256_ctr.txt", 810}}) {
    VectorCount count(GetParam(), name);
    const std::string path = CRYPTOMOD_EXTRA_VECTORS "/boringssl/crypto/cipher/test/nist_cavp/";
    for (const RspRecord& c : read_rsp_file(path + name)) {
      count.ran(c.text("Operation"));
      expect_both(CipherMode::kCtr, c.bytes("Key"), c.bytes("IV"), c.bytes("Plaintext"), c.bytes("Ciphertext"),
                  c.place);
    }
    count.expect({{"ENCRYPT", cases / 2}, {"DECRYPT", cases / 2}});
  }
}

// Ciphertext stealing as Botan has it is CS3.
TEST_P(CipherVectors, botan_cbc) {
  VectorCount count(GetParam(), "cbc.vec");
  for (const RspRecord& c : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/botan/modes/cbc.vec")) {
    ASSERT_EQ(c.section.size(), 1u) << c.place;
    const std::string mode = c.section.begin()->first;
    if (!mode.starts_with("AES-")) {
      count.left_out(mode.substr(0, mode.find('/')) + ": no cipher of ours");
      continue;
    }
    count.ran(mode);
    const Bytes plain = c.bytes("In");
    expect_both(mode.ends_with("/CTS") ? CipherMode::kCbcCs3 : CipherMode::kCbc, c.bytes("Key"), c.bytes("Nonce"),
                mode.ends_with("/PKCS7") ? pad_pkcs7(plain) : plain, c.bytes("Out"), c.place);
  }
  count.expect({{"AES-128/CBC/PKCS7", 65},
                {"AES-128/CBC/NoPadding", 12},
                {"AES-192/CBC/NoPadding", 1},
                {"AES-256/CBC/NoPadding", 1},
                {"AES-128/CBC/CTS", 6}},
               {{"DES: no cipher of ours", 111},
                {"TripleDES: no cipher of ours", 2},
                {"CAST-128: no cipher of ours", 1},
                {"Blowfish: no cipher of ours", 1},
                {"Noekeon: no cipher of ours", 128},
                {"ARIA-256: no cipher of ours", 1}});
}
#endif

INSTANTIATE_TEST_SUITE_P(lanes, CipherVectors, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
