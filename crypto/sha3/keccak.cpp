// SPDX-License-Identifier: Apache-2.0
// keccak.cpp: lane dispatch of Keccak (FIPS 202 3.3) over the kernels of keccak_kernels.h. It must not choose a lane:
// the caller names one that has passed its self-test.
#include "crypto/sha3/keccak.h"

#include "crypto/base/check.h"
#include "crypto/sha3/keccak_kernels.h"

namespace cm {
namespace {

void absorb_words(Lane lane, uint64_t* state, size_t rate_words, const uint8_t* blocks, size_t count) {
  switch (lane) {
    case Lane::kPortable:
      keccak_absorb_portable(state, rate_words, blocks, count);
      return;
    case Lane::kAvx2:
      keccak_absorb_x86_avx2(state, rate_words, blocks, count);
      return;
    case Lane::kAvx512:
      keccak_absorb_x86_avx512(state, rate_words, blocks, count);
      return;
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

}  // namespace

void keccak_absorb(Lane lane, uint64_t* state, size_t rate, const uint8_t* blocks, size_t count) {
  CM_CHECK(keccak_rate_known(rate));
  absorb_words(lane, state, rate / 8, blocks, count);
}

void keccak_permute(Lane lane, uint64_t* state) { absorb_words(lane, state, 0, nullptr, 1); }

}  // namespace cm
