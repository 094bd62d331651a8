// SPDX-License-Identifier: Apache-2.0
// wrap_rounds.cpp: W and its inverse (SP 800-38F 6.1). It knows nothing of initial values and padding.
#include "crypto/keywrap/wrap_rounds.h"

#include "crypto/base/bytes.h"

namespace cm {
namespace {

constexpr uint64_t kRounds = 6;  // passes of W over the semiblocks

}  // namespace

void wrap_rounds(const AesKey& kek, uint8_t* block, uint8_t* r, size_t n) {
  uint64_t t = 0;
  for (uint64_t j = 0; j < kRounds; ++j) {
    for (size_t i = 0; i < n; ++i) {
      std::memcpy(block + kSemiblock, r + i * kSemiblock, kSemiblock);
      aes_encrypt_blocks(kek, block, block, 1);
      std::memcpy(r + i * kSemiblock, block + kSemiblock, kSemiblock);
      store_be64(block, load_be64(block) ^ ++t);
    }
  }
}

void unwrap_rounds(const AesKey& kek, uint8_t* block, uint8_t* r, size_t n) {
  uint64_t t = kRounds * n;
  for (uint64_t j = 0; j < kRounds; ++j) {
    for (size_t i = n; i-- != 0;) {
      store_be64(block, load_be64(block) ^ t--);
      std::memcpy(block + kSemiblock, r + i * kSemiblock, kSemiblock);
      aes_decrypt_blocks(kek, block, block, 1);
      std::memcpy(r + i * kSemiblock, block + kSemiblock, kSemiblock);
    }
  }
}

}  // namespace cm
