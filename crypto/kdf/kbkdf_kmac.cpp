// SPDX-License-Identifier: Apache-2.0
// kbkdf_kmac.cpp: key derivation with KMAC (SP 800-108 rev. 1 section 4.4). KMAC gives the whole output at once and
// binds its length, so that there is neither a counter nor an encoding of the length.
#include "crypto/base/check.h"
#include "crypto/kdf/kbkdf.h"
#include "crypto/sha3/sp800_185.h"

namespace cm {

Status kbkdf_kmac(Lane keccak, uint32_t security_bits, const uint8_t* key, size_t key_size, uint8_t* out,
                  size_t out_size, const uint8_t* label, size_t label_size, const uint8_t* context,
                  size_t context_size) {
  CM_CHECK(security_bits == 128 || security_bits == 256);
  if (out_size == 0 || out_size > kHashMaxInput) return Status::kLength;
  Sponge sponge;
  kmac_init(sponge, keccak, security_bits, key, key_size, label, label_size);
  sponge_absorb(sponge, context, context_size);
  kmac_final(sponge, out, out_size, false);
  sponge_zeroise(sponge);
  return Status::kOk;
}

}  // namespace cm
