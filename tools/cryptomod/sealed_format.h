// SPDX-License-Identifier: Apache-2.0
// sealed_format.h: the layout of a sealed file, version 1, and nothing that touches keys or files. The same is written
// for other implementers in docs/sealed-file-format.md. All integers are little endian.
//
//   file   = header (96) | chunk 0 | chunk 1 | ... ; every chunk but the last holds kChunkSize bytes of content
//   header = fields (64) | IV (12) | tag (16) | zero (4);  AES-256-GCM of nothing, AAD = fields
//   chunk  = IV (12) | ciphertext | tag (16);  AAD = header (96) | chunk number u64 | last u8
//
// The random file id binds chunks to their file, the number to their place, the last flag to the end: reordering,
// doubling, dropping, truncating and splicing all fail. An empty content is one empty last chunk.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "cryptomod/cryptomod.h"

namespace cm::tool {

inline constexpr std::array<uint8_t, 8> kSealedMagic = {'C', 'M', 'S', 'E', 'A', 'L', 'E', 'D'};
inline constexpr uint16_t kSealedVersion = 1;
inline constexpr uint16_t kSealedAes256Gcm = 1;
inline constexpr size_t kChunkSize = size_t{1} << 20;
inline constexpr size_t kIvSize = CM_AEAD_IV_SIZE;
inline constexpr size_t kTagSize = CM_AEAD_TAG_SIZE_MAX;
inline constexpr size_t kChunkOverhead = kIvSize + kTagSize;
inline constexpr size_t kSealedChunkSize = kChunkSize + kChunkOverhead;

inline constexpr size_t kFileIdSize = 32;
inline constexpr size_t kFieldsSize = 64;
inline constexpr size_t kHeaderSize = 96;

//   0 magic[8]   8 version u16   10 algorithm u16   12 chunk size u32   16 file id[32]   48 zero[16]
//  64 IV[12]    76 tag[16]       92 zero[4]
struct SealedHeader {
  std::array<uint8_t, kHeaderSize> bytes{};

  std::span<const uint8_t, kFieldsSize> fields() const { return std::span(bytes).first<kFieldsSize>(); }
  std::span<uint8_t, kFileIdSize> file_id() { return std::span(bytes).subspan<16, kFileIdSize>(); }
  std::span<uint8_t, kIvSize> iv() { return std::span(bytes).subspan<64, kIvSize>(); }
  std::span<uint8_t, kTagSize> tag() { return std::span(bytes).subspan<76, kTagSize>(); }
};

// begin_header: everything but file id, IV and tag.
SealedHeader begin_header();

enum class HeaderProblem : uint8_t {
  kNone,
  kNotSealed,       // another kind of file
  kCutShort,        // begins like a sealed file and ends inside the header
  kNewer,           // another version, algorithm or chunk size
  kReservedNotZero  // damaged
};
// check_header: what can be said without a key; the content of prefix is what could be read, up to kHeaderSize.
HeaderProblem check_header(std::span<const uint8_t> prefix);

inline constexpr size_t kChunkAadSize = kHeaderSize + 8 + 1;
std::array<uint8_t, kChunkAadSize> chunk_aad(const SealedHeader& header, uint64_t number, bool last);

// chunk_offset: where a chunk begins in the sealed file.
constexpr uint64_t chunk_offset(uint64_t number) { return kHeaderSize + number * kSealedChunkSize; }

// sealed_size: of a content of this size. Nothing when that is no number of bytes a file can have.
constexpr std::optional<uint64_t> sealed_size(uint64_t content_size) {
  const uint64_t chunks = content_size == 0 ? 1 : (content_size - 1) / kChunkSize + 1;
  const uint64_t size = kHeaderSize + content_size + chunks * kChunkOverhead;
  if (size < content_size || size > INT64_MAX) return std::nullopt;
  return size;
}

}  // namespace cm::tool
