// SPDX-License-Identifier: Apache-2.0
// peer_libcrypto_kdf.cpp: libcrypto's key derivation; see peer_libcrypto.h.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <stdexcept>

#include "bench/peer_libcrypto.h"

namespace cm::bench {
namespace {

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("libcrypto: ") + what);
}

OSSL_PARAM octets(const char* name, const uint8_t* p, size_t size) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<uint8_t*>(p), size);  // NOLINT: it is only read
}

}  // namespace

void libcrypto_pbkdf2(const LibcryptoPassword* passwords, size_t count, uint32_t iterations, size_t out_size) {
  for (size_t i = 0; i < count; ++i) {
    const LibcryptoPassword& p = passwords[i];
    require(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(p.password), static_cast<int>(p.password_size), p.salt,
                              static_cast<int>(p.salt_size), static_cast<int>(iterations), EVP_sha256(),
                              static_cast<int>(out_size), p.out) == 1,
            "PBKDF2");
  }
}

LibcryptoHkdf::LibcryptoHkdf(const char* hash) : hash_(hash), ctx_(nullptr, EVP_KDF_CTX_free) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  ctx_.reset(EVP_KDF_CTX_new(kdf.get()));
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash_.data(), 0),
                               OSSL_PARAM_construct_end()};
  require(ctx_ && EVP_KDF_CTX_set_params(ctx_.get(), params) == 1, "HKDF set-up");
}

void LibcryptoHkdf::derive(uint8_t* out, size_t out_size, const uint8_t* key, size_t key_size, const uint8_t* salt,
                           size_t salt_size, const uint8_t* info, size_t info_size) {
  const OSSL_PARAM params[] = {octets(OSSL_KDF_PARAM_KEY, key, key_size), octets(OSSL_KDF_PARAM_SALT, salt, salt_size),
                               octets(OSSL_KDF_PARAM_INFO, info, info_size), OSSL_PARAM_construct_end()};
  require(EVP_KDF_derive(ctx_.get(), out, out_size, params) == 1, "HKDF");
}

}  // namespace cm::bench
