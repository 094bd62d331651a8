// SPDX-License-Identifier: Apache-2.0
// gcm_siv.h: AES-GCM-SIV (RFC 8452), one-shot, on the lane of the key: an AEAD that a repeated nonce does not break; it
// only tells whether two messages were the same. Not an approved algorithm (SP 800-140C does not list it): the services
// that offer it say so. A call allocates nothing and keeps nothing.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

inline constexpr size_t kGcmSivNonce = 12;
inline constexpr size_t kGcmSivTag = 16;
// Bytes, RFC 8452 section 6.
inline constexpr uint64_t kGcmSivMaxText = uint64_t{1} << 36;
inline constexpr uint64_t kGcmSivMaxAad = uint64_t{1} << 36;

// GcmSivKey: the key-generating key. Each nonce has keys of its own, so that nothing else can be computed beforehand.
struct GcmSivKey {
  AesKey aes;
};

// gcm_siv_key_init: raw_size 16 or 32, else kLength.
Status gcm_siv_key_init(GcmSivKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

struct GcmSivInput {
  const uint8_t* nonce;  // kGcmSivNonce bytes
  const uint8_t* aad;
  size_t aad_size;      // at most kGcmSivMaxAad
  const uint8_t* text;  // plaintext to seal, ciphertext to open
  size_t text_size;     // at most kGcmSivMaxText
};

// gcm_siv_seal: writes text_size bytes to out (may equal text) and the 16-byte tag. Lengths were checked by the caller.
void gcm_siv_seal(const GcmSivKey& key, uint8_t* out, uint8_t* tag, const GcmSivInput& in);

// gcm_siv_open: decrypts to out (may equal text) and compares the tag, which is always whole because decryption starts
// from it, in constant time. The mask is set when the tag is right. When it is not, out has been zeroed.
ct::Mask gcm_siv_open(const GcmSivKey& key, uint8_t* out, const uint8_t* tag, const GcmSivInput& in);

}  // namespace cm
