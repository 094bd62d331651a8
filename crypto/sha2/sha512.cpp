// SPDX-License-Identifier: Apache-2.0
// sha512.cpp: SHA-512 and its kin (FIPS 180-4 5.1.2, 5.3.4 to 5.3.6, 6.4) over the block functions of sha512_kernels.h:
// lane dispatch and padding. It must not choose a lane: the caller names one that has passed its self-test.
#include "crypto/sha2/sha512.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha2/sha512_kernels.h"

namespace cm {
namespace {

constexpr size_t kLengthSize = 16;  // the 128-bit message length at the end of the last block

}  // namespace

void sha512_blocks(Lane lane, uint64_t* state, const uint8_t* blocks, size_t count) {
  switch (lane) {
    case Lane::kPortable:
      sha512_blocks_portable(state, blocks, count);
      return;
    case Lane::kAvx2:
      sha512_blocks_x86_avx2(state, blocks, count);
      return;
    case Lane::kAvx512:
      sha512_blocks_x86_avx512(state, blocks, count);
      return;
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void sha512_initial_state(uint64_t* state) {
  constexpr uint64_t kInitial[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha384_initial_state(uint64_t* state) {
  constexpr uint64_t kInitial[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha512_224_initial_state(uint64_t* state) {
  constexpr uint64_t kInitial[8] = {0x8c3d37c819544da2, 0x73e1996689dcd4d6, 0x1dfab7ae32ff9c82, 0x679dd514582f9fcf,
                                    0x0f6d2b697bd44da8, 0x77e36f7304c48942, 0x3f9d85a86a1d36c8, 0x1112e6ad91d692a1};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha512_256_initial_state(uint64_t* state) {
  constexpr uint64_t kInitial[8] = {0x22312194fc2bf72c, 0x9f555fa3c84c64c2, 0x2393b86b6f53b151, 0x963877195940eabd,
                                    0x96283ee2a88effe3, 0xbe5e1e2553863992, 0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha512_finish(Lane lane, uint64_t* state, uint64_t total_size, const uint8_t* in, size_t in_size) {
  CM_CHECK(total_size <= kSha512MaxInput && in_size <= total_size);
  const size_t whole = in_size / kSha512Block;
  const size_t rest = in_size % kSha512Block;
  if (whole != 0) sha512_blocks(lane, state, in, whole);
  uint8_t last[2 * kSha512Block] = {};
  if (rest != 0) std::memcpy(last, in + whole * kSha512Block, rest);
  last[rest] = 0x80;
  const size_t count = rest + 1 + kLengthSize <= kSha512Block ? 1 : 2;
  store_be64(last + count * kSha512Block - 8, total_size * 8);  // the upper 64 bits of the length are zero
  sha512_blocks(lane, state, last, count);
  zeroise(last, sizeof last);
}

void sha512_write_digest(uint8_t* digest, const uint64_t* state) {
  for (size_t i = 0; i < 8; ++i) store_be64(digest + 8 * i, state[i]);
}

}  // namespace cm
