// SPDX-License-Identifier: Apache-2.0
// c_abi_keys.cpp: keys come in, are made, go out wrapped, and end. Attributes are fixed when a key is made.
#include "crypto/kdf/pbkdf2.h"
#include "crypto/keywrap/kwp.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/lanes.h"
#include "crypto/module/random.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)
using store::KeyObject;

constexpr uint32_t kGenerateMinBits = 112;  // SP 800-131A: nothing weaker is made here

// ---- attributes

// AlgorithmRow: what cm_key_params may say for each CM_ALG_*.
struct AlgorithmRow {
  uint32_t algorithm;
  uint32_t usage;
  bool aes;  // 128, 192 or 256 bit; else 8..4096 in whole bytes
};
constexpr AlgorithmRow kAlgorithms[] = {
    {CM_ALG_AES_GCM, CM_USE_SEAL | CM_USE_OPEN, true},
    {CM_ALG_AES_KWP, CM_USE_WRAP | CM_USE_UNWRAP, true},
    {CM_ALG_HMAC_SHA256, CM_USE_MAC | CM_USE_VERIFY, false},
};

const AlgorithmRow* algorithm_row(uint32_t algorithm) {
  for (const AlgorithmRow& row : kAlgorithms)
    if (row.algorithm == algorithm) return &row;
  return nullptr;
}

bool bits_fit(const AlgorithmRow& row, uint32_t bits) {
  if (row.aes) return bits == 128 || bits == 192 || bits == 256;
  return bits >= 8 && bits <= store::kRawKeyMax * 8 && bits % 8 == 0;
}

// check_params: everything that can be judged without the key.
Status check_params(const cm_key_params* params, uint32_t bits, bool generated) {
  if (params == nullptr) return Status::kNull;
  if (params->struct_size != sizeof(cm_key_params)) return Status::kArgument;
  const AlgorithmRow* row = algorithm_row(params->algorithm);
  if (row == nullptr) return Status::kArgument;
  if (params->bits != 0 && params->bits != bits) return Status::kLength;
  if (!bits_fit(*row, bits)) return Status::kLength;
  if ((params->usage & ~row->usage) != 0 || (params->flags & ~uint32_t{CM_KEY_EXPORTABLE}) != 0)
    return Status::kArgument;
  if (params->iv_regime > CM_IV_COUNTER) return Status::kArgument;
  if (params->iv_regime == CM_IV_COUNTER) {
    // The counter can never repeat only when no copy of the key exists outside.
    const bool alone = generated && (params->flags & CM_KEY_EXPORTABLE) == 0 && params->algorithm == CM_ALG_AES_GCM;
    if (!alone) return Status::kArgument;
  }
  return Status::kOk;
}

// expand: from raw bytes to the form that services use. The raw form stays only in an exportable key.
Status expand(KeyObject& key, const cm_key_params& params, const uint8_t* raw, size_t raw_size) {
  key.algorithm = params.algorithm;
  key.bits = static_cast<uint32_t>(raw_size * 8);
  key.usage = params.usage != 0 ? params.usage : algorithm_row(params.algorithm)->usage;
  key.flags = params.flags;
  key.iv_regime = params.iv_regime;
  std::memcpy(key.iv_name, params.iv_name, sizeof key.iv_name);
  if ((key.flags & CM_KEY_EXPORTABLE) != 0) {
    std::memcpy(key.raw, raw, raw_size);
    key.raw_size = static_cast<uint32_t>(raw_size);
  }
  switch (params.algorithm) {
    case CM_ALG_AES_GCM:
      return gcm_key_init(key.gcm, lanes().gcm, raw, raw_size);
    case CM_ALG_AES_KWP:
      return aes_key_init(key.kwp, lanes().aes, raw, raw_size);
    default:
      hmac_sha256_key_init(key.hmac, lanes().sha256, raw, raw_size);
      return Status::kOk;
  }
}

Status make_key(cm_key* out, const cm_key_params& params, const uint8_t* raw, size_t raw_size) {
  uint32_t slot = 0;
  KeyObject* key = store::new_key(&slot);
  if (key == nullptr) return Status::kNoMemory;
  if (const Status s = expand(*key, params, raw, raw_size); !succeeded(s)) {
    store::drop_key(slot);
    return s;
  }
  *out = store::publish_key(slot);
  return Status::kOk;
}

// indicator_of: whether having this key is already outside of what is approved.
Status indicator_of(const cm_key_params& params, size_t raw_size) {
  const bool weak = params.algorithm == CM_ALG_HMAC_SHA256 && raw_size * 8 < kGenerateMinBits;
  return Gate::permit(weak ? Status::kNotApprovedShortKey : Status::kOk);
}

// ---- bodies

Status key_generate(ThreadState& thread, cm_key* out, const cm_key_params* params) {
  if (out == nullptr || params == nullptr) return Status::kNull;
  *out = cm_key{0};
  const uint32_t bits = params->struct_size == sizeof *params ? params->bits : 0;
  if (const Status s = check_params(params, bits, true); !succeeded(s)) return s;
  if (bits < kGenerateMinBits) return Status::kLength;
  SecretArray<store::kRawKeyMax> raw;
  if (const Status s = random_fill(thread, raw.expose(), bits / 8); !succeeded(s)) return s;
  return make_key(out, *params, raw.expose(), bits / 8);
}

Status key_import(cm_key* out, const cm_key_params* params, In raw) {
  if (out == nullptr || raw.p == nullptr) return Status::kNull;
  *out = cm_key{0};
  if (raw.size == 0 || raw.size > store::kRawKeyMax) return Status::kLength;
  if (const Status s = check_params(params, static_cast<uint32_t>(raw.size * 8), false); !succeeded(s)) return s;
  const Status indicator = indicator_of(*params, raw.size);
  if (!succeeded(indicator)) return indicator;
  const Status s = make_key(out, *params, raw.bytes(), raw.size);
  return succeeded(s) ? indicator : s;
}

Status check_wrapping_key(const KeyObject* key, uint32_t usage) {
  if (key == nullptr) return Status::kHandle;
  return key->algorithm == CM_ALG_AES_KWP && (key->usage & usage) != 0 ? Status::kOk : Status::kUsage;
}

Status key_export(ThreadState& thread, cm_key handle, cm_key wrapping_key, void* out, size_t out_capacity,
                  size_t* out_size) {
  if (out_size == nullptr) return Status::kNull;
  *out_size = 0;
  const store::KeyUse use(thread, 0, handle);
  const store::KeyUse wrapping(thread, 1, wrapping_key);
  if (use.key() == nullptr) return Status::kHandle;
  if (const Status s = check_wrapping_key(wrapping.key(), CM_USE_WRAP); !succeeded(s)) return s;
  if ((use.key()->flags & CM_KEY_EXPORTABLE) == 0) return Status::kNotExportable;
  const size_t need = kwp_wrapped_size(use.key()->raw_size);
  if (out_capacity < need) {
    *out_size = need;
    return Status::kBufferTooSmall;
  }
  if (out == nullptr) return Status::kNull;
  if (const Status s = kwp_wrap(wrapping.key()->kwp, static_cast<uint8_t*>(out), use.key()->raw, use.key()->raw_size);
      !succeeded(s)) {
    zeroise(out, need);
    return s;
  }
  *out_size = need;
  return Status::kOk;
}

Status key_import_wrapped(ThreadState& thread, cm_key* out, const cm_key_params* params, cm_key wrapping_key,
                          In wrapped) {
  if (out == nullptr || params == nullptr || wrapped.p == nullptr) return Status::kNull;
  *out = cm_key{0};
  if (wrapped.size < 16 || wrapped.size % 8 != 0 || wrapped.size > kwp_wrapped_size(store::kRawKeyMax))
    return Status::kLength;
  SecretArray<store::kRawKeyMax> raw;
  size_t raw_size = 0;
  {
    const store::KeyUse wrapping(thread, 1, wrapping_key);
    if (const Status s = check_wrapping_key(wrapping.key(), CM_USE_UNWRAP); !succeeded(s)) return s;
    if (const Status s = kwp_unwrap(wrapping.key()->kwp, raw.expose(), &raw_size, wrapped.bytes(), wrapped.size);
        !succeeded(s))
      return s;
  }
  return key_import(out, params, {raw.expose(), raw_size});
}

Status key_derive(cm_key* out, const cm_key_params* params, In password, In salt, uint32_t iterations) {
  if (out == nullptr || params == nullptr || password.missing() || salt.missing()) return Status::kNull;
  *out = cm_key{0};
  if (password.wraps() || salt.wraps()) return Status::kLength;
  const uint32_t bits = params->struct_size == sizeof *params ? params->bits : 0;
  if (const Status s = check_params(params, bits, false); !succeeded(s)) return s;
  if (iterations == 0) return Status::kArgument;
  const size_t size = bits / 8;
  const bool approved = pbkdf2_approved(password.size, salt.size, iterations, size);
  const Status indicator = Gate::permit(approved ? Status::kOk : Status::kNotApprovedPbkdf2Input);
  if (!succeeded(indicator)) return indicator;
  SecretArray<store::kRawKeyMax> raw;
  if (const Status s = pbkdf2_hmac_sha256(lanes().sha256, raw.expose(), size, password.bytes(), password.size,
                                          salt.bytes(), salt.size, iterations);
      !succeeded(s))
    return s;
  const Status s = make_key(out, *params, raw.expose(), size);
  return succeeded(s) ? indicator : s;
}

Status key_info(ThreadState& thread, cm_key handle, cm_key_attributes* out) {
  if (out == nullptr) return Status::kNull;
  if (out->struct_size != sizeof *out) return Status::kArgument;
  const store::KeyUse use(thread, 0, handle);
  if (use.key() == nullptr) return Status::kHandle;
  const KeyObject& key = *use.key();
  const bool counted = key.iv_regime == CM_IV_COUNTER;
  *out = {sizeof *out,
          key.algorithm,
          key.bits,
          key.usage,
          key.flags,
          key.iv_regime,
          counted ? use.state()->counter.load(std::memory_order_relaxed) : use.random_seals()};
  return Status::kOk;
}

Lane lane_of(const cm_key_params* params) {
  if (params == nullptr || params->struct_size != sizeof *params) return Lane::kNone;
  return params->algorithm == CM_ALG_HMAC_SHA256 ? lanes().sha256 : lanes().aes;
}

}  // namespace

CM_EXPORT cm_rc cm_key_generate(cm_session session, cm_key* out, const cm_key_params* params) {
  Gate gate(service(EventId::kKeyGenerate), session, 0, 0);
  if (!gate.open()) return gate.refused();
  const Status s = key_generate(gate.thread(), out, params);
  if (succeeded(s)) gate.set_object(out->v);
  return gate.leave(s, 0, lane_of(params));
}

CM_EXPORT cm_rc cm_key_import(cm_session session, cm_key* out, const cm_key_params* params, const void* key,
                              size_t key_size) {
  Gate gate(service(EventId::kKeyImport), session, 0, key_size);
  if (!gate.open()) return gate.refused();
  const Status s = key_import(out, params, {key, key_size});
  if (succeeded(s)) gate.set_object(out->v);
  return gate.leave(s, 0, lane_of(params));
}

CM_EXPORT cm_rc cm_key_destroy(cm_session session, cm_key key) {
  Gate gate(service(EventId::kKeyDestroy), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(store::destroy_key(key));
}

CM_EXPORT cm_rc cm_key_export_wrapped(cm_session session, cm_key key, cm_key wrapping_key, void* out,
                                      size_t out_capacity, size_t* out_size) {
  Gate gate(service(EventId::kKeyExportWrapped), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  const Status s = key_export(gate.thread(), key, wrapping_key, out, out_capacity, out_size);
  return gate.leave(s, succeeded(s) ? *out_size : 0, lanes().aes);
}

CM_EXPORT cm_rc cm_key_import_wrapped(cm_session session, cm_key* out, const cm_key_params* params, cm_key wrapping_key,
                                      const void* wrapped, size_t wrapped_size) {
  Gate gate(service(EventId::kKeyImportWrapped), session, wrapping_key.v, wrapped_size);
  if (!gate.open()) return gate.refused();
  const Status s = key_import_wrapped(gate.thread(), out, params, wrapping_key, {wrapped, wrapped_size});
  if (succeeded(s)) gate.set_object(out->v);
  return gate.leave(s, 0, lanes().aes);
}

CM_EXPORT cm_rc cm_key_derive_pbkdf2(cm_session session, cm_key* out, const cm_key_params* params, const void* password,
                                     size_t password_size, const void* salt, size_t salt_size, uint32_t iterations) {
  Gate gate(service(EventId::kKeyDerivePbkdf2), session, 0, password_size);
  if (!gate.open()) return gate.refused();
  const Status s = key_derive(out, params, {password, password_size}, {salt, salt_size}, iterations);
  if (succeeded(s)) gate.set_object(out->v);
  return gate.leave(s, 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_key_info(cm_session session, cm_key key, cm_key_attributes* out) {
  Gate gate(service(EventId::kKeyInfo), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(key_info(gate.thread(), key, out));
}
