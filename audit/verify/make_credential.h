// SPDX-License-Identifier: Apache-2.0
// make_credential.h: TPM2_MakeCredential in software: a secret that only the TPM with a given endorsement key opens,
// and only while it holds the key with a given name. [TPM 2.0 Library, part 1, 24 (credential protection), 11.4.10
// (KDFa, KDFe), B.10 (RSA secret sharing), C.6 (ECC secret sharing)]
#pragma once
#include <optional>

#include "audit/payload.h"
#include "audit/verify/ek_certificate.h"

namespace cm::audit::verify {

struct Credential {
  Bytes id_object;         // content of a TPM2B_ID_OBJECT
  Bytes encrypted_secret;  // content of a TPM2B_ENCRYPTED_SECRET
};

// make_credential: nothing when libcrypto refuses. name: TPM2B_NAME's content, of SHA-256.
std::optional<Credential> make_credential(const CertifiedKey& ek, TpmBytes name, const Digest& secret);

// draw: 32 random bytes.
std::optional<Digest> draw();
// same_secret: in constant time.
bool same_secret(const Digest& expected, TpmBytes found);

}  // namespace cm::audit::verify
