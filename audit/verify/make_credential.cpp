// SPDX-License-Identifier: Apache-2.0
// make_credential.cpp: see make_credential.h. The endorsement keys of the default templates only: SHA-256, AES-128-CFB.
#include "audit/verify/make_credential.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "audit/attest/libcrypto.h"
#include "crypto/base/bytes.h"

namespace cm::audit::verify {
namespace {

// Labels are hashed with their final zero (part 1, 11.4.10).
constexpr char kIdentity[] = "IDENTITY";
constexpr char kStorage[] = "STORAGE";
constexpr char kIntegrity[] = "INTEGRITY";
constexpr size_t kAesKeySize = 16;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;

// Secret: bytes that are wiped when they go.
struct Secret : Digest {
  Secret() : Digest{} {}
  ~Secret() { OPENSSL_cleanse(data(), size()); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
};

void append(Bytes& out, std::span<const uint8_t> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

template <size_t N>
void append_label(Bytes& out, const char (&label)[N]) {
  append(out, {reinterpret_cast<const uint8_t*>(label), N});
}

void append_number(Bytes& out, uint32_t number) {
  out.resize(out.size() + sizeof number);
  store_be32(out.data() + out.size() - sizeof number, number);
}

void append_sized(Bytes& out, std::span<const uint8_t> bytes) {
  append(out, std::array{static_cast<uint8_t>(bytes.size() >> 8), static_cast<uint8_t>(bytes.size())});
  append(out, bytes);
}

bool hmac(const Digest& key, const Bytes& message, Digest& out) {
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(),
              nullptr) != nullptr;
}

// kdf_a: one block of KDFa with SHA-256 gives up to 256 bits (part 1, 11.4.10.2).
template <size_t N>
bool kdf_a(const Digest& key, const char (&label)[N], TpmBytes context, uint32_t bits, Secret& out) {
  Bytes message;
  append_number(message, 1);
  append_label(message, label);
  append(message, context);
  append_number(message, bits);
  return hmac(key, message, out);
}

// kdf_e: SHA-256(counter | Z | label | x of the sender | x of the receiver) (part 1, 11.4.10.3).
bool kdf_e(const Secret& z, const P256Point& sender, const P256Point& receiver, Secret& out) {
  Bytes message;
  append_number(message, 1);
  append(message, z);
  append_label(message, kIdentity);
  append(message, sender.x);
  append(message, receiver.x);
  const bool good = EVP_Digest(message.data(), message.size(), out.data(), nullptr, EVP_sha256(), nullptr) == 1;
  OPENSSL_cleanse(message.data(), message.size());
  return good;
}

// share_by_rsa: OAEP with SHA-256 and the label (B.10.3).
bool share_by_rsa(EVP_PKEY* ek, Secret& seed, Bytes& shared) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, ek, nullptr));
  auto* label = static_cast<uint8_t*>(OPENSSL_memdup(kIdentity, sizeof kIdentity));
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(ek));
  shared.resize(size);
  if (!context || label == nullptr || RAND_bytes(seed.data(), static_cast<int>(seed.size())) != 1 ||
      EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, sizeof kIdentity) != 1) {
    OPENSSL_free(label);
    return false;
  }
  return EVP_PKEY_encrypt(context.get(), shared.data(), &size, seed.data(), seed.size()) == 1 && size == shared.size();
}

// share_by_ecdh: one-pass with a key of the moment; what goes over is its point (C.6.3).
bool share_by_ecdh(EVP_PKEY* ek, Secret& seed, Bytes& shared) {
  const Key ephemeral(EVP_EC_gen(kP256Group));
  const KeyContext context(ephemeral ? EVP_PKEY_CTX_new_from_pkey(nullptr, ephemeral.get(), nullptr) : nullptr);
  const auto sender = ephemeral ? point_of(ephemeral.get()) : std::nullopt;
  const auto receiver = point_of(ek);
  Secret z;
  size_t size = z.size();
  if (!context || !sender || !receiver || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), ek) != 1 || EVP_PKEY_derive(context.get(), z.data(), &size) != 1 ||
      size != z.size())
    return false;
  append_sized(shared, sender->x);
  append_sized(shared, sender->y);
  return kdf_e(z, *sender, *receiver, seed);
}

bool encrypt(const Secret& key, const Bytes& plain, Bytes& out) {
  constexpr uint8_t kNoIv[kAesKeySize] = {};
  const CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  out.resize(plain.size());
  return context && EVP_EncryptInit_ex2(context.get(), EVP_aes_128_cfb128(), key.data(), kNoIv, nullptr) == 1 &&
         EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(), static_cast<int>(plain.size())) == 1 &&
         size == static_cast<int>(plain.size());
}

}  // namespace

std::optional<Credential> make_credential(const CertifiedKey& ek, TpmBytes name, const Digest& secret) {
  Credential out;
  Secret seed, storage, integrity;
  const bool shared = ek.kind == EkKind::kRsa2048 ? share_by_rsa(ek.key.get(), seed, out.encrypted_secret)
                                                  : share_by_ecdh(ek.key.get(), seed, out.encrypted_secret);
  Bytes plain, identity;
  append_sized(plain, secret);
  const bool hidden =
      shared && kdf_a(seed, kStorage, name, 8 * kAesKeySize, storage) && encrypt(storage, plain, identity);
  OPENSSL_cleanse(plain.data(), plain.size());
  Digest mac;
  Bytes covered = identity;
  append(covered, name);
  if (!hidden || !kdf_a(seed, kIntegrity, {}, 256, integrity) || !hmac(integrity, covered, mac)) return std::nullopt;
  append_sized(out.id_object, mac);
  append(out.id_object, identity);
  return out;
}

std::optional<Digest> draw() {
  Digest out;
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) return std::nullopt;
  return out;
}

bool same_secret(const Digest& expected, TpmBytes found) {
  return found.size() == expected.size() && CRYPTO_memcmp(expected.data(), found.data(), expected.size()) == 0;
}

}  // namespace cm::audit::verify
