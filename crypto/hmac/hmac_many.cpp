// SPDX-License-Identifier: Apache-2.0
// hmac_many.cpp: see hmac_many.h: all hashes side by side; those of Keccak first the inner ones, then the outer.
#include "crypto/hmac/hmac_many.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

struct Digests {
  Digests() = default;
  ~Digests() { zeroise(bytes, count * sizeof bytes[0]); }
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;
  size_t count = 0;
  uint8_t bytes[kHashManyMax][kHashMaxSize];
};

}  // namespace

void hmac_many(const HashLanes& single, Lane wide, const HmacJob* jobs, size_t count) {
  CM_CHECK(count <= kHashManyMax);
  if (count == 0) return;
  Digests inner;
  HashJob hashes[kHashManyMax];
  uint8_t twice[kHashManyMax] = {};  // those with another pass for their outer hash
  for (size_t i = 0; i < count; ++i) {
    const HmacKey& key = *jobs[i].key;
    hashes[i] = {key.id, &key.inner, hash_row(key.id).block_size, jobs[i].in, jobs[i].in_size, jobs[i].mac, &key.outer};
    if (hash_row(key.id).core != HashCore::kKeccak) continue;
    hashes[i].outer = nullptr;
    hashes[i].digest = inner.bytes[inner.count];
    twice[inner.count++] = static_cast<uint8_t>(i);
  }
  hash_many(single, wide, hashes, count);
  for (size_t i = 0; i < inner.count; ++i) {
    const HmacJob& job = jobs[twice[i]];
    const HmacKey& key = *job.key;
    hashes[i] = {key.id, &key.outer, hash_row(key.id).block_size, inner.bytes[i], hmac_size(key), job.mac, nullptr};
  }
  if (inner.count != 0) hash_many(single, wide, hashes, inner.count);
}

}  // namespace cm
