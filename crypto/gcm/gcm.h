// SPDX-License-Identifier: Apache-2.0
// gcm.h: AES-GCM (SP 800-38D), one-shot, on a given lane. The key object is immutable and holds everything that can be
// computed before a message; a call allocates nothing and keeps nothing.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/ct.h"

namespace cm {

inline constexpr size_t kGcmTag = 16;
inline constexpr uint64_t kGcmMaxText = (uint64_t{1} << 36) - 32;  // bytes, SP 800-38D 5.2.1.1
inline constexpr uint64_t kGcmMaxAad = (uint64_t{1} << 61) - 1;

struct alignas(64) GcmKey {
  AesKey aes;
  alignas(64) uint8_t h_powers[32 * 16];  // powers of H in the form the lane wants; part of the key, zeroise with it
};

// gcm_key_init: raw_size 16, 24 or 32, else kLength.
Status gcm_key_init(GcmKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

struct GcmInput {
  const uint8_t* iv;
  size_t iv_size;  // 12 is the fast path; any other size >= 1 is hashed (SP 800-38D 7.1 step 2)
  const uint8_t* aad;
  size_t aad_size;
  const uint8_t* text;  // plaintext to seal, ciphertext to open
  size_t text_size;
};

// gcm_seal: writes text_size bytes to out (may equal text) and the full 16-byte tag. Lengths were checked by the
// caller.
void gcm_seal(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);

// gcm_open: decrypts to out and compares the first tag_size (4..16) bytes of the tag in constant time.
// The mask is set when the tag is right. When it is not, out has been zeroed.
ct::Mask gcm_open(const GcmKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const GcmInput& in);

}  // namespace cm
