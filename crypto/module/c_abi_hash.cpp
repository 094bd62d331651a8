// SPDX-License-Identifier: Apache-2.0
// c_abi_hash.cpp: SHA-256 (FIPS 180-4), one-shot and streaming.
#include "crypto/module/c_abi.h"
#include "crypto/module/lanes.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

// check_input: before: bytes that the same computation of SHA-256 has taken already.
Status check_input(In in, uint64_t before) {
  if (in.missing()) return Status::kNull;
  return in.wraps() || !sha256_takes(before, in.size) ? Status::kLength : Status::kOk;
}

Status check_digest(Out digest, size_t capacity) {
  if (digest.p == nullptr) return Status::kNull;
  return capacity < digest.size ? Status::kBufferTooSmall : Status::kOk;
}

Status hash_compute(uint32_t algorithm, Out digest, size_t capacity, In in) {
  if (algorithm != CM_HASH_SHA256) return Status::kArgument;
  if (const Status s = check_digest(digest, capacity); !succeeded(s)) return s;
  if (const Status s = check_input(in, 0); !succeeded(s)) return s;
  if (overlaps_partly(digest.p, digest.size, in.p, in.size)) return Status::kOverlap;
  sha256(lanes().sha256, digest.bytes(), in.bytes(), in.size);
  return Status::kOk;
}

Status hash_init(cm_hash* out, uint32_t algorithm) {
  if (algorithm != CM_HASH_SHA256) return Status::kArgument;
  store::HashContext* context = store::new_hash(out);
  if (context == nullptr) return Status::kNoMemory;
  sha256_init(context->sha, lanes().sha256);
  store::unlock_hash(context);
  return Status::kOk;
}

Status hash_update(cm_hash hash, In in) {
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) return s;
  const Status s = check_input(in, context->sha.size);
  if (succeeded(s)) sha256_update(context->sha, in.bytes(), in.size);
  store::unlock_hash(context);
  return s;
}

Status hash_final(cm_hash hash, Out digest, size_t capacity) {
  if (const Status s = check_digest(digest, capacity); !succeeded(s)) return s;
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) {
    digest.clear();
    return s;
  }
  sha256_final(context->sha, digest.bytes());
  store::free_hash(hash, context);
  return Status::kOk;
}

Status hash_free(cm_hash hash) {
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) return s;
  store::free_hash(hash, context);
  return Status::kOk;
}

}  // namespace

CM_EXPORT cm_rc cm_hash_compute(cm_session session, uint32_t algorithm, void* digest, size_t digest_capacity,
                                const void* in, size_t in_size) {
  Gate gate(service(EventId::kHashCompute), session, 0, in_size);
  if (!gate.open()) return gate.refused();
  return gate.leave(hash_compute(algorithm, {digest, kSha256Size}, digest_capacity, {in, in_size}), kSha256Size,
                    lanes().sha256);
}

CM_EXPORT cm_rc cm_hash_init(cm_session session, cm_hash* out, uint32_t algorithm) {
  Gate gate(service(EventId::kHashInit), session, 0, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr) return gate.leave(Status::kNull);
  *out = cm_hash{0};
  cm_hash made{};
  Status s = hash_init(&made, algorithm);
  if (succeeded(s)) s = keep(gate, s, made, hash_free);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_hash_update(cm_session session, cm_hash hash, const void* in, size_t in_size) {
  Gate gate(service(EventId::kHashUpdate), session, hash.v, in_size);
  if (!gate.open()) return gate.refused();
  return gate.leave(hash_update(hash, {in, in_size}), 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_hash_final(cm_session session, cm_hash hash, void* digest, size_t digest_capacity) {
  Gate gate(service(EventId::kHashFinal), session, hash.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(hash_final(hash, {digest, kSha256Size}, digest_capacity), kSha256Size, lanes().sha256);
}

CM_EXPORT cm_rc cm_hash_free(cm_session session, cm_hash hash) {
  Gate gate(service(EventId::kHashFree), session, hash.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(hash_free(hash));
}
