// SPDX-License-Identifier: Apache-2.0
// c_abi_kdf.cpp: key derivation (kdf.h) into keys, one or many, and as bytes, which is a service of its own.
#include "crypto/kdf/pbkdf2.h"
#include "crypto/module/batch.h"
#include "crypto/module/kdf.h"
#include "crypto/module/kdf_functions.h"
#include "crypto/module/lanes.h"
#include "crypto/module/new_key.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)
using store::KeyObject;

constexpr size_t kInputMax = 1024;   // bytes of a secret that is no key, but for a password
constexpr size_t kOutputMax = 1024;  // of which a key is a part

In salt_of(const cm_kdf_params& p) { return {p.salt, p.salt_size}; }
In input_of(const cm_kdf_params& p) { return {p.input, p.input_size}; }
bool is_password(const cm_kdf_params& p) { return p.function == CM_KDF_PBKDF2; }

// share_any: whether an output touches what is read.
bool share_any(Out out, const cm_kdf_params& p) {
  return share(out, input_of(p)) || share(out, salt_of(p)) || share(out, In{p.label, p.label_size}) ||
         share(out, In{p.context, p.context_size}) || share(out, In{p.iv, p.iv_size});
}

// ---- the secret

struct Keys {
  const KeyObject* secret;
  const KeyObject* salt;
};

Status check_secret_key(const KeyObject* key) {
  if (key == nullptr) return Status::kHandle;
  return (key->usage & CM_USE_DERIVE) != 0 ? Status::kOk : Status::kUsage;
}
KdfBytes bytes_of(const KeyObject& key) { return {key.raw, key.bits / 8}; }
KdfBytes bytes_of(In in) { return {in.bytes(), in.size}; }

// check_export: what comes from a key that may not leave the module may not leave it either.
Status check_export(const Keys& keys, const cm_key_params& params) {
  if ((params.flags & CM_KEY_EXPORTABLE) == 0) return Status::kOk;
  for (const KeyObject* key : {keys.secret, keys.salt})
    if (key != nullptr && (key->flags & CM_KEY_EXPORTABLE) == 0) return Status::kNotExportable;
  return Status::kOk;
}

// find_secrets: fills in secret and salt.
Status find_secrets(KdfCall& call, const Keys& keys) {
  const cm_kdf_params& p = call.params;
  call.salt = bytes_of(salt_of(p));
  if (p.salt_key.v != 0) {
    if (const Status s = check_secret_key(keys.salt); !succeeded(s)) return s;
    call.salt = bytes_of(*keys.salt);
  }
  call.secret = bytes_of(input_of(p));
  if (p.secret.v != 0) {
    if (const Status s = check_secret_key(keys.secret); !succeeded(s)) return s;
    call.secret = bytes_of(*keys.secret);
    return Status::kOk;
  }
  return is_password(p) || p.input_size <= kInputMax ? Status::kOk : Status::kLength;
}

// InputCopy: bytes of the caller are read once, because most functions hash them again and again; a password is read
// once in any case.
class InputCopy {
 public:
  // of: the call, with the copy for its secret where that came as bytes.
  KdfCall of(const KdfCall& call) {
    KdfCall with_copy = call;
    const cm_kdf_params& p = call.params;
    if (p.secret.v != 0 || p.input_size == 0 || is_password(p)) return with_copy;
    uint8_t* copy = bytes_.use(p.input_size);
    std::memcpy(copy, p.input, p.input_size);
    with_copy.secret.p = copy;
    return with_copy;
  }

 private:
  SecretBuffer<kInputMax> bytes_;
};

// approval_of: the function's own reason, else that of the keys that go in; kPolicy when it must not be done.
Status approval_of(const KdfCall& call, const Keys& keys, KdfTarget target, size_t out_size) {
  Status reason = kdf_approval(call, target, out_size);
  if (keys.secret != nullptr) reason = reason_of(reason, *keys.secret);
  if (keys.salt != nullptr) reason = reason_of(reason, *keys.salt);
  return Gate::permit(reason);
}

// ---- into a key

// Output: of which the key is the part from `offset` on.
using Output = SecretBuffer<kOutputMax>;

size_t key_size(const cm_key_params& params) { return params.bits / 8; }

bool has_tls12_salt(const cm_key_params& params) { return params.iv_regime == CM_IV_TLS12; }

// output_size: how much is derived; 0 when that is too much.
size_t output_size(const cm_kdf_params& p, const cm_key_params& params) {
  constexpr size_t kSalt = 4;
  const size_t key_end = size_t{p.offset} + key_size(params);
  const size_t end = has_tls12_salt(params) && size_t{p.iv_offset} + kSalt > key_end ? p.iv_offset + kSalt : key_end;
  return end <= kOutputMax ? end : 0;
}

// check_regime: sequence numbers of TLS begin at 0 with each key, so only a key of a handshake may have them, and its
// fixed part comes from the handshake too. Of TLS 1.2 it lies beside the key, never in it.
Status check_regime(const cm_kdf_params& p, const cm_key_params& params) {
  if (!is_zero(params.iv_fixed, sizeof params.iv_fixed) || (!has_tls12_salt(params) && p.iv_offset != 0))
    return Status::kArgument;
  if (p.function == CM_KDF_TLS13_TRAFFIC_KEY)
    return params.iv_regime == CM_IV_TLS13 && p.offset == 0 ? Status::kOk : Status::kArgument;
  if (params.iv_regime == CM_IV_RANDOM) return Status::kOk;
  if (!has_tls12_salt(params) || p.function != CM_KDF_TLS12_PRF) return Status::kArgument;
  const bool apart = p.iv_offset + uint64_t{4} <= p.offset || p.iv_offset >= p.offset + uint64_t{key_size(params)};
  return apart ? Status::kOk : Status::kArgument;
}

// check_key: what can be said of the key that is wanted. A few bits are no key: made one after the other, with offset,
// and tried out, they would give the whole output away.
Status check_key(const cm_kdf_params& p, const cm_key_params& params) {
  if (params.bits < kGenerateMinBits) return Status::kLength;
  if (const Status s = check_params(params, params.bits, false); !succeeded(s)) return s;
  if (const Status s = check_regime(p, params); !succeeded(s)) return s;
  return output_size(p, params) != 0 ? Status::kOk : Status::kLength;
}

// key_approval: of the derivation and of the key that comes out.
Status key_approval(const KdfCall& call, const Keys& keys, const cm_key_params& params) {
  const KdfTarget target = params.algorithm == CM_ALG_SECRET ? KdfTarget::kSecret : KdfTarget::kOther;
  const Status reason = approval_of(call, keys, target, key_size(params));
  return succeeded(reason) ? indicator_of(params, key_size(params), reason) : reason;
}

// take_fixed_iv: into params, from the derivation.
Status take_fixed_iv(const KdfCall& call, const Output& output, cm_key_params& params) {
  if (call.params.function == CM_KDF_TLS13_TRAFFIC_KEY) return kdf_tls13_iv(call, params.iv_fixed);
  if (has_tls12_salt(params)) std::memcpy(params.iv_fixed, output.expose() + call.params.iv_offset, 4);
  return Status::kOk;
}

// expand_output: a key in the store that nobody can see yet.
Status expand_output(const KdfCall& call, const Output& output, const cm_key_params& params, Status indicator,
                     uint32_t* slot) {
  cm_key_params complete = params;
  Status s = take_fixed_iv(call, output, complete);
  if (succeeded(s)) s = expand_key(complete, output.expose() + call.params.offset, key_size(params), indicator, slot);
  zeroise(complete.iv_fixed, sizeof complete.iv_fixed);
  return s;
}

// derive_key: params have passed check_key, those of the call kdf_check.
Status derive_key(KdfCall& call, const Keys& keys, const cm_key_params& params, uint32_t* slot) {
  if (const Status s = find_secrets(call, keys); !succeeded(s)) return s;
  if (const Status s = check_export(keys, params); !succeeded(s)) return s;
  const Status indicator = key_approval(call, keys, params);
  if (!succeeded(indicator)) return indicator;
  store::expect_key();
  InputCopy copy;
  const KdfCall own = copy.of(call);
  Output output;
  const size_t size = output_size(own.params, params);
  const Status s = kdf_compute(own, output.use(size), size);
  return succeeded(s) ? expand_output(own, output, params, indicator, slot) : s;
}

Status kdf_derive(ThreadState& thread, KdfCall& call, NewKey& key) {
  if (const Status s = check_key(call.params, key.params); !succeeded(s)) return s;
  const store::KeyUse secret(thread, 0, call.params.secret);
  const store::KeyUse salt(thread, 1, call.params.salt_key);
  uint32_t slot = 0;
  const Status s = derive_key(call, {secret.key(), salt.key()}, key.params, &slot);
  if (succeeded(s)) key.made = store::publish_key(slot);
  return s;
}

// check_call: kdf_check, and which lane will work.
Status check_call(KdfCall& call) {
  const Status s = kdf_check(call.params);
  if (succeeded(s)) call.lane = kdf_lane(call.params);
  return s;
}

// start_derivation: as start_key, with all that a derivation reads; from: the caller's struct. Whether out touches it
// counts only where the lengths are possible, but nothing is written over it in any case.
Status start_derivation(NewKey& key, cm_key* out, const cm_key_params* params, In from, KdfCall& call) {
  const Status checked = check_call(call);
  if (out != nullptr && share_any(Out{out, sizeof *out}, call.params))
    return succeeded(checked) ? Status::kOverlap : checked;
  const Status s = start_key(key, out, params, from);
  return succeeded(checked) ? s : checked;
}

// ---- as bytes

Status check_raw(KdfCall& call, Out out) {
  const cm_kdf_params& p = call.params;
  if (out.p == nullptr) return Status::kNull;
  if (const Status s = check_call(call); !succeeded(s)) return s;
  if (p.offset != 0 || p.iv_offset != 0 || p.function == CM_KDF_TLS13_TRAFFIC_KEY) return Status::kArgument;
  if (out.size == 0 || In{out.p, out.size}.wraps()) return Status::kLength;
  return share_any(out, p) ? Status::kOverlap : Status::kOk;
}

Status derive_bytes(KdfCall& call, const Keys& keys, Out out) {
  if (const Status s = find_secrets(call, keys); !succeeded(s)) return s;
  const Status reason = approval_of(call, keys, KdfTarget::kOther, out.size);
  if (!succeeded(reason)) return reason;
  InputCopy copy;
  const Status s = kdf_compute(copy.of(call), out.bytes(), out.size);
  return succeeded(s) ? reason : s;
}

Status kdf_derive_raw(ThreadState& thread, KdfCall& call, Out out) {
  const store::KeyUse secret(thread, 0, call.params.secret);
  const store::KeyUse salt(thread, 1, call.params.salt_key);
  const Status s = derive_bytes(call, {secret.key(), salt.key()}, out);
  if (!succeeded(s)) out.clear();
  return s;
}

// ---- batches: the passwords of a lot go side by side, when no key is in use any more, as they may take minutes;
// everything else goes one after the other. What is made is handed out after that, because each new key has a record of
// its own and may have to wait for room.

constexpr size_t kKdfLot = 16;

struct KdfLot {
  size_t count;
  cm_kdf_job jobs[kKdfLot];  // the module's copies
  KdfCall calls[kKdfLot];
  Status results[kKdfLot];
  uint32_t slots[kKdfLot];   // of those that succeeded
  bool waits[kKdfLot] = {};  // for the other passwords
  Output outputs[kKdfLot];   // of the passwords
};

Status check_kdf_job(const cm_kdf_job& job, KdfCall& call, In all) {
  if (job.kdf.struct_size != sizeof job.kdf || job.params.struct_size != sizeof job.params) return Status::kArgument;
  if (const Status s = check_call(call); !succeeded(s)) return s;
  if (const Status s = check_key(job.kdf, job.params); !succeeded(s)) return s;
  return share_any(Out{const_cast<void*>(all.p), all.size}, job.kdf) ? Status::kOverlap : Status::kOk;
}

// goes_along: whether a job is one of those that go side by side: a password that is no key of the store.
bool goes_along(const cm_kdf_params& p) { return is_password(p) && p.secret.v == 0 && p.salt_key.v == 0; }

// prepare_password: all but the computation.
Status prepare_password(KdfCall& call, const cm_key_params& params) {
  if (const Status s = find_secrets(call, {}); !succeeded(s)) return s;
  const Status indicator = key_approval(call, {}, params);
  if (!succeeded(indicator)) return indicator;
  const size_t size = output_size(call.params, params);
  const Status s = pbkdf2_check(static_cast<HashId>(call.params.hash), size, call.params.iterations);
  return succeeded(s) ? indicator : s;
}

// begin_job: what needs no key: the checks, and of a password all but the computation.
void begin_job(KdfLot& lot, size_t i, In all) {
  const cm_kdf_job& job = lot.jobs[i];
  lot.calls[i].params = job.kdf;
  lot.results[i] = check_kdf_job(job, lot.calls[i], all);
  if (!succeeded(lot.results[i]) || !goes_along(job.kdf)) return;
  lot.results[i] = prepare_password(lot.calls[i], job.params);
  lot.waits[i] = succeeded(lot.results[i]);
}

// derive_jobs: all that do not go side by side.
void derive_jobs(ThreadState& thread, KdfLot& lot) {
  const store::AnyKeys in_use(thread);
  for (size_t i = 0; i < lot.count; ++i) {
    const cm_kdf_job& job = lot.jobs[i];
    if (!succeeded(lot.results[i]) || goes_along(job.kdf)) continue;
    const store::KeyUse secret(thread, in_use, job.kdf.secret);
    const store::KeyUse salt(thread, in_use, job.kdf.salt_key);
    lot.results[i] = derive_key(lot.calls[i], {secret.key(), salt.key()}, job.params, &lot.slots[i]);
  }
}

// run_passwords: those that have hash and iterations of the first.
void run_passwords(KdfLot& lot, size_t first) {
  const cm_kdf_params& like = lot.jobs[first].kdf;
  Pbkdf2Job jobs[kKdfLot];
  size_t count = 0;
  for (size_t i = first; i < lot.count; ++i) {
    const KdfCall& call = lot.calls[i];
    if (!lot.waits[i] || call.params.hash != like.hash || call.params.iterations != like.iterations) continue;
    const size_t size = output_size(call.params, lot.jobs[i].params);
    jobs[count++] = {call.secret.p, call.secret.size, call.salt.p, call.salt.size, lot.outputs[i].use(size), size};
    lot.waits[i] = false;
  }
  const auto id = static_cast<HashId>(like.hash);
  pbkdf2(id, hash_lane(id, hash_lanes()), lanes().hash_multi, jobs, count, like.iterations);
}

// run_lot: every key that can be made is made, and nobody sees it yet. Passwords first: a zeroisation meanwhile would
// not find the keys of the others, for minutes.
void run_lot(ThreadState& thread, KdfLot& lot, In all) {
  for (size_t i = 0; i < lot.count; ++i) begin_job(lot, i, all);
  for (size_t i = 0; i < lot.count; ++i)
    if (lot.waits[i]) run_passwords(lot, i);
  derive_jobs(thread, lot);
  for (size_t i = 0; i < lot.count; ++i)
    if (succeeded(lot.results[i]) && goes_along(lot.jobs[i].kdf))
      lot.results[i] = expand_output(lot.calls[i], lot.outputs[i], lot.jobs[i].params, lot.results[i], &lot.slots[i]);
}

// record_key: without its record, or when the module has left its operational state meanwhile, a key is destroyed
// again, and that is recorded where the key is.
Status record_key(const Gate& gate, cm_key made, size_t number) {
  Status s = gate.recheck();
  if (succeeded(s)) s = gate.record(EventId::kKeyDerived, made.v, static_cast<uint32_t>(number));
  const bool recorded = succeeded(s);
  if (recorded) s = gate.recheck();
  if (!succeeded(s) && succeeded(store::destroy_key(made)) && recorded) store::record_not_handed_out(made);
  return s;
}

// finish_lot: hands the keys out. The first that cannot be is the last that was tried: its result is that of all that
// follow, in this lot and the next ones. All keys are published first, so that a zeroisation finds them while one of
// them waits for its record.
Status finish_lot(const Gate& gate, const KdfLot& lot, cm_kdf_job* jobs, size_t first, BatchTotals& totals) {
  cm_key made[kKdfLot] = {};
  for (size_t i = 0; i < lot.count; ++i)
    if (succeeded(lot.results[i])) made[i] = store::publish_key(lot.slots[i]);
  Status stop = Status::kOk;
  for (size_t i = 0; i < lot.count; ++i) {
    Status s = lot.results[i];
    if (succeeded(s) && succeeded(stop))
      stop = record_key(gate, made[i], first + i);
    else if (succeeded(s))
      static_cast<void>(store::destroy_key(made[i]));
    if (succeeded(s) && !succeeded(stop)) s = stop;
    jobs[first + i].key = succeeded(s) ? made[i] : cm_key{0};
    jobs[first + i].result = to_rc(s);
    count_job(totals, s, 0, lot.calls[i].lane);
  }
  return stop;
}

// refuse_jobs: those from `first` on, which nobody has looked at.
void refuse_jobs(cm_kdf_job* jobs, size_t first, size_t count, Status why, BatchTotals& totals) {
  for (size_t i = first; i < count; ++i) {
    jobs[i].key = cm_key{0};
    jobs[i].result = to_rc(why);
    count_job(totals, why, 0, Lane::kNone);
  }
}

cm_rc kdf_batch(Gate& gate, cm_kdf_job* jobs, size_t count) {
  const In all{jobs, count * sizeof *jobs};
  BatchTotals totals;
  Status stop = Status::kOk;
  for (size_t done = 0; done < count && succeeded(stop); done += kKdfLot) {
    KdfLot lot;
    lot.count = count - done < kKdfLot ? count - done : kKdfLot;
    for (size_t i = 0; i < lot.count; ++i) lot.jobs[i] = jobs[done + i];
    std::atomic_signal_fence(std::memory_order_seq_cst);  // what is checked is what is used
    run_lot(gate.thread(), lot, all);
    stop = finish_lot(gate, lot, jobs, done, totals);
    if (succeeded(stop)) stop = gate.recheck();  // a lot without keys asks nobody
    if (!succeeded(stop)) refuse_jobs(jobs, done + lot.count, count, stop, totals);
  }
  gate.set_object(totals.failures << 32 | count);
  return gate.leave_batch(totals.failures != 0 ? Status::kJobs : totals.reason, totals.reason, 0, totals.lane);
}

}  // namespace

CM_EXPORT cm_rc cm_kdf_derive(cm_session session, cm_key* out, const cm_key_params* params, const cm_kdf_params* kdf) {
  KdfCall call{};
  const Status taken = take_struct(kdf, call.params);  // first of all: the entry record names the secret
  Gate gate(service(EventId::kKdfDerive), session, call.params.secret.v, call.params.input_size);
  if (!gate.open()) return gate.refused();
  NewKey key{};
  Status s = succeeded(taken) ? start_derivation(key, out, params, In{kdf, sizeof *kdf}, call) : taken;
  if (succeeded(s)) s = kdf_derive(gate.thread(), call, key);
  return leave_with_key(gate, key, s, call.lane);
}

CM_EXPORT cm_rc cm_kdf_derive_raw(cm_session session, void* out, size_t out_size, const cm_kdf_params* kdf) {
  KdfCall call{};
  const Status taken = take_struct(kdf, call.params);
  Gate gate(service(EventId::kKdfDeriveRaw), session, call.params.secret.v, call.params.input_size);
  if (!gate.open()) return gate.refused();
  const Out raw{out, out_size};
  Status s = succeeded(taken) ? check_raw(call, raw) : taken;
  if (succeeded(s) && share(raw, In{kdf, sizeof *kdf})) s = Status::kOverlap;
  if (succeeded(s)) s = kdf_derive_raw(gate.thread(), call, raw);
  return gate.leave(s, out_size, call.lane);
}

CM_EXPORT cm_rc cm_kdf_batch(cm_session session, cm_kdf_job* jobs, size_t count) {
  Gate gate(service(EventId::kKdfBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  if (const Status s = check_jobs(jobs, count); !succeeded(s)) return refuse_batch(gate, count, s);
  return kdf_batch(gate, jobs, count);
}

CM_EXPORT cm_rc cm_key_derive_pbkdf2(cm_session session, cm_key* out, const cm_key_params* params, const void* password,
                                     size_t password_size, const void* salt, size_t salt_size, uint32_t iterations) {
  Gate gate(service(EventId::kKeyDerivePbkdf2), session, 0, password_size);
  if (!gate.open()) return gate.refused();
  KdfCall call{};
  call.params.struct_size = sizeof call.params;
  call.params.function = CM_KDF_PBKDF2;
  call.params.hash = CM_HASH_SHA256;
  call.params.iterations = iterations;
  call.params.input = password;
  call.params.input_size = password_size;
  call.params.salt = salt;
  call.params.salt_size = salt_size;
  NewKey key{};
  Status s = start_derivation(key, out, params, {}, call);
  if (succeeded(s)) s = kdf_derive(gate.thread(), call, key);
  return leave_with_key(gate, key, s, lanes().sha256);
}
