// SPDX-License-Identifier: Apache-2.0
// peer_libcrypto_modes.cpp: AES modes, CMAC, CCM and ChaCha20-Poly1305 of libcrypto; see peer_libcrypto.h.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include <stdexcept>

#include "bench/peer_libcrypto.h"

namespace cm::bench {
namespace {

constexpr int kTag = 16;
constexpr int kIv = 12;

void require(bool ok, const std::string& what) {
  if (!ok) throw std::runtime_error("libcrypto: " + what);
}

using Cipher = std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)>;
Cipher fetch(const std::string& name) { return {EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr), EVP_CIPHER_free}; }

}  // namespace

LibcryptoCipher::LibcryptoCipher(const std::string& name, const uint8_t* key, bool encrypt)
    : ctx_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
  const Cipher cipher = fetch(name);
  require(cipher && EVP_CipherInit_ex2(ctx_.get(), cipher.get(), key, nullptr, encrypt ? 1 : 0, nullptr) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx_.get(), 0) == 1,
          name);
}

void LibcryptoCipher::crypt(uint8_t* out, const uint8_t* iv, const uint8_t* in, size_t in_size) {
  int n = 0;
  require(EVP_CipherInit_ex2(ctx_.get(), nullptr, nullptr, iv, -1, nullptr) == 1 &&
              EVP_CipherUpdate(ctx_.get(), out, &n, in, static_cast<int>(in_size)) == 1 &&
              EVP_CipherFinal_ex(ctx_.get(), out + n, &n) == 1,
          "cipher");
}

LibcryptoAead::LibcryptoAead(const std::string& name, const uint8_t* key)
    : ctx_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free), ccm_(name.find("CCM") != std::string::npos) {
  const Cipher cipher = fetch(name);
  require(cipher && EVP_EncryptInit_ex2(ctx_.get(), cipher.get(), nullptr, nullptr, nullptr) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx_.get(), EVP_CTRL_AEAD_SET_IVLEN, kIv, nullptr) == 1 &&
              (!ccm_ || EVP_CIPHER_CTX_ctrl(ctx_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, nullptr) == 1) &&
              EVP_EncryptInit_ex2(ctx_.get(), nullptr, key, nullptr, nullptr) == 1,
          name);
}

void LibcryptoAead::seal(uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size,
                         const uint8_t* in, size_t in_size) {
  EVP_CIPHER_CTX* ctx = ctx_.get();
  int n = 0;
  const auto size = static_cast<int>(in_size);
  require(EVP_EncryptInit_ex2(ctx, nullptr, nullptr, iv, nullptr) == 1 &&
              (!ccm_ || EVP_EncryptUpdate(ctx, nullptr, &n, nullptr, size) == 1) &&
              EVP_EncryptUpdate(ctx, nullptr, &n, aad, static_cast<int>(aad_size)) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, size) == 1 && EVP_EncryptFinal_ex(ctx, out + n, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTag, tag) == 1,
          "AEAD");
}

LibcryptoCmac::LibcryptoCmac(const uint8_t* key, size_t key_size) : ctx_(nullptr, EVP_MAC_CTX_free) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr), EVP_MAC_free);
  ctx_.reset(EVP_MAC_CTX_new(mac.get()));
  std::string cipher = "AES-" + std::to_string(key_size * 8) + "-CBC";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), 0),
                               OSSL_PARAM_construct_end()};
  require(ctx_ && EVP_MAC_init(ctx_.get(), key, key_size, params) == 1, "CMAC set-up");
}

// A null key starts again with the key the context has: no key is expanded.
void LibcryptoCmac::compute(uint8_t* mac, const uint8_t* in, size_t in_size) {
  size_t n = 0;
  require(EVP_MAC_init(ctx_.get(), nullptr, 0, nullptr) == 1 && EVP_MAC_update(ctx_.get(), in, in_size) == 1 &&
              EVP_MAC_final(ctx_.get(), mac, &n, kTag) == 1,
          "CMAC");
}

}  // namespace cm::bench
