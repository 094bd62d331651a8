// SPDX-License-Identifier: Apache-2.0
// new_key.cpp: see new_key.h.
#include "crypto/module/new_key.h"

#include "crypto/module/lanes.h"

namespace cm::abi {
namespace {

using store::KeyObject;

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
    case KeyForm::kSecret:
      return Lane::kNone;
  }
  return Lane::kNone;
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
    case KeyForm::kSecret:
      return Status::kOk;
  }
  return Status::kArgument;
}

// expand: from raw bytes to the form that services use. The raw form stays in an exportable key and in a secret.
Status expand(KeyObject& key, const cm_key_params& params, const uint8_t* raw, size_t raw_size) {
  const KeyAlgorithmRow& row = *key_algorithm(params.algorithm);
  key.algorithm = params.algorithm;
  key.bits = static_cast<uint32_t>(raw_size * 8);
  key.usage = params.usage != 0 ? params.usage : row.usage;
  key.flags = params.flags;
  key.iv_regime = params.iv_regime;
  key.lane = lane_of(row);
  std::memcpy(key.iv_fixed, params.iv_fixed, sizeof key.iv_fixed);
  if ((key.flags & CM_KEY_EXPORTABLE) != 0 || row.form == KeyForm::kSecret) {
    std::memcpy(key.raw, raw, raw_size);
    key.raw_size = static_cast<uint32_t>(raw_size);
  }
  return expand_form(key, row, raw, raw_size);
}

}  // namespace

bool is_zero(const uint8_t* p, size_t size) {
  uint8_t any = 0;
  for (size_t i = 0; i < size; ++i) any |= p[i];
  return any == 0;
}

Status start_key(NewKey& key, cm_key* out, const cm_key_params* params, In a, In b) {
  if (out == nullptr || params == nullptr || a.missing() || b.missing()) return Status::kNull;
  const Out handle{out, sizeof *out};
  if (share(handle, In{params, sizeof *params}) || share(handle, a) || share(handle, b)) return Status::kOverlap;
  key.out = out;
  *out = cm_key{0};
  return take_struct(params, key.params);
}

Status check_params(const cm_key_params& params, uint32_t bits, bool generated) {
  const KeyAlgorithmRow* row = key_algorithm(params.algorithm);
  if (row == nullptr) return Status::kArgument;
  if (params.bits != 0 && params.bits != bits) return Status::kLength;
  if (!key_bits_fit(row->sizes, bits)) return Status::kLength;
  if ((params.usage & ~row->usage) != 0 || (params.flags & ~uint32_t{CM_KEY_EXPORTABLE}) != 0) return Status::kArgument;
  return check_iv_regime(params, *row, generated);
}

Status indicator_of(const cm_key_params& params, size_t raw_size, Status own) {
  const KeyAlgorithmRow& row = *key_algorithm(params.algorithm);
  if (row.indicator != Status::kOk) return Gate::permit(row.indicator);
  const bool weak = own == Status::kOk && row.sizes == KeySizes::kMac && raw_size * 8 < kGenerateMinBits;
  return Gate::permit(weak ? Status::kNotApprovedShortKey : own);
}

Lane lane_of(const cm_key_params& params) {
  const KeyAlgorithmRow* row = key_algorithm(params.algorithm);
  return row != nullptr ? lane_of(*row) : Lane::kNone;
}

Status expand_key(const cm_key_params& params, const uint8_t* raw, size_t raw_size, Status indicator, uint32_t* slot) {
  KeyObject* key = store::new_key(slot);
  if (key == nullptr) return Status::kNoMemory;
  if (const Status s = expand(*key, params, raw, raw_size); !succeeded(s)) {
    store::drop_key(*slot);
    return s;
  }
  key->indicator = indicator;
  return indicator;
}

Status make_key(NewKey& to, const uint8_t* raw, size_t raw_size, Status indicator) {
  uint32_t slot = 0;
  const Status s = expand_key(to.params, raw, raw_size, indicator, &slot);
  if (succeeded(s)) to.made = store::publish_key(slot);
  return s;
}

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

}  // namespace cm::abi
