// SPDX-License-Identifier: Apache-2.0
// hash_function.cpp: see hash_function.h: which of the streams below it a function is.
#include "crypto/hash/hash_function.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

bool is_parallel(HashKind kind) { return kind == HashKind::kParallel || kind == HashKind::kParallelXof; }

bool takes_params(HashKind kind, const HashFunctionParams& params) {
  const bool parallel = is_parallel(kind);
  const bool custom = parallel || kind == HashKind::kCshake || kind == HashKind::kTuple || kind == HashKind::kTupleXof;
  return (params.name_size == 0 || kind == HashKind::kCshake) && (params.custom_size == 0 || custom) &&
         (params.block_size != 0) == parallel;
}

const HashFunctionRow& row_of(const HashStream& stream) { return *hash_function(stream.number); }

// finish: nothing more goes into a function whose output may be taken in pieces.
void finish(HashStream& stream) {
  switch (row_of(stream).kind) {
    case HashKind::kShake:
    case HashKind::kCshake:
      return cshake_finish(stream.sponge);
    case HashKind::kTupleXof:
      return tuple_hash_final(stream.sponge, nullptr, 0, true);
    case HashKind::kParallelXof:
      return parallel_hash_final(stream.parallel, nullptr, 0, true);
    case HashKind::kFixed:
    case HashKind::kTuple:
    case HashKind::kParallel:
      break;
  }
  fail_stop();
}

void squeeze(HashStream& stream, uint8_t* out, size_t out_size) {
  if (!stream.squeezing) finish(stream);
  stream.squeezing = true;
  if (is_parallel(row_of(stream).kind))
    parallel_hash_more(stream.parallel, out, out_size);
  else
    sponge_squeeze(stream.sponge, out, out_size);
}

}  // namespace

Status hash_stream_init(HashStream& stream, const HashFunctionRow& row, const HashLanes& lanes, Lane wide,
                        const HashFunctionParams& params) {
  if (!takes_params(row.kind, params)) return Status::kArgument;
  stream.number = row.number;
  stream.squeezing = false;
  stream.size = 0;
  switch (row.kind) {
    case HashKind::kFixed:
      hash_init(stream.fixed, row.fixed, hash_lane(row.fixed, lanes));
      break;
    case HashKind::kShake:  // cSHAKE without name and customization
    case HashKind::kCshake:
      cshake_init(stream.sponge, lanes.keccak, row.bits, params.name, params.name_size, params.custom,
                  params.custom_size);
      break;
    case HashKind::kTuple:
    case HashKind::kTupleXof:
      tuple_hash_init(stream.sponge, lanes.keccak, row.bits, params.custom, params.custom_size);
      break;
    case HashKind::kParallel:
    case HashKind::kParallelXof:
      parallel_hash_init(stream.parallel, lanes.keccak, wide, row.bits, params.block_size, params.custom,
                         params.custom_size);
      break;
  }
  return Status::kOk;
}

Status hash_stream_update(HashStream& stream, const uint8_t* in, size_t in_size) {
  if (stream.squeezing) return Status::kSequence;
  if (!hash_takes(stream.size, in_size)) return Status::kLength;
  stream.size += in_size;
  switch (row_of(stream).kind) {
    case HashKind::kFixed:
      hash_update(stream.fixed, in, in_size);
      break;
    case HashKind::kShake:
    case HashKind::kCshake:
      sponge_absorb(stream.sponge, in, in_size);
      break;
    case HashKind::kTuple:
    case HashKind::kTupleXof:
      tuple_hash_add(stream.sponge, in, in_size);
      break;
    case HashKind::kParallel:
    case HashKind::kParallelXof:
      parallel_hash_update(stream.parallel, in, in_size);
      break;
  }
  return Status::kOk;
}

Status hash_stream_squeeze(HashStream& stream, uint8_t* out, size_t out_size) {
  if (!hash_function_squeezes(row_of(stream))) return Status::kUsage;
  squeeze(stream, out, out_size);
  return Status::kOk;
}

void hash_stream_final(HashStream& stream, uint8_t* out, size_t out_size) {
  switch (row_of(stream).kind) {
    case HashKind::kFixed:
      CM_CHECK(out_size == hash_function_size(row_of(stream)));
      hash_final(stream.fixed, out);
      break;
    case HashKind::kTuple:
      tuple_hash_final(stream.sponge, out, out_size, false);
      break;
    case HashKind::kParallel:
      parallel_hash_final(stream.parallel, out, out_size, false);
      break;
    default:
      squeeze(stream, out, out_size);
  }
  zeroise(&stream, sizeof stream);
}

}  // namespace cm
