// SPDX-License-Identifier: Apache-2.0
// ssh_kdf.cpp: see ssh_kdf.h. The first piece hashes the letter and the session, each later one all pieces so far: a
// copy of the state after K, H and those pieces is taken, so that nothing is hashed twice.
#include "crypto/kdf/ssh_kdf.h"

#include "crypto/base/secret.h"

namespace cm {
namespace {

constexpr size_t kMaxPieces = size_t{1} << 16;

struct Hashing {
  Hashing() = default;
  ~Hashing() { zeroise(this, sizeof *this); }
  Hashing(const Hashing&) = delete;
  Hashing& operator=(const Hashing&) = delete;
  Hash so_far;  // K || H || K1 || K2 ...
  Hash piece;
  uint8_t digest[kHashMaxSize];
};

// add_secret: of a number the leading zeros go, and a zero byte comes before a first bit that is set: how long it is
// shows in the time, as it does in the length that is hashed.
void add_secret(Hash& h, const SshKdfInput& input) {
  const uint8_t* p = input.secret;
  size_t size = input.secret_size;
  uint8_t length[5] = {};
  size_t length_size = 4;
  if (input.form == SshSecret::kMpint) {
    while (size != 0 && *p == 0) ++p, --size;
    if (size != 0 && (*p & 0x80) != 0) length_size = 5;
  }
  store_be32(length, static_cast<uint32_t>(size + (length_size - 4)));
  if (input.form != SshSecret::kEncoded) hash_update(h, length, length_size);
  hash_update(h, p, size);
}

}  // namespace

Status ssh_kdf(HashId id, Lane lane, uint8_t* out, size_t out_size, const SshKdfInput& input) {
  const size_t size = hash_row(id).digest_size;
  if (input.letter < 'A' || input.letter > 'F') return Status::kArgument;
  if (out_size == 0 || out_size > kMaxPieces * size || input.secret_size > UINT32_MAX - 1) return Status::kLength;
  Hashing h;
  hash_init(h.so_far, id, lane);
  add_secret(h.so_far, input);
  hash_update(h.so_far, input.exchange_hash, input.exchange_hash_size);
  for (bool first = true; out_size != 0; first = false) {
    h.piece = h.so_far;
    if (first) {
      hash_update(h.piece, &input.letter, 1);
      hash_update(h.piece, input.session_id, input.session_id_size);
    }
    hash_final(h.piece, h.digest);
    const size_t take = out_size < size ? out_size : size;
    std::memcpy(out, h.digest, take);
    out += take;
    out_size -= take;
    if (out_size != 0) hash_update(h.so_far, h.digest, size);
  }
  return Status::kOk;
}

}  // namespace cm
