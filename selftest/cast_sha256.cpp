// SPDX-License-Identifier: Apache-2.0
// cast_sha256.cpp: known-answer test of SHA-256 (FIPS 140-3 IG 10.3.A), one-shot and streamed, so that both the loop
// over blocks and the buffer are covered, and two messages side by side, which is how the integrity test computes its
// leaves. It must not depend on any other self-test: this one runs first.
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {
namespace {

constexpr size_t kSize = sizeof known::kSha256Message;

// two_are_right: both digests when the whole blocks of two messages are taken in at once.
bool two_are_right(Lane lane, bool broken) {
  constexpr size_t kBlocks = kSize / kSha256Block, kWhole = kBlocks * kSha256Block;
  uint8_t second[kSize];
  known::fill_pattern(second, kSize, known::kSha256SecondSeed);
  const uint8_t* const messages[2] = {known::kSha256Message, second};
  const uint8_t* const answers[2] = {known::kSha256Digest, known::kSha256SecondDigest};
  uint32_t states[2][8];
  for (uint32_t* state : states) sha256_initial_state(state);
  sha256_blocks_two(lane, states[0], states[1], messages[0], messages[1], kBlocks);
  for (size_t i = 0; i < 2; ++i) {
    uint8_t digest[kSha256Size];
    sha256_finish(lane, states[i], kSize, messages[i] + kWhole, kSize - kWhole);
    sha256_write_digest(digest, states[i]);
    if (!matches(digest, answers[i], sizeof digest, broken)) return false;
  }
  return true;
}

}  // namespace

bool cast_sha256(Lane lane, bool broken) {
  constexpr size_t kSplit = 37;  // leaves a part-filled buffer for the next piece
  uint8_t digest[kSha256Size];
  sha256(lane, digest, known::kSha256Message, kSize);
  if (!matches(digest, known::kSha256Digest, sizeof digest, broken)) return false;
  Sha256 ctx;
  sha256_init(ctx, lane);
  sha256_update(ctx, known::kSha256Message, kSplit);
  sha256_update(ctx, known::kSha256Message + kSplit, kSize - kSplit);
  sha256_final(ctx, digest);
  if (!matches(digest, known::kSha256Digest, sizeof digest, broken)) return false;
  return two_are_right(lane, broken);
}

}  // namespace cm::selftest
