// SPDX-License-Identifier: Apache-2.0
// known_answers_test.cpp: every answer the self-tests compare with, computed again by libcrypto: a wrong constant that
// agreed with a wrong kernel would otherwise pass for a test.
#include "selftest/known_answers.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "crypto/gcm_siv/gcm_siv.h"
#include "tests/support/drbg_oracle.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/gcm_siv_oracle.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/rsp_file.h"

namespace cm::selftest {
namespace {

using test::Bytes;

template <size_t N>
Bytes bytes(const uint8_t (&array)[N]) {
  return Bytes(array, array + N);
}

Bytes pattern(size_t size, uint32_t seed) {
  Bytes out(size);
  known::fill_pattern(out.data(), size, seed);
  return out;
}

Bytes digest_of(const Bytes& message) {
  Bytes digest(32);
  EXPECT_EQ(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(), nullptr), 1);
  return digest;
}

Bytes ecb(const Bytes& key, const Bytes& in, int encrypt) {
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_ecb()
                             : key.size() == 24 ? EVP_aes_192_ecb()
                                                : EVP_aes_256_ecb();
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  Bytes out(in.size() + 16);
  int size = 0;
  EXPECT_EQ(EVP_CipherInit_ex(ctx, cipher, nullptr, key.data(), nullptr, encrypt), 1);
  EVP_CIPHER_CTX_set_padding(ctx, 0);
  EXPECT_EQ(EVP_CipherUpdate(ctx, out.data(), &size, in.data(), static_cast<int>(in.size())), 1);
  EVP_CIPHER_CTX_free(ctx);
  out.resize(static_cast<size_t>(size));
  return out;
}

struct Sealed {
  Bytes text;
  Bytes tag;
};

Sealed seal(const EVP_CIPHER* cipher, const Bytes& key, const Bytes& iv, const Bytes& aad, const Bytes& text) {
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  Sealed out{Bytes(text.size()), Bytes(16)};
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(ctx, cipher, nullptr, nullptr, nullptr), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()), nullptr), 1);
  EXPECT_EQ(EVP_EncryptInit_ex(ctx, nullptr, nullptr, key.data(), iv.data()), 1);
  EXPECT_EQ(EVP_EncryptUpdate(ctx, nullptr, &size, aad.data(), static_cast<int>(aad.size())), 1);
  EXPECT_EQ(EVP_EncryptUpdate(ctx, out.text.data(), &size, text.data(), static_cast<int>(text.size())), 1);
  EXPECT_EQ(EVP_EncryptFinal_ex(ctx, out.tag.data(), &size), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out.tag.data()), 1);
  EVP_CIPHER_CTX_free(ctx);
  return out;
}

Sealed gcm(const Bytes& key, const Bytes& iv, const Bytes& aad, const Bytes& text) {
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_gcm()
                             : key.size() == 24 ? EVP_aes_192_gcm()
                                                : EVP_aes_256_gcm();
  return seal(cipher, key, iv, aad, text);
}

Bytes wrap(const Bytes& key, const Bytes& plain) {
  EVP_CIPHER_CTX* ctx = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(plain.size() + 32);
  int size = 0;
  const EVP_CIPHER* cipher = key.size() == 24 ? EVP_aes_192_wrap_pad() : EVP_aes_256_wrap_pad();
  EXPECT_EQ(EVP_EncryptInit_ex(ctx, cipher, nullptr, key.data(), nullptr), 1);
  EXPECT_EQ(EVP_EncryptUpdate(ctx, out.data(), &size, plain.data(), static_cast<int>(plain.size())), 1);
  EVP_CIPHER_CTX_free(ctx);
  out.resize(static_cast<size_t>(size));
  return out;
}

TEST(KnownAnswers, pattern_is_the_linear_congruence) {
  for (const size_t size : {0u, 1u, 3u, 4u, 5u, 1391u}) {
    Bytes got(size + 1, 0x5a), expected(size + 1, 0x5a);
    known::fill_pattern(got.data(), size, 77);
    uint32_t word = 77;
    for (size_t i = 0; i < size; ++i) expected[i] = static_cast<uint8_t>((word = word * 1664525u + 1013904223u) >> 24);
    EXPECT_EQ(got, expected) << size;
  }
}

TEST(KnownAnswers, sha_256) {
  EXPECT_EQ(digest_of(bytes(known::kSha256Message)), bytes(known::kSha256Digest));
  Bytes second(sizeof known::kSha256Message);
  known::fill_pattern(second.data(), second.size(), known::kSha256SecondSeed);
  EXPECT_EQ(digest_of(second), bytes(known::kSha256SecondDigest));
}

TEST(KnownAnswers, hmac_sha_256) {
  const Bytes key(known::kHmacKeySize, known::kHmacKeyByte);
  const std::string message = known::kHmacMessage;
  Bytes mac(32);
  ASSERT_NE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                 reinterpret_cast<const uint8_t*>(message.data()), message.size(), mac.data(), nullptr),
            nullptr);
  EXPECT_EQ(mac, bytes(known::kHmacMac));
}

Bytes digest_by(const char* name, const Bytes& message, size_t xof_size = 0) {
  EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  Bytes out(xof_size != 0 ? xof_size : static_cast<size_t>(EVP_MD_get_size(md)));
  EXPECT_EQ(EVP_DigestInit_ex(ctx, md, nullptr), 1);
  EXPECT_EQ(EVP_DigestUpdate(ctx, message.data(), message.size()), 1);
  EXPECT_EQ(
      xof_size != 0 ? EVP_DigestFinalXOF(ctx, out.data(), xof_size) : EVP_DigestFinal_ex(ctx, out.data(), nullptr), 1);
  EVP_MD_CTX_free(ctx);
  EVP_MD_free(md);
  return out;
}

// mac_by: parameter is that of the MAC that names or sizes it.
Bytes mac_by(const char* name, OSSL_PARAM parameter, const Bytes& key, const Bytes& message) {
  const OSSL_PARAM params[] = {parameter, OSSL_PARAM_construct_end()};
  Bytes out(64);
  size_t size = 0;
  EXPECT_NE(EVP_Q_mac(nullptr, name, nullptr, nullptr, params, key.data(), key.size(), message.data(), message.size(),
                      out.data(), out.size(), &size),
            nullptr);
  out.resize(size);
  return out;
}

TEST(KnownAnswers, hash) {
  const Bytes message = pattern(known::kHashSize, known::kHashSeed);
  EXPECT_EQ(digest_by("SHA1", message), bytes(known::kSha1Digest));
  EXPECT_EQ(digest_by("SHA512", message), bytes(known::kSha512Digest));
  EXPECT_EQ(digest_by("SHA3-256", message), bytes(known::kSha3Digest));
  const Bytes out = digest_by("SHAKE128", message, 400);
  EXPECT_EQ(Bytes(out.end() - sizeof known::kShakeOutput, out.end()), bytes(known::kShakeOutput));
  const auto digests_by = [&](std::initializer_list<const char*> names) {
    Bytes all;
    for (const char* name : names) {
      for (size_t i = 0; i < known::kHashMultiJobs; ++i) {
        const auto from = message.begin() + static_cast<ptrdiff_t>(i);
        const Bytes digest = digest_by(name, Bytes(from, from + static_cast<ptrdiff_t>(known::kHashMultiStep * i)));
        all.insert(all.end(), digest.begin(), digest.end());
      }
      const std::string_view hash = name;
      const size_t few = hash == "SHA512" || hash == "SHA3-256" ? 4 : 8;
      for (size_t i = 0; i < few; ++i) {
        const auto from = message.begin() + static_cast<ptrdiff_t>(i);
        const Bytes text(from, from + static_cast<ptrdiff_t>(known::kHashFewSize));
        const Bytes digest = hash == "SHA3-256" ? digest_by("SHAKE128", text, 32) : digest_by(name, text);
        all.insert(all.end(), digest.begin(), digest.end());
      }
    }
    return all;
  };
  EXPECT_EQ(digest_by("SHA3-256", digests_by({"SHA3-256"})), bytes(known::kSha3MultiDigest));
  EXPECT_EQ(digest_by("SHA256", digests_by({"SHA1", "SHA256", "SHA512"})), bytes(known::kShaMultiDigest));
}

TEST(KnownAnswers, hmac_of_other_hashes_and_kmac) {
  const Bytes message = pattern(known::kHashSize, known::kHashSeed);
  const Bytes key = pattern(known::kHashKeySize, known::kHashKeySeed);
  const auto hmac = [&](std::string name) {
    return mac_by("HMAC", OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0), key, message);
  };
  EXPECT_EQ(hmac("SHA1"), bytes(known::kHmacSha1Mac));
  EXPECT_EQ(hmac("SHA512"), bytes(known::kHmacSha512Mac));
  EXPECT_EQ(hmac("SHA3-256"), bytes(known::kHmacSha3Mac));
  Bytes all;
  for (const HashId id : {HashId::kSha1, HashId::kSha256, HashId::kSha384, HashId::kSha512, HashId::kSha3_256})
    for (size_t i = 0; i < known::kHashMultiJobs; ++i) {
      const auto from = message.begin() + static_cast<ptrdiff_t>(i);
      const Bytes mac = test::evp_hmac(id, key, Bytes(from, from + static_cast<ptrdiff_t>(known::kHmacMultiStep * i)));
      all.insert(all.end(), mac.begin(), mac.end());
    }
  EXPECT_EQ(digest_of(all), bytes(known::kHmacMultiDigest));
  size_t size = sizeof known::kKmacMac;
  EXPECT_EQ(mac_by("KMAC128", OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), key, message),
            bytes(known::kKmacMac));
}

TEST(KnownAnswers, aes) {
  for (const known::AesAnswer& answer : known::kAesAnswers) {
    Bytes key(answer.key_size);
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
    const Bytes wide = pattern(16 * known::kAesWideBlocks, known::kAesWideSeed);
    EXPECT_EQ(ecb(key, bytes(known::kAesPlain), 1), bytes(answer.cipher));
    EXPECT_EQ(digest_of(ecb(key, wide, 1)), bytes(answer.wide_encrypted));
    EXPECT_EQ(digest_of(ecb(key, wide, 0)), bytes(answer.wide_decrypted));
  }
}

TEST(KnownAnswers, aes_gcm) {
  for (const known::GcmAnswer& answer : known::kGcmAnswers) {
    const uint32_t size = answer.key_size;
    const Bytes key = pattern(size, known::kGcmKeySeed + size);
    const Bytes iv = pattern(answer.iv_size, known::kGcmIvSeed + size);
    const Bytes aad = pattern(answer.aad_size, known::kGcmAadSeed + size);
    const Bytes text = pattern(answer.text_size, known::kGcmTextSeed + size);
    const Sealed sealed = gcm(key, iv, aad, text);
    EXPECT_EQ(sealed.tag, bytes(answer.seal_tag));
    EXPECT_EQ(digest_of(sealed.text), bytes(answer.seal_digest));
    // Counter mode is its own inverse: what seals to the pattern is the pattern sealed.
    const Sealed back = gcm(key, iv, aad, sealed.text);
    ASSERT_EQ(back.text, text);
    EXPECT_EQ(back.tag, bytes(answer.open_tag));
    EXPECT_EQ(digest_of(sealed.text), bytes(answer.open_digest));
  }
}

TEST(KnownAnswers, aes_gcm_siv) {
  const test::GcmSivOracle rfc(bytes(known::kGcmSivRfcKey), bytes(known::kGcmSivRfcNonce));
  const test::Sealed last = rfc.seal(bytes(known::kGcmSivRfcAad), bytes(known::kGcmSivRfcPlain));
  EXPECT_EQ(last.cipher, bytes(known::kGcmSivRfcCipher));
  EXPECT_EQ(last.tag, bytes(known::kGcmSivRfcTag));
  for (const known::GcmSivAnswer& answer : known::kGcmSivAnswers) {
    const uint32_t size = answer.key_size;
    const test::GcmSivOracle oracle(pattern(size, known::kGcmSivKeySeed + size),
                                    pattern(kGcmSivNonce, known::kGcmSivNonceSeed + size));
    const Bytes text = pattern(answer.text_size, known::kGcmSivTextSeed + size);
    const auto aad = [&](Bytes first) {
      const Bytes rest = pattern(answer.aad_size, known::kGcmSivAadSeed + size);
      first.insert(first.end(), rest.begin(), rest.end());
      return first;
    };
    const test::Sealed sealed = oracle.seal(aad(bytes(answer.seal_aad)), text);
    EXPECT_EQ(sealed.tag, bytes(answer.seal_tag));
    EXPECT_EQ(digest_of(sealed.cipher), bytes(answer.seal_digest));
    const Bytes plain = oracle.crypt(bytes(answer.open_tag), text);
    EXPECT_EQ(oracle.tag(aad(bytes(answer.open_aad)), plain), bytes(answer.open_tag));
    EXPECT_EQ(digest_of(plain), bytes(answer.open_digest));
    // The counter wraps after the first block at the earliest, before the last at the latest.
    for (const auto* tag : {answer.seal_tag, answer.open_tag}) {
      const uint32_t before_wrap =
          0 - (tag[0] | uint32_t{tag[1]} << 8 | uint32_t{tag[2]} << 16 | uint32_t{tag[3]} << 24);
      EXPECT_GT(before_wrap, 0u);
      EXPECT_LT(before_wrap, (answer.text_size + 15u) / 16);
    }
  }
}

TEST(KnownAnswers, chacha20_poly1305) {
  const std::string plain = known::kChaChaRfcPlain;
  const Sealed rfc = seal(EVP_chacha20_poly1305(), bytes(known::kChaChaRfcKey), bytes(known::kChaChaRfcIv),
                          bytes(known::kChaChaRfcAad), Bytes(plain.begin(), plain.end()));
  EXPECT_EQ(rfc.text, bytes(known::kChaChaRfcCipher));
  EXPECT_EQ(rfc.tag, bytes(known::kChaChaRfcTag));
  const Bytes key = pattern(32, known::kChaChaKeySeed), iv = pattern(12, known::kChaChaIvSeed);
  for (const known::ChaChaAnswer& answer : known::kChaChaAnswers) {
    const Bytes aad = pattern(answer.aad_size, known::kChaChaAadSeed);
    const Bytes text = pattern(answer.text_size, known::kChaChaTextSeed);
    const Sealed sealed = seal(EVP_chacha20_poly1305(), key, iv, aad, text);
    EXPECT_EQ(sealed.tag, bytes(answer.seal_tag));
    EXPECT_EQ(digest_of(sealed.text), bytes(answer.digest));
    // A stream cipher is its own inverse: what seals to the pattern is the pattern sealed.
    const Sealed back = seal(EVP_chacha20_poly1305(), key, iv, aad, sealed.text);
    ASSERT_EQ(back.text, text);
    EXPECT_EQ(back.tag, bytes(answer.open_tag));
  }
}

TEST(KnownAnswers, aes_kwp) {
  const Bytes key = bytes(known::kKwpKey192);
  EXPECT_EQ(wrap(key, bytes(known::kKwpPlain20)), bytes(known::kKwpWrapped20));
  EXPECT_EQ(wrap(key, bytes(known::kKwpPlain7)), bytes(known::kKwpWrapped7));
  EXPECT_EQ(wrap(pattern(32, known::kKwpKeySeed), pattern(known::kKwpPlain256Size, known::kKwpPlainSeed)),
            bytes(known::kKwpWrapped256));
}

TEST(KnownAnswers, aes_kw) {
  for (const known::KwAnswer& answer : known::kKwAnswers) {
    Bytes key(answer.key_size), plain = bytes(known::kKwPlain), wrapped = bytes(answer.wrapped);
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(i);
    plain.resize(answer.plain_size);
    wrapped.resize(plain.size() + 8);
    EXPECT_EQ(test::evp_aes("WRAP", key, {}, plain, true), wrapped);
  }
}

TEST(KnownAnswers, aes_modes) {
  using test::evp_aes;
  for (const known::ModeAnswer& a : known::kModeAnswers) {
    const uint32_t size = a.key_size;
    const Bytes key = pattern(size, known::kModeKeySeed + size), iv = pattern(16, known::kModeIvSeed + size);
    const auto text = [&](size_t n) { return pattern(n, known::kModeTextSeed + size); };
    const Bytes serial = text(known::kModeSerialSize), wide = text(known::kModeWideSize);
    const Bytes cut = text(known::kModeCutSize), octets = text(known::kModeCfb8Size);
    EXPECT_EQ(digest_of(evp_aes("CBC", key, iv, serial, true)), bytes(a.cbc_encrypted));
    EXPECT_EQ(digest_of(evp_aes("CBC", key, iv, wide, false)), bytes(a.cbc_decrypted));
    EXPECT_EQ(digest_of(evp_aes("CBC-CTS", key, iv, cut, true, "CS3")), bytes(a.cs3_encrypted));
    EXPECT_EQ(digest_of(evp_aes("CBC-CTS", key, iv, cut, false, "CS3")), bytes(a.cs3_decrypted));
    EXPECT_EQ(digest_of(evp_aes("CFB", key, iv, serial, true)), bytes(a.cfb128_encrypted));
    EXPECT_EQ(digest_of(evp_aes("CFB", key, iv, wide, false)), bytes(a.cfb128_decrypted));
    EXPECT_EQ(digest_of(evp_aes("CFB8", key, iv, octets, true)), bytes(a.cfb8_encrypted));
    EXPECT_EQ(digest_of(evp_aes("CFB8", key, iv, octets, false)), bytes(a.cfb8_decrypted));
    EXPECT_EQ(digest_of(evp_aes("OFB", key, iv, serial, true)), bytes(a.ofb));
    Bytes counter = iv;
    std::copy(std::begin(known::kModeCounterEnd), std::end(known::kModeCounterEnd), counter.begin() + 8);
    EXPECT_EQ(digest_of(evp_aes("CTR", key, counter, wide, true)), bytes(a.ctr));
    counter = iv;
    counter[15] = known::kModeCtrLongStart;
    EXPECT_EQ(digest_of(evp_aes("CTR", key, counter, text(known::kModeCtrLongSize), true)), bytes(a.ctr_long));
  }
}

TEST(KnownAnswers, aes_xts) {
  for (const known::XtsAnswer& answer : known::kXtsAnswers) {
    const uint32_t size = answer.key_size;
    const Bytes key = pattern(size, known::kXtsKeySeed + size), i = pattern(16, known::kXtsTweakSeed + size);
    const Bytes text = pattern(known::kXtsTextSize, known::kXtsTextSeed + size);
    EXPECT_EQ(digest_of(test::evp_aes("XTS", key, i, text, true)), bytes(answer.encrypted));
    EXPECT_EQ(digest_of(test::evp_aes("XTS", key, i, text, false)), bytes(answer.decrypted));
  }
}

TEST(KnownAnswers, aes_cmac) {
  for (const known::CmacAnswer& answer : known::kCmacAnswers) {
    Bytes key = bytes(answer.key);
    key.resize(answer.key_size);
    EXPECT_EQ(test::evp_cmac(key, bytes(known::kCmacMessage)), bytes(answer.tag));
  }
}

TEST(KnownAnswers, aes_ccm) {
  for (const known::CcmAnswer& answer : known::kCcmAnswers) {
    const uint32_t size = answer.key_size;
    const Bytes key = pattern(size, known::kCcmKeySeed + size);
    const Bytes nonce = pattern(known::kCcmNonceSize, known::kCcmNonceSeed + size);
    const Bytes aad = pattern(known::kCcmAadSize, known::kCcmAadSeed + size);
    const Bytes text = pattern(known::kCcmTextSize, known::kCcmTextSeed + size);
    const test::Sealed sealed = test::evp_ccm(key, nonce, aad, text, 16);
    EXPECT_EQ(sealed.tag, bytes(answer.seal_tag));
    EXPECT_EQ(digest_of(sealed.cipher), bytes(answer.digest));
    // Counter mode is its own inverse: what seals to the pattern is the pattern sealed.
    const test::Sealed back = test::evp_ccm(key, nonce, aad, sealed.cipher, 16);
    ASSERT_EQ(back.cipher, text);
    EXPECT_EQ(back.tag, bytes(answer.open_tag));
  }
}

TEST(KnownAnswers, aes_multi) {
  for (const known::MultiAnswer& answer : known::kMultiAnswers) {
    const uint32_t seed = uint32_t{answer.key_size} + answer.text_size;
    const Bytes key = pattern(answer.key_size, known::kMultiKeySeed + seed);
    const Bytes iv = pattern(16, known::kMultiIvSeed + seed);
    const Bytes nonce = pattern(known::kMultiNonceSize, known::kMultiNonceSeed + seed);
    const Bytes aad = pattern(known::kMultiAadSize, known::kMultiAadSeed + seed);
    const Bytes text = pattern(answer.text_size, known::kMultiTextSeed + seed);
    const Bytes blocks = pattern(answer.text_size / 16 * 16, known::kMultiTextSeed + seed);
    EXPECT_EQ(digest_of(test::evp_aes("CBC", key, iv, blocks, true)), bytes(answer.cbc_digest));
    EXPECT_EQ(test::evp_cmac(key, text), bytes(answer.cmac_tag));
    const test::Sealed sealed = test::evp_ccm(key, nonce, aad, text, 16);
    EXPECT_EQ(sealed.tag, bytes(answer.ccm_seal_tag));
    EXPECT_EQ(digest_of(sealed.cipher), bytes(answer.ccm_digest));
    // Counter mode is its own inverse: what seals to the pattern is the pattern sealed.
    const test::Sealed back = test::evp_ccm(key, nonce, aad, sealed.cipher, 16);
    ASSERT_EQ(back.cipher, text);
    EXPECT_EQ(back.tag, bytes(answer.ccm_open_tag));
  }
}

TEST(KnownAnswers, pbkdf2) {
  const Bytes password = pattern(known::kPbkdf2PasswordSize, known::kPbkdf2PasswordSeed);
  const Bytes salt = pattern(known::kPbkdf2SaltSize, known::kPbkdf2SaltSeed);
  Bytes key(sizeof known::kPbkdf2Key);
  ASSERT_EQ(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                              salt.data(), static_cast<int>(salt.size()), known::kPbkdf2Iterations, EVP_sha256(),
                              static_cast<int>(key.size()), key.data()),
            1);
  EXPECT_EQ(key, bytes(known::kPbkdf2Key));
  Bytes all;
  const EVP_MD* const hashes[] = {EVP_sha1(), EVP_sha256(), EVP_sha512()};
  for (size_t i = 0; i < std::size(hashes); ++i) {
    Bytes out(known::kPbkdf2MultiSize[i]);
    ASSERT_EQ(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                                salt.data(), static_cast<int>(salt.size()), known::kPbkdf2Iterations, hashes[i],
                                static_cast<int>(out.size()), out.data()),
              1);
    all.insert(all.end(), out.begin(), out.end());
  }
  EXPECT_EQ(digest_of(all), bytes(known::kPbkdf2MultiDigest));
}

TEST(KnownAnswers, ctr_drbg) {
  const Bytes seed = pattern(48, known::kDrbgSeedSeed);
  test::DrbgOracle instantiated(seed, pattern(48, known::kDrbgPersonalizationSeed));
  EXPECT_EQ(instantiated.generate(sizeof known::kDrbgInstantiated, {}), bytes(known::kDrbgInstantiated));
  test::DrbgOracle reseeded(seed, {});
  reseeded.reseed(pattern(48, known::kDrbgReseedSeed), pattern(48, known::kDrbgAdditionalSeed));
  EXPECT_EQ(reseeded.generate(sizeof known::kDrbgReseeded, {}), bytes(known::kDrbgReseeded));
  test::DrbgOracle cavp(bytes(known::kDrbgCavpEntropy), bytes(known::kDrbgCavpPersonalization));
  cavp.reseed(bytes(known::kDrbgCavpReseed), bytes(known::kDrbgCavpReseedInput));
  cavp.generate(sizeof known::kDrbgCavpOutput, bytes(known::kDrbgCavpInput1));
  EXPECT_EQ(cavp.generate(sizeof known::kDrbgCavpOutput, bytes(known::kDrbgCavpInput2)), bytes(known::kDrbgCavpOutput));
}

}  // namespace
}  // namespace cm::selftest
