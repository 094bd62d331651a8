// SPDX-License-Identifier: Apache-2.0
// c_abi_aead.cpp: seal and open. IV rules: SP 800-38D 8 and IG C.H; a caller's IV makes a GCM encryption not approved.
#include "crypto/module/aead.h"
#include "crypto/module/batch_lane.h"
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
  const unsigned any = unsigned{share(side, c.aad)} | unsigned{share(side, c.text)} | unsigned{share(side, c.out)};
  return any != 0 ? Status::kOverlap : Status::kOk;
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

[[gnu::always_inline]] inline AeadInput input_of(const AeadCall& c, In iv) {
  return {iv.bytes(), iv.size, c.aad.bytes(), c.aad.size, c.text.bytes(), c.text.size};
}

[[gnu::always_inline]] inline void seal(const store::KeyObject& key, const AeadCall& c, In iv, Out tag) {
  aead_seal(key, c.out.bytes(), tag.bytes(), tag.size, input_of(c, iv));
}

// ---- what can be said without the key

[[gnu::always_inline]] inline Status check_seal(const AeadCall& c, Out iv, size_t iv_capacity, Out tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (iv_capacity < iv.size) return Status::kBufferTooSmall;
  if (const Status s = check_side(c, iv); !succeeded(s)) return s;
  return !succeeded(check_side(c, tag)) || share(iv, tag) ? Status::kOverlap : Status::kOk;
}

Status check_seal_caller_iv(const AeadCall& c, In iv, Out tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (iv.size == 0 || iv.size > kAeadIvMax) return Status::kLength;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (share(c.out, iv) || share(tag, iv)) return Status::kOverlap;
  return check_side(c, tag);
}

[[gnu::always_inline]] inline Status check_open(const AeadCall& c, In iv, In tag) {
  if (iv.p == nullptr || tag.p == nullptr) return Status::kNull;
  if (iv.size == 0 || iv.size > kAeadIvMax) return Status::kLength;
  if (const Status s = check_tag_size(tag.size); !succeeded(s)) return s;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  return share(c.out, iv) || share(c.out, tag) ? Status::kOverlap : Status::kOk;
}

// ---- what the key says. On success everything is ready for the kernel, and *reason is what to report; on failure the
// outputs are zeroed, unless it is a length that does not fit the key.

[[gnu::always_inline]] inline Status begin_seal(ThreadState& thread, const store::KeyUse& use, AeadCall& c, Out iv,
                                                Out tag, uint8_t* nonce, Status* reason) {
  Status s = find_key(use.key(), CM_USE_SEAL, c, iv.size, tag.size);
  if (s == Status::kLength) return s;
  if (succeeded(s)) s = *reason = Gate::permit(use.key()->indicator);
  if (succeeded(s)) s = make_iv(thread, use, nonce);
  if (succeeded(s)) return s;
  c.out.clear();
  iv.clear();
  tag.clear();
  return s;
}

Status begin_seal_caller_iv(const store::KeyUse& use, AeadCall& c, In iv, Out tag, Status* reason) {
  Status s = find_key(use.key(), CM_USE_SEAL, c, iv.size, tag.size);
  if (s == Status::kLength) return s;
  if (succeeded(s)) s = *reason = Gate::permit(reason_of(own_reason(*use.key()), *use.key()));
  if (succeeded(s) && use.key()->iv_regime != CM_IV_RANDOM) s = Status::kUsage;
  if (succeeded(s)) s = use.take_random_seal();
  if (succeeded(s)) return s;
  c.out.clear();
  tag.clear();
  return s;
}

[[gnu::always_inline]] inline Status begin_open(const store::KeyUse& use, AeadCall& c, In iv, In tag, Status* reason) {
  Status s = find_key(use.key(), CM_USE_OPEN, c, iv.size, tag.size);
  if (s == Status::kLength) return s;
  if (succeeded(s)) s = *reason = Gate::permit(use.key()->indicator);
  if (!succeeded(s)) c.out.clear();
  return s;
}

// ---- one message

[[gnu::always_inline]] inline Status seal_body(ThreadState& thread, cm_key key, AeadCall& c, Out iv, size_t iv_capacity,
                                               Out tag) {
  if (const Status s = check_seal(c, iv, iv_capacity, tag); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  uint8_t nonce[CM_AEAD_IV_SIZE] = {};
  Status reason = Status::kOk;
  if (const Status s = begin_seal(thread, use, c, iv, tag, nonce, &reason); !succeeded(s)) return s;
  seal(*use.key(), c, {nonce, sizeof nonce}, tag);
  copy_iv(iv.bytes(), nonce);
  return reason;
}

[[gnu::always_inline]] inline Status seal_caller_iv_body(ThreadState& thread, cm_key key, AeadCall& c, In iv, Out tag) {
  if (const Status s = check_seal_caller_iv(c, iv, tag); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  Status reason = Status::kOk;
  if (const Status s = begin_seal_caller_iv(use, c, iv, tag, &reason); !succeeded(s)) return s;
  seal(*use.key(), c, iv, tag);
  return reason;
}

[[gnu::always_inline]] inline Status open_body(ThreadState& thread, cm_key key, AeadCall& c, In iv, In tag) {
  if (const Status s = check_open(c, iv, tag); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  Status reason = Status::kOk;
  if (const Status s = begin_open(use, c, iv, tag, &reason); !succeeded(s)) return s;
  const ct::Mask right = aead_open(*use.key(), c.out.bytes(), tag.bytes(), tag.size, input_of(c, iv));
  return ct::declassify(right) ? reason : Status::kAuth;
}

// ---- batches: AES-CCM goes through the lanes of the multi-buffer kernels, all jobs of a lot together; the others are
// done where they stand, because one message of theirs keeps the processor busy.

AeadCall call_of(const cm_aead_job& job) {
  return {{job.out, job.in_size}, job.out_capacity, {job.aad, job.aad_size}, {job.in, job.in_size}};
}

// check_job: that no output touches the array of jobs.
Status check_job(const cm_aead_job& job, In all, bool sealing) {
  if ((job.flags & ~uint32_t{CM_JOB_CALLER_IV}) != 0 || (!sealing && job.flags != 0)) return Status::kArgument;
  const bool makes_iv = sealing && (job.flags & CM_JOB_CALLER_IV) == 0;
  const bool apart = !share(Out{job.out, job.in_size}, all) && !(sealing && share(Out{job.tag, job.tag_size}, all)) &&
                     !(makes_iv && share(Out{job.iv, job.iv_size}, all));
  return apart ? Status::kOk : Status::kOverlap;
}

CcmInput ccm_input(const AeadCall& c, In iv) {
  return {iv.bytes(), iv.size, c.aad.bytes(), c.aad.size, c.text.bytes(), c.text.size};
}

// SealLot: the CCM jobs of a lot, and the IVs that were made for them.
struct SealLot {
  size_t ccm_count = 0;
  CcmSealJob ccm[kLot];
  uint8_t nonces[kLot][CM_AEAD_IV_SIZE];
  uint8_t* ivs[kLot];  // where they go when the lot is done; null for a caller's
};

// seal_job: one job, all but the work of CCM.
Status seal_job(ThreadState& thread, const store::AnyKeys& keys, const cm_aead_job& job, In all, AeadCall& c,
                SealLot& lot) {
  if (const Status s = check_job(job, all, true); !succeeded(s)) return s;
  const bool makes_iv = (job.flags & CM_JOB_CALLER_IV) == 0;
  const Out tag{job.tag, job.tag_size}, made{job.iv, CM_AEAD_IV_SIZE};
  uint8_t* const nonce = lot.nonces[lot.ccm_count];
  const In iv = makes_iv ? In{nonce, CM_AEAD_IV_SIZE} : In{job.iv, job.iv_size};
  const Status wrong = makes_iv ? check_seal(c, made, job.iv_size, tag) : check_seal_caller_iv(c, iv, tag);
  if (!succeeded(wrong)) return wrong;
  const store::KeyUse use(thread, keys, job.key);
  Status reason = Status::kOk;
  const Status s =
      makes_iv ? begin_seal(thread, use, c, made, tag, nonce, &reason) : begin_seal_caller_iv(use, c, iv, tag, &reason);
  if (!succeeded(s)) return s;
  if (use.key()->algorithm == CM_ALG_AES_CCM) {
    lot.ivs[lot.ccm_count] = makes_iv ? made.bytes() : nullptr;
    lot.ccm[lot.ccm_count++] = {&use.key()->aes, c.out.bytes(), tag.bytes(), tag.size, ccm_input(c, iv)};
    return reason;
  }
  seal(*use.key(), c, iv, tag);
  if (makes_iv) copy_iv(made.bytes(), nonce);
  return reason;
}

// skip_job: a job after one in which the module failed: nothing is done, and its outputs are zeroed like those of any
// job that fails.
Status skip_job(const cm_aead_job& job, In all, const AeadCall& c, Status why) {
  if (const Status s = check_job(job, all, true); !succeeded(s)) return s;
  const bool makes_iv = (job.flags & CM_JOB_CALLER_IV) == 0;
  const Out tag{job.tag, job.tag_size}, made{job.iv, CM_AEAD_IV_SIZE};
  const Status wrong =
      makes_iv ? check_seal(c, made, job.iv_size, tag) : check_seal_caller_iv(c, {job.iv, job.iv_size}, tag);
  if (!succeeded(wrong)) return wrong;
  c.out.clear();
  tag.clear();
  if (makes_iv) made.clear();
  return why;
}

// seal_alone: a job that shares no lot.
Status seal_alone(ThreadState& thread, const cm_aead_job& job, In all, AeadCall& c) {
  if (const Status s = check_job(job, all, true); !succeeded(s)) return s;
  const Out tag{job.tag, job.tag_size};
  return (job.flags & CM_JOB_CALLER_IV) == 0
             ? seal_body(thread, job.key, c, {job.iv, CM_AEAD_IV_SIZE}, job.iv_size, tag)
             : seal_caller_iv_body(thread, job.key, c, {job.iv, job.iv_size}, tag);
}

Status seal_one(ThreadState& thread, const cm_aead_job& job, BatchTotals& totals, In all) {
  AeadCall c = call_of(job);
  const Status s = succeeded(totals.fatal) ? seal_alone(thread, job, all, c) : skip_job(job, all, c, totals.fatal);
  count_job(totals, s, c.text.size, c.lane);
  return s;
}

void seal_lot(ThreadState& thread, const store::AnyKeys& keys, const Lot<cm_aead_job>& jobs, BatchTotals& totals,
              In all) {
  SealLot lot;
  for (size_t i = 0; i < jobs.count; ++i) {
    AeadCall c = call_of(jobs.jobs[i]);
    jobs.results[i] = succeeded(totals.fatal) ? seal_job(thread, keys, jobs.jobs[i], all, c, lot)
                                              : skip_job(jobs.jobs[i], all, c, totals.fatal);
    count_job(totals, jobs.results[i], c.text.size, c.lane);
  }
  if (lot.ccm_count != 0) note_lane(totals, batch_ccm_seal(lot.ccm, lot.ccm_count));
  for (size_t i = 0; i < lot.ccm_count; ++i)
    if (lot.ivs[i] != nullptr) copy_iv(lot.ivs[i], lot.nonces[i]);
}

Status open_one(ThreadState& thread, const cm_aead_job& job, BatchTotals& totals, In all) {
  AeadCall c = call_of(job);
  Status s = check_job(job, all, false);
  if (succeeded(s)) s = open_body(thread, job.key, c, {job.iv, job.iv_size}, {job.tag, job.tag_size});
  count_job(totals, s, c.text.size, c.lane);
  return s;
}

struct OpenLot {
  size_t ccm_count = 0;
  CcmOpenJob ccm[kLot];
  size_t places[kLot];  // of the CCM jobs in the lot
};

// open_job: one job, all but the work of CCM.
Status open_job(ThreadState& thread, const store::AnyKeys& keys, const cm_aead_job& job, In all, AeadCall& c,
                OpenLot& lot, size_t place) {
  if (const Status s = check_job(job, all, false); !succeeded(s)) return s;
  const In iv{job.iv, job.iv_size}, tag{job.tag, job.tag_size};
  if (const Status s = check_open(c, iv, tag); !succeeded(s)) return s;
  const store::KeyUse use(thread, keys, job.key);
  Status reason = Status::kOk;
  if (const Status s = begin_open(use, c, iv, tag, &reason); !succeeded(s)) return s;
  if (use.key()->algorithm == CM_ALG_AES_CCM) {
    lot.places[lot.ccm_count] = place;
    CcmOpenJob& ccm = lot.ccm[lot.ccm_count++];
    ccm.key = &use.key()->aes;
    ccm.out = c.out.bytes();
    ccm.tag = tag.bytes();
    ccm.tag_size = tag.size;
    ccm.in = ccm_input(c, iv);
    return reason;
  }
  const ct::Mask right = aead_open(*use.key(), c.out.bytes(), tag.bytes(), tag.size, input_of(c, iv));
  return ct::declassify(right) ? reason : Status::kAuth;
}

bool is_ccm(const cm_aead_job& /*job*/, const store::KeyObject& key) { return key.algorithm == CM_ALG_AES_CCM; }

void open_lot(ThreadState& thread, const store::AnyKeys& keys, const Lot<cm_aead_job>& jobs, BatchTotals& totals,
              In all) {
  OpenLot lot;
  Lane lanes[kLot];
  for (size_t i = 0; i < jobs.count; ++i) {
    AeadCall c = call_of(jobs.jobs[i]);
    jobs.results[i] = open_job(thread, keys, jobs.jobs[i], all, c, lot, i);
    lanes[i] = c.lane;
  }
  if (lot.ccm_count != 0) note_lane(totals, batch_ccm_open(lot.ccm, lot.ccm_count));
  for (size_t i = 0; i < lot.ccm_count; ++i)
    if (!ct::declassify(lot.ccm[i].right)) jobs.results[lot.places[i]] = Status::kAuth;
  for (size_t i = 0; i < jobs.count; ++i) count_job(totals, jobs.results[i], jobs.jobs[i].in_size, lanes[i]);
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

CM_EXPORT cm_rc cm_aead_seal_batch(cm_session session, cm_aead_job* jobs, size_t count) {
  Gate gate(service(EventId::kAeadSealBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  if (const Status s = prepare_batch(gate, BatchAlgorithm::kCcmSeal, jobs, count, is_ccm); !succeeded(s))
    return refuse_batch(gate, count, s);
  return leave_batch(gate, jobs, count, seal_one, seal_lot);
}

CM_EXPORT cm_rc cm_aead_open_batch(cm_session session, cm_aead_job* jobs, size_t count) {
  Gate gate(service(EventId::kAeadOpenBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  if (const Status s = prepare_batch(gate, BatchAlgorithm::kCcmOpen, jobs, count, is_ccm); !succeeded(s))
    return refuse_batch(gate, count, s);
  return leave_batch(gate, jobs, count, open_one, open_lot);
}
