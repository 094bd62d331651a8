// SPDX-License-Identifier: Apache-2.0
// known_answers_kdf_test.cpp: the answers of the self-tests of key derivation, computed again by libcrypto, as
// known_answers_test.cpp does for the others.
#include <gtest/gtest.h>

#include "selftest/known_answers.h"
#include "tests/support/derived.h"
#include "tests/support/hash_oracle.h"

namespace cm::selftest {
namespace {

using test::ascii;
using test::Bytes;
using test::joined;
using test::KdfOracle;

template <size_t N>
Bytes bytes(const uint8_t (&array)[N]) {
  return Bytes(array, array + N);
}
Bytes pattern(size_t size, uint32_t seed) {
  Bytes out(size);
  known::fill_pattern(out.data(), size, seed);
  return out;
}
Bytes counting(size_t size, uint8_t first) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(first + i);
  return out;
}

class KnownAnswersKdf : public testing::Test {
 protected:
  KdfOracle kbkdf(const char* mode, const Bytes& key) const {
    KdfOracle oracle("KBKDF");
    oracle.text("mode", mode).bytes("key", key).bytes("salt", label_).bytes("info", context_);
    return oracle;
  }
  KdfOracle of_secret(const char* name) const {
    KdfOracle oracle(name);
    oracle.bytes("key", secret_).bytes("info", context_);
    return oracle;
  }
  Bytes hmac(const Bytes& message) const { return test::evp_hmac(HashId::kSha256, secret_, message); }

  static constexpr size_t kSize = known::kKdfSize;
  const Bytes secret_ = pattern(known::kKdfSecretSize, known::kKdfSecretSeed);
  const Bytes salt_ = pattern(known::kKdfSaltSize, known::kKdfSaltSeed);
  const Bytes label_ = pattern(known::kKdfLabelSize, known::kKdfLabelSeed);
  const Bytes context_ = pattern(known::kKdfContextSize, known::kKdfContextSeed);
};

TEST_F(KnownAnswersKdf, hkdf_and_tls) {
  KdfOracle hkdf("HKDF");
  hkdf.hash(HashId::kSha256).bytes("key", Bytes(known::kHkdfSecretSize, known::kHkdfSecretByte));
  hkdf.bytes("salt", counting(known::kHkdfSaltSize, known::kHkdfSaltFirst));
  hkdf.bytes("info", counting(known::kHkdfInfoSize, known::kHkdfInfoFirst));
  EXPECT_EQ(hkdf.derive(sizeof known::kHkdfKey), bytes(known::kHkdfKey));
  KdfOracle tls13("TLS13-KDF");
  tls13.hash(HashId::kSha256).text("mode", "EXPAND_ONLY").bytes("key", bytes(known::kTls13Secret));
  tls13.bytes("prefix", ascii("tls13 ")).bytes("label", ascii(known::kTls13Label));
  tls13.bytes("data", bytes(known::kTls13Context));
  EXPECT_EQ(tls13.derive(sizeof known::kTls13Key), bytes(known::kTls13Key));
  KdfOracle tls12("TLS1-PRF");
  tls12.hash(HashId::kSha256).bytes("secret", secret_).bytes("seed", joined({label_, context_}));
  EXPECT_EQ(tls12.derive(kSize), bytes(known::kTls12PrfKey));
}

TEST_F(KnownAnswersKdf, kbkdf) {
  const auto with_hmac = [&](const char* mode) {
    KdfOracle oracle = kbkdf(mode, secret_);
    oracle.text("mac", "HMAC").hash(HashId::kSha256);
    return oracle;
  };
  EXPECT_EQ(with_hmac("counter").derive(kSize), bytes(known::kKbkdfCounterKey));
  EXPECT_EQ(with_hmac("feedback").bytes("seed", pattern(known::kKdfIvSize, known::kKdfIvSeed)).derive(kSize),
            bytes(known::kKbkdfFeedbackKey));
  EXPECT_EQ(kbkdf("counter", secret_).text("mac", "CMAC").text("cipher", "AES-256-CBC").derive(kSize),
            bytes(known::kKbkdfCmacKey));
  // libcrypto has no double-pipeline mode: section 4.3 step by step.
  const Bytes fixed = joined({label_, {0}, context_, test::big_endian(8 * kSize, 4)});
  const Bytes a1 = hmac(fixed), a2 = hmac(a1);
  Bytes key = joined({hmac(joined({a1, test::big_endian(1, 4), fixed})), hmac(joined({a2, {0, 0, 0, 2}, fixed}))});
  key.resize(kSize);
  EXPECT_EQ(key, bytes(known::kKbkdfPipelineKey));
}

TEST_F(KnownAnswersKdf, kbkdf_with_kmac) {
  Bytes custom = label_, key(kSize);
  size_t size = kSize, written = 0;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, custom.data(), custom.size()),
                               OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  ASSERT_NE(EVP_Q_mac(nullptr, "KMAC128", nullptr, nullptr, params, secret_.data(), secret_.size(), context_.data(),
                      context_.size(), key.data(), key.size(), &written),
            nullptr);
  EXPECT_EQ(key, bytes(known::kKbkdfKmacKey));
}

TEST_F(KnownAnswersKdf, one_step_and_two_step) {
  EXPECT_EQ(of_secret("SSKDF").hash(HashId::kSha256).derive(kSize), bytes(known::kOneStepHashKey));
  EXPECT_EQ(of_secret("SSKDF").text("mac", "HMAC").hash(HashId::kSha256).bytes("salt", salt_).derive(kSize),
            bytes(known::kOneStepHmacKey));
  EXPECT_EQ(of_secret("SSKDF").text("mac", "KMAC128").bytes("salt", salt_).derive(kSize),
            bytes(known::kOneStepKmacKey));
  EXPECT_EQ(kbkdf("counter", test::evp_hmac(HashId::kSha256, salt_, secret_))
                .text("mac", "HMAC")
                .hash(HashId::kSha256)
                .derive(kSize),
            bytes(known::kTwoStepHmacKey));
  EXPECT_EQ(
      kbkdf("counter", test::evp_cmac(salt_, secret_)).text("mac", "CMAC").text("cipher", "AES-128-CBC").derive(kSize),
      bytes(known::kTwoStepCmacKey));
}

TEST_F(KnownAnswersKdf, x963_and_ssh) {
  EXPECT_EQ(of_secret("X963KDF").hash(HashId::kSha256).derive(kSize), bytes(known::kX963Key));
  ASSERT_GE(secret_[0], 0x80);
  KdfOracle ssh("SSHKDF");
  ssh.hash(HashId::kSha256).bytes("key", joined({test::big_endian(secret_.size() + 1, 4), {0}, secret_}));
  ssh.bytes("xcghash", context_).bytes("session_id", label_).text("type", std::string(1, known::kSshLetter));
  EXPECT_EQ(ssh.derive(kSize), bytes(known::kSshKey));
}

}  // namespace
}  // namespace cm::selftest
