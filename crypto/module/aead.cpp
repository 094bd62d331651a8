// SPDX-License-Identifier: Apache-2.0
// aead.cpp: which kernel serves a key, and which sizes it takes.
#include "crypto/module/aead.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/ccm/ccm.h"

namespace cm {
namespace {

GcmInput gcm_input(const AeadInput& in) { return {in.iv, in.iv_size, in.aad, in.aad_size, in.text, in.text_size}; }
CcmInput ccm_input(const AeadInput& in) { return {in.iv, in.iv_size, in.aad, in.aad_size, in.text, in.text_size}; }
GcmSivInput gcm_siv_input(const AeadInput& in) { return {in.iv, in.aad, in.aad_size, in.text, in.text_size}; }
ChaChaInput chacha_input(const AeadInput& in) { return {in.iv, in.aad, in.aad_size, in.text, in.text_size}; }

}  // namespace

bool other_aead_fits(const store::KeyObject& key, size_t iv_size, size_t aad_size, size_t text_size, size_t tag_size) {
  const bool usual_tag = tag_size >= CM_AEAD_TAG_SIZE_MIN && tag_size <= CM_AEAD_TAG_SIZE_MAX;
  switch (key.algorithm) {
    case CM_ALG_AES_GMAC:
      return usual_tag && iv_size >= 1 && iv_size <= kAeadIvMax && text_size == 0;
    case CM_ALG_AES_CCM:
      return ccm_sizes_fit({nullptr, iv_size, nullptr, 0, nullptr, text_size}, tag_size);
    case CM_ALG_CHACHA20_POLY1305:
      return usual_tag && iv_size == kChaChaIv && text_size <= kGcmMaxText;
    case CM_ALG_AES_GCM_SIV:
      return tag_size == kGcmSivTag && iv_size == kGcmSivNonce && text_size <= kGcmMaxText && aad_size <= kGcmSivMaxAad;
    default:
      return false;
  }
}

void other_aead_seal(const store::KeyObject& key, uint8_t* out, uint8_t* tag, size_t tag_size, const AeadInput& in) {
  if (key.algorithm == CM_ALG_AES_CCM) return ccm_seal(key.aes, out, tag, tag_size, ccm_input(in));
  if (key.algorithm == CM_ALG_AES_GCM_SIV) return gcm_siv_seal(key.gcm_siv, out, tag, gcm_siv_input(in));
  uint8_t full[kAeadTagMax];
  if (key.algorithm == CM_ALG_CHACHA20_POLY1305)
    chacha_seal(key.chacha, out, full, chacha_input(in));
  else
    gcm_seal(key.gcm, out, full, gcm_input(in));
  std::memcpy(tag, full, tag_size);
}

ct::Mask other_aead_open(const store::KeyObject& key, uint8_t* out, const uint8_t* tag, size_t tag_size,
                         const AeadInput& in) {
  if (key.algorithm == CM_ALG_AES_CCM) return ccm_open(key.aes, out, tag, tag_size, ccm_input(in));
  if (key.algorithm == CM_ALG_AES_GCM_SIV) return gcm_siv_open(key.gcm_siv, out, tag, gcm_siv_input(in));
  if (key.algorithm == CM_ALG_CHACHA20_POLY1305) return chacha_open(key.chacha, out, tag, tag_size, chacha_input(in));
  return gcm_open(key.gcm, out, tag, tag_size, gcm_input(in));
}

}  // namespace cm
