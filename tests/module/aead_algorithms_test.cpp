// SPDX-License-Identifier: Apache-2.0
// cm_aead_* with keys of every algorithm: sizes, indicators, and how the module makes IVs.
#include <cstring>
#include <random>

#include "tests/module/fixture.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {
namespace {

class AeadAlgorithms : public Operational {
 protected:
  cm_key import(uint32_t algorithm, const Bytes& raw, uint32_t regime = CM_IV_RANDOM, const Bytes& fixed = {},
                cm_rc expected = CM_OK) {
    cm_key_params params = key_params(algorithm);
    params.iv_regime = regime;
    if (!fixed.empty()) std::memcpy(params.iv_fixed, fixed.data(), fixed.size());
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), raw.size()), expected);
    return key;
  }
  cm_rc seal_with(cm_key key, const Bytes& iv, size_t tag_size, size_t size) {
    const Bytes plain(size, 7);
    Bytes out(size);
    uint8_t tag[32];
    return cm_aead_seal_caller_iv(session_, key, out.data(), size, iv.data(), iv.size(), tag, tag_size, nullptr, 0,
                                  plain.data(), size);
  }
  // round_trip: seal with the key's own IVs, open, open with one bit wrong. What the services said about approval.
  void round_trip(cm_key key, size_t tag_size, size_t size, cm_rc reason) {
    const Bytes plain = random_bytes(rng_, size), aad = random_bytes(rng_, size % 29);
    Bytes out(size), back(size, 0xee);
    uint8_t iv[12], tag[16];
    ASSERT_EQ(cm_aead_seal(session_, key, out.data(), size, iv, 12, tag, tag_size, aad.data(), aad.size(), plain.data(),
                           size),
              reason);
    const auto open = [&] {
      return cm_aead_open(session_, key, back.data(), size, iv, 12, tag, tag_size, aad.data(), aad.size(), out.data(),
                          size);
    };
    ASSERT_EQ(open(), reason);
    EXPECT_EQ(back, plain);
    tag[tag_size - 1] ^= 0x80;
    ASSERT_EQ(open(), CM_ERR_AUTH);
    EXPECT_EQ(back, Bytes(size, 0));
  }
  void destroy(cm_key key) { EXPECT_EQ(cm_key_destroy(session_, key), CM_OK); }
  std::mt19937_64 rng_{7};
};

TEST_F(AeadAlgorithms, round_trip_and_say_whether_they_are_approved) {
  for (const size_t size : {0, 1, 16, 100, 3000}) {
    const cm_key ccm = import(CM_ALG_AES_CCM, pattern(24));
    for (const size_t tag : {4, 6, 8, 10, 12, 14, 16}) round_trip(ccm, tag, size, CM_OK);
    const cm_key chacha = import(CM_ALG_CHACHA20_POLY1305, pattern(32), CM_IV_RANDOM, {}, CM_NOT_APPROVED_ALGORITHM);
    for (const size_t tag : {12, 13, 16}) round_trip(chacha, tag, size, CM_NOT_APPROVED_ALGORITHM);
    for (const size_t key_size : {16, 32}) {
      const cm_key siv = import(CM_ALG_AES_GCM_SIV, pattern(key_size), CM_IV_RANDOM, {}, CM_NOT_APPROVED_ALGORITHM);
      round_trip(siv, 16, size, CM_NOT_APPROVED_ALGORITHM);
      destroy(siv);
    }
    destroy(ccm);
    destroy(chacha);
  }
  const cm_key gmac = import(CM_ALG_AES_GMAC, pattern(32));
  round_trip(gmac, 16, 0, CM_OK);
  EXPECT_EQ(seal_with(gmac, pattern(12), 16, 0), CM_NOT_APPROVED_CALLER_IV);
  EXPECT_EQ(seal_with(gmac, pattern(12), 16, 1), CM_ERR_LENGTH) << "GMAC has no text";
  destroy(gmac);
}

TEST_F(AeadAlgorithms, agree_with_libcrypto) {
  for (const size_t key_size : {16, 24, 32}) {
    const Bytes raw = random_bytes(rng_, key_size);
    const cm_key key = import(CM_ALG_AES_CCM, raw);
    for (const size_t nonce_size : {7, 12, 13})
      for (const size_t size : {0, 15, 64, 777}) {
        const Bytes nonce = random_bytes(rng_, nonce_size), plain = random_bytes(rng_, size),
                    aad = random_bytes(rng_, size % 50);
        const Sealed expected = evp_ccm(raw, nonce, aad, plain, 8);
        Bytes out(size), tag(8);
        ASSERT_EQ(cm_aead_seal_caller_iv(session_, key, out.data(), size, nonce.data(), nonce_size, tag.data(), 8,
                                         aad.data(), aad.size(), plain.data(), size),
                  CM_OK)
            << "SP 800-38C leaves the nonce to the caller";
        EXPECT_EQ(out, expected.cipher);
        EXPECT_EQ(tag, expected.tag);
      }
    destroy(key);
  }
}

TEST_F(AeadAlgorithms, refuse_sizes_that_do_not_fit) {
  const cm_key ccm = import(CM_ALG_AES_CCM, pattern(16));
  for (const size_t n : {1, 6, 14, 16}) EXPECT_EQ(seal_with(ccm, pattern(n), 16, 1), CM_ERR_LENGTH) << n;
  for (const size_t tag : {0, 2, 3, 5, 7, 15, 17}) EXPECT_EQ(seal_with(ccm, pattern(12), tag, 1), CM_ERR_LENGTH) << tag;
  EXPECT_EQ(seal_with(ccm, pattern(13), 16, 65535), CM_OK);
  EXPECT_EQ(seal_with(ccm, pattern(13), 16, 65536), CM_ERR_LENGTH) << "two bytes for the length";
  const cm_key chacha = import(CM_ALG_CHACHA20_POLY1305, pattern(32), CM_IV_RANDOM, {}, CM_NOT_APPROVED_ALGORITHM);
  for (const size_t n : {8, 11, 13, 24}) EXPECT_EQ(seal_with(chacha, pattern(n), 16, 1), CM_ERR_LENGTH) << n;
  for (const size_t tag : {4, 11, 17}) EXPECT_EQ(seal_with(chacha, pattern(12), tag, 1), CM_ERR_LENGTH) << tag;
  EXPECT_EQ(seal_with(chacha, pattern(12), 16, 1), CM_NOT_APPROVED_ALGORITHM);
  const cm_key gcm = import(CM_ALG_AES_GCM, pattern(32));
  EXPECT_EQ(seal_with(gcm, pattern(12), 8, 1), CM_ERR_LENGTH);
  const cm_key siv = import(CM_ALG_AES_GCM_SIV, pattern(32), CM_IV_RANDOM, {}, CM_NOT_APPROVED_ALGORITHM);
  for (const size_t tag : {4, 12, 15, 17}) EXPECT_EQ(seal_with(siv, pattern(12), tag, 1), CM_ERR_LENGTH) << tag;
  for (const size_t n : {8, 11, 13}) EXPECT_EQ(seal_with(siv, pattern(n), 16, 1), CM_ERR_LENGTH) << n;
  destroy(siv);
  cm_key key{};
  cm_key_params params = key_params(CM_ALG_CHACHA20_POLY1305);
  EXPECT_EQ(cm_key_import(session_, &key, &params, pattern(16).data(), 16), CM_ERR_LENGTH);
  params = key_params(CM_ALG_AES_GCM_SIV);
  EXPECT_EQ(cm_key_import(session_, &key, &params, pattern(24).data(), 24), CM_ERR_LENGTH) << "RFC 8452 has no AES-192";
  destroy(ccm);
  destroy(chacha);
  destroy(gcm);
}

// ---- IVs

struct Ivs : AeadAlgorithms {
  Bytes next_iv(cm_key key) {
    Bytes iv(12);
    uint8_t tag[16];
    EXPECT_TRUE(CM_SUCCEEDED(cm_aead_seal(session_, key, nullptr, 0, iv.data(), 12, tag, 16, nullptr, 0, nullptr, 0)));
    return iv;
  }
};

TEST_F(Ivs, of_tls_1_2_are_the_salt_and_the_sequence_number) {
  const cm_key key = import(CM_ALG_AES_GCM, pattern(16), CM_IV_TLS12, {0xa, 0xb, 0xc, 0xd});
  for (uint8_t i = 0; i < 5; ++i) EXPECT_EQ(next_iv(key), (Bytes{0xa, 0xb, 0xc, 0xd, 0, 0, 0, 0, 0, 0, 0, i}));
  EXPECT_EQ(seal_with(key, pattern(12), 16, 0), CM_ERR_USAGE);
  destroy(key);
}

TEST_F(Ivs, of_tls_1_3_are_the_static_iv_xor_the_sequence_number) {
  const Bytes fixed = random_bytes(rng_, 12);
  for (const uint32_t algorithm : {CM_ALG_AES_GCM, CM_ALG_AES_CCM, CM_ALG_CHACHA20_POLY1305}) {
    const bool approved = algorithm != CM_ALG_CHACHA20_POLY1305;
    const cm_key key = import(algorithm, pattern(32), CM_IV_TLS13, fixed, approved ? CM_OK : CM_NOT_APPROVED_ALGORITHM);
    for (unsigned i = 0; i < 300; ++i) {
      Bytes expected = fixed;
      expected[11] = static_cast<uint8_t>(expected[11] ^ i);
      expected[10] = static_cast<uint8_t>(expected[10] ^ i >> 8);
      ASSERT_EQ(next_iv(key), expected) << i;
    }
    cm_key_attributes info{};
    info.struct_size = sizeof info;
    EXPECT_EQ(cm_key_info(session_, key, &info), CM_OK);
    EXPECT_EQ(info.seals, 300U);
    EXPECT_EQ(info.iv_regime, static_cast<uint32_t>(CM_IV_TLS13));
    destroy(key);
  }
}

TEST_F(Ivs, have_regimes_that_only_fitting_keys_may_have) {
  const auto make = [&](uint32_t algorithm, uint32_t regime, const Bytes& fixed, uint32_t flags) {
    cm_key_params params = key_params(algorithm);
    params.iv_regime = regime;
    params.flags = flags;
    std::memcpy(params.iv_fixed, fixed.data(), fixed.size());
    cm_key key{};
    const cm_rc rc = cm_key_import(session_, &key, &params, pattern(32).data(), 32);
    if (CM_SUCCEEDED(rc)) destroy(key);
    return rc;
  };
  const Bytes none(12), salt{1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}, full = pattern(12);
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_TLS12, salt, 0), CM_OK);
  EXPECT_EQ(make(CM_ALG_AES_CCM, CM_IV_TLS12, salt, 0), CM_OK);
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_TLS12, full, 0), CM_ERR_ARGUMENT) << "the salt has 4 bytes";
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_TLS12, salt, CM_KEY_EXPORTABLE), CM_ERR_ARGUMENT);
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_TLS13, full, CM_KEY_EXPORTABLE), CM_ERR_ARGUMENT);
  EXPECT_EQ(make(CM_ALG_CHACHA20_POLY1305, CM_IV_TLS12, salt, 0), CM_ERR_ARGUMENT) << "RFC 7905 has no explicit nonce";
  EXPECT_EQ(make(CM_ALG_AES_GMAC, CM_IV_TLS13, full, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(make(CM_ALG_AES_GCM_SIV, CM_IV_TLS13, full, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(make(CM_ALG_AES_CMAC, CM_IV_TLS13, full, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_COUNTER, salt, 0), CM_ERR_ARGUMENT) << "an imported key may have copies";
  EXPECT_EQ(make(CM_ALG_AES_GCM, CM_IV_RANDOM, salt, 0), CM_ERR_ARGUMENT) << "random IVs have no fixed part";
  EXPECT_EQ(make(CM_ALG_AES_GCM, 4, none, 0), CM_ERR_ARGUMENT);
}

TEST_F(Ivs, of_a_counter_serve_every_algorithm_of_keys_made_inside) {
  for (const uint32_t algorithm :
       {CM_ALG_AES_GCM, CM_ALG_AES_GMAC, CM_ALG_AES_CCM, CM_ALG_CHACHA20_POLY1305, CM_ALG_AES_GCM_SIV}) {
    cm_key_params params = key_params(algorithm, 256);
    params.iv_regime = CM_IV_COUNTER;
    std::memcpy(params.iv_fixed, "abcd", 4);
    cm_key key{};
    ASSERT_TRUE(CM_SUCCEEDED(cm_key_generate(session_, &key, &params)));
    EXPECT_EQ(next_iv(key), (Bytes{'a', 'b', 'c', 'd', 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(next_iv(key), (Bytes{'a', 'b', 'c', 'd', 0, 0, 0, 0, 0, 0, 0, 1}));
    destroy(key);
  }
}

}  // namespace
}  // namespace cm::test
