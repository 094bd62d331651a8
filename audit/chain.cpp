// SPDX-License-Identifier: Apache-2.0
// chain.cpp: hashing and assembling of frames (audit/frame.h), and the power-on test of the SHA-256 that the writer and
// the verifier hash with. No I/O but the message of a failed test, no clock. head = SHA-256(header).
#include "audit/chain.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "audit/crc32c.h"
#include "crypto/cpu/features.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm::audit {
namespace {

// FIPS 180-4 examples: one block, two blocks; and one million 'a' (FIPS 180-2 B.3), many blocks in one call.
constexpr Digest kAbcDigest = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                               0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                               0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
constexpr Digest kTwoBlockDigest = {0x24, 0x8d, 0x6a, 0x61, 0xd2, 0x06, 0x38, 0xb8, 0xe5, 0xc0, 0x26,
                                    0x93, 0x0c, 0x3e, 0x60, 0x39, 0xa3, 0x3c, 0xe4, 0x59, 0x64, 0xff,
                                    0x21, 0x67, 0xf6, 0xec, 0xed, 0xd4, 0x19, 0xdb, 0x06, 0xc1};
constexpr Digest kMillionDigest = {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
                                   0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
                                   0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0};
constexpr char kAbc[] = "abc";
constexpr char kTwoBlocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

Digest digest_of(Lane lane, const uint8_t* bytes, size_t size) {
  Digest digest;
  sha256(lane, digest.data(), bytes, size);
  return digest;
}

Digest digest_of_text(Lane lane, const char* text) {
  return digest_of(lane, reinterpret_cast<const uint8_t*>(text), std::strlen(text));
}

bool lane_answers(Lane lane) {
  const std::vector<uint8_t> million(1000000, 'a');
  return digest_of_text(lane, kAbc) == kAbcDigest && digest_of_text(lane, kTwoBlocks) == kTwoBlockDigest &&
         digest_of(lane, million.data(), million.size()) == kMillionDigest;
}

// Slicing-by-8, for CPUs without an instruction: kCrcTable[k][b] is the CRC of byte b followed by k zero bytes.
constexpr std::array<std::array<uint32_t, 256>, 8> make_crc_table() {
  constexpr uint32_t kPolynomialReflected = 0x82f63b78;
  std::array<std::array<uint32_t, 256>, 8> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReflected : 0);
    table[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t byte = 0; byte < 256; ++byte)
      table[k][byte] = (table[k - 1][byte] >> 8) ^ table[0][table[k - 1][byte] & 0xff];
  return table;
}
constexpr std::array<std::array<uint32_t, 256>, 8> kCrcTable = make_crc_table();

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "cryptomod audit: %s\n", why);
  std::abort();
}

size_t padded_size(size_t size) { return (size + kFrameAlign - 1) / kFrameAlign * kFrameAlign; }

}  // namespace

Lane best_sha256_lane() {
  Lane best = Lane::kNone;
  const FeatureMask features = cpu_features_detected();
  for (const KernelRow& row : kSha256Kernels) {
    if ((features & row.needs) != row.needs) continue;
    if (!lane_answers(row.lane)) stop("the SHA-256 self-test failed; nothing is hashed with this program");
    best = row.lane;
  }
  return best;
}

uint32_t crc32c_portable(uint32_t crc, const uint8_t* bytes, size_t size) {
  for (; size >= 8; size -= 8, bytes += 8) {
    uint64_t word;
    std::memcpy(&word, bytes, 8);
    word ^= crc;
    crc = kCrcTable[7][word & 0xff] ^ kCrcTable[6][word >> 8 & 0xff] ^ kCrcTable[5][word >> 16 & 0xff] ^
          kCrcTable[4][word >> 24 & 0xff] ^ kCrcTable[3][word >> 32 & 0xff] ^ kCrcTable[2][word >> 40 & 0xff] ^
          kCrcTable[1][word >> 48 & 0xff] ^ kCrcTable[0][word >> 56];
  }
  for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kCrcTable[0][(crc ^ *bytes) & 0xff];
  return crc;
}

uint32_t crc32c(std::span<const uint8_t> bytes) {
  // Every CPU with AVX2 has SSE4.2.
  const bool instruction = (cpu_features_detected() & kFeatureAvx2) != 0;
  const auto crc = instruction ? crc32c_x86_sse42 : crc32c_portable;
  return ~crc(0xffffffff, bytes.data(), bytes.size());
}

Digest frame_head(Lane lane, const FrameHeader& header) {
  return digest_of(lane, reinterpret_cast<const uint8_t*>(&header), sizeof header);
}

Digest records_digest(Lane lane, std::span<const uint8_t> var, std::span<const uint8_t> records,
                      std::span<uint32_t> midstates) {
  if (var.size() % kSha256Block != 0 || records.size() % kRecordSize != 0) stop("records_digest: not whole blocks");
  if (!midstates.empty() && midstates.size() != records.size() / kRecordSize) stop("records_digest: midstate count");
  uint32_t state[8];
  sha256_initial_state(state);
  sha256_blocks(lane, state, var.data(), var.size() / kSha256Block);
  if (midstates.empty()) {
    sha256_blocks(lane, state, records.data(), records.size() / kSha256Block);
  } else {
    for (size_t i = 0; i < midstates.size(); ++i) {
      sha256_blocks(lane, state, records.data() + i * kRecordSize, 1);
      midstates[i] = state[0];
    }
  }
  Digest digest;
  sha256_finish(lane, state, var.size() + records.size(), nullptr, 0);
  sha256_write_digest(digest.data(), state);
  return digest;
}

std::vector<uint8_t> build_frame(Lane lane, ChainPosition& position, FrameType type, uint64_t writer_time_ns,
                                 std::span<const uint8_t> var, std::span<const Record> records, uint32_t carried) {
  const size_t var_size = padded_size(var.size());
  if (var_size > kMaxVarSize || records.size() > kMaxFrameRecords) stop("build_frame: section too large");
  const auto count = static_cast<uint32_t>(records.size());
  std::vector<uint8_t> frame(frame_size(static_cast<uint32_t>(var_size), count));
  uint8_t* const var_at = frame.data() + sizeof(FrameHeader);
  uint8_t* const records_at = var_at + var_size;
  uint8_t* const trailer_at = records_at + records.size_bytes();
  if (!var.empty()) std::memcpy(var_at, var.data(), var.size());
  if (count != 0) std::memcpy(records_at, records.data(), records.size_bytes());

  std::vector<uint32_t> midstates(count);
  const Digest digest = records_digest(lane, {var_at, var_size}, {records_at, records.size_bytes()}, midstates);
  if (count != 0) std::memcpy(trailer_at, midstates.data(), midstates.size() * sizeof(uint32_t));

  FrameHeader header{};
  header.magic = kFrameMagic;
  header.version = kFormatVersion;
  header.type = static_cast<uint16_t>(type);
  header.carried = carried;
  std::memcpy(header.log_id, position.log_id.data(), kIdSize);
  header.frame_seq = position.next_frame_seq;
  header.first_record = position.next_record;
  header.record_count = count;
  header.var_size = static_cast<uint32_t>(var_size);
  header.writer_time_ns = writer_time_ns;
  std::memcpy(header.prev_head, position.prev_head.data(), kDigestSize);
  std::memcpy(header.records_digest, digest.data(), kDigestSize);
  std::memcpy(frame.data(), &header, sizeof header);

  FrameTail tail{};
  tail.magic = kTailMagic;
  tail.frame_size = frame.size();
  tail.crc32c = crc32c({frame.data(), frame.size() - sizeof tail});
  std::memcpy(frame.data() + frame.size() - sizeof tail, &tail, sizeof tail);

  position.next_frame_seq += 1;
  position.next_record += count;
  position.prev_head = frame_head(lane, header);
  return frame;
}

}  // namespace cm::audit
