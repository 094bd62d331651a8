// SPDX-License-Identifier: Apache-2.0
// c_abi_mac.cpp: HMAC (FIPS 198-1), AES-CMAC (SP 800-38B) and KMAC (SP 800-185), one-shot and streaming. The key says
// which.
#include "crypto/hmac/hmac_many.h"
#include "crypto/module/batch_lane.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/key_algorithms.h"
#include "crypto/module/lanes.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

constexpr size_t kMacMin = 4;
constexpr size_t kMacMax = 65536;           // of KMAC, and of a customization
constexpr uint32_t kApprovedKeyBits = 112;  // SP 800-131A

KeyForm form_of(uint32_t algorithm) { return key_algorithm(algorithm)->form; }

// check_input: before: bytes that the same computation has taken already. The limit is that of SHA-256 for all.
Status check_input(In in, uint64_t before) {
  if (in.missing()) return Status::kNull;
  return in.wraps() || !hash_takes(before, in.size) ? Status::kLength : Status::kOk;
}

// check_call: what can be said without the key.
Status check_call(const void* mac, size_t mac_size, In in) {
  if (mac == nullptr) return Status::kNull;
  if (const Status s = check_input(in, kHashMaxBlock); !succeeded(s)) return s;
  return mac_size >= kMacMin && mac_size <= kMacMax ? Status::kOk : Status::kLength;
}

Status check_mac_size(uint32_t algorithm, size_t size) {
  size_t least = kMacMin, most = kMacMax;
  if (form_of(algorithm) == KeyForm::kCmac) {
    least = kCmacMinTag;
    most = kCmacTag;
  } else if (form_of(algorithm) == KeyForm::kHmac) {
    most = hash_row(key_algorithm(algorithm)->hash).digest_size;
  }
  return size >= least && size <= most ? Status::kOk : Status::kLength;
}

// check_key: kOk, the reason why the key is not approved, or an error.
Status check_key(const store::KeyObject* key, uint32_t usage) {
  if (key == nullptr) return Status::kHandle;
  if ((key->usage & usage) == 0) return Status::kUsage;
  const bool weak = form_of(key->algorithm) != KeyForm::kCmac && key->bits < kApprovedKeyBits;
  return Gate::permit(reason_of(weak ? Status::kNotApprovedShortKey : Status::kOk, *key));
}

// take: a KMAC of a whole message, up to its end.
void take(Kmac& ctx, const store::KeyObject& key, In in) {
  kmac_init(ctx, key.kmac, nullptr, 0);
  kmac_update(ctx, in.bytes(), in.size);
}

// full_mac: of an algorithm whose MACs have a size of their own: all of it, kHashMaxSize bytes at most.
void full_mac(const store::KeyObject& key, uint8_t* full, In in) {
  if (form_of(key.algorithm) == KeyForm::kCmac)
    cmac(key.cmac, full, in.bytes(), in.size);
  else
    hmac(key.hmac, full, in.bytes(), in.size);
}

void compute(const store::KeyObject& key, Out mac, In in) {
  if (form_of(key.algorithm) == KeyForm::kKmac) {
    Kmac ctx;
    take(ctx, key, in);
    return kmac_final(ctx, mac.bytes(), mac.size);
  }
  if (form_of(key.algorithm) == KeyForm::kHmac && mac.size == hmac_size(key.hmac))
    return hmac(key.hmac, mac.bytes(), in.bytes(), in.size);  // it is written when all has been read
  SecretArray<kHashMaxSize> full;
  full_mac(key, full.expose(), in);
  std::memcpy(mac.p, full.expose(), mac.size);
}

bool matches(const store::KeyObject& key, In mac, In in) {
  if (form_of(key.algorithm) == KeyForm::kKmac) {
    Kmac ctx;
    take(ctx, key, in);
    return ct::declassify(kmac_matches(ctx, mac.bytes(), mac.size));
  }
  SecretArray<kHashMaxSize> full;
  full_mac(key, full.expose(), in);
  return ct::declassify(ct::equal_bytes(full.expose(), mac.bytes(), mac.size));
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
  compute(*use.key(), mac, in);
  return s;
}

[[gnu::always_inline]] inline Status mac_verify(ThreadState& thread, cm_key key, In mac, In in, Lane* lane) {
  if (const Status s = check_call(mac.p, mac.size, in); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_VERIFY);
  if (!succeeded(s)) return s;
  *lane = use.key()->lane;
  if (const Status wrong = check_mac_size(use.key()->algorithm, mac.size); !succeeded(wrong)) return wrong;
  return matches(*use.key(), mac, in) ? s : Status::kAuth;
}

// ---- batches: CMAC and HMAC go through the lanes of the kernels for many messages, all jobs of a lot together.

struct MacLot {
  explicit MacLot(size_t n) : jobs(n) {}
  ~MacLot() { zeroise(tags, jobs * sizeof tags[0]); }  // a tag that is compared is what a forger wants
  MacLot(const MacLot&) = delete;
  MacLot& operator=(const MacLot&) = delete;

  size_t jobs;
  size_t cmac_count = 0, hmac_count = 0;
  CmacJob cmac[kLot];
  HmacJob hmac[kLot];
  bool waits[kLot] = {};  // for its tag
  uint8_t tags[kLot][kHashMaxSize];
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

// settle_job: tag is the whole MAC: it is given out, or compared.
Status settle_job(const cm_mac_job& job, const uint8_t* tag, Status reason) {
  if (computes(job)) {
    std::memcpy(job.mac, tag, job.mac_size);
    return reason;
  }
  const auto* mac = static_cast<const uint8_t*>(job.mac);
  return ct::declassify(ct::equal_bytes(tag, mac, job.mac_size)) ? reason : Status::kAuth;
}

// mac_job: one job, all but the work of CMAC and HMAC. place: in the lot.
Status mac_job(ThreadState& thread, const store::AnyKeys& keys, const cm_mac_job& job, In all, size_t place, Lane* lane,
               MacLot& lot) {
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
  const KeyForm form = form_of(use.key()->algorithm);
  lot.waits[place] = form != KeyForm::kKmac;
  if (form == KeyForm::kCmac) {
    lot.cmac[lot.cmac_count++] = {&use.key()->cmac, lot.tags[place], in.bytes(), in.size};
    return reason;
  }
  if (form == KeyForm::kHmac) {
    lot.hmac[lot.hmac_count++] = {&use.key()->hmac, lot.tags[place], in.bytes(), in.size};
    return reason;
  }
  if (!computes(job)) return matches(*use.key(), {job.mac, job.mac_size}, in) ? reason : Status::kAuth;
  compute(*use.key(), {job.mac, job.mac_size}, in);
  return reason;
}

void mac_lot(ThreadState& thread, const store::AnyKeys& keys, const Lot<cm_mac_job>& jobs, BatchTotals& totals,
             In all) {
  MacLot lot(jobs.count);
  Lane lanes_used[kLot];
  for (size_t i = 0; i < jobs.count; ++i) {
    lanes_used[i] = Lane::kNone;
    jobs.results[i] = mac_job(thread, keys, jobs.jobs[i], all, i, &lanes_used[i], lot);
  }
  if (lot.cmac_count != 0) note_lane(totals, batch_cmac(lot.cmac, lot.cmac_count));
  if (lot.hmac_count != 0) hmac_many(hash_lanes(), lanes().hash_multi, lot.hmac, lot.hmac_count);
  for (size_t i = 0; i < jobs.count; ++i) {
    const cm_mac_job& job = jobs.jobs[i];
    if (lot.waits[i]) jobs.results[i] = settle_job(job, lot.tags[i], jobs.results[i]);
    count_job(totals, jobs.results[i], computes(job) ? job.mac_size : 0, lanes_used[i]);
  }
}

// ---- contexts

// mac_init: custom: of KMAC; null for none.
Status mac_init(ThreadState& thread, cm_mac* out, cm_key key, const In* custom, Lane* lane) {
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), CM_USE_MAC);
  if (!succeeded(s)) return s;
  *lane = use.key()->lane;
  const KeyForm form = form_of(use.key()->algorithm);
  if (custom != nullptr && form != KeyForm::kKmac) return Status::kUsage;
  store::MacContext* context = store::new_mac(out, key);
  if (context == nullptr) return Status::kNoMemory;
  context->indicator = s;
  context->algorithm = use.key()->algorithm;
  context->size = 0;
  if (form == KeyForm::kCmac)
    cmac_init(context->cmac, use.key()->cmac);
  else if (form == KeyForm::kHmac)
    hmac_init(context->hmac, use.key()->hmac);
  else
    kmac_init(context->kmac, use.key()->kmac, custom == nullptr ? nullptr : custom->bytes(),
              custom == nullptr ? 0 : custom->size);
  store::unlock_mac(context);
  return s;
}

// add: one piece, with the context locked. CMAC works with the key, which may just be going.
Status add(ThreadState& thread, store::MacContext& context, In in, Lane* lane) {
  if (const Status s = check_input(in, kHashMaxBlock + context.size); !succeeded(s)) return s;
  if (const Status s = Gate::permit(context.indicator); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  if (use.key() == nullptr) return Status::kHandle;
  *lane = use.key()->lane;
  context.size += in.size;
  const KeyForm form = form_of(context.algorithm);
  if (form == KeyForm::kCmac)
    cmac_update(context.cmac, in.bytes(), in.size);
  else if (form == KeyForm::kHmac)
    hmac_update(context.hmac, in.bytes(), in.size);
  else
    kmac_update(context.kmac, in.bytes(), in.size);
  return context.indicator;
}

Status mac_update(ThreadState& thread, cm_mac mac, In in, Lane* lane) {
  store::MacContext* context = nullptr;
  if (const Status s = store::lock_mac(mac, &context); !succeeded(s)) return s;
  const Status s = add(thread, *context, in, lane);
  store::unlock_mac(context);
  return s;
}

// finish: with the context locked.
Status finish(ThreadState& thread, store::MacContext& context, Out out, Lane* lane) {
  if (const Status s = check_mac_size(context.algorithm, out.size); !succeeded(s)) return s;
  if (const Status s = Gate::permit(context.indicator); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  if (use.key() == nullptr) return Status::kHandle;
  *lane = use.key()->lane;
  const KeyForm form = form_of(context.algorithm);
  if (form == KeyForm::kKmac) {
    kmac_final(context.kmac, out.bytes(), out.size);
    return context.indicator;
  }
  SecretArray<kHashMaxSize> full;
  if (form == KeyForm::kHmac)
    hmac_final(context.hmac, full.expose());
  else
    cmac_final(context.cmac, full.expose());
  std::memcpy(out.p, full.expose(), out.size);
  return context.indicator;
}

Status mac_final(ThreadState& thread, cm_mac mac, Out out, Lane* lane) {
  if (out.p == nullptr) return Status::kNull;
  if (out.size < kMacMin || out.size > kMacMax) return Status::kLength;
  store::MacContext* context = nullptr;
  Status s = store::lock_mac(mac, &context);
  if (!succeeded(s)) {
    out.clear();
    return s;
  }
  s = finish(thread, *context, out, lane);
  if (succeeded(s)) {
    store::free_mac(mac, context);
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

// leave_with_mac: makes a context and hands it out.
cm_rc leave_with_mac(Gate& gate, cm_mac* out, cm_key key, const In* custom) {
  *out = cm_mac{0};
  cm_mac made{};
  Lane lane = Lane::kNone;
  Status s = mac_init(gate.thread(), &made, key, custom, &lane);
  if (succeeded(s)) s = keep(gate, s, made, mac_free);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lane);
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
  return leave_with_mac(gate, out, key, nullptr);
}

CM_EXPORT cm_rc cm_mac_init_custom(cm_session session, cm_mac* out, cm_key key, const void* custom,
                                   size_t custom_size) {
  Gate gate(service(EventId::kMacInitCustom), session, key.v, custom_size);
  if (!gate.open()) return gate.refused();
  const In text{custom, custom_size};
  if (out == nullptr || text.missing()) return gate.leave(Status::kNull);
  if (text.size > kMacMax || text.wraps()) return gate.leave(Status::kLength);
  if (share(Out{out, sizeof *out}, text)) return gate.leave(Status::kOverlap);
  return leave_with_mac(gate, out, key, &text);
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
