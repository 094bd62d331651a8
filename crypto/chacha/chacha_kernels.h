// SPDX-License-Identifier: Apache-2.0
// chacha_kernels.h: the table of ChaCha20-Poly1305 implementations (RFC 8439 2.8) and their entry points.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/cpu/kernel_row.h"

namespace cm {

constexpr KernelRow kChaChaKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
    {Lane::kAvx512, kFeatureAvx512 | kFeatureIfma | kFeatureBmi2},
};

struct ChaChaKey;
struct ChaChaInput;

// chacha_seal_*, chacha_decrypt_*: both write in.text_size bytes to out and the 16-byte tag that belongs to the text;
// chacha_decrypt_* compares nothing, that is chacha20_poly1305.cpp's task.
void chacha_seal_portable(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);
void chacha_seal_x86_avx2(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);
void chacha_seal_x86_avx512(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);
void chacha_decrypt_portable(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);
void chacha_decrypt_x86_avx2(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);
void chacha_decrypt_x86_avx512(const ChaChaKey& key, uint8_t* out, uint8_t* tag, const ChaChaInput& in);

// poly1305_*: the hash alone (RFC 8439 2.5) under a 32-byte one-time key, so that tests can choose r, s and the blocks,
// which the AEAD hides behind the cipher. The module has no service for it.
void poly1305_portable(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size);
void poly1305_x86_avx2(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size);
void poly1305_x86_avx512(uint8_t* tag, const uint8_t* key, const uint8_t* text, size_t size);

}  // namespace cm
