// SPDX-License-Identifier: Apache-2.0
// aes_modes_x86_aesni.cpp: the modes of aes_x86_modes.h with AES-NI. Built with its own -m flags: only the entry points
// may have external linkage, and no inline function of another header may be called here.
#include "crypto/aes/aes_x86_modes.h"

#include "crypto/aes/aes_modes_kernels.h"
#include "crypto/cpu/wipe_x86.h"

namespace cm {

void aes_encrypt_block_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in) {
  encrypt_block(key, out, in);
  wipe_xmm();
}

void aes_ctr_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  ctr<Reg128>(key, counter, out, in, count);
  wipe_xmm();
}

void aes_ctr_le32_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count) {
  ctr_le32<Reg128>(key, counter, out, in, count);
  wipe_xmm();
}

void aes_cbc_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  cbc_encrypt(key, iv, out, in, count);
  wipe_xmm();
}

void aes_cbc_decrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  cbc_decrypt<Reg128>(key, iv, out, in, count);
  wipe_xmm();
}

void aes_cfb128_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  cfb128_encrypt(key, iv, out, in, count);
  wipe_xmm();
}

void aes_cfb128_decrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  cfb128_decrypt<Reg128>(key, iv, out, in, count);
  wipe_xmm();
}

void aes_ofb_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  ofb(key, iv, out, in, count);
  wipe_xmm();
}

void aes_cfb8_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count) {
  cfb8_encrypt(key, iv, out, in, count);
  wipe_xmm();
}

void aes_xts_encrypt_x86_aesni(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  xts<Reg128, true>(key, tweak, out, in, count);
  wipe_xmm();
}

void aes_xts_decrypt_x86_aesni(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count) {
  xts<Reg128, false>(key, tweak, out, in, count);
  wipe_xmm();
}

void aes_cbc_mac_x86_aesni(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count) {
  cbc_mac(key, mac, in, count);
  wipe_xmm();
}

void aes_ccm_encrypt_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                               size_t count) {
  ccm_encrypt(key, counter, mac, out, in, count);
  wipe_xmm();
}

void aes_ccm_decrypt_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                               size_t count) {
  ccm_decrypt(key, counter, mac, out, in, count);
  wipe_xmm();
}

}  // namespace cm
