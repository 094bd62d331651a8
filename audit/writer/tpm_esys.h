// SPDX-License-Identifier: Apache-2.0
// tpm_esys.h: what the parts of Tpm (tpm.h) share about tss2-esys.
#pragma once
#include <tss2/tss2_esys.h>

#include <memory>

#include "audit/payload.h"

namespace cm::audit {

struct EsysFree {
  void operator()(void* p) const { Esys_Free(p); }
};
template <class T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// kKeysOwnScheme: sign as the key itself says.
inline constexpr TPMT_SIG_SCHEME kKeysOwnScheme = {TPM2_ALG_NULL, {}};

// Empty when it cannot be marshalled.
Bytes marshal_public(const TPMT_PUBLIC& area);
Bytes marshal_signature(const TPMT_SIGNATURE& signature);

}  // namespace cm::audit
