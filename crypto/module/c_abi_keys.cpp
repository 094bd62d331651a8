// SPDX-License-Identifier: Apache-2.0
// c_abi_keys.cpp: keys come in, are made, go out wrapped, and end. Attributes are fixed when a key is made.
#include "crypto/kdf/pbkdf2.h"
#include "crypto/keywrap/kw.h"
#include "crypto/keywrap/kwp.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/key_algorithms.h"
#include "crypto/module/lanes.h"
#include "crypto/module/random.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)
using store::KeyObject;

constexpr uint32_t kGenerateMinBits = 112;  // SP 800-131A: nothing weaker is made here

// ---- attributes

bool is_zero(const uint8_t* p, size_t size) {
  uint8_t any = 0;
  for (size_t i = 0; i < size; ++i) any |= p[i];
  return any == 0;
}

// check_iv_regime: which regimes a key may have, and that nothing stands where a regime has no fixed part.
Status check_iv_regime(const cm_key_params& params, const KeyAlgorithmRow& row, bool generated) {
  const bool seals = row.usage == kSealOpen;
  const bool exportable = (params.flags & CM_KEY_EXPORTABLE) != 0;
  switch (params.iv_regime) {
    case CM_IV_RANDOM:
      return is_zero(params.iv_fixed, 12) ? Status::kOk : Status::kArgument;
    case CM_IV_COUNTER:
      // The counter can never repeat only when no copy of the key exists outside.
      return seals && generated && !exportable && is_zero(params.iv_fixed + 4, 8) ? Status::kOk : Status::kArgument;
    case CM_IV_TLS12: {
      const bool suite = params.algorithm == CM_ALG_AES_GCM || params.algorithm == CM_ALG_AES_CCM;
      return suite && !exportable && is_zero(params.iv_fixed + 4, 8) ? Status::kOk : Status::kArgument;
    }
    case CM_IV_TLS13: {
      const bool suite = params.algorithm == CM_ALG_AES_GCM || params.algorithm == CM_ALG_AES_CCM ||
                         params.algorithm == CM_ALG_CHACHA20_POLY1305;
      return suite && !exportable ? Status::kOk : Status::kArgument;
    }
    default:
      return Status::kArgument;
  }
}

// check_params: everything that can be judged without the key. params is the module's copy.
Status check_params(const cm_key_params& params, uint32_t bits, bool generated) {
  const KeyAlgorithmRow* row = key_algorithm(params.algorithm);
  if (row == nullptr) return Status::kArgument;
  if (params.bits != 0 && params.bits != bits) return Status::kLength;
  if (!key_bits_fit(row->sizes, bits)) return Status::kLength;
  if ((params.usage & ~row->usage) != 0 || (params.flags & ~uint32_t{CM_KEY_EXPORTABLE}) != 0) return Status::kArgument;
  return check_iv_regime(params, *row, generated);
}

Lane lane_of(const KeyAlgorithmRow& row) {
  switch (row.form) {
    case KeyForm::kGcm:
      return lanes().gcm;
    case KeyForm::kAes:
    case KeyForm::kAesCounter:
    case KeyForm::kXts:
    case KeyForm::kCmac:
    case KeyForm::kGcmSiv:
      return lanes().aes;
    case KeyForm::kHmac:
      return hash_lane(row.hash, hash_lanes());
    case KeyForm::kKmac:
      return lanes().keccak;
    case KeyForm::kChaCha:
      return lanes().chacha;
  }
  return Lane::kNone;
}

// lane_of: of a key that may not have been made.
Lane lane_of(const cm_key_params& params) {
  const KeyAlgorithmRow* row = key_algorithm(params.algorithm);
  return row != nullptr ? lane_of(*row) : Lane::kNone;
}

constexpr uint32_t kmac_bits(uint32_t algorithm) {
  return algorithm == CM_ALG_KMAC128 || algorithm == CM_ALG_KMACXOF128 ? 128 : 256;
}
constexpr bool kmac_is_xof(uint32_t algorithm) {
  return algorithm == CM_ALG_KMACXOF128 || algorithm == CM_ALG_KMACXOF256;
}

// expand_form: key.lane is set.
Status expand_form(KeyObject& key, const KeyAlgorithmRow& row, const uint8_t* raw, size_t raw_size) {
  switch (row.form) {
    case KeyForm::kGcm:
      return gcm_key_init(key.gcm, key.lane, raw, raw_size);
    case KeyForm::kAes:
      return aes_key_init(key.aes, key.lane, raw, raw_size);
    case KeyForm::kAesCounter: {
      const Status s = aes_key_init(key.aes, key.lane, raw, raw_size);
      if (succeeded(s)) aes_make_columns(key.aes);
      return s;
    }
    case KeyForm::kXts:
      return xts_key_init(key.xts, key.lane, raw, raw_size);
    case KeyForm::kCmac:
      return cmac_key_init(key.cmac, key.lane, raw, raw_size);
    case KeyForm::kHmac:
      hmac_key_init(key.hmac, row.hash, key.lane, raw, raw_size);
      return Status::kOk;
    case KeyForm::kKmac:
      kmac_key_init(key.kmac, key.lane, kmac_bits(row.algorithm), kmac_is_xof(row.algorithm), raw, raw_size);
      return Status::kOk;
    case KeyForm::kChaCha:
      return chacha_key_init(key.chacha, key.lane, raw, raw_size);
    case KeyForm::kGcmSiv:
      return gcm_siv_key_init(key.gcm_siv, key.lane, raw, raw_size);
  }
  return Status::kArgument;
}

// expand: from raw bytes to the form that services use. The raw form stays only in an exportable key.
Status expand(KeyObject& key, const cm_key_params& params, const uint8_t* raw, size_t raw_size) {
  const KeyAlgorithmRow& row = *key_algorithm(params.algorithm);
  key.algorithm = params.algorithm;
  key.bits = static_cast<uint32_t>(raw_size * 8);
  key.usage = params.usage != 0 ? params.usage : row.usage;
  key.flags = params.flags;
  key.iv_regime = params.iv_regime;
  key.lane = lane_of(row);
  std::memcpy(key.iv_fixed, params.iv_fixed, sizeof key.iv_fixed);
  if ((key.flags & CM_KEY_EXPORTABLE) != 0) {
    std::memcpy(key.raw, raw, raw_size);
    key.raw_size = static_cast<uint32_t>(raw_size);
  }
  return expand_form(key, row, raw, raw_size);
}

// NewKey: a key on its way to the caller.
struct NewKey {
  cm_key* out;
  cm_key_params params;  // the module's copy
  cm_key made;
};

// start_key: what all services that make a key begin with; a and b are their inputs. Nothing is written before every
// input is known to lie apart from the output.
Status start_key(NewKey& key, cm_key* out, const cm_key_params* params, In a = {}, In b = {}) {
  if (out == nullptr || params == nullptr || a.missing() || b.missing()) return Status::kNull;
  const Out handle{out, sizeof *out};
  if (share(handle, In{params, sizeof *params}) || share(handle, a) || share(handle, b)) return Status::kOverlap;
  key.out = out;
  *out = cm_key{0};
  return take_struct(params, key.params);
}

// make_key: indicator is kOk or the reason why the key is not approved; the key keeps it, and it is the result.
Status make_key(NewKey& to, const uint8_t* raw, size_t raw_size, Status indicator) {
  uint32_t slot = 0;
  KeyObject* key = store::new_key(&slot);
  if (key == nullptr) return Status::kNoMemory;
  if (const Status s = expand(*key, to.params, raw, raw_size); !succeeded(s)) {
    store::drop_key(slot);
    return s;
  }
  key->indicator = indicator;
  to.made = store::publish_key(slot);
  return indicator;
}

// leave_with_key: hands the key out, or destroys it when the module has left its operational state meanwhile.
cm_rc leave_with_key(Gate& gate, const NewKey& key, Status s, Lane lane) {
  if (succeeded(s)) {
    if (const Status late = gate.recheck(); !succeeded(late)) {
      static_cast<void>(store::destroy_key(key.made));
      s = late;
    } else {
      *key.out = key.made;
      gate.set_object(key.made.v);
    }
  }
  return gate.leave(s, 0, lane);
}

// indicator_of: whether having this key is already outside of what is approved, whatever its history. own: kOk, or why
// the way it is made is not approved.
Status indicator_of(const cm_key_params& params, size_t raw_size, Status own = Status::kOk) {
  const KeyAlgorithmRow& row = *key_algorithm(params.algorithm);
  if (row.indicator != Status::kOk) return Gate::permit(row.indicator);
  const bool weak = own == Status::kOk && row.sizes == KeySizes::kMac && raw_size * 8 < kGenerateMinBits;
  return Gate::permit(weak ? Status::kNotApprovedShortKey : own);
}

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

// pbkdf2_takes: what HMAC can: the password is hashed when it is long, the salt follows the key's block and is
// followed by a counter of 4 bytes.
bool pbkdf2_takes(In password, In salt) {
  return !password.wraps() && !salt.wraps() && hash_takes(0, password.size) && hash_takes(kHashMaxBlock + 4, salt.size);
}

Status key_derive(NewKey& key, In password, In salt, uint32_t iterations) {
  const uint32_t bits = key.params.bits;
  if (const Status s = check_params(key.params, bits, false); !succeeded(s)) return s;
  // A key of a handshake is fresh; one from a password comes back, and its sequence numbers would begin again.
  if (key.params.iv_regime != CM_IV_RANDOM) return Status::kArgument;
  const size_t size = bits / 8;
  const bool approved = pbkdf2_approved(password.size, salt.size, iterations, size);
  const Status indicator = indicator_of(key.params, size, approved ? Status::kOk : Status::kNotApprovedPbkdf2Input);
  if (!succeeded(indicator)) return indicator;
  if (const Status s = pbkdf2_check(HashId::kSha256, size, iterations); !succeeded(s)) return s;
  SecretArray<store::kRawKeyMax> raw;
  const Pbkdf2Job job = {password.bytes(), password.size, salt.bytes(), salt.size, raw.expose(), size};
  pbkdf2(HashId::kSha256, lanes().sha256, lanes().hash_multi, &job, 1, iterations);
  return make_key(key, raw.expose(), size, indicator);
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

CM_EXPORT cm_rc cm_key_derive_pbkdf2(cm_session session, cm_key* out, const cm_key_params* params, const void* password,
                                     size_t password_size, const void* salt, size_t salt_size, uint32_t iterations) {
  Gate gate(service(EventId::kKeyDerivePbkdf2), session, 0, password_size);
  if (!gate.open()) return gate.refused();
  NewKey key{};
  const In secret{password, password_size};
  const In random{salt, salt_size};
  Status s = pbkdf2_takes(secret, random) ? start_key(key, out, params, secret, random) : Status::kLength;
  if (succeeded(s)) s = key_derive(key, secret, random, iterations);
  return leave_with_key(gate, key, s, lanes().sha256);
}

CM_EXPORT cm_rc cm_key_info(cm_session session, cm_key key, cm_key_attributes* out) {
  Gate gate(service(EventId::kKeyInfo), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(key_info(gate.thread(), key, out));
}
