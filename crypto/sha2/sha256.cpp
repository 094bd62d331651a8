// SPDX-License-Identifier: Apache-2.0
// sha256.cpp: SHA-256 (FIPS 180-4 5.1.1, 5.3.2, 5.3.3, 6.2) over the block functions of sha256_kernels.h: lane
// dispatch, buffering and padding. It must not choose a lane: the caller names one that has passed its self-test.
#include "crypto/sha2/sha256.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/cpu/upper_vectors_x86.h"
#include "crypto/sha2/sha256_constants.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm {
namespace {

constexpr size_t kLengthSize = 8;  // the 64-bit message length at the end of the last block

// PaddedEnd: the end of a message from the last whole block on, padded (5.1.1): one or two blocks. Only those are
// touched.
class PaddedEnd {
 public:
  PaddedEnd(const uint8_t* rest, size_t rest_size, uint64_t total_size)
      : count_(rest_size + 1 + kLengthSize <= kSha256Block ? 1 : 2) {
    std::memset(bytes_, 0, kSha256Block);
    if (count_ == 2) std::memset(bytes_ + kSha256Block, 0, kSha256Block);
    if (rest_size != 0) std::memcpy(bytes_, rest, rest_size);
    bytes_[rest_size] = 0x80;
    store_be64(bytes_ + count_ * kSha256Block - kLengthSize, total_size * 8);
  }
  ~PaddedEnd() { zeroise(bytes_, kSha256Block); }  // a second block is padding alone
  PaddedEnd(const PaddedEnd&) = delete;
  PaddedEnd& operator=(const PaddedEnd&) = delete;
  const uint8_t* blocks() const { return bytes_; }
  size_t count() const { return count_; }

 private:
  uint8_t bytes_[2 * kSha256Block];
  size_t count_;
};

void hmac_portable(uint8_t* mac, const uint32_t* inner, const uint32_t* outer, const uint8_t* blocks, size_t count,
                   const PaddedEnd& end) {
  uint32_t words[16], state[8];
  std::memcpy(words, inner, sizeof state);
  std::memcpy(words + 8, kSha256HmacPadding, sizeof kSha256HmacPadding);
  std::memcpy(state, outer, sizeof state);
  sha256_blocks_portable(words, blocks, count);
  sha256_blocks_portable(words, end.blocks(), end.count());
  sha256_words_portable(state, words);
  sha256_write_digest(mac, state);
  zeroise(words, sizeof words);
  zeroise(state, sizeof state);
}

}  // namespace

void sha256_blocks(Lane lane, uint32_t* state, const uint8_t* blocks, size_t count) {
  switch (lane) {
    case Lane::kPortable:
      sha256_blocks_portable(state, blocks, count);
      return;
    case Lane::kShani:
      clear_upper_vectors();
      sha256_blocks_x86_shani(state, blocks, count);
      return;
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void sha256_words(Lane lane, uint32_t* state, const uint32_t* words) {
  switch (lane) {
    case Lane::kPortable:
      sha256_words_portable(state, words);
      return;
    case Lane::kShani:
      clear_upper_vectors();
      sha256_words_x86_shani(state, words);
      return;
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void sha256_blocks_two(Lane lane, uint32_t* state0, uint32_t* state1, const uint8_t* blocks0, const uint8_t* blocks1,
                       size_t count) {
  if (lane == Lane::kShani) {
    clear_upper_vectors();
    sha256_blocks_two_x86_shani(state0, state1, blocks0, blocks1, count);
    return;
  }
  sha256_blocks(lane, state0, blocks0, count);
  sha256_blocks(lane, state1, blocks1, count);
}

void sha224_initial_state(uint32_t* state) {
  constexpr uint32_t kInitial[8] = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939,
                                    0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha256_initial_state(uint32_t* state) {
  constexpr uint32_t kInitial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::memcpy(state, kInitial, sizeof kInitial);
}

void sha256_finish(Lane lane, uint32_t* state, uint64_t total_size, const uint8_t* in, size_t in_size) {
  CM_CHECK(total_size < uint64_t{1} << 61 && in_size <= total_size);
  const size_t whole = in_size / kSha256Block;
  if (whole != 0) sha256_blocks(lane, state, in, whole);
  const PaddedEnd end(in + whole * kSha256Block, in_size % kSha256Block, total_size);
  sha256_blocks(lane, state, end.blocks(), end.count());
}

void sha256_hmac(Lane lane, uint8_t* mac, const uint32_t* inner, const uint32_t* outer, uint64_t total_size,
                 const uint8_t* in, size_t in_size) {
  CM_CHECK(total_size < uint64_t{1} << 61 && in_size <= total_size);
  const size_t whole = in_size / kSha256Block;
  const PaddedEnd end(in + whole * kSha256Block, in_size % kSha256Block, total_size);
  switch (lane) {
    case Lane::kPortable:
      return hmac_portable(mac, inner, outer, in, whole, end);
    case Lane::kShani:
      clear_upper_vectors();
      return sha256_hmac_x86_shani(mac, inner, outer, in, whole, end.blocks(), end.count());
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void sha256_write_digest(uint8_t* digest, const uint32_t* state) {
  for (size_t i = 0; i < 8; ++i) store_be32(digest + 4 * i, state[i]);
}

void sha256_init(Sha256& ctx, Lane lane) {
  sha256_initial_state(ctx.state);
  ctx.size = 0;
  ctx.lane = lane;
}

void sha256_update(Sha256& ctx, const uint8_t* in, size_t in_size) {
  if (in_size == 0) return;
  const size_t used = ctx.size % kSha256Block;
  ctx.size += in_size;
  if (used != 0) {
    const size_t room = kSha256Block - used;
    const size_t take = in_size < room ? in_size : room;
    std::memcpy(ctx.buffer + used, in, take);
    if (take < room) return;
    sha256_blocks(ctx.lane, ctx.state, ctx.buffer, 1);
    in += take;
    in_size -= take;
  }
  const size_t whole = in_size / kSha256Block;
  const size_t rest = in_size % kSha256Block;
  if (whole != 0) sha256_blocks(ctx.lane, ctx.state, in, whole);
  if (rest != 0) std::memcpy(ctx.buffer, in + whole * kSha256Block, rest);
}

void sha256_final(Sha256& ctx, uint8_t* digest) {
  sha256_finish(ctx.lane, ctx.state, ctx.size, ctx.buffer, ctx.size % kSha256Block);
  sha256_write_digest(digest, ctx.state);
  zeroise(&ctx, sizeof ctx);
}

void sha256(Lane lane, uint8_t* digest, const uint8_t* in, size_t in_size) {
  uint32_t state[8];
  sha256_initial_state(state);
  sha256_finish(lane, state, in_size, in, in_size);
  sha256_write_digest(digest, state);
  zeroise(state, sizeof state);
}

}  // namespace cm
