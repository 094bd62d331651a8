// SPDX-License-Identifier: Apache-2.0
// peer_libcrypto.cpp: see peer_libcrypto.h.
#include "bench/peer_libcrypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace cm::bench {
namespace {

constexpr int kTag = 16;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("libcrypto: ") + what);
}

const char* gcm_name(size_t key_size) {
  return key_size == 16 ? "AES-128-GCM" : key_size == 24 ? "AES-192-GCM" : "AES-256-GCM";
}

}  // namespace

LibcryptoGcm::LibcryptoGcm(const uint8_t* key, size_t key_size)
    : seal_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free), open_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
  const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> cipher(
      EVP_CIPHER_fetch(nullptr, gcm_name(key_size), nullptr), EVP_CIPHER_free);
  require(cipher && EVP_EncryptInit_ex2(seal_.get(), cipher.get(), key, nullptr, nullptr) == 1, "AES-GCM set-up");
  require(EVP_DecryptInit_ex2(open_.get(), cipher.get(), key, nullptr, nullptr) == 1, "AES-GCM set-up");
}

void LibcryptoGcm::seal(uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size,
                        const uint8_t* in, size_t in_size) {
  EVP_CIPHER_CTX* ctx = seal_.get();
  int n = 0;
  require(EVP_EncryptInit_ex2(ctx, nullptr, nullptr, iv, nullptr) == 1 &&
              EVP_EncryptUpdate(ctx, nullptr, &n, aad, static_cast<int>(aad_size)) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, in, static_cast<int>(in_size)) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + n, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kTag, tag) == 1,
          "AES-GCM encryption");
}

bool LibcryptoGcm::open(uint8_t* out, const uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size,
                        const uint8_t* in, size_t in_size) {
  EVP_CIPHER_CTX* ctx = open_.get();
  int n = 0;
  require(EVP_DecryptInit_ex2(ctx, nullptr, nullptr, iv, nullptr) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kTag, const_cast<uint8_t*>(tag)) == 1 &&
              EVP_DecryptUpdate(ctx, nullptr, &n, aad, static_cast<int>(aad_size)) == 1 &&
              EVP_DecryptUpdate(ctx, out, &n, in, static_cast<int>(in_size)) == 1,
          "AES-GCM decryption");
  return EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
}

LibcryptoDigest::LibcryptoDigest(const char* name)
    : md_(EVP_MD_fetch(nullptr, name, nullptr), EVP_MD_free), ctx_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
  require(md_ && EVP_DigestInit_ex2(ctx_.get(), md_.get(), nullptr) == 1, "digest set-up");
}

// A null type starts again with the algorithm the context has: no look-up.
void LibcryptoDigest::compute(uint8_t* digest, const uint8_t* in, size_t in_size) {
  require(EVP_DigestInit_ex2(ctx_.get(), nullptr, nullptr) == 1 && EVP_DigestUpdate(ctx_.get(), in, in_size) == 1 &&
              EVP_DigestFinal_ex(ctx_.get(), digest, nullptr) == 1,
          "digest");
}

LibcryptoHmac::LibcryptoHmac(const char* hash, const uint8_t* key, size_t key_size) : ctx_(nullptr, EVP_MAC_CTX_free) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  ctx_.reset(EVP_MAC_CTX_new(mac.get()));
  std::string digest = hash;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                               OSSL_PARAM_construct_end()};
  require(ctx_ && EVP_MAC_init(ctx_.get(), key, key_size, params) == 1, "HMAC set-up");
}

// A null key starts again with the key the context has: the padded key blocks are not hashed again.
void LibcryptoHmac::compute(uint8_t* mac, const uint8_t* in, size_t in_size) {
  size_t n = 0;
  require(EVP_MAC_init(ctx_.get(), nullptr, 0, nullptr) == 1 && EVP_MAC_update(ctx_.get(), in, in_size) == 1 &&
              EVP_MAC_final(ctx_.get(), mac, &n, EVP_MAX_MD_SIZE) == 1,
          "HMAC");
}

void libcrypto_random(uint8_t* out, size_t out_size) {
  require(RAND_bytes(out, static_cast<int>(out_size)) == 1, "RAND_bytes");
}

std::string libcrypto_version() { return OpenSSL_version(OPENSSL_VERSION); }

}  // namespace cm::bench
