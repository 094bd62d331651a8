// SPDX-License-Identifier: Apache-2.0
// c_abi_keys.cpp: keys come in, are made, go out wrapped, and end. Attributes are fixed when a key is made.
#include "crypto/keywrap/kw.h"
#include "crypto/keywrap/kwp.h"
#include "crypto/module/lanes.h"
#include "crypto/module/new_key.h"
#include "crypto/module/random.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)
using store::KeyObject;

// ---- bodies

Status key_generate(ThreadState& thread, NewKey& key) {
  const uint32_t bits = key.params.bits;
  if (const Status s = check_params(key.params, bits, true); !succeeded(s)) return s;
  if (bits < kGenerateMinBits) return Status::kLength;
  const Status indicator = indicator_of(key.params, bits / 8);
  if (!succeeded(indicator)) return indicator;
  SecretArray<store::kRawKeyMax> raw;
  if (const Status s = random_fill(thread, raw.expose(), bits / 8); !succeeded(s)) return s;
  return make_key(key, raw.expose(), bits / 8, indicator);
}

// import_raw: raw is the module's copy.
Status import_raw(NewKey& key, const uint8_t* raw, size_t raw_size) {
  if (const Status s = check_params(key.params, static_cast<uint32_t>(raw_size * 8), false); !succeeded(s)) return s;
  const Status indicator = indicator_of(key.params, raw_size);
  return succeeded(indicator) ? make_key(key, raw, raw_size, indicator) : indicator;
}

Status key_import(NewKey& key, In raw) {
  if (raw.size == 0 || raw.size > store::kRawKeyMax) return Status::kLength;
  SecretArray<store::kRawKeyMax> copy;
  std::memcpy(copy.expose(), raw.p, raw.size);
  return import_raw(key, copy.expose(), raw.size);
}

// check_wrapping_key: kOk, the reason why the key is not approved, or an error.
Status check_wrapping_key(const KeyObject* key, uint32_t usage) {
  if (key == nullptr) return Status::kHandle;
  if ((key->usage & usage) == 0) return Status::kUsage;
  return Gate::permit(key->indicator);
}

// wrap, unwrap: as the wrapping key says.
Status wrap(const KeyObject& wrapping, uint8_t* out, const KeyObject& key) {
  return wrapping.algorithm == CM_ALG_AES_KW ? kw_wrap(wrapping.aes, out, key.raw, key.raw_size)
                                             : kwp_wrap(wrapping.aes, out, key.raw, key.raw_size);
}

Status unwrap(const KeyObject& wrapping, uint8_t* raw, size_t* raw_size, In wrapped) {
  if (wrapping.algorithm != CM_ALG_AES_KW)
    return kwp_unwrap(wrapping.aes, raw, raw_size, wrapped.bytes(), wrapped.size);
  *raw_size = wrapped.size - 8;
  return kw_unwrap(wrapping.aes, raw, wrapped.bytes(), wrapped.size);
}

bool kw_takes(size_t size) { return size >= kKwMinPlain && size % 8 == 0; }

// wrap_reason: what an export reports, or why it is refused: the wrapping key's reason first, then the key's own.
Status wrap_reason(const KeyObject& key, const KeyObject* wrapping_key) {
  const Status s = check_wrapping_key(wrapping_key, CM_USE_WRAP);
  if (!succeeded(s)) return s;
  if ((key.flags & CM_KEY_EXPORTABLE) == 0) return Status::kNotExportable;
  if (wrapping_key->algorithm == CM_ALG_AES_KW && !kw_takes(key.raw_size)) return Status::kLength;
  return Gate::permit(reason_of(s, key));
}

// key_export: *written is the result's size, or the size needed with kBufferTooSmall.
Status key_export(ThreadState& thread, cm_key handle, cm_key wrapping_key, Out out, size_t* written) {
  const store::KeyUse use(thread, 0, handle);
  const store::KeyUse wrapping(thread, 1, wrapping_key);
  if (use.key() == nullptr) return Status::kHandle;
  const size_t need = kwp_wrapped_size(use.key()->bits / 8);
  const Status reason = wrap_reason(*use.key(), wrapping.key());
  if (out.size < need) {
    if (succeeded(reason)) *written = need;
    return succeeded(reason) ? Status::kBufferTooSmall : reason;
  }
  Status s = reason;
  if (succeeded(s)) s = wrap(*wrapping.key(), out.bytes(), *use.key());
  if (!succeeded(s)) {
    zeroise(out.p, need);
    return s;
  }
  *written = need;
  return reason;
}

Status key_import_wrapped(ThreadState& thread, NewKey& key, cm_key wrapping_key, In wrapped) {
  if (wrapped.size < 16 || wrapped.size % 8 != 0 || wrapped.size > kwp_wrapped_size(store::kRawKeyMax))
    return Status::kLength;
  SecretArray<store::kRawKeyMax> raw;
  size_t raw_size = 0;
  Status reason = Status::kOk;
  {
    const store::KeyUse wrapping(thread, 1, wrapping_key);
    reason = check_wrapping_key(wrapping.key(), CM_USE_UNWRAP);
    if (!succeeded(reason)) return reason;
    if (wrapping.key()->algorithm == CM_ALG_AES_KW && !kw_takes(wrapped.size - 8)) return Status::kLength;
    if (const Status s = unwrap(*wrapping.key(), raw.expose(), &raw_size, wrapped); !succeeded(s)) return s;
  }
  const Status s = import_raw(key, raw.expose(), raw_size);
  return s == Status::kOk ? reason : s;
}

Status key_info(ThreadState& thread, cm_key handle, cm_key_attributes* out) {
  if (out == nullptr) return Status::kNull;
  if (out->struct_size != sizeof *out) return Status::kArgument;
  const store::KeyUse use(thread, 0, handle);
  if (use.key() == nullptr) return Status::kHandle;
  const KeyObject& key = *use.key();
  const bool counted = key.iv_regime != CM_IV_RANDOM;
  *out = {sizeof *out,
          key.algorithm,
          key.bits,
          key.usage,
          key.flags,
          key.iv_regime,
          counted ? use.counter_seals() : use.random_seals()};
  return Status::kOk;
}

}  // namespace

CM_EXPORT cm_rc cm_key_generate(cm_session session, cm_key* out, const cm_key_params* params) {
  Gate gate(service(EventId::kKeyGenerate), session, 0, 0);
  if (!gate.open()) return gate.refused();
  NewKey key{};
  Status s = start_key(key, out, params);
  if (succeeded(s)) s = key_generate(gate.thread(), key);
  return leave_with_key(gate, key, s, lane_of(key.params));
}

CM_EXPORT cm_rc cm_key_import(cm_session session, cm_key* out, const cm_key_params* params, const void* key,
                              size_t key_size) {
  Gate gate(service(EventId::kKeyImport), session, 0, key_size);
  if (!gate.open()) return gate.refused();
  NewKey made{};
  const In raw{key, key_size};
  Status s = key != nullptr ? start_key(made, out, params, raw) : Status::kNull;
  if (succeeded(s)) s = key_import(made, raw);
  return leave_with_key(gate, made, s, lane_of(made.params));
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
  const Out wrapped{out, out_capacity};
  if (out_size == nullptr || wrapped.missing()) return gate.leave(Status::kNull);
  if (share(wrapped, Out{out_size, sizeof *out_size})) return gate.leave(Status::kOverlap);
  size_t size = 0;
  const Status s = key_export(gate.thread(), key, wrapping_key, wrapped, &size);
  *out_size = size;
  return gate.leave(s, size, lanes().aes);
}

CM_EXPORT cm_rc cm_key_import_wrapped(cm_session session, cm_key* out, const cm_key_params* params, cm_key wrapping_key,
                                      const void* wrapped, size_t wrapped_size) {
  Gate gate(service(EventId::kKeyImportWrapped), session, wrapping_key.v, wrapped_size);
  if (!gate.open()) return gate.refused();
  NewKey key{};
  const In in{wrapped, wrapped_size};
  Status s = wrapped != nullptr ? start_key(key, out, params, in) : Status::kNull;
  if (succeeded(s)) s = key_import_wrapped(gate.thread(), key, wrapping_key, in);
  return leave_with_key(gate, key, s, lanes().aes);
}

CM_EXPORT cm_rc cm_key_info(cm_session session, cm_key key, cm_key_attributes* out) {
  Gate gate(service(EventId::kKeyInfo), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(key_info(gate.thread(), key, out));
}
