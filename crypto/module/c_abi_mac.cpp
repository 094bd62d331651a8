// SPDX-License-Identifier: Apache-2.0
// c_abi_mac.cpp: HMAC-SHA-256 (FIPS 198-1) and AES-CMAC (SP 800-38B), one-shot and streaming. The key says which.
#include "crypto/module/batch_lane.h"
#include "crypto/module/c_abi.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

constexpr size_t kHmacMacMin = 4;
constexpr uint32_t kApprovedKeyBits = 112;  // SP 800-131A

// check_input: before: bytes that the same computation has taken already. The limit is that of SHA-256, for CMAC too.
Status check_input(In in, uint64_t before) {
  if (in.missing()) return Status::kNull;
  return in.wraps() || !sha256_takes(before, in.size) ? Status::kLength : Status::kOk;
}

// check_call: what can be said without the key.
Status check_call(const void* mac, size_t mac_size, In in) {
  if (mac == nullptr) return Status::kNull;
  if (const Status s = check_input(in, kSha256Block); !succeeded(s)) return s;
  return mac_size >= kHmacMacMin && mac_size <= kSha256Size ? Status::kOk : Status::kLength;
}

Status check_mac_size(uint32_t algorithm, size_t size) {
  const bool fits = algorithm == CM_ALG_HMAC_SHA256 ? size >= kHmacMacMin && size <= kSha256Size
                                                    : size >= kCmacMinTag && size <= kCmacTag;
  return fits ? Status::kOk : Status::kLength;
}

// check_key: kOk, the reason why the key is not approved, or an error.
Status check_key(const store::KeyObject* key, uint32_t usage) {
  if (key == nullptr) return Status::kHandle;
  if ((key->usage & usage) == 0) return Status::kUsage;
  const bool weak = key->algorithm == CM_ALG_HMAC_SHA256 && key->bits < kApprovedKeyBits;
  return Gate::permit(reason_of(weak ? Status::kNotApprovedShortKey : Status::kOk, *key));
}

// compute: the whole MAC, of kCmacTag or kSha256Size bytes.
void compute(const store::KeyObject& key, uint8_t* full, In in) {
  if (key.algorithm == CM_ALG_AES_CMAC)
    cmac(key.cmac, full, in.bytes(), in.size);
  else
    hmac_sha256(key.hmac, full, in.bytes(), in.size);
}

[[gnu::always_inline]] inline Status mac_compute(ThreadState& thread, cm_key key, Out mac, In in, Lane* lane) {
  if (const Status s = check_call(mac.p, mac.size, in); !succeeded(s)) return s;
  if (overlaps_partly(mac.p, mac.size, in.p, in.size)) return Status::kOverlap;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_MAC);
  if (!succeeded(s)) {
    mac.clear();
    return s;
  }
  *lane = use.key()->lane;
  if (const Status wrong = check_mac_size(use.key()->algorithm, mac.size); !succeeded(wrong)) return wrong;
  SecretArray<kSha256Size> full;
  compute(*use.key(), full.expose(), in);
  std::memcpy(mac.p, full.expose(), mac.size);
  return s;
}

[[gnu::always_inline]] inline Status mac_verify(ThreadState& thread, cm_key key, In mac, In in, Lane* lane) {
  if (const Status s = check_call(mac.p, mac.size, in); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_VERIFY);
  if (!succeeded(s)) return s;
  *lane = use.key()->lane;
  if (const Status wrong = check_mac_size(use.key()->algorithm, mac.size); !succeeded(wrong)) return wrong;
  SecretArray<kSha256Size> full;
  compute(*use.key(), full.expose(), in);
  return ct::declassify(ct::equal_bytes(full.expose(), mac.bytes(), mac.size)) ? s : Status::kAuth;
}

// ---- batches: CMAC goes through the lanes of the multi-buffer kernels, all jobs of a lot together.

struct CmacLot {
  CmacLot() = default;
  ~CmacLot() { zeroise(tags, count * kCmacTag); }  // a tag that is compared is what a forger wants
  CmacLot(const CmacLot&) = delete;
  CmacLot& operator=(const CmacLot&) = delete;

  size_t count = 0;
  CmacJob jobs[kLot];
  size_t places[kLot];  // of the jobs in the lot
  uint8_t tags[kLot][kCmacTag];
};

bool computes(const cm_mac_job& job) { return job.operation == CM_MAC_COMPUTE; }

// check_job: what only a batch can get wrong.
Status check_job(const cm_mac_job& job, In all) {
  if (job.operation != CM_MAC_COMPUTE && job.operation != CM_MAC_VERIFY) return Status::kArgument;
  return computes(job) && share(Out{job.mac, job.mac_size}, all) ? Status::kOverlap : Status::kOk;
}

Status mac_one(ThreadState& thread, const cm_mac_job& job, BatchTotals& totals, In all) {
  const In in{job.in, job.in_size};
  Lane lane = Lane::kNone;
  Status s = check_job(job, all);
  if (succeeded(s)) {
    s = computes(job) ? mac_compute(thread, job.key, {job.mac, job.mac_size}, in, &lane)
                      : mac_verify(thread, job.key, {job.mac, job.mac_size}, in, &lane);
  }
  count_job(totals, s, computes(job) ? job.mac_size : 0, lane);
  return s;
}

// settle_job: full is the whole MAC: it is given out, or compared.
Status settle_job(const cm_mac_job& job, const uint8_t* full, Status reason) {
  if (computes(job)) {
    std::memcpy(job.mac, full, job.mac_size);
    return reason;
  }
  const auto* mac = static_cast<const uint8_t*>(job.mac);
  return ct::declassify(ct::equal_bytes(full, mac, job.mac_size)) ? reason : Status::kAuth;
}

// mac_job: one job, all but the work of CMAC.
Status mac_job(ThreadState& thread, const store::AnyKeys& keys, const cm_mac_job& job, In all, size_t place, Lane* lane,
               CmacLot& lot) {
  const In in{job.in, job.in_size};
  if (const Status s = check_job(job, all); !succeeded(s)) return s;
  if (const Status s = check_call(job.mac, job.mac_size, in); !succeeded(s)) return s;
  if (computes(job) && overlaps_partly(job.mac, job.mac_size, in.p, in.size)) return Status::kOverlap;
  const store::KeyUse use(thread, keys, job.key);
  const Status reason = check_key(use.key(), computes(job) ? CM_USE_MAC : CM_USE_VERIFY);
  if (!succeeded(reason)) {
    if (computes(job)) zeroise(job.mac, job.mac_size);
    return reason;
  }
  *lane = use.key()->lane;
  if (const Status s = check_mac_size(use.key()->algorithm, job.mac_size); !succeeded(s)) return s;
  if (use.key()->algorithm == CM_ALG_AES_CMAC) {
    lot.places[lot.count] = place;
    lot.jobs[lot.count] = {&use.key()->cmac, lot.tags[lot.count], in.bytes(), in.size};
    ++lot.count;
    return reason;
  }
  SecretArray<kSha256Size> full;
  compute(*use.key(), full.expose(), in);
  return settle_job(job, full.expose(), reason);
}

void mac_lot(ThreadState& thread, const store::AnyKeys& keys, const Lot<cm_mac_job>& jobs, BatchTotals& totals,
             In all) {
  CmacLot lot;
  Lane lanes[kLot];
  for (size_t i = 0; i < jobs.count; ++i) {
    lanes[i] = Lane::kNone;
    jobs.results[i] = mac_job(thread, keys, jobs.jobs[i], all, i, &lanes[i], lot);
  }
  if (lot.count != 0) note_lane(totals, batch_cmac(lot.jobs, lot.count));
  for (size_t i = 0; i < lot.count; ++i) {
    Status& result = jobs.results[lot.places[i]];
    result = settle_job(jobs.jobs[lot.places[i]], lot.tags[i], result);
  }
  for (size_t i = 0; i < jobs.count; ++i) {
    const cm_mac_job& job = jobs.jobs[i];
    count_job(totals, jobs.results[i], computes(job) ? job.mac_size : 0, lanes[i]);
  }
}

// ---- contexts

Status mac_init(ThreadState& thread, cm_mac* out, cm_key key, Lane* lane) {
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_MAC);
  if (!succeeded(s)) return s;
  *lane = use.key()->lane;
  store::MacContext* context = store::new_mac(out, key);
  if (context == nullptr) return Status::kNoMemory;
  context->indicator = s;
  context->algorithm = use.key()->algorithm;
  if (context->algorithm == CM_ALG_AES_CMAC)
    cmac_init(context->cmac, use.key()->cmac);
  else
    hmac_sha256_init(context->hmac, use.key()->hmac);
  store::unlock_mac(context);
  return s;
}

// add: one piece, with the context locked. CMAC works with the key, which may just be going.
Status add(ThreadState& thread, store::MacContext& context, In in, Lane* lane) {
  const bool is_hmac = context.algorithm == CM_ALG_HMAC_SHA256;
  if (const Status s = check_input(in, is_hmac ? context.hmac.inner.size : 0); !succeeded(s)) return s;
  if (const Status s = Gate::permit(context.indicator); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  if (use.key() == nullptr) return Status::kHandle;
  *lane = use.key()->lane;
  if (is_hmac)
    hmac_sha256_update(context.hmac, in.bytes(), in.size);
  else
    cmac_update(context.cmac, in.bytes(), in.size);
  return context.indicator;
}

Status mac_update(ThreadState& thread, cm_mac mac, In in, Lane* lane) {
  store::MacContext* context = nullptr;
  if (const Status s = store::lock_mac(mac, &context); !succeeded(s)) return s;
  const Status s = add(thread, *context, in, lane);
  store::unlock_mac(context);
  return s;
}

// finish: with the context locked; full takes the whole MAC.
Status finish(ThreadState& thread, store::MacContext& context, size_t mac_size, uint8_t* full, Lane* lane) {
  if (const Status s = check_mac_size(context.algorithm, mac_size); !succeeded(s)) return s;
  if (const Status s = Gate::permit(context.indicator); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  if (use.key() == nullptr) return Status::kHandle;
  *lane = use.key()->lane;
  if (context.algorithm == CM_ALG_HMAC_SHA256)
    hmac_sha256_final(context.hmac, full);
  else
    cmac_final(context.cmac, full);
  return context.indicator;
}

Status mac_final(ThreadState& thread, cm_mac mac, Out out, Lane* lane) {
  if (out.p == nullptr) return Status::kNull;
  if (out.size < kHmacMacMin || out.size > kSha256Size) return Status::kLength;
  store::MacContext* context = nullptr;
  Status s = store::lock_mac(mac, &context);
  if (!succeeded(s)) {
    out.clear();
    return s;
  }
  SecretArray<kSha256Size> full;
  s = finish(thread, *context, out.size, full.expose(), lane);
  if (succeeded(s)) {
    store::free_mac(mac, context);
    std::memcpy(out.p, full.expose(), out.size);
  } else {
    store::unlock_mac(context);
    if (s != Status::kLength) out.clear();
  }
  return s;
}

Status mac_free(cm_mac mac) {
  store::MacContext* context = nullptr;
  if (const Status s = store::lock_mac(mac, &context); !succeeded(s)) return s;
  store::free_mac(mac, context);
  return Status::kOk;
}

}  // namespace

CM_EXPORT cm_rc cm_mac_compute(cm_session session, cm_key key, void* mac, size_t mac_size, const void* in,
                               size_t in_size) {
  Gate gate(service(EventId::kMacCompute), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = mac_compute(gate.thread(), key, {mac, mac_size}, {in, in_size}, &lane);
  return gate.leave(s, mac_size, lane);
}

CM_EXPORT cm_rc cm_mac_verify(cm_session session, cm_key key, const void* mac, size_t mac_size, const void* in,
                              size_t in_size) {
  Gate gate(service(EventId::kMacVerify), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = mac_verify(gate.thread(), key, {mac, mac_size}, {in, in_size}, &lane);
  return gate.leave(s, 0, lane);
}

CM_EXPORT cm_rc cm_mac_init(cm_session session, cm_mac* out, cm_key key) {
  Gate gate(service(EventId::kMacInit), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr) return gate.leave(Status::kNull);
  *out = cm_mac{0};
  cm_mac made{};
  Lane lane = Lane::kNone;
  Status s = mac_init(gate.thread(), &made, key, &lane);
  if (succeeded(s)) s = keep(gate, s, made, mac_free);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lane);
}

CM_EXPORT cm_rc cm_mac_update(cm_session session, cm_mac mac, const void* in, size_t in_size) {
  Gate gate(service(EventId::kMacUpdate), session, mac.v, in_size);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = mac_update(gate.thread(), mac, {in, in_size}, &lane);
  return gate.leave(s, 0, lane);
}

CM_EXPORT cm_rc cm_mac_final(cm_session session, cm_mac mac, void* out, size_t out_size) {
  Gate gate(service(EventId::kMacFinal), session, mac.v, 0);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = mac_final(gate.thread(), mac, {out, out_size}, &lane);
  return gate.leave(s, out_size, lane);
}

CM_EXPORT cm_rc cm_mac_free(cm_session session, cm_mac mac) {
  Gate gate(service(EventId::kMacFree), session, mac.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(mac_free(mac));
}

CM_EXPORT cm_rc cm_mac_batch(cm_session session, cm_mac_job* jobs, size_t count) {
  Gate gate(service(EventId::kMacBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  const auto is_cmac = [](const cm_mac_job& /*job*/, const store::KeyObject& key) {
    return key.algorithm == CM_ALG_AES_CMAC;
  };
  if (const Status s = prepare_batch(gate, BatchAlgorithm::kCmac, jobs, count, is_cmac); !succeeded(s))
    return refuse_batch(gate, count, s);
  return leave_batch(gate, jobs, count, mac_one, mac_lot);
}
