// SPDX-License-Identifier: Apache-2.0
// evp_oracle.h: AES modes by the system's libcrypto, to compare with.
#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>
#include <random>
#include <stdexcept>
#include <string>

#include "tests/support/rsp_file.h"

namespace cm::test {

inline Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes b(size);
  for (uint8_t& v : b) v = static_cast<uint8_t>(rng());
  return b;
}

// evp_aes: in through AES in the mode of that name ("CBC", "XTS"), of CBC-CTS in that variant; throws where libcrypto
// refuses. No padding.
inline Bytes evp_aes(const std::string& mode, const Bytes& key, const Bytes& iv, const Bytes& in, bool encrypt,
                     const char* cts = nullptr) {
  const size_t bits = key.size() * (mode == "XTS" ? 4 : 8);
  const std::string name = "AES-" + std::to_string(bits) + "-" + mode;
  const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr),
                                                                       EVP_CIPHER_free);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  if (!cipher || EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), mode == "ECB" ? nullptr : iv.data(),
                                    encrypt ? 1 : 0, nullptr) != 1)
    throw std::runtime_error("libcrypto has no " + name);
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  if (cts != nullptr) {
    std::string variant = cts;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_CIPHER_PARAM_CTS_MODE, variant.data(), variant.size()),
        OSSL_PARAM_construct_end()};
    if (EVP_CIPHER_CTX_set_params(context.get(), params) != 1) throw std::runtime_error("libcrypto has no " + variant);
  }
  Bytes out(in.size() + 16);
  int size = 0, rest = 0;
  if (!in.empty() && EVP_CipherUpdate(context.get(), out.data(), &size, in.data(), static_cast<int>(in.size())) != 1)
    throw std::runtime_error(name + " refuses " + std::to_string(in.size()) + " bytes");
  if (EVP_CipherFinal_ex(context.get(), out.data() + size, &rest) != 1)
    throw std::runtime_error(name + " refuses the end of " + std::to_string(in.size()) + " bytes");
  out.resize(static_cast<size_t>(size) + static_cast<size_t>(rest));
  return out;
}

}  // namespace cm::test
