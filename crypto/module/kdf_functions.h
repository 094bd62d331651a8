// SPDX-License-Identifier: Apache-2.0
// kdf_functions.h: one row for each CM_KDF_*: which fields of cm_kdf_params it takes, with which pseudorandom functions
// and hashes it is approved, and which self-test covers it. Read by the services of key derivation, by tests and by the
// generator of docs/tables.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/hash/hash.h"
#include "cryptomod/cryptomod.h"

namespace cm {

// What a function takes beside the secret; a field that it does not take must be zero.
enum KdfField : uint32_t {
  kKdfSalt = 1u << 0,  // bytes or a key
  kKdfLabel = 1u << 1,
  kKdfContext = 1u << 2,
  kKdfMode = 1u << 3,  // mode, counter, IV, and how the fixed input is made up: all but for KMAC
  kKdfIterations = 1u << 4,
  kKdfSsh = 1u << 5,  // letter and form of the secret; the salt is the session's identifier, no key
};

struct KdfFunctionRow {
  uint32_t function;  // CM_KDF_*
  uint32_t fields;    // KdfField
  uint32_t prfs;      // bits 1 << CM_PRF_* to choose from; 0: it has one of its own, over `hash`
  uint32_t hashes;    // bits 1 << CM_HASH_* that it is approved with
  char name[24];
  char source[40];     // standard and section
  char self_test[24];  // the algorithm in selftest/casts.h
};

constexpr uint32_t hash_bit(uint32_t hash) { return 1u << hash; }
constexpr uint32_t prf_bit(uint32_t prf) { return 1u << prf; }

inline constexpr uint32_t kAllHashes = (1u << (kHashCount + 1)) - 2;
inline constexpr uint32_t kHashesTls13 = hash_bit(CM_HASH_SHA256) | hash_bit(CM_HASH_SHA384);  // RFC 8446 B.4
inline constexpr uint32_t kHashesTls12 = kHashesTls13 | hash_bit(CM_HASH_SHA512);              // SP 800-135 4.2.2
inline constexpr uint32_t kHashesX963 = kHashesTls12 | hash_bit(CM_HASH_SHA224);               // SP 800-135 5.1
inline constexpr uint32_t kHashesSsh = kHashesX963 | hash_bit(CM_HASH_SHA1);                   // SP 800-135 5.2
inline constexpr uint32_t kPrfKmac = prf_bit(CM_PRF_KMAC128) | prf_bit(CM_PRF_KMAC256);
inline constexpr uint32_t kPrfMac = prf_bit(CM_PRF_HMAC) | prf_bit(CM_PRF_CMAC);

// clang-format off: one function a line
constexpr KdfFunctionRow kKdfFunctions[] = {
    {CM_KDF_HKDF, kKdfSalt | kKdfContext, 0, kAllHashes, "HKDF", "RFC 5869; SP 800-56C 5", "HKDF"},
    {CM_KDF_HKDF_EXTRACT, kKdfSalt, 0, kAllHashes, "HKDF-Extract", "RFC 5869 2.2; SP 800-56C 5.1", "HKDF"},
    {CM_KDF_HKDF_EXPAND, kKdfContext, 0, kAllHashes, "HKDF-Expand", "RFC 5869 2.3; SP 800-108 4.2", "HKDF"},
    {CM_KDF_TLS13_EXPAND_LABEL, kKdfLabel | kKdfContext, 0, kHashesTls13, "TLS13-Expand-Label", "RFC 8446 7.1", "TLS13-KDF"},
    {CM_KDF_TLS13_TRAFFIC_KEY, 0, 0, kHashesTls13, "TLS13-Traffic-Key", "RFC 8446 7.3", "TLS13-KDF"},
    {CM_KDF_TLS12_PRF, kKdfLabel | kKdfContext, 0, kHashesTls12, "TLS12-PRF", "RFC 5246 5; SP 800-135 4.2.2", "TLS12-PRF"},
    {CM_KDF_KBKDF, kKdfLabel | kKdfContext | kKdfMode, kPrfMac | kPrfKmac, kAllHashes, "KBKDF", "SP 800-108 4", "KBKDF"},
    {CM_KDF_ONE_STEP, kKdfSalt | kKdfContext, prf_bit(CM_PRF_HASH) | prf_bit(CM_PRF_HMAC) | kPrfKmac, kAllHashes, "One-Step", "SP 800-56C 4", "KDA-ONESTEP"},
    {CM_KDF_TWO_STEP, kKdfSalt | kKdfLabel | kKdfContext | kKdfMode, kPrfMac, kAllHashes, "Two-Step", "SP 800-56C 5", "KDA-TWOSTEP"},
    {CM_KDF_X963, kKdfContext, 0, kHashesX963, "X963-KDF", "SEC 1 3.6.1; SP 800-135 5.1", "X963-KDF"},
    {CM_KDF_SSH, kKdfSalt | kKdfContext | kKdfSsh, 0, kHashesSsh, "SSH-KDF", "RFC 4253 7.2; SP 800-135 5.2", "SSH-KDF"},
    {CM_KDF_PBKDF2, kKdfSalt | kKdfIterations, 0, kAllHashes, "PBKDF2", "SP 800-132 5.3", "PBKDF2"},
};
// clang-format on

namespace detail {
constexpr bool kdf_functions_count_from_one() {
  uint32_t wanted = 1;
  for (const KdfFunctionRow& row : kKdfFunctions)
    if (row.function != wanted++) return false;
  return true;
}
}  // namespace detail
static_assert(detail::kdf_functions_count_from_one(), "kdf_function finds a row by its place");

// kdf_function: null for a number that is no function.
constexpr const KdfFunctionRow* kdf_function(uint32_t function) {
  constexpr uint32_t kCount = sizeof kKdfFunctions / sizeof kKdfFunctions[0];
  return function - 1 < kCount ? &kKdfFunctions[function - 1] : nullptr;
}

}  // namespace cm
