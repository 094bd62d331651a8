// SPDX-License-Identifier: Apache-2.0
// multi_kernels.cpp: which kernel a lane has for so many chains, and how the schedules of the x86 lanes are gathered.
#include "crypto/multi/multi_kernels.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"

namespace cm {
namespace {

// set_key_x86: unrolled, and for every key as many rounds as there can be: a batch of short messages has little else to
// do.
void set_key_x86(MultiLanes& lanes, size_t lane, const AesKey& key) {
  const uint8_t* const rk = key.encrypt;
#pragma GCC unroll 15
  for (size_t r = 0; r < kTurnKey; ++r) std::memcpy(lanes.schedule[r][lane], rk + r * kAesBlock, kAesBlock);
  for (size_t i = 0; i < kAesBlock; i += 8)
    store_le64(lanes.schedule[kTurnKey][lane] + i, load_le64(rk + i) ^ load_le64(rk + key.rounds * kAesBlock + i));
}

}  // namespace

MultiKernel multi_kernel(Lane lane, size_t chains) {
  switch (lane) {
    case Lane::kPortable:
      return {4, 1, aes_multi_set_key_portable, aes_multi_encrypt_4_portable, aes_multi_mac_4_portable};
    case Lane::kAesni:
      if (chains <= 4) return {4, 1, set_key_x86, aes_multi_encrypt_4_x86_aesni, aes_multi_mac_4_x86_aesni};
      return {8, 4, set_key_x86, aes_multi_encrypt_8_x86_aesni, aes_multi_mac_8_x86_aesni};
    case Lane::kVaes256:
      if (chains <= 8) return {8, 1, set_key_x86, aes_multi_encrypt_8_x86_vaes256, aes_multi_mac_8_x86_vaes256};
      return {16, 8, set_key_x86, aes_multi_encrypt_16_x86_vaes256, aes_multi_mac_16_x86_vaes256};
    case Lane::kVaes512:
      if (chains <= 8) return {8, 1, set_key_x86, aes_multi_encrypt_8_x86_vaes512, aes_multi_mac_8_x86_vaes512};
      return {16, 8, set_key_x86, aes_multi_encrypt_16_x86_vaes512, aes_multi_mac_16_x86_vaes512};
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

}  // namespace cm
