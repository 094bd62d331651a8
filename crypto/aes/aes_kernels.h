// SPDX-License-Identifier: Apache-2.0
// aes_kernels.h: the table of AES implementations (FIPS 197) and their entry points: key schedule, block, and
// counter-mode bulk. The entry points trust their caller: lengths were checked, the CPU has what the row needs.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kAesKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAesni, kFeatureSse41 | kFeatureAesni},
    {Lane::kVaes256, kFeatureSse41 | kFeatureAesni | kFeatureAvx2 | kFeatureVaes | kFeatureBmi2},
    {Lane::kVaes512, kFeatureSse41 | kFeatureAesni | kFeatureVaes | kFeatureAvx512 | kFeatureBmi2},
};

struct AesKey;

// aes_key_init_*: raw_size is 16, 24 or 32 and key.rounds is set. The VAES lanes use the aesni schedule.
void aes_key_init_portable(AesKey& key, const uint8_t* raw, size_t raw_size);
void aes_key_init_x86_aesni(AesKey& key, const uint8_t* raw, size_t raw_size);

// aes_make_columns_x86_aesni: for all lanes with AES-NI.
void aes_make_columns_x86_aesni(AesKey& key);

// aes_encrypt_blocks_*, aes_decrypt_blocks_*: count independent blocks, no alignment needed, out may equal in.
void aes_encrypt_blocks_portable(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_encrypt_blocks_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_encrypt_blocks_x86_vaes256(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_encrypt_blocks_x86_vaes512(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_decrypt_blocks_portable(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_decrypt_blocks_x86_aesni(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_decrypt_blocks_x86_vaes256(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);
void aes_decrypt_blocks_x86_vaes512(const AesKey& key, uint8_t* out, const uint8_t* in, size_t count);

// aes_ctr_keystream_*: see aes_ctr_keystream. The counter is treated as secret: its carries are not branches.
void aes_ctr_keystream_portable(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count);
void aes_ctr_keystream_x86_aesni(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count);
void aes_ctr_keystream_x86_vaes256(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count);
void aes_ctr_keystream_x86_vaes512(const AesKey& key, uint8_t* counter, uint8_t* out, size_t count);

}  // namespace cm
