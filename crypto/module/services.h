// SPDX-License-Identifier: Apache-2.0
// services.h: one of the four central tables: every service of the module. The id is the event id on disk
// (audit/events.h) and therefore append-only. The gate reads rows from here and nowhere else; docs, tests and the
// symbol map are checked against it. A function of cryptomod.h that is not named here is a pure lookup (cm_rc_text,
// cm_rc_name, cm_errno).
#pragma once
#include <cstdint>

#include "audit/events.h"
#include "audit/producer/producer.h"
#include "crypto/base/status.h"
#include "cryptomod/cryptomod.h"

namespace cm {

using audit::EventId;
using audit::ReleaseClass;

enum class Approval : uint8_t {
  kNotSecurity,  // no security function
  kApproved,     // always approved
  kByInput,      // approved or not by its parameters; the result says which
  kNever,        // never approved
};

// kOutputs: wrapped.
enum class SspUse : uint8_t { kNone, kUses, kCreates, kDestroys, kOutputs, kOutputsClear };

// States a service may be called in, as bits 1 << CM_STATE_*.
using StateMask = uint8_t;
constexpr StateMask state_bit(uint32_t state) { return static_cast<StateMask>(1u << state); }
inline constexpr StateMask kInOperational = state_bit(CM_STATE_OPERATIONAL);
inline constexpr StateMask kInInit =
    state_bit(CM_STATE_READY) | state_bit(CM_STATE_ZEROISED) | state_bit(CM_STATE_ERROR);
inline constexpr StateMask kInAnyRest = state_bit(CM_STATE_READY) | state_bit(CM_STATE_OPERATIONAL) |
                                        state_bit(CM_STATE_ERROR) | state_bit(CM_STATE_ZEROISED);

enum class Roles : uint8_t { kNone, kAny, kOfficer };  // kNone: no session is asked for

struct ServiceRow {
  EventId id;
  Roles roles;
  Approval approval;
  SspUse ssp;
  ReleaseClass release;
  StateMask states;
  char name[40];       // as in audit/events.h
  char function[40];   // as in cryptomod.h
  char algorithm[24];  // self-test that covers it, as in selftest/casts.h; "by key": as in key_algorithms.h; "by
                       // function": as in hash_function.h; "by derivation": as in kdf_functions.h; "" for none
};

constexpr ServiceRow kServices[] = {
    {EventId::kInit, Roles::kNone, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kC, kInInit, "init", "cm_init",
     ""},
    {EventId::kShutdown, Roles::kNone, Approval::kNotSecurity, SspUse::kDestroys, ReleaseClass::kActFirst,
     state_bit(CM_STATE_OPERATIONAL) | state_bit(CM_STATE_ERROR) | state_bit(CM_STATE_ZEROISED), "shutdown",
     "cm_shutdown", ""},
    {EventId::kStatus, Roles::kNone, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kActFirst, kInAnyRest,
     "status", "cm_status", ""},
    {EventId::kVersion, Roles::kNone, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kActFirst, kInAnyRest,
     "version", "cm_version", ""},
    {EventId::kSelftest, Roles::kNone, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kActFirst,
     state_bit(CM_STATE_READY) | state_bit(CM_STATE_OPERATIONAL) | state_bit(CM_STATE_ERROR), "selftest", "cm_selftest",
     ""},
    {EventId::kZeroise, Roles::kOfficer, Approval::kNotSecurity, SspUse::kDestroys, ReleaseClass::kActFirst,
     state_bit(CM_STATE_OPERATIONAL) | state_bit(CM_STATE_ERROR), "zeroise", "cm_zeroise", ""},
    {EventId::kPolicySet, Roles::kOfficer, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kA, kInOperational,
     "policy-set", "cm_policy_set", ""},
    {EventId::kAuditSync, Roles::kAny, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "audit-sync", "cm_audit_sync", ""},
    {EventId::kSessionOpen, Roles::kNone, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kB, kInOperational,
     "session-open", "cm_session_open", "CTR_DRBG"},
    {EventId::kSessionClose, Roles::kAny, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "session-close", "cm_session_close", ""},
    {EventId::kKeyGenerate, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "key-generate", "cm_key_generate", "CTR_DRBG"},
    {EventId::kKeyImport, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "key-import", "cm_key_import", ""},
    {EventId::kKeyDestroy, Roles::kAny, Approval::kApproved, SspUse::kDestroys, ReleaseClass::kC, kInOperational,
     "key-destroy", "cm_key_destroy", ""},
    {EventId::kKeyExportWrapped, Roles::kAny, Approval::kByInput, SspUse::kOutputs, ReleaseClass::kA, kInOperational,
     "key-export-wrapped", "cm_key_export_wrapped", "by wrapping key"},
    {EventId::kKeyImportWrapped, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "key-import-wrapped", "cm_key_import_wrapped", "by wrapping key"},
    {EventId::kKeyDerivePbkdf2, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "key-derive-pbkdf2", "cm_key_derive_pbkdf2", "PBKDF2"},
    {EventId::kKeyInfo, Roles::kAny, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "key-info", "cm_key_info", ""},
    {EventId::kAeadSeal, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational, "aead-seal",
     "cm_aead_seal", "by key"},
    {EventId::kAeadSealCallerIv, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "aead-seal-caller-iv", "cm_aead_seal_caller_iv", "by key"},
    {EventId::kAeadOpen, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational, "aead-open",
     "cm_aead_open", "by key"},
    {EventId::kAeadSealBatch, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "aead-seal-batch", "cm_aead_seal_batch", "by key"},
    {EventId::kAeadOpenBatch, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "aead-open-batch", "cm_aead_open_batch", "by key"},
    {EventId::kHashCompute, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-compute", "cm_hash_compute", "by function"},
    {EventId::kHashInit, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational, "hash-init",
     "cm_hash_init", "by function"},
    {EventId::kHashUpdate, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-update", "cm_hash_update", "by function"},
    {EventId::kHashFinal, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-final", "cm_hash_final", "by function"},
    {EventId::kHashFree, Roles::kAny, Approval::kNotSecurity, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-free", "cm_hash_free", ""},
    {EventId::kHashInitParams, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-init-params", "cm_hash_init_params", "by function"},
    {EventId::kHashCopy, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational, "hash-copy",
     "cm_hash_copy", "by function"},
    {EventId::kHashSqueeze, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-squeeze", "cm_hash_squeeze", "by function"},
    {EventId::kHashBatch, Roles::kAny, Approval::kApproved, SspUse::kNone, ReleaseClass::kC, kInOperational,
     "hash-batch", "cm_hash_batch", "by function"},
    {EventId::kMacCompute, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "mac-compute", "cm_mac_compute", "by key"},
    {EventId::kMacVerify, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "mac-verify", "cm_mac_verify", "by key"},
    {EventId::kMacInit, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational, "mac-init",
     "cm_mac_init", "by key"},
    {EventId::kMacUpdate, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "mac-update", "cm_mac_update", "by key"},
    {EventId::kMacFinal, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational, "mac-final",
     "cm_mac_final", "by key"},
    {EventId::kMacFree, Roles::kAny, Approval::kNotSecurity, SspUse::kDestroys, ReleaseClass::kC, kInOperational,
     "mac-free", "cm_mac_free", ""},
    {EventId::kMacBatch, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational, "mac-batch",
     "cm_mac_batch", "by key"},
    {EventId::kMacInitCustom, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "mac-init-custom", "cm_mac_init_custom", "by key"},
    {EventId::kRandomBytes, Roles::kAny, Approval::kApproved, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "random-bytes", "cm_random_bytes", "CTR_DRBG"},
    {EventId::kCipherEncrypt, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-encrypt", "cm_cipher_encrypt", "by key"},
    {EventId::kCipherDecrypt, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-decrypt", "cm_cipher_decrypt", "by key"},
    {EventId::kCipherEncryptSectors, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-encrypt-sectors", "cm_cipher_encrypt_sectors", "AES-XTS"},
    {EventId::kCipherDecryptSectors, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-decrypt-sectors", "cm_cipher_decrypt_sectors", "AES-XTS"},
    {EventId::kCipherInit, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-init", "cm_cipher_init", "by key"},
    {EventId::kCipherUpdate, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-update", "cm_cipher_update", "by key"},
    {EventId::kCipherFinal, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-final", "cm_cipher_final", "by key"},
    {EventId::kCipherFree, Roles::kAny, Approval::kNotSecurity, SspUse::kDestroys, ReleaseClass::kC, kInOperational,
     "cipher-free", "cm_cipher_free", ""},
    {EventId::kCipherBatch, Roles::kAny, Approval::kByInput, SspUse::kUses, ReleaseClass::kC, kInOperational,
     "cipher-batch", "cm_cipher_batch", "by key"},
    {EventId::kKdfDerive, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "kdf-derive", "cm_kdf_derive", "by derivation"},
    {EventId::kKdfDeriveRaw, Roles::kOfficer, Approval::kByInput, SspUse::kOutputsClear, ReleaseClass::kA,
     kInOperational, "kdf-derive-raw", "cm_kdf_derive_raw", "by derivation"},
    {EventId::kKdfBatch, Roles::kAny, Approval::kByInput, SspUse::kCreates, ReleaseClass::kB, kInOperational,
     "kdf-batch", "cm_kdf_batch", "by derivation"},
};

// service: the row of an id; a missing row is a compile-time error, because the function below is not constexpr.
void no_such_service();
consteval const ServiceRow& service(EventId id) {
  for (const ServiceRow& row : kServices)
    if (row.id == id) return row;
  no_such_service();
  return kServices[0];
}

namespace detail {
constexpr bool same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}
constexpr bool services_match_registry() {
  for (const ServiceRow& row : kServices) {
    const audit::EventRow* event = audit::event_row(static_cast<uint32_t>(row.id));
    if (event == nullptr || !same_text(event->name, row.name)) return false;
  }
  for (const audit::EventRow& event : audit::kEventTable) {
    bool found = event.id >= audit::kServiceEnd;
    for (const ServiceRow& row : kServices) found |= static_cast<uint32_t>(row.id) == event.id;
    if (!found) return false;
  }
  return true;
}
constexpr bool services_ascend() {
  uint32_t last = 0;
  for (const ServiceRow& row : kServices) {
    if (static_cast<uint32_t>(row.id) <= last) return false;
    last = static_cast<uint32_t>(row.id);
  }
  return true;
}
}  // namespace detail
static_assert(detail::services_match_registry(), "services.h and audit/events.h must name the same services");
static_assert(detail::services_ascend(), "service ids are unique and in order");

}  // namespace cm
