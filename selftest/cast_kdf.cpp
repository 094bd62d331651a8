// SPDX-License-Identifier: Apache-2.0
// cast_kdf.cpp: known-answer tests of the key derivation from a secret key (FIPS 140-3 IG 10.3.A): HKDF, that of
// TLS 1.3 and 1.2, and SP 800-108 in each of its modes with HMAC, with CMAC and with KMAC.
#include "crypto/kdf/hkdf.h"
#include "crypto/kdf/kbkdf.h"
#include "crypto/kdf/tls12_prf.h"
#include "selftest/cast_kdf_inputs.h"

namespace cm::selftest {
namespace {

HmacKey hmac_key(Lane lane, const uint8_t* raw, size_t size) {
  HmacKey key;
  hmac_key_init(key, HashId::kSha256, lane, raw, size);
  return key;
}

void count_up(uint8_t* out, size_t size, uint8_t first) {
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(first + i);
}

bool kbkdf_is_right(Lane lane, KbkdfMode mode, const uint8_t (&expected)[known::kKdfSize], bool broken) {
  const KdfInputs in;
  const KdfFixedInput fixed(in);
  KbkdfInput input = fixed.input(mode);
  if (mode == KbkdfMode::kFeedback) input.iv = {in.iv, sizeof in.iv};
  const HmacKey key = hmac_key(lane, in.secret, sizeof in.secret);
  return derives(expected, broken, [&](uint8_t* out, size_t size) { return kbkdf_hmac(key, out, size, input); });
}

}  // namespace

bool cast_hkdf(Lane lane, bool broken) {
  uint8_t secret[known::kHkdfSecretSize], salt[known::kHkdfSaltSize], info[known::kHkdfInfoSize], prk[32];
  std::memset(secret, known::kHkdfSecretByte, sizeof secret);
  count_up(salt, sizeof salt, known::kHkdfSaltFirst);
  count_up(info, sizeof info, known::kHkdfInfoFirst);
  hkdf_extract(HashId::kSha256, lane, prk, salt, sizeof salt, secret, sizeof secret);
  const HmacKey key = hmac_key(lane, prk, sizeof prk);
  return derives(known::kHkdfKey, broken,
                 [&](uint8_t* out, size_t size) { return hkdf_expand(key, out, size, info, sizeof info); });
}

bool cast_tls13_kdf(Lane lane, bool broken) {
  const HmacKey key = hmac_key(lane, known::kTls13Secret, sizeof known::kTls13Secret);
  uint8_t label[sizeof known::kTls13Label - 1];
  std::memcpy(label, known::kTls13Label, sizeof label);
  return derives(known::kTls13Key, broken, [&](uint8_t* out, size_t size) {
    return tls13_expand_label(key, out, size, label, sizeof label, known::kTls13Context, sizeof known::kTls13Context);
  });
}

bool cast_tls12_prf(Lane lane, bool broken) {
  const KdfInputs in;
  const HmacKey key = hmac_key(lane, in.secret, sizeof in.secret);
  return derives(known::kTls12PrfKey, broken, [&](uint8_t* out, size_t size) {
    return tls12_prf(key, out, size, in.label, sizeof in.label, in.context, sizeof in.context);
  });
}

bool cast_kbkdf_counter(Lane lane, bool broken) {
  return kbkdf_is_right(lane, KbkdfMode::kCounter, known::kKbkdfCounterKey, broken);
}
bool cast_kbkdf_feedback(Lane lane, bool broken) {
  return kbkdf_is_right(lane, KbkdfMode::kFeedback, known::kKbkdfFeedbackKey, broken);
}
bool cast_kbkdf_pipeline(Lane lane, bool broken) {
  return kbkdf_is_right(lane, KbkdfMode::kDoublePipeline, known::kKbkdfPipelineKey, broken);
}

bool cast_kbkdf_cmac(Lane lane, bool broken) {
  const KdfInputs in;
  const KdfFixedInput fixed(in);
  CmacKey key;
  if (!succeeded(cmac_key_init(key, lane, in.secret, sizeof in.secret))) return false;
  return derives(known::kKbkdfCmacKey, broken, [&](uint8_t* out, size_t size) {
    return kbkdf_cmac(key, out, size, fixed.input(KbkdfMode::kCounter));
  });
}

bool cast_kbkdf_kmac(Lane lane, bool broken) {
  const KdfInputs in;
  return derives(known::kKbkdfKmacKey, broken, [&](uint8_t* out, size_t size) {
    return kbkdf_kmac(lane, 128, in.secret, sizeof in.secret, out, size, in.label, sizeof in.label, in.context,
                      sizeof in.context);
  });
}

}  // namespace cm::selftest
