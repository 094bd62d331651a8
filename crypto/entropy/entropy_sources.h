// SPDX-License-Identifier: Apache-2.0
// entropy_sources.h: the two noise inputs behind entropy.h and the health tests over them, for entropy.cpp, the
// start-up self-test and tests. No claim under SP 800-90B is made; its section 4.4 gives the form of the tests.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/lane.h"
#include "crypto/base/status.h"

namespace cm {

enum class EntropySource : uint8_t {
  kRdseed = 0,  // the CPU's own generator, absent on older CPUs
  kOs = 1,      // getrandom(2)
};

constexpr EntropySource kEntropySources[] = {EntropySource::kRdseed, EntropySource::kOs};

bool entropy_source_present(EntropySource source);

// entropy_raw: size bytes (a multiple of 8) straight from one source. kEntropy, with out zeroed, when the source does
// not deliver within its bounded number of tries or gives the same 64 bits twice running.
Status entropy_raw(EntropySource source, uint8_t* out, size_t size);

inline constexpr size_t kEntropyRaw = 48;  // bytes a source and 32-byte hash: 32 come out, 8 are margin, 8 are shown by
                                           // the mark that the continuous test keeps

// entropy_repeats_last_draw: whether a source gave the same kEntropyRaw bytes as the time before; remembers these.
bool entropy_repeats_last_draw(Lane sha256_lane, EntropySource source, const uint8_t* raw);

// entropy_is_healthy: repetition count and adaptive proportion test over byte samples, cut-offs for half a bit of
// entropy a sample and a false alarm once in 2^20 (41, and 410 in a window of 512).
bool entropy_is_healthy(const uint8_t* samples, size_t size);

inline constexpr size_t kEntropyStartupSamples = 1024;  // SP 800-90B 4.3 requirement 4

// rdseed_words: count 64-bit words from RDSEED. False when a word is not delivered after kRdseedTries tries. The CPU
// must have RDSEED.
bool rdseed_words(uint64_t* out, size_t count);
inline constexpr uint32_t kRdseedTries = 16384;  // with a pause each: about half a millisecond of other cores' demand

}  // namespace cm
