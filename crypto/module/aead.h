// SPDX-License-Identifier: Apache-2.0
// aead.h: authenticated encryption with a key object, whatever its algorithm. The key is one for SEAL and OPEN.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/ct.h"
#include "crypto/module/store.h"

namespace cm {

inline constexpr size_t kAeadTagMin = 4, kAeadTagMax = 16;  // of any algorithm
inline constexpr size_t kAeadIvMax = 64;

struct AeadInput {
  const uint8_t* iv;
  size_t iv_size;
  const uint8_t* aad;
  size_t aad_size;
  const uint8_t* text;  // plaintext to seal, ciphertext to open
  size_t text_size;
};

// The algorithms but AES-GCM, out of the way of its path.
bool other_aead_fits(const store::KeyObject& key, size_t iv_size, size_t aad_size, size_t text_size, size_t tag_size);
void other_aead_seal(const store::KeyObject& key, uint8_t* out, uint8_t* tag, size_t tag_size, const AeadInput& in);
ct::Mask other_aead_open(const store::KeyObject& key, uint8_t* out, const uint8_t* tag, size_t tag_size,
                         const AeadInput& in);

// aead_fits: whether the algorithm takes these sizes (the table in cryptomod.h). The AAD was found to be at most
// kGcmMaxAad.
inline bool aead_fits(const store::KeyObject& key, size_t iv_size, size_t aad_size, size_t text_size, size_t tag_size) {
  if (key.algorithm != CM_ALG_AES_GCM) [[unlikely]]
    return other_aead_fits(key, iv_size, aad_size, text_size, tag_size);
  return iv_size >= 1 && iv_size <= kAeadIvMax && text_size <= kGcmMaxText && tag_size >= CM_AEAD_TAG_SIZE_MIN &&
         tag_size <= kGcmTag;
}

// aead_seal: writes text_size bytes to out, which may be text, and tag_size bytes to tag. The sizes fit.
inline void aead_seal(const store::KeyObject& key, uint8_t* out, uint8_t* tag, size_t tag_size, const AeadInput& in) {
  if (key.algorithm != CM_ALG_AES_GCM || tag_size != kGcmTag) [[unlikely]]
    return other_aead_seal(key, out, tag, tag_size, in);
  gcm_seal(key.gcm, out, tag, {in.iv, in.iv_size, in.aad, in.aad_size, in.text, in.text_size});
}

// aead_open: the mask is set when the tag is right; when it is not, out has been zeroed. The sizes fit.
inline ct::Mask aead_open(const store::KeyObject& key, uint8_t* out, const uint8_t* tag, size_t tag_size,
                          const AeadInput& in) {
  if (key.algorithm != CM_ALG_AES_GCM) [[unlikely]]
    return other_aead_open(key, out, tag, tag_size, in);
  return gcm_open(key.gcm, out, tag, tag_size, {in.iv, in.iv_size, in.aad, in.aad_size, in.text, in.text_size});
}

}  // namespace cm
