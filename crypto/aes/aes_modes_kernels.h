// SPDX-License-Identifier: Apache-2.0
// aes_modes_kernels.h: the entry points behind aes_modes.h. Their lanes are those of kAesKernels; all follow the rules
// that aes_modes.h states and trust their caller: lengths were checked, the CPU has what the lane needs. CFB8
// decryption is built from aes_encrypt_blocks and has no kernel of its own.
#pragma once
#include "crypto/aes/aes_kernels.h"

namespace cm {

// Lane portable.
void aes_encrypt_block_portable(const AesKey& key, uint8_t* out, const uint8_t* in);
void aes_ctr_portable(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_ctr_le32_portable(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_decrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_decrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_ofb_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb8_encrypt_portable(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_encrypt_portable(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_decrypt_portable(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_mac_portable(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count);
void aes_ccm_encrypt_portable(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                              size_t count);
void aes_ccm_decrypt_portable(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                              size_t count);

// Lane aesni.
void aes_encrypt_block_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in);
void aes_ctr_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_ctr_le32_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_decrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_decrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_ofb_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb8_encrypt_x86_aesni(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_encrypt_x86_aesni(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_decrypt_x86_aesni(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_mac_x86_aesni(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count);
void aes_ccm_encrypt_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                               size_t count);
void aes_ccm_decrypt_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                               size_t count);

// Lane vaes256.
void aes_encrypt_block_x86_vaes256(const AesKey& key, uint8_t* out, const uint8_t* in);
void aes_ctr_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_ctr_le32_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_encrypt_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_decrypt_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_encrypt_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_decrypt_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_ofb_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb8_encrypt_x86_vaes256(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_encrypt_x86_vaes256(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_decrypt_x86_vaes256(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_mac_x86_vaes256(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count);
void aes_ccm_encrypt_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                                 size_t count);
void aes_ccm_decrypt_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                                 size_t count);

// Lane vaes512.
void aes_encrypt_block_x86_vaes512(const AesKey& key, uint8_t* out, const uint8_t* in);
void aes_ctr_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_ctr_le32_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_encrypt_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_decrypt_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_encrypt_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_decrypt_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_ofb_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb8_encrypt_x86_vaes512(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_encrypt_x86_vaes512(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_decrypt_x86_vaes512(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_mac_x86_vaes512(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count);
void aes_ccm_encrypt_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                                 size_t count);
void aes_ccm_decrypt_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in,
                                 size_t count);

}  // namespace cm
