// SPDX-License-Identifier: Apache-2.0
// aes_modes.cpp: the modes of aes_modes.h on the lane of the key, one switch a call, and CFB8 decryption, which needs
// nothing of a lane but its block cipher. It must not choose a lane itself.
#include "crypto/aes/aes_modes.h"

#include "crypto/aes/aes_modes_kernels.h"
#include "crypto/base/bytes.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {
namespace {

// run_lane: calls the one of the functions that belongs to the key's lane; a lane without AES is a defect of the
// module.
template <auto Portable, auto Aesni, auto Vaes256, auto Vaes512, class... Arguments>
void run_lane(const AesKey& key, Arguments... arguments) {
  switch (key.lane) {
    case Lane::kPortable:
      return Portable(key, arguments...);
    case Lane::kAesni:
      return Aesni(key, arguments...);
    case Lane::kVaes256:
      return Vaes256(key, arguments...);
    case Lane::kVaes512:
      return Vaes512(key, arguments...);
    default:  // no lane of this algorithm
      break;
  }
  fail_stop();
}

}  // namespace

void aes_encrypt_block(const AesKey& key, uint8_t* out, const uint8_t* in) {
  run_lane<aes_encrypt_block_portable, aes_encrypt_block_x86_aesni, aes_encrypt_block_x86_vaes256,
           aes_encrypt_block_x86_vaes512>(key, out, in);
}

void aes_ctr(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_ctr_portable, aes_ctr_x86_aesni, aes_ctr_x86_vaes256, aes_ctr_x86_vaes512>(key, counter, out, in, count);
}

void aes_ctr_le32(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_ctr_le32_portable, aes_ctr_le32_x86_aesni, aes_ctr_le32_x86_vaes256, aes_ctr_le32_x86_vaes512>(
      key, counter, out, in, count);
}

void aes_cbc_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_cbc_encrypt_portable, aes_cbc_encrypt_x86_aesni, aes_cbc_encrypt_x86_vaes256,
           aes_cbc_encrypt_x86_vaes512>(key, iv, out, in, count);
}

void aes_cbc_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_cbc_decrypt_portable, aes_cbc_decrypt_x86_aesni, aes_cbc_decrypt_x86_vaes256,
           aes_cbc_decrypt_x86_vaes512>(key, iv, out, in, count);
}

void aes_cfb128_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_cfb128_encrypt_portable, aes_cfb128_encrypt_x86_aesni, aes_cfb128_encrypt_x86_vaes256,
           aes_cfb128_encrypt_x86_vaes512>(key, iv, out, in, count);
}

void aes_cfb128_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_cfb128_decrypt_portable, aes_cfb128_decrypt_x86_aesni, aes_cfb128_decrypt_x86_vaes256,
           aes_cfb128_decrypt_x86_vaes512>(key, iv, out, in, count);
}

void aes_ofb(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_ofb_portable, aes_ofb_x86_aesni, aes_ofb_x86_vaes256, aes_ofb_x86_vaes512>(key, iv, out, in, count);
}

void aes_cfb8_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_cfb8_encrypt_portable, aes_cfb8_encrypt_x86_aesni, aes_cfb8_encrypt_x86_vaes256,
           aes_cfb8_encrypt_x86_vaes512>(key, iv, out, in, count);
}

void aes_xts_encrypt(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_xts_encrypt_portable, aes_xts_encrypt_x86_aesni, aes_xts_encrypt_x86_vaes256,
           aes_xts_encrypt_x86_vaes512>(key, tweak, out, in, count);
}

void aes_xts_decrypt(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_xts_decrypt_portable, aes_xts_decrypt_x86_aesni, aes_xts_decrypt_x86_vaes256,
           aes_xts_decrypt_x86_vaes512>(key, tweak, out, in, count);
}

void aes_cbc_mac(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count) {
  run_lane<aes_cbc_mac_portable, aes_cbc_mac_x86_aesni, aes_cbc_mac_x86_vaes256, aes_cbc_mac_x86_vaes512>(key, mac, in,
                                                                                                          count);
}

void aes_ccm_encrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_ccm_encrypt_portable, aes_ccm_encrypt_x86_aesni, aes_ccm_encrypt_x86_vaes256,
           aes_ccm_encrypt_x86_vaes512>(key, counter, mac, out, in, count);
}

void aes_ccm_decrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count) {
  run_lane<aes_ccm_decrypt_portable, aes_ccm_decrypt_x86_aesni, aes_ccm_decrypt_x86_vaes256,
           aes_ccm_decrypt_x86_vaes512>(key, counter, mac, out, in, count);
}

void aes_cfb8_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  constexpr size_t kLot = 32;  // blocks at once: enough for every lane's widest loop
  SecretArray<kLot * kAesBlock> stream;
  uint8_t window[kAesBlock + kLot];  // the ciphertext before, then this lot's, kept because out may be in
  std::memcpy(window, iv, kAesBlock);
  while (count != 0) {
    const size_t now = count < kLot ? count : kLot;
    std::memcpy(window + kAesBlock, in, now);
    for (size_t i = 0; i < now; ++i) std::memcpy(stream.expose() + i * kAesBlock, window + i, kAesBlock);
    aes_encrypt_blocks(key, stream.expose(), stream.expose(), now);
    for (size_t i = 0; i < now; ++i) out[i] = window[kAesBlock + i] ^ stream.expose()[i * kAesBlock];
    std::memmove(window, window + now, kAesBlock);
    in += now;
    out += now;
    count -= now;
  }
  std::memcpy(iv, window, kAesBlock);
}

}  // namespace cm
