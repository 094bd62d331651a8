// SPDX-License-Identifier: Apache-2.0
// chacha20_poly1305.h: the AEAD of RFC 8439, one-shot, on a given lane. Not an approved algorithm (SP 800-140C does not
// list it): the services that offer it say so. A call allocates nothing and keeps nothing.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/ct.h"
#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm {

inline constexpr size_t kChaChaKeySize = 32;
inline constexpr size_t kChaChaIv = 12;
inline constexpr size_t kChaChaTag = 16;
// Bytes: the 32-bit block counter starts at 1 (RFC 8439 2.8), so 2^32 - 1 blocks of 64 bytes.
inline constexpr uint64_t kChaChaMaxText = (uint64_t{1} << 38) - 64;

struct alignas(64) ChaChaKey {
  uint8_t key[kChaChaKeySize];
  Lane lane;
};

// chacha_key_init: raw_size 32, else kLength.
Status chacha_key_init(ChaChaKey& key, Lane lane, const uint8_t* raw, size_t raw_size);

struct ChaChaInput {
  const uint8_t* iv;  // kChaChaIv bytes; never twice with a key
  const uint8_t* aad;
  size_t aad_size;
  const uint8_t* text;  // plaintext to seal, ciphertext to open
  size_t text_size;     // at most kChaChaMaxText
};

// chacha_seal: writes text_size bytes to out (may equal text) and the full 16-byte tag. Lengths were checked by the
// caller.
void chacha_seal(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);

// chacha_open: decrypts to out and compares the first tag_size (1..16) bytes of the tag in constant time.
// The mask is set when the tag is right. When it is not, out has been zeroed.
ct::Mask chacha_open(const ChaChaKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const ChaChaInput& in);

}  // namespace cm
