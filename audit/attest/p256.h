// SPDX-License-Identifier: Apache-2.0
// p256.h: ECDSA P-256 signature checks (FIPS 186-5 6.4) with the system's libcrypto, for the verifier alone. It knows
// public keys only.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/attest/tpm_structures.h"
#include "audit/chain.h"

struct evp_pkey_st;

namespace cm::audit {

// P256Key: a point on the curve, ready to check signatures.
class P256Key {
 public:
  // from_point: nothing when the point is not on the curve.
  static std::optional<P256Key> from_point(const P256Point& point);
  // verify: whether the signature over the message digest is this key's.
  bool verify(const Digest& message_digest, const P256Signature& signature) const;
  // verify_der: the same of an ECDSA-Sig-Value (SEC 1 C.5), which must be DER.
  bool verify_der(const Digest& message_digest, std::span<const uint8_t> signature) const;
  // pem, spki: the SubjectPublicKeyInfo as text and as DER; empty when there is no memory.
  std::string pem() const;
  std::vector<uint8_t> spki() const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit P256Key(evp_pkey_st* key) : key_(key) {}
  std::unique_ptr<evp_pkey_st, Free> key_;
};

// der_signature: r and s as an ECDSA-Sig-Value; empty when there is no memory.
std::vector<uint8_t> der_signature(const P256Signature& signature);

// point_from_pem: the key of a PEM SubjectPublicKeyInfo, nothing when it is not a P-256 key.
std::optional<P256Point> point_from_pem(std::span<const uint8_t> pem);

}  // namespace cm::audit
