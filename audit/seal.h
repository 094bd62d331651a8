// SPDX-License-Identifier: Apache-2.0
// seal.h: the seal of a record: a MAC under a key that is used once and erased at once, so that whoever takes over the
// producer's process later cannot change what it has published before. Producer and writer keep the same chain of keys
// for each ring: the producer seals, the writer checks what it takes. docs/audit-format.md has every byte,
// docs/design/0013-seals.md why it is made so. It belongs to the audit: the module claims no service by it.
//
//   client seed (16 bytes, drawn by the writer)
//     AES-128-CTR, counter block r           -> first chain key of ring r
//   chain key of epoch e
//     AES-128-CTR, counter blocks 0 .. 255   -> record keys, 128 bytes each, of records 32 e .. 32 e + 31
//                  counter block 256         -> chain key of epoch e + 1; this one is erased
//   record key k0 .. k7 (128 bits each, little endian), record words w1 .. w7 (64 bits: bytes 0 to 55 in order, with
//   the number of the ring within its client in place of ring_id)
//     seal = (k0 + k1 w1 + ... + k7 w7 mod 2^128) >> 64
//
// The function is strongly universal (Lemire and Kaser, "Strongly universal string hashing is fast", 2014, theorem 3.1:
// multilinear hashing): who does not know a record's key has chance 2^-64 a try, whatever it can compute.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/record.h"
#include "crypto/base/bytes.h"
#include "crypto/base/lane.h"
#include "crypto/base/secret.h"

namespace cm::audit {

inline constexpr uint32_t kSealEpoch = 32;     // records
inline constexpr size_t kSealRecordKey = 128;  // bytes
inline constexpr size_t kSealWords = 7;        // of a record
static_assert(kSealWords * sizeof(uint64_t) == offsetof(Record, seal));

// SealChain: the keys of one ring. Plain data; one thread at a time.
struct alignas(64) SealChain {
  uint8_t record_keys[kSealEpoch][kSealRecordKey];  // those that are used are zero
  uint8_t chain_key[kSealSeedSize];                 // of the next epoch, or of the first when none is expanded
  uint32_t used;                                    // record keys of this epoch; kSealEpoch: none is left
  Lane lane;
};

// seal_lane: the fastest implementation of AES on this CPU that gives the known answer; kNone when none does.
Lane seal_lane();

// seal_start: the chain of a ring from its first record on. ring: its number within the client.
void seal_start(SealChain& chain, Lane lane, const uint8_t seed[kSealSeedSize], uint32_t ring);
// seal_skip: over records that were sealed before; right after seal_start. One AES key schedule an epoch.
void seal_skip(SealChain& chain, uint64_t records);

// seal_begin_epoch: makes the next record keys; seal_of calls it when none is left.
void seal_begin_epoch(SealChain& chain);

// seal_of: the seal of the next record: words are its first 56 bytes.
inline uint64_t seal_of(SealChain& chain, const uint64_t words[kSealWords]) {
  if (chain.used == kSealEpoch) [[unlikely]]
    seal_begin_epoch(chain);
  const uint8_t* key = chain.record_keys[chain.used];
  const auto part = [key](size_t i) {
    return static_cast<unsigned __int128>(load_le64(key + 16 * i + 8)) << 64 | load_le64(key + 16 * i);
  };
  unsigned __int128 sum = part(0);
  for (size_t i = 0; i < kSealWords; ++i) sum += part(i + 1) * words[i];
  return static_cast<uint64_t>(sum >> 64);
}

// seal_done: erases the key of that record.
inline void seal_done(SealChain& chain) {
  zeroise(chain.record_keys[chain.used], kSealRecordKey);
  ++chain.used;
}

}  // namespace cm::audit
