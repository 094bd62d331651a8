// SPDX-License-Identifier: Apache-2.0
// pbkdf2.cpp: PBKDF2-HMAC-SHA-256 (SP 800-132 5.3, RFC 8018 5.2). Both key blocks are compressed once, and all later
// inputs are 32 bytes long, so that an iteration is two compressions over blocks whose padding never changes.
#include "crypto/kdf/pbkdf2.h"

#include "crypto/base/secret.h"
#include "crypto/sha2/sha256.h"

namespace cm {
namespace {

constexpr uint64_t kMaxOutput = uint64_t{0xffffffff} * kSha256Size;  // RFC 8018 5.2 step 1

// Workspace: secrets of one derivation, zeroised when it goes out of scope.
struct Workspace {
  HmacKey key;
  Hmac first;
  alignas(64) uint32_t words[16];  // U, then the padding of a message of one block and 32 bytes
  uint32_t state[8];
  uint32_t sum[8];
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { zeroise(this, sizeof *this); }
};

void pad(uint32_t* words) {
  constexpr uint32_t kTail[8] = {0x80000000, 0, 0, 0, 0, 0, 0, 8 * (kSha256Block + kSha256Size)};
  std::memcpy(words + 8, kTail, sizeof kTail);
}

// compress_from: state = midstate after one more block, which is the next input too.
inline void compress_from(Workspace& ws, const uint32_t* midstate) {
  std::memcpy(ws.state, midstate, sizeof ws.state);
  sha256_words(ws.key.lane, ws.state, ws.words);
  std::memcpy(ws.words, ws.state, sizeof ws.state);
}

// derive_block: T_index of RFC 8018 into ws.sum, as words.
void derive_block(Workspace& ws, const uint8_t* salt, size_t salt_size, uint32_t index, uint32_t iterations) {
  SecretArray<kSha256Size> u;
  uint8_t index_be[4];
  store_be32(index_be, index);
  hmac_init(ws.first, ws.key);
  hmac_update(ws.first, salt, salt_size);
  hmac_update(ws.first, index_be, sizeof index_be);
  hmac_final(ws.first, u.expose());
  for (size_t i = 0; i < 8; ++i) ws.words[i] = ws.sum[i] = load_be32(u.expose() + 4 * i);
  for (uint32_t n = 1; n < iterations; ++n) {
    compress_from(ws, ws.key.inner.w32);
    compress_from(ws, ws.key.outer.w32);
    for (size_t i = 0; i < 8; ++i) ws.sum[i] ^= ws.state[i];
  }
}

}  // namespace

Status pbkdf2_hmac_sha256(Lane lane, uint8_t* out, size_t out_size, const uint8_t* password, size_t password_size,
                          const uint8_t* salt, size_t salt_size, uint32_t iterations) {
  if (iterations == 0) return Status::kArgument;
  if (out_size == 0 || out_size > kMaxOutput) return Status::kLength;
  Workspace ws;
  hmac_key_init(ws.key, HashId::kSha256, lane, password, password_size);
  pad(ws.words);
  SecretArray<kSha256Size> t;
  for (uint32_t index = 1; out_size != 0; ++index) {
    derive_block(ws, salt, salt_size, index, iterations);
    sha256_write_digest(t.expose(), ws.sum);
    const size_t take = out_size < kSha256Size ? out_size : kSha256Size;
    std::memcpy(out, t.expose(), take);
    out += take;
    out_size -= take;
  }
  return Status::kOk;
}

}  // namespace cm
