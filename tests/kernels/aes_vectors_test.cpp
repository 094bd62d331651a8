// SPDX-License-Identifier: Apache-2.0
// aes_vectors_test.cpp: NIST CAVP AES vectors (ECB: GFSbox, KeySbox, VarKey, VarTxt, MMT) from Debian's
// python3-cryptography-vectors, on every AES lane this CPU can run.
#include <gtest/gtest.h>

#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

struct VectorFile {
  const char* name;
  size_t cases;  // half of them encrypt
};
constexpr VectorFile kFiles[] = {
    {"ECBGFSbox128.rsp", 14},  {"ECBGFSbox192.rsp", 12},  {"ECBGFSbox256.rsp", 10},  {"ECBKeySbox128.rsp", 42},
    {"ECBKeySbox192.rsp", 48}, {"ECBKeySbox256.rsp", 32}, {"ECBMMT128.rsp", 20},     {"ECBMMT192.rsp", 20},
    {"ECBMMT256.rsp", 20},     {"ECBVarKey128.rsp", 256}, {"ECBVarKey192.rsp", 384}, {"ECBVarKey256.rsp", 512},
    {"ECBVarTxt128.rsp", 256}, {"ECBVarTxt192.rsp", 256}, {"ECBVarTxt256.rsp", 256},
};

class AesVectors : public testing::TestWithParam<Lane> {};

TEST_P(AesVectors, cavp_ecb) {
  for (const VectorFile& file : kFiles) {
    VectorCount count(GetParam(), file.name);
    for (const RspRecord& c : read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/ciphers/AES/ECB/") + file.name)) {
      const Bytes raw = c.bytes("KEY"), plain = c.bytes("PLAINTEXT"), cipher = c.bytes("CIPHERTEXT");
      AesKey key;
      ASSERT_EQ(aes_key_init(key, GetParam(), raw.data(), raw.size()), Status::kOk);
      Bytes out(plain.size());
      if (c.section.contains("ENCRYPT")) {
        aes_encrypt_blocks(key, out.data(), plain.data(), plain.size() / kAesBlock);
        EXPECT_EQ(out, cipher) << c.place;
        count.ran("encryption");
      } else {
        ASSERT_TRUE(c.section.contains("DECRYPT")) << c.place;
        aes_decrypt_blocks(key, out.data(), cipher.data(), cipher.size() / kAesBlock);
        EXPECT_EQ(out, plain) << c.place;
        count.ran("decryption");
      }
    }
    count.expect({{"encryption", file.cases / 2}, {"decryption", file.cases / 2}});
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, AesVectors, testing::ValuesIn(runnable_lanes(kAesKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
