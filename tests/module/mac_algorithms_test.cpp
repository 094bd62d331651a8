// SPDX-License-Identifier: Apache-2.0
// cm_mac_* with HMAC over every hash function and with KMAC: against libcrypto, at every size of MAC, in pieces, with
// customization, and what keys of other algorithms refuse.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/module/key_algorithms.h"
#include "tests/module/fixture.h"

namespace cm::test {
namespace {

using Bytes = std::vector<uint8_t>;
using MacAlgorithms = Operational;

Bytes by_libcrypto(const char* mac_name, std::vector<OSSL_PARAM> params, const Bytes& key, const Bytes& in,
                   size_t size) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, mac_name, nullptr);
  EVP_MAC_CTX* ctx = EVP_MAC_CTX_new(mac);
  params.push_back(OSSL_PARAM_construct_end());
  Bytes out(size);
  size_t written = 0;
  EXPECT_EQ(EVP_MAC_init(ctx, key.data(), key.size(), params.data()), 1) << mac_name;
  EXPECT_EQ(EVP_MAC_update(ctx, in.data(), in.size()), 1);
  EXPECT_EQ(EVP_MAC_final(ctx, out.data(), &written, size), 1);
  EXPECT_EQ(written, size);
  EVP_MAC_CTX_free(ctx);
  EVP_MAC_free(mac);
  return out;
}

Bytes hmac_oracle(HashId id, const Bytes& key, const Bytes& in) {
  std::string name = hash_row(id).name;
  return by_libcrypto("HMAC", {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0)}, key, in,
                      hash_row(id).digest_size);
}

Bytes kmac_oracle(uint32_t algorithm, const Bytes& key, const Bytes& in, std::string custom, size_t size) {
  const bool wide = algorithm == CM_ALG_KMAC256 || algorithm == CM_ALG_KMACXOF256;
  int xof = algorithm == CM_ALG_KMACXOF128 || algorithm == CM_ALG_KMACXOF256 ? 1 : 0;
  return by_libcrypto(
      wide ? "KMAC256" : "KMAC128",
      {OSSL_PARAM_construct_int(OSSL_MAC_PARAM_XOF, &xof), OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
       OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, custom.data(), custom.size())},
      key, in, size);
}

cm_key import(cm_session session, uint32_t algorithm, const Bytes& raw) {
  const cm_key_params params = key_params(algorithm);
  cm_key key{};
  EXPECT_EQ(cm_key_import(session, &key, &params, raw.data(), raw.size()), CM_OK) << algorithm;
  return key;
}

Bytes streamed(cm_session session, cm_mac mac, const Bytes& in, size_t size) {
  for (size_t at = 0; at < in.size(); at += 33)
    EXPECT_EQ(cm_mac_update(session, mac, in.data() + at, std::min<size_t>(33, in.size() - at)), CM_OK);
  Bytes out(size);
  EXPECT_EQ(cm_mac_final(session, mac, out.data(), size), CM_OK);
  return out;
}

// expect_mac: every service gives, or takes, this MAC.
void expect_mac(cm_session session, cm_key key, const Bytes& in, const Bytes& expected) {
  const size_t size = expected.size();
  Bytes out(size);
  ASSERT_EQ(cm_mac_compute(session, key, out.data(), size, in.data(), in.size()), CM_OK);
  EXPECT_EQ(out, expected);
  EXPECT_EQ(cm_mac_verify(session, key, out.data(), size, in.data(), in.size()), CM_OK);
  for (const size_t at : {size_t{0}, size - 1}) {
    Bytes wrong = out;
    wrong[at] ^= 0x80;
    EXPECT_EQ(cm_mac_verify(session, key, wrong.data(), size, in.data(), in.size()), CM_ERR_AUTH) << at;
  }
  cm_mac mac{};
  ASSERT_EQ(cm_mac_init(session, &mac, key), CM_OK);
  EXPECT_EQ(streamed(session, mac, in, size), expected);
  Bytes batch(size);
  cm_mac_job jobs[2] = {{key, batch.data(), size, in.data(), in.size(), CM_MAC_COMPUTE, 0},
                        {key, out.data(), size, in.data(), in.size(), CM_MAC_VERIFY, 0}};
  EXPECT_EQ(cm_mac_batch(session, jobs, 2), CM_OK);
  EXPECT_EQ(batch, expected);
}

TEST_F(MacAlgorithms, hmac_over_every_hash_agrees_with_libcrypto) {
  for (const KeyAlgorithmRow& row : kKeyAlgorithms) {
    if (row.form != KeyForm::kHmac) continue;
    const size_t digest = hash_row(row.hash).digest_size;
    for (const size_t key_size : {16, 64, 65, 136, 145, 300}) {
      const Bytes raw = pattern(key_size, 7), in = pattern(key_size * 2);
      const cm_key key = import(session_, row.algorithm, raw);
      const Bytes expected = hmac_oracle(row.hash, raw, in);
      for (const size_t size : {size_t{4}, digest / 2, digest})
        expect_mac(session_, key, in, Bytes(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(size)));
      Bytes out(digest + 1);
      EXPECT_EQ(cm_mac_compute(session_, key, out.data(), digest + 1, nullptr, 0), CM_ERR_LENGTH) << row.name;
      EXPECT_EQ(cm_mac_compute(session_, key, out.data(), 3, nullptr, 0), CM_ERR_LENGTH) << row.name;
      EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
    }
  }
}

TEST_F(MacAlgorithms, kmac_agrees_with_libcrypto_at_every_size) {
  for (const uint32_t algorithm : {CM_ALG_KMAC128, CM_ALG_KMAC256, CM_ALG_KMACXOF128, CM_ALG_KMACXOF256}) {
    for (const size_t key_size : {16, 32, 200, 512}) {
      const Bytes raw = pattern(key_size, 5), in = pattern(key_size);
      const cm_key key = import(session_, algorithm, raw);
      for (const size_t size : {4, 32, 64, 65, 500})
        expect_mac(session_, key, in, kmac_oracle(algorithm, raw, in, "", size));
      EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
    }
  }
}

// NIST's samples 1 and 2 of KMAC.
TEST_F(MacAlgorithms, kmac_samples_of_sp_800_185) {
  Bytes raw(32);
  for (size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<uint8_t>(0x40 + i);
  const Bytes in = {0, 1, 2, 3};
  const cm_key key = import(session_, CM_ALG_KMAC128, raw);
  expect_mac(session_, key, in,
             {0xe5, 0x78, 0x0b, 0x0d, 0x3e, 0xa6, 0xf7, 0xd3, 0xa4, 0x29, 0xc5, 0x70, 0x6a, 0xa4, 0x3a, 0x00,
              0xfa, 0xdb, 0xd7, 0xd4, 0x96, 0x28, 0x83, 0x9e, 0x31, 0x87, 0x24, 0x3f, 0x45, 0x6e, 0xe1, 0x4e});
  const std::string custom = "My Tagged Application";
  cm_mac mac{};
  ASSERT_EQ(cm_mac_init_custom(session_, &mac, key, custom.data(), custom.size()), CM_OK);
  EXPECT_EQ(streamed(session_, mac, in, 32),
            (Bytes{0x3b, 0x1f, 0xba, 0x96, 0x3c, 0xd8, 0xb0, 0xb5, 0x9e, 0x8c, 0x1a, 0x6d, 0x71, 0x88, 0x8b, 0x71,
                   0x43, 0x65, 0x1a, 0xf8, 0xba, 0x0a, 0x70, 0x70, 0xc0, 0x97, 0x9e, 0x28, 0x11, 0x32, 0x4a, 0xa5}));
}

TEST_F(MacAlgorithms, customization_is_for_kmac) {
  const Bytes raw = pattern(40, 5), in = pattern(100);
  for (const uint32_t algorithm : {CM_ALG_KMAC128, CM_ALG_KMAC256, CM_ALG_KMACXOF128, CM_ALG_KMACXOF256}) {
    const cm_key key = import(session_, algorithm, raw);
    for (const std::string custom :
         {"", "a", "a longer customization that does not end where a block ends ........."}) {
      cm_mac mac{};
      ASSERT_EQ(cm_mac_init_custom(session_, &mac, key, custom.data(), custom.size()), CM_OK);
      EXPECT_EQ(streamed(session_, mac, in, 48), kmac_oracle(algorithm, raw, in, custom, 48)) << custom;
    }
    cm_mac mac{};
    const Bytes long_custom(65537);
    EXPECT_EQ(cm_mac_init_custom(session_, &mac, key, long_custom.data(), long_custom.size()), CM_ERR_LENGTH);
    EXPECT_EQ(cm_mac_init_custom(session_, &mac, key, nullptr, 1), CM_ERR_NULL);
    EXPECT_EQ(cm_mac_init_custom(session_, nullptr, key, nullptr, 0), CM_ERR_NULL);
    EXPECT_EQ(cm_mac_init_custom(session_, &mac, key, &mac, sizeof mac), CM_ERR_OVERLAP);
  }
  cm_mac mac{};
  EXPECT_EQ(cm_mac_init_custom(session_, &mac, import_hmac(session_, raw), nullptr, 0), CM_ERR_USAGE);
  EXPECT_EQ(mac.v, 0U);
}

TEST_F(MacAlgorithms, short_keys_are_not_approved) {
  for (const uint32_t algorithm : {CM_ALG_HMAC_SHA1, CM_ALG_HMAC_SHA512, CM_ALG_HMAC_SHA3_256, CM_ALG_KMAC128}) {
    const cm_key_params params = key_params(algorithm);
    const Bytes raw = pattern(13);
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), raw.size()), CM_NOT_APPROVED_SHORT_KEY);
    uint8_t mac[16];
    EXPECT_EQ(cm_mac_compute(session_, key, mac, 16, nullptr, 0), CM_NOT_APPROVED_SHORT_KEY);
  }
}

}  // namespace
}  // namespace cm::test
