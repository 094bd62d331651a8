// SPDX-License-Identifier: Apache-2.0
// ccm.h: AES-CCM (SP 800-38C), one-shot, on the lane of the key. A call allocates nothing and keeps nothing.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

inline constexpr size_t kCcmMinNonce = 7, kCcmMaxNonce = 13, kCcmMaxTag = 16;

struct CcmInput {
  const uint8_t* nonce;
  size_t nonce_size;
  const uint8_t* aad;
  size_t aad_size;      // any
  const uint8_t* text;  // plaintext to seal, ciphertext to open
  size_t text_size;
};

// ccm_sizes_fit: nonce 7 to 13 bytes, tag 4, 6, ... 16 bytes, and a text whose length fits the bytes that the nonce
// leaves (SP 800-38C A.1).
bool ccm_sizes_fit(const CcmInput& in, size_t tag_size);

// ccm_seal: writes text_size bytes to out, which may be text, and tag_size bytes to tag. The sizes fit.
void ccm_seal(const AesKey& key, uint8_t* out, uint8_t* tag, size_t tag_size, const CcmInput& in);

// ccm_open: decrypts to out and compares the tag in constant time. The mask is set when the tag is right; when it is
// not, out has been zeroed. The sizes fit.
ct::Mask ccm_open(const AesKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const CcmInput& in);

}  // namespace cm
