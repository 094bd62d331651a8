// SPDX-License-Identifier: Apache-2.0
// multi_portable.cpp: CBC chains side by side for any CPU: four, because the bitsliced cipher (aes_portable.cpp) works
// on four blocks at once and one alone costs it as much. Bit b mod 4 of each of its words belongs to block b, so a
// schedule whose blocks have different keys is put together with masks. It must know no more than that of the cipher's
// layout.
#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/multi/multi_kernels.h"

namespace cm {
namespace {

constexpr size_t kLanes = 4;
using Blocks = SecretArray<kLanes * kAesBlock>;

// add_text: chain ^= the block at offset at of each lane.
void add_text(Blocks& chain, const MultiLanes& lanes, size_t at) {
  for (size_t i = 0; i < kLanes; ++i)
    for (size_t half = 0; half < kAesBlock; half += 8) {
      uint8_t* const p = chain.expose() + i * kAesBlock + half;
      store_le64(p, load_le64(p) ^ load_le64(lanes.in[i] + at + half));
    }
}

template <bool kEncrypt>
void run_chains(MultiLanes& lanes, size_t blocks) {
  Blocks chain;
  std::memcpy(chain.expose(), lanes.chain, Blocks::size());
  for (size_t at = 0; at != blocks * kAesBlock; at += kAesBlock) {
    add_text(chain, lanes, at);
    aes_encrypt_blocks_portable(lanes.sliced, chain.expose(), chain.expose(), kLanes);
    if constexpr (kEncrypt)
      for (size_t i = 0; i < kLanes; ++i) std::memcpy(lanes.out[i] + at, chain.expose() + i * kAesBlock, kAesBlock);
  }
  std::memcpy(lanes.chain, chain.expose(), Blocks::size());
}

}  // namespace

void aes_multi_set_key_portable(MultiLanes& lanes, size_t lane, const AesKey& key) {
  constexpr uint64_t kBlockOfLane = 0x1111111111111111u;
  const uint64_t mask = kBlockOfLane << lane;
  lanes.sliced.rounds = key.rounds;
  for (size_t i = 0; i != kAesSliced / (kMultiRoundKeys - 1) * (key.rounds + 1); i += 8) {
    uint8_t* const word = lanes.sliced.encrypt + i;
    store_le64(word, (load_le64(word) & ~mask) | (load_le64(key.encrypt + i) & mask));
  }
}

void aes_multi_encrypt_4_portable(MultiLanes& lanes, uint32_t, size_t blocks) { run_chains<true>(lanes, blocks); }
void aes_multi_mac_4_portable(MultiLanes& lanes, uint32_t, size_t blocks) { run_chains<false>(lanes, blocks); }

}  // namespace cm
