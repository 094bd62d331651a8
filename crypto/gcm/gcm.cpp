// SPDX-License-Identifier: Apache-2.0
// gcm.cpp: AES-GCM (SP 800-38D) on the lane of the key: J0 of an IV that is not 96 bits, the comparison of tags and the
// wiping of unauthenticated plaintext, once for all lanes. It must not check lengths: its callers did.
#include "crypto/gcm/gcm.h"

#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/gcm/gcm_kernels.h"

namespace cm {
namespace {

constexpr size_t kFastIv = 12;

void hash_iv(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size) {
  switch (key.aes.lane) {
    case Lane::kPortable:
      return gcm_hash_iv_portable(key, j0, iv, iv_size);
    case Lane::kAesni:
      return gcm_hash_iv_x86_aesni(key, j0, iv, iv_size);
    case Lane::kVaes256:
      return gcm_hash_iv_x86_vaes256(key, j0, iv, iv_size);
    case Lane::kVaes512:
      return gcm_hash_iv_x86_vaes512(key, j0, iv, iv_size);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void seal(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  switch (key.aes.lane) {
    case Lane::kPortable:
      return gcm_seal_portable(key, out, tag, in);
    case Lane::kAesni:
      return gcm_seal_x86_aesni(key, out, tag, in);
    case Lane::kVaes256:
      return gcm_seal_x86_vaes256(key, out, tag, in);
    case Lane::kVaes512:
      return gcm_seal_x86_vaes512(key, out, tag, in);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void decrypt(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  switch (key.aes.lane) {
    case Lane::kPortable:
      return gcm_decrypt_portable(key, out, tag, in);
    case Lane::kAesni:
      return gcm_decrypt_x86_aesni(key, out, tag, in);
    case Lane::kVaes256:
      return gcm_decrypt_x86_vaes256(key, out, tag, in);
    case Lane::kVaes512:
      return gcm_decrypt_x86_vaes512(key, out, tag, in);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

// with_hashed_iv: calls kernel with J0 in place of an IV that is not 96 bits. J0 from a hash tells about H, so it is
// zeroised. Apart from the callers, which are on the path of short messages.
template <class Kernel>
[[gnu::noinline]] void with_hashed_iv(const GcmKey& key, const GcmInput& in, Kernel kernel) {
  SecretArray<kAesBlock> j0;
  hash_iv(key, j0.expose(), in.iv, in.iv_size);
  GcmInput hashed = in;
  hashed.iv = j0.expose();
  hashed.iv_size = j0.size();
  kernel(hashed);
}

ct::Mask same_tag(const uint8_t* a, const uint8_t* b, size_t size) {
  if (size != kGcmTag) return ct::equal_bytes(a, b, size);
  return ct::Mask::is_zero((load_le64(a) ^ load_le64(b)) | (load_le64(a + 8) ^ load_le64(b + 8)));
}

}  // namespace

Status gcm_key_init(GcmKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (const Status s = aes_key_init(key.aes, lane, raw, raw_size); !succeeded(s)) return s;
  switch (lane) {
    case Lane::kPortable:
      gcm_hash_key_portable(key);
      return Status::kOk;
    case Lane::kAesni:
      gcm_hash_key_x86_aesni(key);
      return Status::kOk;
    case Lane::kVaes256:
      gcm_hash_key_x86_vaes256(key);
      return Status::kOk;
    case Lane::kVaes512:
      gcm_hash_key_x86_vaes512(key);
      return Status::kOk;
    default:  // no lane of this algorithm
      break;
  }
  return Status::kUnsupported;
}

void gcm_seal(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in) {
  if (in.iv_size == kFastIv) [[likely]]
    return seal(key, out, tag, in);
  with_hashed_iv(key, in, [&](const GcmInput& direct) { seal(key, out, tag, direct); });
}

ct::Mask gcm_open(const GcmKey& key, uint8_t* out, const uint8_t* tag, size_t tag_size, const GcmInput& in) {
  SecretArray<kGcmTag> computed;  // of a forgery, this is the tag the forger wants
  if (in.iv_size == kFastIv) [[likely]]
    decrypt(key, out, computed.expose(), in);
  else
    with_hashed_iv(key, in, [&](const GcmInput& direct) { decrypt(key, out, computed.expose(), direct); });
  const ct::Mask right = same_tag(computed.expose(), tag, tag_size);
  if (!ct::declassify(right)) zeroise(out, in.text_size);
  return right;
}

}  // namespace cm
