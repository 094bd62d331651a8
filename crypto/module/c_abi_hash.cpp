// SPDX-License-Identifier: Apache-2.0
// c_abi_hash.cpp: the hash functions of hash_function.h (FIPS 180-4, FIPS 202, SP 800-185), one-shot and in pieces.
#include "crypto/hash/hash_many.h"
#include "crypto/module/batch.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/lanes.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

constexpr size_t kParamMax = 65536;  // of name and customization, each

Lane lane_of(const HashFunctionRow* row) {
  return row == nullptr ? Lane::kNone : hash_function_lane(*row, hash_lanes());
}
Lane lane_of(uint32_t algorithm) { return lane_of(hash_function(algorithm)); }

Status check_input(In in) {
  if (in.missing()) return Status::kNull;
  return in.wraps() || !hash_takes(0, in.size) ? Status::kLength : Status::kOk;
}

// output_of: what a function writes into a buffer: its digest, or as much as the buffer takes.
Out output_of(const HashFunctionRow& row, Out buffer) {
  const size_t own = hash_function_size(row);
  return {buffer.p, own != 0 ? own : buffer.size};
}

Status check_output(const HashFunctionRow& row, Out buffer) {
  if (buffer.p == nullptr) return Status::kNull;
  const Out out = output_of(row, buffer);
  if (out.size == 0 || In{out.p, out.size}.wraps() || !hash_takes(0, out.size)) return Status::kLength;
  return buffer.size < out.size ? Status::kBufferTooSmall : Status::kOk;
}

void digest_of(const HashFunctionRow& row, Out out, In in) {
  if (row.kind == HashKind::kFixed) return hash_digest(row.fixed, lane_of(&row), out.bytes(), in.bytes(), in.size);
  Sponge sponge;
  cshake_init(sponge, lane_of(&row), row.bits, nullptr, 0, nullptr, 0);
  sponge_absorb(sponge, in.bytes(), in.size);
  cshake_finish(sponge);
  sponge_squeeze(sponge, out.bytes(), out.size);
  sponge_zeroise(sponge);
}

// check_call: of a whole message.
Status check_call(const HashFunctionRow* row, Out buffer, In in) {
  if (row == nullptr || (row->kind != HashKind::kFixed && row->kind != HashKind::kShake)) return Status::kArgument;
  if (const Status s = check_output(*row, buffer); !succeeded(s)) return s;
  if (const Status s = check_input(in); !succeeded(s)) return s;
  return overlaps_partly(buffer.p, output_of(*row, buffer).size, in.p, in.size) ? Status::kOverlap : Status::kOk;
}

// hash_compute: *written is what was written.
Status hash_compute(uint32_t algorithm, Out buffer, In in, size_t* written) {
  const HashFunctionRow* row = hash_function(algorithm);
  if (const Status s = check_call(row, buffer, in); !succeeded(s)) return s;
  const Out out = output_of(*row, buffer);
  digest_of(*row, out, in);
  *written = out.size;
  return Status::kOk;
}

Status hash_init(cm_hash* out, const cm_hash_params& params) {
  const HashFunctionRow* row = hash_function(params.algorithm);
  if (row == nullptr) return Status::kArgument;
  const In name{params.name, params.name_size}, custom{params.custom, params.custom_size};
  if (name.missing() || custom.missing()) return Status::kNull;
  if (name.size > kParamMax || custom.size > kParamMax || name.wraps() || custom.wraps()) return Status::kLength;
  store::HashContext* context = store::new_hash(out);
  if (context == nullptr) return Status::kNoMemory;
  const Status s = hash_stream_init(context->stream, *row, hash_lanes(), lanes().hash_multi,
                                    {name.bytes(), name.size, custom.bytes(), custom.size, params.block_size});
  if (succeeded(s))
    store::unlock_hash(context);
  else
    store::free_hash(*out, context);
  return s;
}

Status hash_update(cm_hash hash, In in, Lane* lane) {
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) return s;
  *lane = lane_of(context->stream.number);
  Status s = check_input(in);
  if (succeeded(s)) s = hash_stream_update(context->stream, in.bytes(), in.size);
  store::unlock_hash(context);
  return s;
}

Status hash_squeeze(cm_hash hash, Out out, Lane* lane) {
  if (out.missing()) return Status::kNull;
  if (In{out.p, out.size}.wraps()) return Status::kLength;
  store::HashContext* context = nullptr;
  Status s = store::lock_hash(hash, &context);
  if (!succeeded(s)) {
    out.clear();
    return s;
  }
  *lane = lane_of(context->stream.number);
  s = hash_stream_squeeze(context->stream, out.bytes(), out.size);
  store::unlock_hash(context);
  if (!succeeded(s)) out.clear();
  return s;
}

Status hash_copy(cm_hash* out, cm_hash from, Lane* lane) {
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(from, &context); !succeeded(s)) return s;
  *lane = lane_of(context->stream.number);
  store::HashContext* copy = store::new_hash(out);
  if (copy != nullptr) {
    copy->stream = context->stream;
    store::unlock_hash(copy);
  }
  store::unlock_hash(context);
  return copy != nullptr ? Status::kOk : Status::kNoMemory;
}

// hash_final: *written is what was written.
Status hash_final(cm_hash hash, Out buffer, size_t* written, Lane* lane) {
  if (buffer.p == nullptr) return Status::kNull;
  if (In{buffer.p, buffer.size}.wraps()) return Status::kLength;
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) {
    // Which function it was cannot be known; no digest is longer, and the rest of a larger buffer is left alone.
    Out{buffer.p, buffer.size < kHashMaxSize ? buffer.size : kHashMaxSize}.clear();
    return s;
  }
  const HashFunctionRow& row = *hash_function(context->stream.number);
  *lane = lane_of(&row);
  if (const Status s = check_output(row, buffer); !succeeded(s)) {
    store::unlock_hash(context);
    return s;
  }
  const Out out = output_of(row, buffer);
  hash_stream_final(context->stream, out.bytes(), out.size);
  store::free_hash(hash, context);
  *written = out.size;
  return Status::kOk;
}

Status hash_free(cm_hash hash) {
  store::HashContext* context = nullptr;
  if (const Status s = store::lock_hash(hash, &context); !succeeded(s)) return s;
  store::free_hash(hash, context);
  return Status::kOk;
}

// ---- batches: functions with a digest of fixed size go through the lanes of the kernels for many messages, all jobs
// of a lot together.

struct NoKeys {
  explicit NoKeys(ThreadState& /*thread*/) {}
};

Out buffer_of(const cm_hash_job& job) { return {job.digest, job.digest_capacity}; }

// check_job: what a single call checks, and that the digest does not touch the array of jobs. *row is the function.
Status check_job(const cm_hash_job& job, In all, const HashFunctionRow** row) {
  *row = hash_function(job.algorithm);
  const In in{job.in, job.in_size};
  if (*row == nullptr) return Status::kArgument;
  if (const Status s = check_call(*row, buffer_of(job), in); !succeeded(s)) return s;
  return share(output_of(**row, buffer_of(job)), all) ? Status::kOverlap : Status::kOk;
}

// begin_job: whether the digest is to be made; when the module has left its operational state, it is zeroed.
Status begin_job(const cm_hash_job& job, const BatchTotals& totals, In all, const HashFunctionRow** row) {
  const Status s = check_job(job, all, row);
  if (!succeeded(s) || succeeded(totals.fatal)) return s;
  output_of(**row, buffer_of(job)).clear();
  return totals.fatal;
}

Status hash_one(ThreadState& /*thread*/, const cm_hash_job& job, BatchTotals& totals, In all) {
  const HashFunctionRow* row = nullptr;
  const Status s = begin_job(job, totals, all, &row);
  const size_t size = succeeded(s) ? output_of(*row, buffer_of(job)).size : 0;
  if (succeeded(s)) digest_of(*row, output_of(*row, buffer_of(job)), {job.in, job.in_size});
  count_job(totals, s, size, lane_of(row));
  return s;
}

void hash_lot(ThreadState& /*thread*/, const NoKeys& /*keys*/, const Lot<cm_hash_job>& jobs, BatchTotals& totals,
              In all) {
  HashJob many[kLot];
  size_t count = 0;
  for (size_t i = 0; i < jobs.count; ++i) {
    const cm_hash_job& job = jobs.jobs[i];
    const HashFunctionRow* row = nullptr;
    const Status s = jobs.results[i] = begin_job(job, totals, all, &row);
    const Out out = succeeded(s) ? output_of(*row, buffer_of(job)) : Out{nullptr, 0};
    const In in{job.in, job.in_size};
    if (succeeded(s) && row->kind == HashKind::kFixed)
      many[count++] = {row->fixed, nullptr, 0, in.bytes(), in.size, out.bytes(), nullptr};
    else if (succeeded(s))
      digest_of(*row, out, in);
    count_job(totals, s, out.size, lane_of(row));
  }
  if (count != 0) hash_many(hash_lanes(), lanes().hash_multi, many, count);
}

// leave_with_hash: hands a context out that was made with result s.
cm_rc leave_with_hash(Gate& gate, Status s, cm_hash made, cm_hash* out, Lane lane) {
  if (succeeded(s)) s = keep(gate, s, made, hash_free);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lane);
}

}  // namespace

CM_EXPORT cm_rc cm_hash_compute(cm_session session, uint32_t algorithm, void* digest, size_t digest_capacity,
                                const void* in, size_t in_size) {
  Gate gate(service(EventId::kHashCompute), session, 0, in_size);
  if (!gate.open()) return gate.refused();
  size_t written = 0;
  const Status s = hash_compute(algorithm, {digest, digest_capacity}, {in, in_size}, &written);
  return gate.leave(s, written, lane_of(algorithm));
}

CM_EXPORT cm_rc cm_hash_init(cm_session session, cm_hash* out, uint32_t algorithm) {
  Gate gate(service(EventId::kHashInit), session, 0, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr) return gate.leave(Status::kNull);
  *out = cm_hash{0};
  cm_hash made{};
  cm_hash_params params{};
  params.algorithm = algorithm;
  const Status s = hash_init(&made, params);
  return leave_with_hash(gate, s, made, out, lane_of(algorithm));
}

CM_EXPORT cm_rc cm_hash_init_params(cm_session session, cm_hash* out, const cm_hash_params* params) {
  Gate gate(service(EventId::kHashInitParams), session, 0, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr || params == nullptr) return gate.leave(Status::kNull);
  cm_hash_params copy{};
  const Out handle{out, sizeof *out};
  if (share(handle, In{params, sizeof *params})) return gate.leave(Status::kOverlap);
  if (const Status s = take_struct(params, copy); !succeeded(s)) {
    *out = cm_hash{0};
    return gate.leave(s);
  }
  if (share(handle, In{copy.name, copy.name_size}) || share(handle, In{copy.custom, copy.custom_size}))
    return gate.leave(Status::kOverlap);
  *out = cm_hash{0};
  cm_hash made{};
  const Status s = hash_init(&made, copy);
  return leave_with_hash(gate, s, made, out, lane_of(copy.algorithm));
}

CM_EXPORT cm_rc cm_hash_copy(cm_session session, cm_hash* out, cm_hash from) {
  Gate gate(service(EventId::kHashCopy), session, from.v, 0);
  if (!gate.open()) return gate.refused();
  if (out == nullptr) return gate.leave(Status::kNull);
  *out = cm_hash{0};
  cm_hash made{};
  Lane lane = Lane::kNone;
  const Status s = hash_copy(&made, from, &lane);
  return leave_with_hash(gate, s, made, out, lane);
}

CM_EXPORT cm_rc cm_hash_update(cm_session session, cm_hash hash, const void* in, size_t in_size) {
  Gate gate(service(EventId::kHashUpdate), session, hash.v, in_size);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = hash_update(hash, {in, in_size}, &lane);
  return gate.leave(s, 0, lane);
}

CM_EXPORT cm_rc cm_hash_squeeze(cm_session session, cm_hash hash, void* out, size_t out_size) {
  Gate gate(service(EventId::kHashSqueeze), session, hash.v, 0);
  if (!gate.open()) return gate.refused();
  Lane lane = Lane::kNone;
  const Status s = hash_squeeze(hash, {out, out_size}, &lane);
  return gate.leave(s, out_size, lane);
}

CM_EXPORT cm_rc cm_hash_final(cm_session session, cm_hash hash, void* digest, size_t digest_capacity) {
  Gate gate(service(EventId::kHashFinal), session, hash.v, 0);
  if (!gate.open()) return gate.refused();
  size_t written = 0;
  Lane lane = Lane::kNone;
  const Status s = hash_final(hash, {digest, digest_capacity}, &written, &lane);
  return gate.leave(s, written, lane);
}

CM_EXPORT cm_rc cm_hash_free(cm_session session, cm_hash hash) {
  Gate gate(service(EventId::kHashFree), session, hash.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(hash_free(hash));
}

CM_EXPORT cm_rc cm_hash_batch(cm_session session, cm_hash_job* jobs, size_t count) {
  Gate gate(service(EventId::kHashBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  return leave_batch<NoKeys>(gate, jobs, count, hash_one, hash_lot);
}
