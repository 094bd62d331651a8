// SPDX-License-Identifier: Apache-2.0
// chacha20_poly1305.cpp: ChaCha20-Poly1305 (RFC 8439 2.8) on the lane of the key: the comparison of tags and the wiping
// of unauthenticated plaintext, once for all lanes. It must not check lengths: its callers did.
#include "crypto/chacha/chacha20_poly1305.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/chacha/chacha_kernels.h"

namespace cm {
namespace {

void decrypt(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  switch (key.lane) {
    case Lane::kPortable:
      return chacha_decrypt_portable(key, out, tag, in);
    case Lane::kAvx2:
      return chacha_decrypt_x86_avx2(key, out, tag, in);
    case Lane::kAvx512:
      return chacha_decrypt_x86_avx512(key, out, tag, in);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

ct::Mask same_tag(const uint8_t* a, const uint8_t* b, size_t size) {
  if (size != kChaChaTag) return ct::equal_bytes(a, b, size);
  return ct::Mask::is_zero((load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8)));
}

}  // namespace

Status chacha_key_init(ChaChaKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (raw_size != kChaChaKeySize) return Status::kLength;
  switch (lane) {
    case Lane::kPortable:
    case Lane::kAvx2:
    case Lane::kAvx512:
      std::memcpy(key.key, raw, kChaChaKeySize);
      key.lane = lane;
      return Status::kOk;
    default:  // no lane of this algorithm
      break;
  }
  return Status::kUnsupported;
}

void chacha_seal(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in) {
  switch (key.lane) {
    case Lane::kPortable:
      return chacha_seal_portable(key, out, tag, in);
    case Lane::kAvx2:
      return chacha_seal_x86_avx2(key, out, tag, in);
    case Lane::kAvx512:
      return chacha_seal_x86_avx512(key, out, tag, in);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

ct::Mask chacha_open(const ChaChaKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const ChaChaInput& in) {
  SecretArray<kChaChaTag> computed;  // of a forgery, this is the tag the forger wants
  decrypt(key, out, computed.expose(), in);
  const ct::Mask right = same_tag(computed.expose(), tag, tag_size);
  if (!ct::declassify(right)) zeroise(out, in.text_size);
  return right;
}

}  // namespace cm
