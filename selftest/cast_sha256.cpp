// SPDX-License-Identifier: Apache-2.0
// cast_sha256.cpp: known-answer test of SHA-256 (FIPS 140-3 IG 10.3.A), one-shot and streamed, so that both the loop
// over blocks and the buffer are covered. It must not depend on any other self-test: this one runs first.
#include "crypto/sha2/sha256.h"
#include "selftest/cast.h"
#include "selftest/known_answers.h"

namespace cm::selftest {

bool cast_sha256(Lane lane, bool broken) {
  constexpr size_t kSplit = 37;  // leaves a part-filled buffer for the next piece
  uint8_t digest[kSha256Size];
  sha256(lane, digest, known::kSha256Message, sizeof known::kSha256Message);
  if (!matches(digest, known::kSha256Digest, sizeof digest, broken)) return false;
  Sha256 ctx;
  sha256_init(ctx, lane);
  sha256_update(ctx, known::kSha256Message, kSplit);
  sha256_update(ctx, known::kSha256Message + kSplit, sizeof known::kSha256Message - kSplit);
  sha256_final(ctx, digest);
  return matches(digest, known::kSha256Digest, sizeof digest, broken);
}

}  // namespace cm::selftest
