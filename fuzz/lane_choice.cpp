// SPDX-License-Identifier: Apache-2.0
// lane_choice.cpp: see lane_choice.h. Linked into the module's copy, so without the C++ runtime.
#include "fuzz/lane_choice.h"

#include "crypto/aes/aes_kernels.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/cpu/features.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/module/lanes.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"

namespace {

template <size_t N>
cm::Lane nth_lane(const cm::KernelRow (&table)[N], unsigned choice) {
  cm::Lane runnable[N] = {table[0].lane};  // of any CPU
  unsigned count = 1;
  for (unsigned i = 1; i < N; ++i)
    if ((cm::cpu_features() & table[i].needs) == table[i].needs) runnable[count++] = table[i].lane;
  return runnable[choice % count];
}

}  // namespace

void cm_fuzz_choose_lanes(unsigned choice) {
  const cm::selftest::Lanes chosen = {nth_lane(cm::kSha256Kernels, choice), nth_lane(cm::kAesKernels, choice),
                                      nth_lane(cm::kGcmKernels, choice),    nth_lane(cm::kChaChaKernels, choice),
                                      nth_lane(cm::kSha1Kernels, choice),   nth_lane(cm::kSha512Kernels, choice),
                                      nth_lane(cm::kKeccakKernels, choice), nth_lane(cm::kKeccakMultiKernels, choice)};
  cm::g_lanes.store(cm::lanes_word(chosen), std::memory_order_relaxed);
}
