// SPDX-License-Identifier: Apache-2.0
// hmac_many.cpp: see hmac_many.h: first all inner hashes side by side, then all outer ones.
#include "crypto/hmac/hmac_many.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

struct Digests {
  explicit Digests(size_t n) : count(n) {}
  ~Digests() { zeroise(bytes, count * sizeof bytes[0]); }
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;
  size_t count;
  uint8_t bytes[kHashManyMax][kHashMaxSize];
};

}  // namespace

void hmac_many(const HashLanes& single, Lane wide, const HmacJob* jobs, size_t count) {
  CM_CHECK(count <= kHashManyMax);
  if (count == 0) return;
  Digests inner(count);
  HashJob hashes[kHashManyMax];
  for (size_t i = 0; i < count; ++i) {
    const HmacKey& key = *jobs[i].key;
    hashes[i] = {key.id, &key.inner, hash_row(key.id).block_size, jobs[i].in, jobs[i].in_size, inner.bytes[i]};
  }
  hash_many(single, wide, hashes, count);
  for (size_t i = 0; i < count; ++i) {
    const HmacKey& key = *jobs[i].key;
    hashes[i] = {key.id, &key.outer, hash_row(key.id).block_size, inner.bytes[i], hmac_size(key), jobs[i].mac};
  }
  hash_many(single, wide, hashes, count);
}

}  // namespace cm
