// SPDX-License-Identifier: Apache-2.0
// ek_certificate.h: the endorsement certificate of a TPM: whether it leads to a CA that the auditor trusts, and which
// key it certifies. [TCG EK Credential Profile for TPM 2.0; RFC 5280] Revocation is not looked at.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "audit/attest/tpm_structures.h"
#include "audit/payload.h"
#include "audit/verify/report.h"
#include "audit/wire.h"

struct evp_pkey_st;

namespace cm::audit::verify {

// CertifiedKey: the key of a certificate that was checked.
struct CertifiedKey {
  EkKind kind = EkKind::kEccP256;
  std::shared_ptr<evp_pkey_st> key;
  Bytes ek_public;  // TPMT_PUBLIC that the default template gives with this key
  Endorsement about;
};

// CaFiles: PEM. Of the roots every certificate is trusted as it is; intermediates only lead to them.
struct CaFiles {
  std::string roots;
  std::vector<std::string> intermediates;
};

// check_ek_certificate: nv is the content of the TPM's NV index: DER, perhaps filled up. Nothing, and the reason, when
// it is no endorsement certificate of such a key, or does not lead to a root now.
std::optional<CertifiedKey> check_ek_certificate(TpmBytes nv, EkKind kind, const CaFiles& cas, std::string& why);

// ek_kind_text: "rsa-2048" or "ecc-p256".
std::string ek_kind_text(EkKind kind);
std::optional<EkKind> ek_kind_of(const std::string& text);

}  // namespace cm::audit::verify
