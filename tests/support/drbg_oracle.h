// SPDX-License-Identifier: Apache-2.0
// drbg_oracle.h: libcrypto's CTR_DRBG-AES-256 without derivation function, seeded by the test. Needs GoogleTest.
#pragma once
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "tests/support/rsp_file.h"

namespace cm::test {

// DrbgOracle: CTR-DRBG below its test generator, which hands out the entropy it is given.
class DrbgOracle {
 public:
  DrbgOracle(const Bytes& seed, const Bytes& personalization) {
    EVP_RAND* test_rand = EVP_RAND_fetch(nullptr, "TEST-RAND", nullptr);
    EVP_RAND* ctr = EVP_RAND_fetch(nullptr, "CTR-DRBG", nullptr);
    parent_ = EVP_RAND_CTX_new(test_rand, nullptr);
    drbg_ = EVP_RAND_CTX_new(ctr, parent_);
    EVP_RAND_free(test_rand);
    EVP_RAND_free(ctr);
    unsigned strength = 256;
    set_entropy(seed);
    const OSSL_PARAM parent_params[] = {OSSL_PARAM_construct_uint(OSSL_RAND_PARAM_STRENGTH, &strength),
                                        OSSL_PARAM_construct_end()};
    EXPECT_EQ(EVP_RAND_CTX_set_params(parent_, parent_params), 1);
    EXPECT_EQ(EVP_RAND_instantiate(parent_, 256, 0, nullptr, 0, nullptr), 1);
    int use_df = 0;
    const uint8_t none = 0;  // libcrypto puts a string of its own in the place of a null pointer
    char cipher[] = "AES-256-CTR";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
                                 OSSL_PARAM_construct_int(OSSL_DRBG_PARAM_USE_DF, &use_df), OSSL_PARAM_construct_end()};
    EXPECT_EQ(EVP_RAND_CTX_set_params(drbg_, params), 1);
    EXPECT_EQ(EVP_RAND_instantiate(drbg_, 256, 0, personalization.empty() ? &none : personalization.data(),
                                   personalization.size(), nullptr),
              1);
  }
  ~DrbgOracle() {
    EVP_RAND_CTX_free(drbg_);
    EVP_RAND_CTX_free(parent_);
  }
  DrbgOracle(const DrbgOracle&) = delete;
  DrbgOracle& operator=(const DrbgOracle&) = delete;

  void reseed(const Bytes& seed, const Bytes& additional) {
    set_entropy(seed);
    EXPECT_EQ(EVP_RAND_reseed(drbg_, 0, nullptr, 0, additional.data(), additional.size()), 1);
  }
  Bytes generate(size_t size, const Bytes& additional) {
    Bytes out(size);
    EXPECT_EQ(EVP_RAND_generate(drbg_, out.data(), size, 256, 0, additional.data(), additional.size()), 1);
    return out;
  }

 private:
  void set_entropy(const Bytes& seed) {
    Bytes copy = seed;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, copy.data(), copy.size()),
        OSSL_PARAM_construct_end()};
    EXPECT_EQ(EVP_RAND_CTX_set_params(parent_, params), 1);
  }
  EVP_RAND_CTX* parent_;
  EVP_RAND_CTX* drbg_;
};

}  // namespace cm::test
