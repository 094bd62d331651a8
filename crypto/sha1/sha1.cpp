// SPDX-License-Identifier: Apache-2.0
// sha1.cpp: SHA-1 (FIPS 180-4 5.1.1, 5.3.1, 6.1) over the block functions of sha1_kernels.h: lane dispatch and padding.
// It must not choose a lane: the caller names one that has passed its self-test.
#include "crypto/sha1/sha1.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/cpu/upper_vectors_x86.h"
#include "crypto/sha1/sha1_kernels.h"

namespace cm {
namespace {

constexpr size_t kLengthSize = 8;  // the 64-bit message length at the end of the last block

}  // namespace

void sha1_blocks(Lane lane, uint32_t* state, const uint8_t* blocks, size_t count) {
  switch (lane) {
    case Lane::kPortable:
      sha1_blocks_portable(state, blocks, count);
      return;
    case Lane::kShani:
      clear_upper_vectors();
      sha1_blocks_x86_shani(state, blocks, count);
      return;
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void sha1_initial_state(uint32_t* state) {
  constexpr uint32_t kInitial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha1_finish(Lane lane, uint32_t* state, uint64_t total_size, const uint8_t* in, size_t in_size) {
  CM_CHECK(total_size <= kSha1MaxInput && in_size <= total_size);
  const size_t whole = in_size / kSha1Block;
  const size_t rest = in_size % kSha1Block;
  if (whole != 0) sha1_blocks(lane, state, in, whole);
  uint8_t last[2 * kSha1Block] = {};
  if (rest != 0) std::memcpy(last, in + whole * kSha1Block, rest);
  last[rest] = 0x80;
  const size_t count = rest + 1 + kLengthSize <= kSha1Block ? 1 : 2;
  store_be64(last + count * kSha1Block - kLengthSize, total_size * 8);
  sha1_blocks(lane, state, last, count);
  zeroise(last, sizeof last);
}

void sha1_write_digest(uint8_t* digest, const uint32_t* state) {
  for (size_t i = 0; i < 5; ++i) store_be32(digest + 4 * i, state[i]);
}

}  // namespace cm
