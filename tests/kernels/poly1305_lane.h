// SPDX-License-Identifier: Apache-2.0
// poly1305_lane.h: the hash of a ChaCha20-Poly1305 lane alone, under a one-time key that a test chooses.
#pragma once
#include <stdexcept>

#include "crypto/chacha/chacha_kernels.h"
#include "tests/support/rsp_file.h"

namespace cm::test {

inline void poly1305_on(Lane lane, uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size) {
  switch (lane) {
    case Lane::kPortable:
      return poly1305_portable(tag, key, text, size);
    case Lane::kAvx2:
      return poly1305_x86_avx2(tag, key, text, size);
    case Lane::kAvx512:
      return poly1305_x86_avx512(tag, key, text, size);
    default:  // no lane of this algorithm
      break;
  }
  throw std::logic_error("no lane of ChaCha20-Poly1305");
}

inline Bytes poly1305_on(Lane lane, const Bytes& key, const Bytes& text) {
  Bytes tag(16);
  poly1305_on(lane, tag.data(), key.data(), text.data(), text.size());
  return tag;
}

}  // namespace cm::test
