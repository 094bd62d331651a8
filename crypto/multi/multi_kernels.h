// SPDX-License-Identifier: Apache-2.0
// multi_kernels.h: the kernels behind multi.h: CBC chains side by side, one a lane, each with a key of its own. Which
// chain is in which lane, and for how many blocks, is the scheduler's business (multi_run.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"

namespace cm {

inline constexpr size_t kMultiLanesMax = 16;
inline constexpr size_t kMultiSinkBlocks = 16;
// kTurnKey: the place in the schedule where the XOR of the first and the last round key stands, which ends a block and
// whitens the next.
inline constexpr size_t kMultiRoundKeys = 16, kTurnKey = 15;

// MultiLanes: what a kernel works on. Round keys lie beside those of the next lane, so that a register of any width is
// loaded at once, and neighbours come from different banks of the cache.
struct alignas(64) MultiLanes {
  union {
    uint8_t schedule[kMultiRoundKeys][kMultiLanesMax][kAesBlock];
    AesKey sliced;  // portable: block b of its four has the key of lane b
  };
  uint8_t chain[kMultiLanesMax][kAesBlock];  // in and out: the last block of ciphertext
  const uint8_t* in[kMultiLanesMax];
  uint8_t* out[kMultiLanesMax];                // of CBC encryption
  uint8_t sink[kMultiSinkBlocks * kAesBlock];  // what lanes without a chain read and write
};

// MultiKernel: encrypt and mac take blocks, at least one, through every lane, and leave the pointers as they are; all
// keys have so many rounds. A lane's out may be its in. set_key puts a key's schedule into a lane.
struct MultiKernel {
  size_t lanes;
  size_t too_few;  // with so many chains or less, another kernel is faster, or with one, the mode itself
  void (*set_key)(MultiLanes& lanes, size_t lane, const AesKey& key);
  void (*encrypt)(MultiLanes& lanes, uint32_t rounds, size_t blocks);
  void (*mac)(MultiLanes& lanes, uint32_t rounds, size_t blocks);
};

// multi_kernel: the fastest kernel of a lane for so many chains, two or more; where they are more than its lanes, some
// wait.
MultiKernel multi_kernel(Lane lane, size_t chains);

void aes_multi_set_key_portable(MultiLanes& lanes, size_t lane, const AesKey& key);
void aes_multi_encrypt_4_portable(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_4_portable(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_4_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_4_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_8_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_8_x86_aesni(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_8_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_8_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_16_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_16_x86_vaes256(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_8_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_8_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_encrypt_16_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks);
void aes_multi_mac_16_x86_vaes512(MultiLanes& lanes, uint32_t rounds, size_t blocks);

}  // namespace cm
