// SPDX-License-Identifier: Apache-2.0
// p256.cpp: see p256.h.
#include "audit/attest/p256.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#include <algorithm>

#include "audit/attest/libcrypto.h"

namespace cm::audit {
namespace {

constexpr size_t kPointSize = 65;     // 0x04 | x | y, SEC 1 2.3.3
constexpr size_t kMaxSignature = 80;  // DER of two 33-byte integers is 72
constexpr uint8_t kUncompressed = 0x04;

using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

}  // namespace

std::vector<uint8_t> der_signature(const P256Signature& in) {
  Signature sig(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(in.r.data(), static_cast<int>(in.r.size()), nullptr);
  BIGNUM* s = BN_bin2bn(in.s.data(), static_cast<int>(in.s.size()), nullptr);
  if (!sig || r == nullptr || s == nullptr || ECDSA_SIG_set0(sig.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return {};
  }
  std::vector<uint8_t> der(kMaxSignature);
  uint8_t* end = der.data();
  const int size = i2d_ECDSA_SIG(sig.get(), &end);
  if (size <= 0) return {};
  der.resize(static_cast<size_t>(size));
  return der;
}

void P256Key::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

std::optional<P256Key> P256Key::from_point(const P256Point& point) {
  std::array<uint8_t, kPointSize> encoded;
  encoded[0] = kUncompressed;
  std::copy(point.x.begin(), point.x.end(), encoded.begin() + 1);
  std::copy(point.y.begin(), point.y.end(), encoded.begin() + 33);
  std::array<char, sizeof kP256Group> group;
  std::copy(std::begin(kP256Group), std::end(kP256Group), group.begin());
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()),
      OSSL_PARAM_construct_end(),
  };
  const KeyContext make(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (!make || EVP_PKEY_fromdata_init(make.get()) != 1) return std::nullopt;
  if (EVP_PKEY_fromdata(make.get(), &raw, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1)
    return std::nullopt;
  P256Key key(raw);
  const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, raw, nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return std::nullopt;
  return key;
}

bool P256Key::verify(const Digest& message_digest, const P256Signature& signature) const {
  return verify_der(message_digest, der_signature(signature));
}

bool P256Key::verify_der(const Digest& message_digest, std::span<const uint8_t> signature) const {
  const KeyContext ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (signature.empty() || !ctx || EVP_PKEY_verify_init(ctx.get()) != 1) return false;
  return EVP_PKEY_verify(ctx.get(), signature.data(), signature.size(), message_digest.data(), message_digest.size()) ==
         1;
}

std::string P256Key::pem() const {
  const Memory out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PUBKEY(out.get(), key_.get()) != 1) return {};
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::vector<uint8_t> P256Key::spki() const {
  const int size = i2d_PUBKEY(key_.get(), nullptr);
  if (size <= 0) return {};
  std::vector<uint8_t> out(static_cast<size_t>(size));
  uint8_t* end = out.data();
  return i2d_PUBKEY(key_.get(), &end) == size ? out : std::vector<uint8_t>{};
}

std::optional<P256Point> point_of(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), nullptr) != 1 ||
      std::string(group.data()) != kP256Group)
    return std::nullopt;
  P256Point point;
  BIGNUM* x = nullptr;
  BIGNUM* y = nullptr;
  const bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
                  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
                  BN_bn2binpad(x, point.x.data(), 32) == 32 && BN_bn2binpad(y, point.y.data(), 32) == 32;
  BN_free(x);
  BN_free(y);
  if (!ok) return std::nullopt;
  return point;
}

std::optional<P256Point> point_from_pem(std::span<const uint8_t> pem) {
  const Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!in) return std::nullopt;
  const Key key(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
  return key ? point_of(key.get()) : std::nullopt;
}

}  // namespace cm::audit
