// SPDX-License-Identifier: Apache-2.0
// sealed_format.cpp: see sealed_format.h.
#include "tools/cryptomod/sealed_format.h"

#include <algorithm>
#include <cstring>

namespace cm::tool {
namespace {

template <class T>
void put(std::span<uint8_t> out, size_t offset, T value) {
  for (size_t i = 0; i < sizeof value; ++i) out[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

bool all_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

}  // namespace

SealedHeader begin_header() {
  SealedHeader header;
  std::copy(kSealedMagic.begin(), kSealedMagic.end(), header.bytes.begin());
  put(header.bytes, 8, kSealedVersion);
  put(header.bytes, 10, kSealedAes256Gcm);
  put(header.bytes, 12, uint32_t{kChunkSize});
  return header;
}

HeaderProblem check_header(std::span<const uint8_t> prefix) {
  if (prefix.size() < kSealedMagic.size() || !std::equal(kSealedMagic.begin(), kSealedMagic.end(), prefix.begin()))
    return HeaderProblem::kNotSealed;
  if (prefix.size() < kHeaderSize) return HeaderProblem::kCutShort;
  constexpr size_t kFixedSize = 16;
  const SealedHeader known = begin_header();
  if (!std::equal(known.bytes.begin(), known.bytes.begin() + kFixedSize, prefix.begin())) return HeaderProblem::kNewer;
  if (!all_zero(prefix.subspan(48, 16)) || !all_zero(prefix.subspan(92, 4))) return HeaderProblem::kReservedNotZero;
  return HeaderProblem::kNone;
}

std::array<uint8_t, kChunkAadSize> chunk_aad(const SealedHeader& header, uint64_t number, bool last) {
  std::array<uint8_t, kChunkAadSize> aad{};
  std::copy(header.bytes.begin(), header.bytes.end(), aad.begin());
  put(aad, kHeaderSize, number);
  aad[kHeaderSize + 8] = last ? 1 : 0;
  return aad;
}

}  // namespace cm::tool
