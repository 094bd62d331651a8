// SPDX-License-Identifier: Apache-2.0
// entropy_x86_rdseed.cpp: 64-bit RDSEED with bounded retries. The carry flag says whether a value was there: demand of
// other cores can empty the generator, so a miss is no failure, but it must not loop for ever. Only the 64-bit form is
// used: the narrower ones return zero as a success on some CPUs (AMD-SB-7055).
#include <immintrin.h>

#include "crypto/entropy/entropy_sources.h"

namespace cm {
namespace {

bool rdseed_word(uint64_t* out) {
  unsigned long long word = 0;
  for (uint32_t tries = 0; tries < kRdseedTries; ++tries) {
    if (_rdseed64_step(&word) != 0) {
      *out = word;
      return true;
    }
    _mm_pause();
  }
  return false;
}

}  // namespace

bool rdseed_words(uint64_t* out, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!rdseed_word(out + i)) return false;
  return true;
}

}  // namespace cm
