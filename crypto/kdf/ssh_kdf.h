// SPDX-License-Identifier: Apache-2.0
// ssh_kdf.h: the key derivation of SSH (RFC 4253 7.2; SP 800-135 rev. 1 5.2).
#pragma once
#include "crypto/base/status.h"
#include "crypto/hash/hash.h"

namespace cm {

// SshSecret: how the shared secret goes into the hash. kMpint: an unsigned number, most significant byte first, which
// is encoded as RFC 4251 section 5 says (Diffie-Hellman, ECDH); kString: bytes with their length before them (hybrid
// key exchange); kEncoded: as it is.
enum class SshSecret : uint8_t { kMpint, kString, kEncoded };

struct SshKdfInput {
  const uint8_t* secret;  // K
  size_t secret_size;     // at most 2^32 - 2
  SshSecret form;
  const uint8_t* exchange_hash;  // H
  size_t exchange_hash_size;
  const uint8_t* session_id;
  size_t session_id_size;
  uint8_t letter;  // 'A' to 'F': what the key is for
};

// kArgument: letter; kLength: out_size is 0 or more than 2^16 digests, or secret_size.
Status ssh_kdf(HashId id, Lane lane, uint8_t* out, size_t out_size, const SshKdfInput& input);

}  // namespace cm
