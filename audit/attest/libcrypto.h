// SPDX-License-Identifier: Apache-2.0
// libcrypto.h: owners of libcrypto's objects, for the few files of the verifier that call it: p256, ek_certificate and
// make_credential. They must not reach for anything but public keys, certificates, and secrets of an enrolment.
#pragma once
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <memory>
#include <optional>

#include "audit/attest/tpm_structures.h"

namespace cm::audit {

template <auto FreeFunction>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    FreeFunction(p);
  }
};
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

inline constexpr char kP256Group[] = "prime256v1";

// point_of: nothing when it is no P-256 key.
std::optional<P256Point> point_of(const EVP_PKEY* key);

}  // namespace cm::audit
