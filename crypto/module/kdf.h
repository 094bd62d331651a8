// SPDX-License-Identifier: Apache-2.0
// kdf.h: from the parameters of a key derivation (cm_kdf_params) to the function of crypto/kdf that does it: what is
// allowed, what is approved, and the computation. It must not look at keys: whoever calls it has found the bytes.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"
#include "cryptomod/cryptomod.h"

namespace cm {

struct KdfBytes {
  const uint8_t* p;
  size_t size;
};

// KdfCall: params is the module's copy. secret and salt: whether they came as keys or as bytes makes no difference
// here.
struct KdfCall {
  cm_kdf_params params;
  KdfBytes secret;
  KdfBytes salt;
  Lane lane = Lane::kNone;  // kdf_lane, of params that have passed kdf_check
};

// kdf_check: of the parameters alone: kArgument for a function, PRF, hash or mode that does not exist and for a field
// that the function does not take; kNull; kLength where what is hashed could be too long.
Status kdf_check(const cm_kdf_params& params);

// KdfTarget: what becomes of the output: a key of CM_ALG_SECRET, from which others are derived, or anything else.
enum class KdfTarget { kSecret, kOther };

// kdf_approval: kOk, or why this derivation is not approved. params have passed kdf_check.
Status kdf_approval(const KdfCall& call, KdfTarget target, size_t out_size);

// kdf_lane: of the hash or cipher that works.
Lane kdf_lane(const cm_kdf_params& params);

// kdf_compute: kLength, kArgument as the functions of crypto/kdf say. out overlaps no input. Every temporary is
// zeroised; out counts only with kOk.
Status kdf_compute(const KdfCall& call, uint8_t* out, size_t out_size);

// kdf_tls13_iv: the static IV that belongs to a traffic key (RFC 8446 7.3), 12 bytes.
Status kdf_tls13_iv(const KdfCall& call, uint8_t* iv);

}  // namespace cm
