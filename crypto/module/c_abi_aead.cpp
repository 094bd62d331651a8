// SPDX-License-Identifier: Apache-2.0
// c_abi_aead.cpp: seal and open. IV rules: SP 800-38D 8 and IG C.H; a caller's IV makes a GCM encryption not approved.
#include "crypto/module/aead.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/random.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

struct AeadCall {
  Out out;
  size_t out_capacity;
  In aad;
  In text;
  Lane lane = Lane::kNone;  // of the key, once it is known
};

[[gnu::always_inline]] inline Status check_text(const AeadCall& c) {
  if (c.out.missing() || c.aad.missing() || c.text.missing()) return Status::kNull;
  if (c.text.size > kGcmMaxText || c.aad.size > kGcmMaxAad || c.text.wraps() || c.aad.wraps()) return Status::kLength;
  if (c.out_capacity < c.out.size) return Status::kBufferTooSmall;
  if (overlaps_partly(c.out.p, c.out.size, c.text.p, c.text.size) || share(c.out, c.aad)) return Status::kOverlap;
  return Status::kOk;
}

// check_side: iv or tag as an output must be apart from everything else.
[[gnu::always_inline]] inline Status check_side(const AeadCall& c, Out side) {
  return share(side, c.aad) | share(side, c.text) | share(side, c.out) ? Status::kOverlap : Status::kOk;
}

[[gnu::always_inline]] inline Status check_tag_size(size_t size) {
  return size >= kAeadTagMin && size <= kAeadTagMax ? Status::kOk : Status::kLength;
}

// own_reason: why sealing with a caller's IV is not approved, where that is so; CCM leaves its nonce to the caller.
Status own_reason(const store::KeyObject& key) {
  return key.algorithm == CM_ALG_AES_GCM || key.algorithm == CM_ALG_AES_GMAC ? Status::kNotApprovedCallerIv
                                                                             : Status::kOk;
}

// find_key: whether the key may do this with these sizes. The reason to report, or an error.
[[gnu::always_inline]] inline Status find_key(const store::KeyObject* key, uint32_t usage, AeadCall& c, size_t iv_size,
                                              size_t tag_size) {
  if (key == nullptr) return Status::kHandle;
  if ((key->usage & usage) == 0) return Status::kUsage;
  c.lane = key->lane;
  return aead_fits(*key, iv_size, c.aad.size, c.text.size, tag_size) ? Status::kOk : Status::kLength;
}

// copy_iv: in words, because a wider load would have to wait for the stores that make_iv has just done.
void copy_iv(uint8_t* to, const uint8_t* from) {
  for (size_t i = 0; i < CM_AEAD_IV_SIZE; i += 4) store_le32(to + i, load_le32(from + i));
}

// make_sequence_iv: the TLS regimes. TLS 1.2: salt, then the number; TLS 1.3: the number xored into the static IV.
Status make_sequence_iv(const store::KeyUse& use, uint8_t* iv) {
  uint64_t number = 0;
  if (const Status s = use.take_sequence(&number); !succeeded(s)) return s;
  const store::KeyObject& key = *use.key();
  std::memcpy(iv, key.iv_fixed, CM_AEAD_IV_SIZE);  // with TLS 1.2 the last eight bytes are zero
  store_be64(iv + 4, load_be64(iv + 4) ^ number);
  return Status::kOk;
}

// make_iv: the key's own regime. Counter: 32-bit fixed name, then the 64-bit counter, big endian (SP 800-38D 8.2.1).
Status make_iv(ThreadState& thread, const store::KeyUse& use, uint8_t* iv) {
  if (use.key()->iv_regime == CM_IV_COUNTER) {
    uint64_t counter = 0;
    if (const Status s = use.take_counter(&counter); !succeeded(s)) return s;
    std::memcpy(iv, use.key()->iv_fixed, 4);
    store_be64(iv + 4, counter);
    return Status::kOk;
  }
  if (use.key()->iv_regime != CM_IV_RANDOM) return make_sequence_iv(use, iv);
  if (const Status s = use.take_random_seal(); !succeeded(s)) return s;
  return random_iv(thread, iv);
}

[[gnu::always_inline]] inline void seal(const store::KeyObject& key, const AeadCall& c, In iv, Out tag) {
  aead_seal(key, c.out.bytes(), tag.bytes(), tag.size,
            {iv.bytes(), iv.size, c.aad.bytes(), c.aad.size, c.text.bytes(), c.text.size});
}

Status seal_body(ThreadState& thread, cm_key key, AeadCall& c, Out iv, size_t iv_capacity, Out tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (iv_capacity < iv.size) return Status::kBufferTooSmall;
  if (const Status s = check_side(c, iv); !succeeded(s)) return s;
  if (const Status s = check_side(c, tag); !succeeded(s) || share(iv, tag)) return Status::kOverlap;

  const store::KeyUse use(thread, 0, key);
  Status s = find_key(use.key(), CM_USE_SEAL, c, iv.size, tag.size);
  if (s == Status::kLength) return s;
  if (succeeded(s)) s = Gate::permit(use.key()->indicator);
  const Status reason = s;
  uint8_t nonce[CM_AEAD_IV_SIZE] = {};
  if (succeeded(s)) s = make_iv(thread, use, nonce);
  if (!succeeded(s)) {
    c.out.clear();
    iv.clear();
    tag.clear();
    return s;
  }
  seal(*use.key(), c, {nonce, sizeof nonce}, tag);
  copy_iv(iv.bytes(), nonce);
  return reason;
}

Status seal_caller_iv_body(ThreadState& thread, cm_key key, AeadCall& c, In iv, Out tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (iv.size == 0 || iv.size > kAeadIvMax) return Status::kLength;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (share(c.out, iv) || share(tag, iv)) return Status::kOverlap;
  if (const Status s = check_side(c, tag); !succeeded(s)) return s;

  const store::KeyUse use(thread, 0, key);
  Status s = find_key(use.key(), CM_USE_SEAL, c, iv.size, tag.size);
  if (s == Status::kLength) return s;
  if (succeeded(s)) s = Gate::permit(reason_of(own_reason(*use.key()), *use.key()));
  const Status reason = s;
  if (succeeded(s) && use.key()->iv_regime != CM_IV_RANDOM) s = Status::kUsage;
  if (succeeded(s)) s = use.take_random_seal();
  if (!succeeded(s)) {
    c.out.clear();
    tag.clear();
    return s;
  }
  seal(*use.key(), c, iv, tag);
  return reason;
}

Status open_body(ThreadState& thread, cm_key key, AeadCall& c, In iv, In tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (iv.size == 0 || iv.size > kAeadIvMax) return Status::kLength;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (share(c.out, iv) || share(c.out, tag)) return Status::kOverlap;

  const store::KeyUse use(thread, 0, key);
  Status reason = find_key(use.key(), CM_USE_OPEN, c, iv.size, tag.size);
  if (reason == Status::kLength) return reason;
  if (succeeded(reason)) reason = Gate::permit(use.key()->indicator);
  if (!succeeded(reason)) {
    c.out.clear();
    return reason;
  }
  const ct::Mask right = aead_open(*use.key(), c.out.bytes(), tag.bytes(), tag.size,
                                   {iv.bytes(), iv.size, c.aad.bytes(), c.aad.size, c.text.bytes(), c.text.size});
  return ct::declassify(right) ? reason : Status::kAuth;
}

}  // namespace

CM_EXPORT cm_rc cm_aead_seal(cm_session session, cm_key key, void* out, size_t out_capacity, void* iv, size_t iv_size,
                             void* tag, size_t tag_size, const void* aad, size_t aad_size, const void* in,
                             size_t in_size) {
  Gate gate(service(EventId::kAeadSeal), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  AeadCall call{{out, in_size}, out_capacity, {aad, aad_size}, {in, in_size}};
  const Status s = seal_body(gate.thread(), key, call, {iv, CM_AEAD_IV_SIZE}, iv_size, {tag, tag_size});
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_aead_seal_caller_iv(cm_session session, cm_key key, void* out, size_t out_capacity, const void* iv,
                                       size_t iv_size, void* tag, size_t tag_size, const void* aad, size_t aad_size,
                                       const void* in, size_t in_size) {
  Gate gate(service(EventId::kAeadSealCallerIv), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  AeadCall call{{out, in_size}, out_capacity, {aad, aad_size}, {in, in_size}};
  const Status s = seal_caller_iv_body(gate.thread(), key, call, {iv, iv_size}, {tag, tag_size});
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_aead_open(cm_session session, cm_key key, void* out, size_t out_capacity, const void* iv,
                             size_t iv_size, const void* tag, size_t tag_size, const void* aad, size_t aad_size,
                             const void* in, size_t in_size) {
  Gate gate(service(EventId::kAeadOpen), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  AeadCall call{{out, in_size}, out_capacity, {aad, aad_size}, {in, in_size}};
  const Status s = open_body(gate.thread(), key, call, {iv, iv_size}, {tag, tag_size});
  return gate.leave(s, in_size, call.lane);
}
