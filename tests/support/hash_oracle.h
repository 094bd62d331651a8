// SPDX-License-Identifier: Apache-2.0
// hash_oracle.h: hashes, HMAC and key derivation by the system's libcrypto, to compare with. Names of hashes are those
// of kHashes, which libcrypto knows too.
#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash/hash.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {

inline Bytes evp_digest(HashId id, const Bytes& message) {
  Bytes digest(EVP_MAX_MD_SIZE);
  size_t size = 0;
  must(EVP_Q_digest(nullptr, hash_row(id).name, nullptr, message.data(), message.size(), digest.data(), &size));
  digest.resize(size);
  return digest;
}

inline Bytes evp_hmac(HashId id, const Bytes& key, const Bytes& message) {
  Bytes mac(EVP_MAX_MD_SIZE), raw = key;
  raw.push_back(0);  // libcrypto takes a null key for "the key of the call before"
  size_t size = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, hash_row(id).name, nullptr, raw.data(), key.size(), message.data(),
                message.size(), mac.data(), mac.size(), &size) == nullptr)
    throw std::runtime_error("libcrypto refuses HMAC");
  mac.resize(size);
  return mac;
}

// KdfOracle: a key derivation of libcrypto; the arguments are named as in EVP_KDF-*(7ssl).
class KdfOracle {
 public:
  explicit KdfOracle(const char* name) : name_(name) {}
  ~KdfOracle() = default;
  KdfOracle(const KdfOracle&) = delete;
  KdfOracle& operator=(const KdfOracle&) = delete;
  KdfOracle(KdfOracle&&) = default;  // a deque that moves leaves its elements where they are
  KdfOracle& operator=(KdfOracle&&) = delete;
  KdfOracle& bytes(const char* key, Bytes value) {
    const size_t size = value.size();
    value.push_back(0);  // an empty value has a place too
    bytes_.push_back(std::move(value));
    params_.push_back(OSSL_PARAM_construct_octet_string(key, bytes_.back().data(), size));
    return *this;
  }
  KdfOracle& text(const char* key, std::string value) {
    texts_.push_back(std::move(value));
    params_.push_back(OSSL_PARAM_construct_utf8_string(key, texts_.back().data(), texts_.back().size()));
    return *this;
  }
  KdfOracle& number(const char* key, int value) {
    numbers_.push_back(value);
    params_.push_back(OSSL_PARAM_construct_int(key, &numbers_.back()));
    return *this;
  }
  KdfOracle& hash(HashId id) { return text(OSSL_KDF_PARAM_DIGEST, hash_row(id).name); }

  Bytes derive(size_t size) {
    params_.push_back(OSSL_PARAM_construct_end());
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, name_, nullptr), EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                            EVP_KDF_CTX_free);
    Bytes out(size);
    must(EVP_KDF_derive(context.get(), out.data(), size, params_.data()));
    return out;
  }

 private:
  const char* name_;
  std::deque<Bytes> bytes_;  // that stay where they are when others come
  std::deque<std::string> texts_;
  std::deque<int> numbers_;
  std::vector<OSSL_PARAM> params_;
};

}  // namespace cm::test
