// SPDX-License-Identifier: Apache-2.0
// gcm_kernels.h: the table of GCM implementations (SP 800-38D) and their entry points. Lanes pair with AES lanes of the
// same name.
#pragma once
#include "crypto/aes/aes_kernels.h"

namespace cm {

constexpr KernelRow kGcmKernels[] = {
    {Lane::kPortable, kFeatureNone},
    {Lane::kAesni, kFeatureSse41 | kFeatureAesni},
    {Lane::kVaes256, kFeatureSse41 | kFeatureAesni | kFeatureAvx2 | kFeatureVaes | kFeatureBmi2},
    {Lane::kVaes512, kFeatureSse41 | kFeatureAesni | kFeatureVaes | kFeatureAvx512 | kFeatureBmi2},
};

struct GcmKey;
struct GcmInput;

// gcm_hash_key_*: fills key.h_powers from key.aes, which is ready.
void gcm_hash_key_portable(GcmKey& key);
void gcm_hash_key_x86_aesni(GcmKey& key);
void gcm_hash_key_x86_vaes256(GcmKey& key);
void gcm_hash_key_x86_vaes512(GcmKey& key);

// gcm_hash_iv_*: j0[16] = GHASH(iv, padding, length), SP 800-38D 7.1 step 2 for an IV that is not 96 bits long.
void gcm_hash_iv_portable(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size);
void gcm_hash_iv_x86_aesni(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size);
void gcm_hash_iv_x86_vaes256(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size);
void gcm_hash_iv_x86_vaes512(const GcmKey& key, uint8_t* j0, const uint8_t* iv, size_t iv_size);

// gcm_polyval_*: s[16] = POLYVAL (RFC 8452 section 3) under h[16] over AAD and text, each padded with zeros to whole
// blocks, and the block of their lengths (section 4): the multiplication of GHASH with the bytes of a block the other
// way round. Only key.h_powers is used, for the powers of h: the caller zeroises it. in.iv is not read.
void gcm_polyval_portable(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in);
void gcm_polyval_x86_aesni(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in);
void gcm_polyval_x86_vaes256(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in);
void gcm_polyval_x86_vaes512(GcmKey& key, uint8_t* s, const uint8_t* h, const GcmInput& in);

// gcm_seal_*, gcm_decrypt_*: in.iv_size is 12, or 16 and then in.iv is J0 itself. Both write in.text_size bytes to out
// and the 16-byte tag that belongs to the text; gcm_decrypt_* compares nothing, that is gcm.cpp's task.
void gcm_seal_portable(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_seal_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_seal_x86_vaes256(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_seal_x86_vaes512(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_decrypt_portable(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_decrypt_x86_aesni(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_decrypt_x86_vaes256(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);
void gcm_decrypt_x86_vaes512(const GcmKey& key, uint8_t* out, uint8_t* tag, const GcmInput& in);

}  // namespace cm
