// SPDX-License-Identifier: Apache-2.0
// evp_oracle.h: AES modes, CMAC and CCM by the system's libcrypto, to compare with.
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

inline void must(int answer) {
  if (answer != 1) throw std::runtime_error("libcrypto refuses");
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
  if (!cipher || EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), iv.empty() ? nullptr : iv.data(),
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

// evp_cmac: the whole tag.
inline Bytes evp_cmac(const Bytes& key, const Bytes& text) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  std::string cipher = "AES-" + std::to_string(key.size() * 8) + "-CBC";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), cipher.size()),
                               OSSL_PARAM_construct_end()};
  Bytes tag(16);
  size_t size = 0;
  must(EVP_MAC_init(context.get(), key.data(), key.size(), params));
  must(EVP_MAC_update(context.get(), text.data(), text.size()));
  must(EVP_MAC_final(context.get(), tag.data(), &size, tag.size()));
  return tag;
}

struct Sealed {
  Bytes cipher, tag;
};

// evp_ccm: AES-CCM, sealing.
inline Sealed evp_ccm(const Bytes& key, const Bytes& nonce, const Bytes& aad, const Bytes& plain, size_t tag_size) {
  const std::string name = "AES-" + std::to_string(key.size() * 8) + "-CCM";
  const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr),
                                                                       EVP_CIPHER_free);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> owner(EVP_CIPHER_CTX_new(),
                                                                              EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX* const c = owner.get();
  // Without text, libcrypto still wants pointers for it.
  Bytes text = plain, out(plain.size() + 1), tag(tag_size);
  text.push_back(0);
  const int text_size = static_cast<int>(plain.size());
  int size = 0;
  must(EVP_EncryptInit_ex2(c, cipher.get(), nullptr, nullptr, nullptr));
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()), nullptr));
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size), nullptr));
  must(EVP_EncryptInit_ex2(c, nullptr, key.data(), nonce.data(), nullptr));
  must(EVP_EncryptUpdate(c, nullptr, &size, nullptr, text_size));
  if (!aad.empty()) must(EVP_EncryptUpdate(c, nullptr, &size, aad.data(), static_cast<int>(aad.size())));
  must(EVP_EncryptUpdate(c, out.data(), &size, text.data(), text_size));
  must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), tag.data()));
  out.resize(plain.size());
  return {out, tag};
}

}  // namespace cm::test
