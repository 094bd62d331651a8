// SPDX-License-Identifier: Apache-2.0
// writer_chain_test.cpp: audit/chain.h against libcrypto and published values.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <cstring>
#include <random>

#include "audit/chain.h"
#include "audit/crc32c.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm::audit {
namespace {

std::vector<uint8_t> random_bytes(size_t size, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<uint8_t> out(size);
  for (uint8_t& byte : out) byte = static_cast<uint8_t>(generator());
  return out;
}

// RFC 3720 B.4
TEST(Chain, crc32c_gives_the_published_values) {
  const std::vector<uint8_t> zeros(32, 0), ones(32, 0xff);
  std::vector<uint8_t> up(32), down(32);
  for (uint8_t i = 0; i < 32; ++i) {
    up[i] = i;
    down[i] = static_cast<uint8_t>(31 - i);
  }
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43u);
  EXPECT_EQ(crc32c(up), 0x46dd794eu);
  EXPECT_EQ(crc32c(down), 0x113fdb5cu);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Chain, crc32c_of_every_length_agrees_with_the_bitwise_definition) {
  const std::vector<uint8_t> bytes = random_bytes(100, 1);
  for (size_t size = 0; size <= bytes.size(); ++size) {
    uint32_t expected = ~0u;
    for (size_t i = 0; i < size; ++i) {
      expected ^= bytes[i];
      for (int bit = 0; bit < 8; ++bit) expected = (expected >> 1) ^ ((expected & 1) != 0 ? 0x82f63b78u : 0u);
    }
    EXPECT_EQ(crc32c({bytes.data(), size}), ~expected) << size;
  }
}

TEST(Chain, crc32c_with_the_instruction_agrees_with_the_tables) {
  if ((cpu_features_detected() & kFeatureAvx2) == 0) return;
  const std::vector<uint8_t> bytes = random_bytes(3000, 4);
  for (size_t size = 0; size + 8 <= bytes.size(); ++size) {
    const uint8_t* const at = bytes.data() + size % 8;
    const auto before = static_cast<uint32_t>(size * 0x9e3779b9u);
    EXPECT_EQ(crc32c_x86_sse42(before, at, size), crc32c_portable(before, at, size)) << size;
  }
}

TEST(Chain, records_digest_and_midstates_agree_with_libcrypto_on_every_lane) {
  const FeatureMask features = cpu_features_detected();
  for (const KernelRow& row : kSha256Kernels) {
    if ((features & row.needs) != row.needs) continue;
    for (const size_t records : {size_t{0}, size_t{1}, size_t{7}, size_t{1000}}) {
      const std::vector<uint8_t> var = random_bytes(128, 2);
      const std::vector<uint8_t> bytes = random_bytes(records * kRecordSize, 3);
      std::vector<uint32_t> midstates(records);
      const Digest digest = records_digest(row.lane, var, bytes, midstates);
      SHA256_CTX ctx;
      SHA256_Init(&ctx);
      SHA256_Update(&ctx, var.data(), var.size());
      for (size_t i = 0; i < records; ++i) {
        SHA256_Update(&ctx, bytes.data() + i * kRecordSize, kRecordSize);
        EXPECT_EQ(midstates[i], ctx.h[0]);
      }
      Digest expected;
      SHA256_Final(expected.data(), &ctx);
      EXPECT_EQ(digest, expected);
      EXPECT_EQ(records_digest(row.lane, var, bytes, {}), expected);
    }
  }
}

TEST(Chain, build_frame_lays_out_header_sections_and_tail_and_advances_the_position) {
  const Lane lane = best_sha256_lane();
  ChainPosition position;
  position.next_frame_seq = 5;
  position.next_record = 77;
  position.prev_head.fill(9);
  position.log_id.fill(3);
  std::vector<Record> records(3);
  records[1].object = 0x1122334455667788;
  const std::vector<uint8_t> var = {1, 2, 3};
  const std::vector<uint8_t> frame = build_frame(lane, position, FrameType::kBatch, 42, var, records);
  ASSERT_EQ(frame.size(), frame_size(64, 3));
  FrameHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  EXPECT_EQ(header.magic, kFrameMagic);
  EXPECT_EQ(header.type, 7);
  EXPECT_EQ(header.frame_seq, 5u);
  EXPECT_EQ(header.first_record, 77u);
  EXPECT_EQ(header.record_count, 3u);
  EXPECT_EQ(header.var_size, 64u);
  EXPECT_EQ(header.writer_time_ns, 42u);
  EXPECT_EQ(header.prev_head[0], 9);
  FrameTail tail;
  std::memcpy(&tail, frame.data() + frame.size() - sizeof tail, sizeof tail);
  EXPECT_EQ(tail.frame_size, frame.size());
  EXPECT_EQ(tail.crc32c, crc32c({frame.data(), frame.size() - sizeof tail}));
  EXPECT_EQ(position.next_frame_seq, 6u);
  EXPECT_EQ(position.next_record, 80u);
  Digest head;
  SHA256(frame.data(), sizeof header, head.data());
  EXPECT_EQ(position.prev_head, head);
}

}  // namespace
}  // namespace cm::audit
