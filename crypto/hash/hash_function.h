// SPDX-License-Identifier: Apache-2.0
// hash_function.h: every hash function that the module offers, as a message in pieces: those of hash.h and those with
// an output of any length (SHAKE, FIPS 202; cSHAKE, TupleHash, ParallelHash, SP 800-185). A stream is plain memory,
// refers to nothing and may be copied as a value.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"
#include "crypto/hash/hash.h"
#include "crypto/sha3/sp800_185.h"
#include "crypto/sha3/sponge.h"

namespace cm {

enum class HashKind : uint8_t { kFixed, kShake, kCshake, kTuple, kTupleXof, kParallel, kParallelXof };

struct HashFunctionRow {
  uint32_t number;  // CM_HASH_*
  HashKind kind;
  HashId fixed;        // of kFixed
  uint16_t bits;       // security strength of the others: 128, 256
  char name[24];       // of the function
  char self_test[24];  // the algorithm in selftest/casts.h
};

// clang-format off: one function a line
constexpr HashFunctionRow kHashFunctions[] = {
    {CM_HASH_SHA256, HashKind::kFixed, HashId::kSha256, 0, "SHA-256", "SHA-256"},
    {CM_HASH_SHA1, HashKind::kFixed, HashId::kSha1, 0, "SHA-1", "SHA-1"},
    {CM_HASH_SHA224, HashKind::kFixed, HashId::kSha224, 0, "SHA-224", "SHA-256"},
    {CM_HASH_SHA384, HashKind::kFixed, HashId::kSha384, 0, "SHA-384", "SHA-512"},
    {CM_HASH_SHA512, HashKind::kFixed, HashId::kSha512, 0, "SHA-512", "SHA-512"},
    {CM_HASH_SHA512_224, HashKind::kFixed, HashId::kSha512_224, 0, "SHA-512/224", "SHA-512"},
    {CM_HASH_SHA512_256, HashKind::kFixed, HashId::kSha512_256, 0, "SHA-512/256", "SHA-512"},
    {CM_HASH_SHA3_224, HashKind::kFixed, HashId::kSha3_224, 0, "SHA3-224", "SHA-3"},
    {CM_HASH_SHA3_256, HashKind::kFixed, HashId::kSha3_256, 0, "SHA3-256", "SHA-3"},
    {CM_HASH_SHA3_384, HashKind::kFixed, HashId::kSha3_384, 0, "SHA3-384", "SHA-3"},
    {CM_HASH_SHA3_512, HashKind::kFixed, HashId::kSha3_512, 0, "SHA3-512", "SHA-3"},
    {CM_HASH_SHAKE128, HashKind::kShake, HashId::kSha256, 128, "SHAKE128", "SHA-3"},
    {CM_HASH_SHAKE256, HashKind::kShake, HashId::kSha256, 256, "SHAKE256", "SHA-3"},
    {CM_HASH_CSHAKE128, HashKind::kCshake, HashId::kSha256, 128, "cSHAKE128", "SHA-3"},
    {CM_HASH_CSHAKE256, HashKind::kCshake, HashId::kSha256, 256, "cSHAKE256", "SHA-3"},
    {CM_HASH_TUPLEHASH128, HashKind::kTuple, HashId::kSha256, 128, "TupleHash128", "SHA-3"},
    {CM_HASH_TUPLEHASH256, HashKind::kTuple, HashId::kSha256, 256, "TupleHash256", "SHA-3"},
    {CM_HASH_TUPLEHASHXOF128, HashKind::kTupleXof, HashId::kSha256, 128, "TupleHashXOF128", "SHA-3"},
    {CM_HASH_TUPLEHASHXOF256, HashKind::kTupleXof, HashId::kSha256, 256, "TupleHashXOF256", "SHA-3"},
    {CM_HASH_PARALLELHASH128, HashKind::kParallel, HashId::kSha256, 128, "ParallelHash128", "SHA-3"},
    {CM_HASH_PARALLELHASH256, HashKind::kParallel, HashId::kSha256, 256, "ParallelHash256", "SHA-3"},
    {CM_HASH_PARALLELHASHXOF128, HashKind::kParallelXof, HashId::kSha256, 128, "ParallelHashXOF128", "SHA-3"},
    {CM_HASH_PARALLELHASHXOF256, HashKind::kParallelXof, HashId::kSha256, 256, "ParallelHashXOF256", "SHA-3"},
};
// clang-format on

namespace detail {
constexpr bool hash_functions_count_from_one() {
  uint32_t wanted = 1;
  for (const HashFunctionRow& row : kHashFunctions)
    if (row.number != wanted++ || (row.kind == HashKind::kFixed && static_cast<uint32_t>(row.fixed) != row.number))
      return false;
  return true;
}
}  // namespace detail
static_assert(detail::hash_functions_count_from_one(), "hash_function finds a row by its place");

// hash_function: null for a number that is no function.
constexpr const HashFunctionRow* hash_function(uint32_t number) {
  constexpr uint32_t kCount = sizeof kHashFunctions / sizeof kHashFunctions[0];
  return number - 1 < kCount ? &kHashFunctions[number - 1] : nullptr;
}

constexpr Lane hash_function_lane(const HashFunctionRow& row, const HashLanes& lanes) {
  return row.kind == HashKind::kFixed ? hash_lane(row.fixed, lanes) : lanes.keccak;
}
// hash_function_size: of the digest; 0 for a function that gives as much as is asked for.
constexpr size_t hash_function_size(const HashFunctionRow& row) {
  return row.kind == HashKind::kFixed ? hash_row(row.fixed).digest_size : 0;
}
// hash_function_squeezes: whether its output may be taken in pieces.
constexpr bool hash_function_squeezes(const HashFunctionRow& row) {
  return row.kind != HashKind::kFixed && row.kind != HashKind::kTuple && row.kind != HashKind::kParallel;
}

struct HashFunctionParams {
  const uint8_t* name;  // cSHAKE
  size_t name_size;
  const uint8_t* custom;  // cSHAKE, TupleHash, ParallelHash
  size_t custom_size;
  size_t block_size;  // ParallelHash
};

struct HashStream {
  uint32_t number;
  bool squeezing;
  uint64_t size;  // bytes taken in
  union {
    Hash fixed;
    Sponge sponge;  // SHAKE, cSHAKE, TupleHash
    ParallelHash parallel;
  };
};

// hash_stream_init: kArgument: parameters that the function does not take, or a block size of 0. wide: the lane for
// independent blocks of ParallelHash.
Status hash_stream_init(HashStream& stream, const HashFunctionRow& row, const HashLanes& lanes, Lane wide,
                        const HashFunctionParams& params);
// hash_stream_update: kSequence after hash_stream_squeeze; kLength beyond kHashMaxInput.
Status hash_stream_update(HashStream& stream, const uint8_t* in, size_t in_size);
// hash_stream_squeeze: kUsage where hash_function_squeezes says no.
Status hash_stream_squeeze(HashStream& stream, uint8_t* out, size_t out_size);
// hash_stream_final: out_size is hash_function_size, or at least 1 where that is 0. Zeroises the stream.
void hash_stream_final(HashStream& stream, uint8_t* out, size_t out_size);

}  // namespace cm
