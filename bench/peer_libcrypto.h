// SPDX-License-Identifier: Apache-2.0
// peer_libcrypto.h: the system's libcrypto as a peer, used as well as its interface allows: algorithms fetched once,
// contexts and key schedules kept, per call a new IV and the message.
#pragma once
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <cstdint>
#include <memory>
#include <string>

namespace cm::bench {

// LibcryptoGcm: both directions of AES-GCM with 96-bit IV and 16-byte tag. false or std::runtime_error on failure.
class LibcryptoGcm {
 public:
  LibcryptoGcm(const uint8_t* key, size_t key_size);
  void seal(uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size, const uint8_t* in,
            size_t in_size);
  [[nodiscard]] bool open(uint8_t* out, const uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size,
                          const uint8_t* in, size_t in_size);

 private:
  using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
  Context seal_;
  Context open_;
};

// LibcryptoCipher: one direction of a cipher that authenticates nothing, by its name in libcrypto ("AES-256-CBC"); no
// padding. A message is whole.
class LibcryptoCipher {
 public:
  LibcryptoCipher(const std::string& name, const uint8_t* key, bool encrypt);
  void crypt(uint8_t* out, const uint8_t* iv, const uint8_t* in, size_t in_size);

 private:
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx_;
};

// LibcryptoAead: sealing with AES-CCM or ChaCha20-Poly1305, 96-bit IV, 16-byte tag.
class LibcryptoAead {
 public:
  LibcryptoAead(const std::string& name, const uint8_t* key);
  void seal(uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad, size_t aad_size, const uint8_t* in,
            size_t in_size);

 private:
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ctx_;
  bool ccm_;
};

class LibcryptoCmac {
 public:
  LibcryptoCmac(const uint8_t* key, size_t key_size);
  void compute(uint8_t* mac, const uint8_t* in, size_t in_size);

 private:
  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> ctx_;
};

// LibcryptoDigest: name as EVP_MD_fetch takes it.
class LibcryptoDigest {
 public:
  explicit LibcryptoDigest(const char* name);
  void compute(uint8_t* digest, const uint8_t* in, size_t in_size);

 private:
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md_;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> ctx_;
};

class LibcryptoHmac {
 public:
  LibcryptoHmac(const char* hash, const uint8_t* key, size_t key_size);
  void compute(uint8_t* mac, const uint8_t* in, size_t in_size);

 private:
  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> ctx_;
};

// libcrypto_pbkdf2: PBKDF2-HMAC-SHA-256 of each password by itself: it has no batches. out_size bytes each.
struct LibcryptoPassword {
  const uint8_t* password;
  size_t password_size;
  const uint8_t* salt;
  size_t salt_size;
  uint8_t* out;
};
void libcrypto_pbkdf2(const LibcryptoPassword* passwords, size_t count, uint32_t iterations, size_t out_size);

// LibcryptoHkdf: extract and expand; hash as EVP_MD_fetch takes it. The context is kept.
class LibcryptoHkdf {
 public:
  explicit LibcryptoHkdf(const char* hash);
  void derive(uint8_t* out, size_t out_size, const uint8_t* key, size_t key_size, const uint8_t* salt, size_t salt_size,
              const uint8_t* info, size_t info_size);

 private:
  std::string hash_;
  std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> ctx_;
};

void libcrypto_random(uint8_t* out, size_t out_size);
std::string libcrypto_version();

}  // namespace cm::bench
