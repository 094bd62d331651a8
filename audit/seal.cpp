// SPDX-License-Identifier: Apache-2.0
// seal.cpp: see seal.h. Part of the module and of the writer: no exceptions, no allocation, no C++ runtime.
#include "audit/seal.h"

#include <cstring>

#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/check.h"

namespace cm::audit {
namespace {

constexpr size_t kRecordKeyBlocks = sizeof SealChain::record_keys / kAesBlock;
constexpr size_t kChainKeyBlocks = kSealSeedSize / kAesBlock;

// keystream: of AES-128-CTR under a key, from a counter block on.
void keystream(Lane lane, const uint8_t* raw_key, uint32_t first_block, uint8_t* out, size_t blocks) {
  AesKey key;
  CM_CHECK(aes_key_init(key, lane, raw_key, kSealSeedSize) == Status::kOk);
  uint8_t counter[kAesBlock] = {};
  store_be32(counter + 12, first_block);
  aes_ctr_keystream(key, counter, out, blocks);
  zeroise(&key, sizeof key);
}

// Known answer: the seals of records 0 and 33 of ring 5, whose words are 1 to 7, under the seed 00 01 02 ... 0f. From
// tests/audit/seal_test.cpp, which computes them with another AES and other arithmetic.
constexpr uint64_t kAnswer0 = 0x5e2d71d375638a5f, kAnswer33 = 0x67553689e15875ec;

bool lane_answers(Lane lane) {
  uint8_t seed[kSealSeedSize];
  for (size_t i = 0; i < sizeof seed; ++i) seed[i] = static_cast<uint8_t>(i);
  constexpr uint64_t kWords[kSealWords] = {1, 2, 3, 4, 5, 6, 7};
  SealChain chain;
  seal_start(chain, lane, seed, 5);
  const uint64_t first = seal_of(chain, kWords);
  seal_start(chain, lane, seed, 5);
  seal_skip(chain, 33);
  return first == kAnswer0 && seal_of(chain, kWords) == kAnswer33;
}

}  // namespace

Lane seal_lane() {
  const FeatureMask features = cpu_features();
  Lane best = Lane::kNone;
  for (const KernelRow& row : kAesKernels)
    if ((features & row.needs) == row.needs && lane_answers(row.lane)) best = row.lane;
  return best;
}

void seal_start(SealChain& chain, Lane lane, const uint8_t seed[kSealSeedSize], uint32_t ring) {
  chain.lane = lane;
  chain.used = kSealEpoch;
  keystream(lane, seed, ring * static_cast<uint32_t>(kChainKeyBlocks), chain.chain_key, kChainKeyBlocks);
}

// The record keys and the next chain key stand one after the other, as the keystream comes.
void seal_begin_epoch(SealChain& chain) {
  static_assert(offsetof(SealChain, chain_key) == sizeof SealChain::record_keys);
  keystream(chain.lane, chain.chain_key, 0, chain.record_keys[0], kRecordKeyBlocks + kChainKeyBlocks);
  chain.used = 0;
}

void seal_skip(SealChain& chain, uint64_t records) {
  for (; records >= kSealEpoch; records -= kSealEpoch) {
    uint8_t next[kSealSeedSize];
    keystream(chain.lane, chain.chain_key, kRecordKeyBlocks, next, kChainKeyBlocks);
    std::memcpy(chain.chain_key, next, sizeof next);
    zeroise(next, sizeof next);
  }
  if (records == 0) return;
  seal_begin_epoch(chain);
  zeroise(chain.record_keys, records * kSealRecordKey);
  chain.used = static_cast<uint32_t>(records);
}

}  // namespace cm::audit
