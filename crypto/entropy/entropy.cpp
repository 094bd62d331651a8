// SPDX-License-Identifier: Apache-2.0
// entropy.cpp: seed material from RDSEED and getrandom(2), each drawn in full and hashed together, so that either alone
// carries the seed. It must never go on with one source when the other is present and fails: that is kEntropy, and the
// module's error state. No claim under SP 800-90B is made; 64 bits more go in than come out of each hash, per source.
#include "crypto/entropy/entropy.h"

#include <sys/random.h>

#include <atomic>
#include <cerrno>

#include "crypto/base/secret.h"
#include "crypto/cpu/features.h"
#include "crypto/entropy/entropy_sources.h"
#include "crypto/sha2/sha256.h"
#include "selftest/inject.h"

namespace cm {
namespace {

constexpr size_t kMaxSeed = 64;             // bytes
constexpr size_t kWord = sizeof(uint64_t);  // bytes
constexpr uint32_t kRepetitionCutoff = 41;  // SP 800-90B 4.4.1: 1 + 20 / H, H = 0.5
constexpr size_t kProportionWindow = 512;   // SP 800-90B 4.4.2
constexpr uint32_t kProportionCutoff = 410;
constexpr size_t kSourceCount = sizeof kEntropySources / sizeof kEntropySources[0];

// previous: 64 bits of a hash of each source's last draw, for the continuous test. It is not enough to rebuild the draw
// or to weaken the seed made from it (kEntropyRaw says how they are counted). Threads may race: each compares with the
// draw before its own.
std::atomic<uint64_t> previous[kSourceCount];
static_assert(std::atomic<uint64_t>::is_always_lock_free);

bool os_bytes(uint8_t* out, size_t size) {
  while (size != 0) {
    const ssize_t got = getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool rdseed_bytes(uint8_t* out, size_t size) {
  for (size_t i = 0; i < size; i += kWord) {
    uint64_t word;
    if (!rdseed_words(&word, 1)) return false;
    store_le64(out + i, word);
    zeroise(&word, sizeof word);
  }
  return true;
}

bool source_bytes(EntropySource source, uint8_t* out, size_t size) {
  switch (source) {
    case EntropySource::kRdseed:
      return rdseed_bytes(out, size);
    case EntropySource::kOs:
      return os_bytes(out, size);
  }
  return false;
}

bool has_equal_neighbours(const uint8_t* bytes, size_t size) {
  for (size_t i = kWord; i < size; i += kWord)
    if (load_le64(bytes + i) == load_le64(bytes + i - kWord)) return true;
  return false;
}

// Conditioner input: its size is fixed, so that no content of one source can pass for content of the other.
struct HashInput {
  uint8_t domain[16];
  uint8_t present[kSourceCount];
  uint8_t raw[kSourceCount][kEntropyRaw];
};
static_assert(sizeof(HashInput) == 16 + kSourceCount * (1 + kEntropyRaw), "no padding bytes");

// seed_block: 32 bytes from fresh draws of all sources present.
Status seed_block(Lane lane, HashInput& input, SecretArray<kSha256Size>& out) {
  constexpr uint8_t kDomain[16] = {'c', 'm', '-', 'e', 'n', 't', 'r', 'o', 'p', 'y', '-', 's', 'e', 'e', 'd', '1'};
  std::memcpy(input.domain, kDomain, sizeof kDomain);
  for (const EntropySource source : kEntropySources) {
    const auto i = static_cast<size_t>(source);
    input.present[i] = entropy_source_present(source) ? 1 : 0;
    std::memset(input.raw[i], 0, kEntropyRaw);
    if (input.present[i] == 0) continue;
    const Status status = entropy_raw(source, input.raw[i], kEntropyRaw);
    if (status != Status::kOk) return status;
    if (entropy_repeats_last_draw(lane, source, input.raw[i])) return Status::kEntropy;
  }
  sha256(lane, out.expose(), reinterpret_cast<const uint8_t*>(&input), sizeof input);
  return Status::kOk;
}

}  // namespace

bool entropy_repeats_last_draw(Lane sha256_lane, EntropySource source, const uint8_t* raw) {
  SecretArray<kSha256Size> digest;
  sha256(sha256_lane, digest.expose(), raw, kEntropyRaw);
  const uint64_t mark = load_le64(digest.expose()) | 1;  // never 0, which stands for no draw yet
  return previous[static_cast<size_t>(source)].exchange(mark, std::memory_order_relaxed) == mark;
}

bool entropy_source_present(EntropySource source) {
  return source == EntropySource::kOs || (cpu_features() & kFeatureRdseed) != 0;
}

Status entropy_raw(EntropySource source, uint8_t* out, size_t size) {
  bool good = size % kWord == 0 && source_bytes(source, out, size);
  if (good && inject::breaks_entropy()) std::memset(out, 0xa5, size);  // a generator that is stuck
  good = good && !has_equal_neighbours(out, size);
  if (!good) zeroise(out, size);
  return good ? Status::kOk : Status::kEntropy;
}

bool entropy_is_healthy(const uint8_t* samples, size_t size) {
  uint32_t run = 0;
  uint32_t same_as_first = 0;
  for (size_t i = 0; i < size; ++i) {
    run = i != 0 && samples[i] == samples[i - 1] ? run + 1 : 1;
    if (run >= kRepetitionCutoff) return false;
    const size_t window_start = i - i % kProportionWindow;
    if (i == window_start) same_as_first = 0;
    if (samples[i] == samples[window_start]) ++same_as_first;
    if (same_as_first >= kProportionCutoff) return false;
  }
  return size != 0;
}

Status entropy_seed(Lane sha256_lane, uint8_t* out, size_t size) {
  if (size == 0 || size > kMaxSeed) return Status::kLength;
  HashInput input;
  SecretArray<kSha256Size> block;
  Status status = Status::kOk;
  for (size_t done = 0; done < size && status == Status::kOk; done += kSha256Size) {
    status = seed_block(sha256_lane, input, block);
    const size_t take = size - done < kSha256Size ? size - done : kSha256Size;
    if (status == Status::kOk) std::memcpy(out + done, block.expose(), take);
  }
  zeroise(&input, sizeof input);
  if (status != Status::kOk) zeroise(out, size);
  return status;
}

}  // namespace cm
