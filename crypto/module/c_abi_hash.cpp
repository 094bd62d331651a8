// SPDX-License-Identifier: Apache-2.0
// c_abi_hash.cpp: SHA-256 (FIPS 180-4) and HMAC-SHA-256 (FIPS 198-1), one-shot and streaming.
#include "crypto/module/c_abi.h"
#include "crypto/module/lanes.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

constexpr size_t kMacMin = 4;
constexpr uint32_t kApprovedKeyBits = 112;  // SP 800-131A

// check_input: before: bytes that the same computation of SHA-256 has taken already.
Status check_input(In in, uint64_t before) {
  if (in.missing()) return Status::kNull;
  return in.wraps() || !sha256_takes(before, in.size) ? Status::kLength : Status::kOk;
}

Status check_digest(Out digest, size_t capacity) {
  if (digest.p == nullptr) return Status::kNull;
  return capacity < digest.size ? Status::kBufferTooSmall : Status::kOk;
}

Status check_mac_size(size_t size) { return size >= kMacMin && size <= kSha256Size ? Status::kOk : Status::kLength; }

// keep: reason when a context that was just made may stay; else it ends and the result is why.
template <class Handle>
Status keep(Gate& gate, Status reason, Handle made, Status (*end)(Handle)) {
  if (const Status late = gate.recheck(); !succeeded(late)) {
    static_cast<void>(end(made));
    return late;
  }
  gate.set_object(made.v);
  return reason;
}

// ---- hash

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

// ---- HMAC

// check_key: kOk, the reason why the key is not approved, or an error.
Status check_key(const store::KeyObject* key, uint32_t usage) {
  if (key == nullptr) return Status::kHandle;
  if (key->algorithm != CM_ALG_HMAC_SHA256 || (key->usage & usage) == 0) return Status::kUsage;
  return Gate::permit(reason_of(key->bits < kApprovedKeyBits ? Status::kNotApprovedShortKey : Status::kOk, *key));
}

Status hmac_compute(ThreadState& thread, cm_key key, Out mac, In in) {
  if (mac.p == nullptr) return Status::kNull;
  if (const Status s = check_input(in, kSha256Block); !succeeded(s)) return s;
  if (const Status s = check_mac_size(mac.size); !succeeded(s)) return s;
  if (overlaps_partly(mac.p, mac.size, in.p, in.size)) return Status::kOverlap;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_MAC);
  if (!succeeded(s)) {
    mac.clear();
    return s;
  }
  SecretArray<kSha256Size> full;
  hmac_sha256(use.key()->hmac, full.expose(), in.bytes(), in.size);
  std::memcpy(mac.p, full.expose(), mac.size);
  return s;
}

Status hmac_verify(ThreadState& thread, cm_key key, In mac, In in) {
  if (mac.p == nullptr) return Status::kNull;
  if (const Status s = check_input(in, kSha256Block); !succeeded(s)) return s;
  if (const Status s = check_mac_size(mac.size); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_VERIFY);
  if (!succeeded(s)) return s;
  SecretArray<kSha256Size> full;
  hmac_sha256(use.key()->hmac, full.expose(), in.bytes(), in.size);
  return ct::declassify(ct::equal_bytes(full.expose(), mac.bytes(), mac.size)) ? s : Status::kAuth;
}

Status hmac_init_context(ThreadState& thread, cm_hmac* out, cm_key key) {
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_MAC);
  if (!succeeded(s)) return s;
  store::HmacContext* context = store::new_hmac(out, key);
  if (context == nullptr) return Status::kNoMemory;
  context->indicator = s;
  hmac_sha256_init(context->hmac, use.key()->hmac);
  store::unlock_hmac(context);
  return s;
}

Status hmac_update(cm_hmac hmac, In in) {
  store::HmacContext* context = nullptr;
  if (const Status s = store::lock_hmac(hmac, &context); !succeeded(s)) return s;
  Status s = check_input(in, context->hmac.inner.size);
  if (succeeded(s)) s = Gate::permit(context->indicator);
  if (succeeded(s)) hmac_sha256_update(context->hmac, in.bytes(), in.size);
  store::unlock_hmac(context);
  return s;
}

Status hmac_final(cm_hmac hmac, Out mac) {
  if (mac.p == nullptr) return Status::kNull;
  if (const Status s = check_mac_size(mac.size); !succeeded(s)) return s;
  store::HmacContext* context = nullptr;
  if (const Status s = store::lock_hmac(hmac, &context); !succeeded(s)) {
    mac.clear();
    return s;
  }
  const Status s = Gate::permit(context->indicator);
  if (!succeeded(s)) {
    store::unlock_hmac(context);
    mac.clear();
    return s;
  }
  SecretArray<kSha256Size> full;
  hmac_sha256_final(context->hmac, full.expose());
  store::free_hmac(hmac, context);
  std::memcpy(mac.p, full.expose(), mac.size);
  return s;
}

Status hmac_free(cm_hmac hmac) {
  store::HmacContext* context = nullptr;
  if (const Status s = store::lock_hmac(hmac, &context); !succeeded(s)) return s;
  store::free_hmac(hmac, context);
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

CM_EXPORT cm_rc cm_hmac_compute(cm_session session, cm_key key, void* mac, size_t mac_size, const void* in,
                                size_t in_size) {
  Gate gate(service(EventId::kHmacCompute), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  return gate.leave(hmac_compute(gate.thread(), key, {mac, mac_size}, {in, in_size}), mac_size, lanes().sha256);
}

CM_EXPORT cm_rc cm_hmac_verify(cm_session session, cm_key key, const void* mac, size_t mac_size, const void* in,
                               size_t in_size) {
  Gate gate(service(EventId::kHmacVerify), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  return gate.leave(hmac_verify(gate.thread(), key, {mac, mac_size}, {in, in_size}), 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_hmac_init(cm_session session, cm_hmac* out, cm_key key) {
  Gate gate(service(EventId::kHmacInit), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr) return gate.leave(Status::kNull);
  *out = cm_hmac{0};
  cm_hmac made{};
  Status s = hmac_init_context(gate.thread(), &made, key);
  if (succeeded(s)) s = keep(gate, s, made, hmac_free);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_hmac_update(cm_session session, cm_hmac hmac, const void* in, size_t in_size) {
  Gate gate(service(EventId::kHmacUpdate), session, hmac.v, in_size);
  if (!gate.open()) return gate.refused();
  return gate.leave(hmac_update(hmac, {in, in_size}), 0, lanes().sha256);
}

CM_EXPORT cm_rc cm_hmac_final(cm_session session, cm_hmac hmac, void* mac, size_t mac_size) {
  Gate gate(service(EventId::kHmacFinal), session, hmac.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(hmac_final(hmac, {mac, mac_size}), mac_size, lanes().sha256);
}

CM_EXPORT cm_rc cm_hmac_free(cm_session session, cm_hmac hmac) {
  Gate gate(service(EventId::kHmacFree), session, hmac.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(hmac_free(hmac));
}
