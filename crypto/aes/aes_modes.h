// SPDX-License-Identifier: Apache-2.0
// aes_modes.h: whole blocks through AES in the modes of SP 800-38A and 38E, and the passes of SP 800-38B and 38C, on
// the lane of the key. The chaining value is in and out, so that a message may come in pieces; out may equal in, and
// must not overlap it otherwise. Lengths were checked by the caller; count is in blocks and may be 0.
#pragma once
#include "crypto/aes/aes.h"

namespace cm {

// aes_encrypt_block: one block that is needed at once. The wide lanes of aes_encrypt_blocks write it under a mask, and
// a read of what was written so waits until the write has reached the cache.
void aes_encrypt_block(const AesKey& key, uint8_t* out, const uint8_t* in);

// aes_ctr: counter[16] is one 128-bit big-endian number that wraps at 2^128; it is public.
void aes_ctr(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);

// aes_ctr_le32: the first four bytes of counter[16] are one little-endian number that wraps at 2^32, as AES-GCM-SIV
// counts (RFC 8452 section 4); it is public.
void aes_ctr_le32(const AesKey& key, uint8_t* counter, uint8_t* out, const uint8_t* in, size_t count);

// iv[16] becomes the last block of ciphertext; of OFB, the last output of the cipher, which is as secret as the key.
void aes_cbc_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cbc_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb128_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_ofb(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);

// CFB with segments of eight bits: count is in bytes, iv becomes the last 16 bytes of iv and ciphertext.
void aes_cfb8_encrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
void aes_cfb8_decrypt(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);

// aes_xts_*: tweak[16] has been encrypted with the tweak key and is multiplied by x (IEEE 1619 5.2) once a block.
void aes_xts_encrypt(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);
void aes_xts_decrypt(const AesKey& key, uint8_t* tweak, uint8_t* out, const uint8_t* in, size_t count);

// aes_cbc_mac: mac = E(mac ^ block) for each block.
void aes_cbc_mac(const AesKey& key, uint8_t* mac, const uint8_t* in, size_t count);

// aes_ccm_*: aes_cbc_mac over the plaintext and aes_ctr in one pass. The low 64 bits of the counter must not wrap.
void aes_ccm_encrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count);
void aes_ccm_decrypt(const AesKey& key, uint8_t* counter, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count);

}  // namespace cm
