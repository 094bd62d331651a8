// SPDX-License-Identifier: Apache-2.0
// aes.cpp: AES (FIPS 197) on a given lane: checks the key length, then one switch a call. It must not choose a lane
// itself, and a lane without AES reaching it is a defect of the module.
#include "crypto/aes/aes.h"

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/check.h"

namespace cm {

Status aes_key_init(AesKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  if (raw_size != 16 && raw_size != 24 && raw_size != 32) return Status::kLength;
  key.rounds = static_cast<uint32_t>(raw_size / 4 + 6);
  key.lane = lane;
  key.has_columns = false;
  switch (lane) {
    case Lane::kPortable:
      aes_key_init_portable(key, raw, raw_size);
      return Status::kOk;
    case Lane::kAesni:
    case Lane::kVaes256:
    case Lane::kVaes512:
      aes_key_init_x86_aesni(key, raw, raw_size);
      return Status::kOk;
    default:  // no lane of this algorithm
      break;
  }
  return Status::kUnsupported;
}

void aes_make_columns(AesKey& key) {
  if (key.lane == Lane::kPortable) return;
  aes_make_columns_x86_aesni(key);
  key.has_columns = true;
}

void aes_encrypt_blocks(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  switch (key.lane) {
    case Lane::kPortable:
      return aes_encrypt_blocks_portable(key, out, in, count);
    case Lane::kAesni:
      return aes_encrypt_blocks_x86_aesni(key, out, in, count);
    case Lane::kVaes256:
      return aes_encrypt_blocks_x86_vaes256(key, out, in, count);
    case Lane::kVaes512:
      return aes_encrypt_blocks_x86_vaes512(key, out, in, count);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void aes_decrypt_blocks(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count) {
  switch (key.lane) {
    case Lane::kPortable:
      return aes_decrypt_blocks_portable(key, out, in, count);
    case Lane::kAesni:
      return aes_decrypt_blocks_x86_aesni(key, out, in, count);
    case Lane::kVaes256:
      return aes_decrypt_blocks_x86_vaes256(key, out, in, count);
    case Lane::kVaes512:
      return aes_decrypt_blocks_x86_vaes512(key, out, in, count);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

void aes_ctr_keystream(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count) {
  switch (key.lane) {
    case Lane::kPortable:
      return aes_ctr_keystream_portable(key, counter, out, count);
    case Lane::kAesni:
      return aes_ctr_keystream_x86_aesni(key, counter, out, count);
    case Lane::kVaes256:
      return aes_ctr_keystream_x86_vaes256(key, counter, out, count);
    case Lane::kVaes512:
      return aes_ctr_keystream_x86_vaes512(key, counter, out, count);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

}  // namespace cm
