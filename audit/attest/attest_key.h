// SPDX-License-Identifier: Apache-2.0
// attest_key.h: a log's attestation key, and what the TPM says under it in one anchor: quote and counter certification
// with their signatures, bindings and signers. What the attested values mean for a log is not judged here.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "audit/attest/p256.h"
#include "audit/attest/tpm_structures.h"
#include "audit/payload.h"

namespace cm::audit {

// AttestFault: what is wrong with an anchor's statements, and with which of them.
struct AttestFault {
  enum class Kind { kMalformed, kSignature, kBinding, kSigner };
  Kind kind;
  std::string what;
};

// Attested: it points into the anchor and must not outlive it.
struct Attested {
  TpmQuote quote;
  TpmNvCertify certified;
};

class AttestKey {
 public:
  // from_public: a TPMT_PUBLIC, which also gives the name that a quote must carry. Nothing, and the reason, when it is
  // no attestation key.
  static std::optional<AttestKey> from_public(Lane lane, TpmBytes ak_public, std::string& why);
  // from_point: the point alone: who signed is known, under which name is not checked.
  static std::optional<AttestKey> from_point(Lane lane, const P256Point& point);

  // check: the anchor's two statements, each signed by this key, both over the binding. signatures counts those that
  // were looked at.
  std::optional<AttestFault> check(const Anchor& anchor, const Digest& binding, Attested& out,
                                   uint64_t& signatures) const;

 private:
  AttestKey(Lane lane, P256Key key) : lane_(lane), key_(std::move(key)) {}
  std::optional<AttestFault> check_signature(const Bytes& attest, const Bytes& signature, const char* what,
                                             uint64_t& signatures) const;
  std::optional<AttestFault> check_common(const TpmAttest& attest, const Digest& binding, const char* what) const;

  Lane lane_;
  P256Key key_;
  Bytes qualified_signer_;  // empty: not known
};

// key_name: TPM2B_NAME's content of a public area with nameAlg SHA-256.
Bytes key_name(Lane lane, TpmBytes ak_public);

// sha256_of: the digest of some bytes.
Digest sha256_of(Lane lane, std::span<const uint8_t> bytes);

}  // namespace cm::audit
