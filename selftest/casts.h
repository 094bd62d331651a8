// SPDX-License-Identifier: Apache-2.0
// casts.h: one of the four central tables: every self-test the module runs at power-on and on demand, in order.
// id is append-only (it stands in audit records as 0x10000 + id). A row with lanes runs once per lane of its kernel
// table that this CPU can run. The integrity test is row 0 and runs after the SHA-256 and HMAC tests it depends on
// (ISO/IEC 19790 7.10.2.2: the integrity technique's own test first).
#pragma once
#include <cstdint>

namespace cm {

enum class CastId : uint32_t {
  kIntegrity = 0,
  kSha256 = 1,
  kHmacSha256 = 2,
  kAesEncrypt = 3,
  kAesDecrypt = 4,
  kGcmSeal = 5,
  kGcmOpen = 6,
  kKwpWrap = 7,
  kKwpUnwrap = 8,
  kPbkdf2 = 9,
  kDrbgInstantiate = 10,
  kDrbgReseed = 11,
  kDrbgGenerate = 12,
  kEntropy = 13,
  kCbcEncrypt = 14,
  kCbcDecrypt = 15,
  kCfbEncrypt = 16,
  kCfbDecrypt = 17,
  kOfb = 18,
  kCtr = 19,
  kXtsEncrypt = 20,
  kXtsDecrypt = 21,
  kCmac = 22,
  kCcmSeal = 23,
  kCcmOpen = 24,
  kKwWrap = 25,
  kKwUnwrap = 26,
  kChaChaSeal = 27,
  kChaChaOpen = 28,
  kGcmSivSeal = 29,
  kGcmSivOpen = 30,
  kCbcEncryptMulti = 31,
  kCmacMulti = 32,
  kCcmSealMulti = 33,
  kCcmOpenMulti = 34,
};

enum class LaneSet : uint8_t { kNone, kSha256, kAes, kGcm, kChaCha };  // which kernel table gives the lanes

struct CastRow {
  CastId id;
  LaneSet lanes;
  char name[40];
  char algorithm[24];
  char vector[48];  // where the known answer comes from (vectors/manifest.json has the provenance)
  char covers[64];
};

constexpr CastRow kCasts[] = {
    {CastId::kSha256, LaneSet::kSha256, "sha-256", "SHA-256", "vectors/selftest sha-256",
     "digest of a multi-block message"},
    {CastId::kHmacSha256, LaneSet::kSha256, "hmac-sha-256", "HMAC-SHA-256", "vectors/selftest hmac-sha-256",
     "MAC with both midstates"},
    {CastId::kIntegrity, LaneSet::kNone, "integrity", "HMAC-SHA-256", "injected after link",
     "every non-writable segment of the module"},
    {CastId::kAesEncrypt, LaneSet::kAes, "aes-encrypt", "AES", "vectors/selftest aes",
     "128, 192, 256 bit schedules, encryption"},
    {CastId::kAesDecrypt, LaneSet::kAes, "aes-decrypt", "AES", "vectors/selftest aes",
     "128, 192, 256 bit schedules, decryption"},
    {CastId::kGcmSeal, LaneSet::kGcm, "aes-gcm-seal", "AES-GCM", "vectors/selftest aes-gcm",
     "short and bulk path, AAD, tag"},
    {CastId::kGcmOpen, LaneSet::kGcm, "aes-gcm-open", "AES-GCM", "vectors/selftest aes-gcm",
     "decryption and refusal of a wrong tag"},
    {CastId::kKwpWrap, LaneSet::kAes, "aes-kwp-wrap", "AES-KWP", "vectors/selftest aes-kwp", "wrapping"},
    {CastId::kKwpUnwrap, LaneSet::kAes, "aes-kwp-unwrap", "AES-KWP", "vectors/selftest aes-kwp",
     "unwrapping and refusal"},
    {CastId::kKwWrap, LaneSet::kAes, "aes-kw-wrap", "AES-KW", "vectors/selftest aes-kw", "wrapping"},
    {CastId::kKwUnwrap, LaneSet::kAes, "aes-kw-unwrap", "AES-KW", "vectors/selftest aes-kw", "unwrapping and refusal"},
    {CastId::kCbcEncrypt, LaneSet::kAes, "aes-cbc-encrypt", "AES-CBC", "vectors/selftest aes-modes",
     "encryption, ciphertext stealing"},
    {CastId::kCbcDecrypt, LaneSet::kAes, "aes-cbc-decrypt", "AES-CBC", "vectors/selftest aes-modes",
     "decryption, ciphertext stealing"},
    {CastId::kCfbEncrypt, LaneSet::kAes, "aes-cfb-encrypt", "AES-CFB", "vectors/selftest aes-modes",
     "encryption, segments of 128 and 8 bits"},
    {CastId::kCfbDecrypt, LaneSet::kAes, "aes-cfb-decrypt", "AES-CFB", "vectors/selftest aes-modes",
     "decryption, segments of 128 and 8 bits"},
    {CastId::kOfb, LaneSet::kAes, "aes-ofb", "AES-OFB", "vectors/selftest aes-modes", "both directions, which are one"},
    {CastId::kCtr, LaneSet::kAes, "aes-ctr", "AES-CTR", "vectors/selftest aes-modes",
     "both directions, which are one; carries"},
    {CastId::kXtsEncrypt, LaneSet::kAes, "aes-xts-encrypt", "AES-XTS", "vectors/selftest aes-xts",
     "encryption, ciphertext stealing"},
    {CastId::kXtsDecrypt, LaneSet::kAes, "aes-xts-decrypt", "AES-XTS", "vectors/selftest aes-xts",
     "decryption, ciphertext stealing"},
    {CastId::kCmac, LaneSet::kAes, "aes-cmac", "AES-CMAC", "vectors/selftest aes-cmac", "generation and refusal"},
    {CastId::kCcmSeal, LaneSet::kAes, "aes-ccm-seal", "AES-CCM", "vectors/selftest aes-ccm", "AAD, text, tag"},
    {CastId::kCcmOpen, LaneSet::kAes, "aes-ccm-open", "AES-CCM", "vectors/selftest aes-ccm",
     "decryption and refusal of a wrong tag"},
    {CastId::kCbcEncryptMulti, LaneSet::kAes, "aes-cbc-encrypt-multi", "AES-CBC", "vectors/selftest aes-multi",
     "every lane of the kernels for batches"},
    {CastId::kCmacMulti, LaneSet::kAes, "aes-cmac-multi", "AES-CMAC", "vectors/selftest aes-multi",
     "every lane of the kernels for batches"},
    {CastId::kCcmSealMulti, LaneSet::kAes, "aes-ccm-seal-multi", "AES-CCM", "vectors/selftest aes-multi",
     "every lane of the kernels for batches"},
    {CastId::kCcmOpenMulti, LaneSet::kAes, "aes-ccm-open-multi", "AES-CCM", "vectors/selftest aes-multi",
     "the same, and refusal of wrong tags among right ones"},
    {CastId::kPbkdf2, LaneSet::kSha256, "pbkdf2-hmac-sha-256", "PBKDF2", "vectors/selftest pbkdf2",
     "two output blocks"},
    {CastId::kDrbgInstantiate, LaneSet::kAes, "ctr-drbg-instantiate", "CTR_DRBG", "vectors/selftest ctr-drbg",
     "instantiate"},
    {CastId::kDrbgReseed, LaneSet::kAes, "ctr-drbg-reseed", "CTR_DRBG", "vectors/selftest ctr-drbg", "reseed"},
    {CastId::kDrbgGenerate, LaneSet::kAes, "ctr-drbg-generate", "CTR_DRBG", "vectors/selftest ctr-drbg",
     "generate twice"},
    {CastId::kChaChaSeal, LaneSet::kChaCha, "chacha20-poly1305-seal", "ChaCha20-Poly1305",
     "vectors/selftest chacha20-poly1305", "short and bulk path, AAD, tag"},
    {CastId::kChaChaOpen, LaneSet::kChaCha, "chacha20-poly1305-open", "ChaCha20-Poly1305",
     "vectors/selftest chacha20-poly1305", "decryption and refusal of a wrong tag"},
    {CastId::kGcmSivSeal, LaneSet::kAes, "aes-gcm-siv-seal", "AES-GCM-SIV", "vectors/selftest aes-gcm-siv",
     "short and bulk path, AAD, tag, counter that wraps"},
    {CastId::kGcmSivOpen, LaneSet::kAes, "aes-gcm-siv-open", "AES-GCM-SIV", "vectors/selftest aes-gcm-siv",
     "decryption and refusal of a wrong tag"},
    {CastId::kEntropy, LaneSet::kNone, "entropy", "entropy source", "none",
     "start-up health test of RDSEED and getrandom"},
};

}  // namespace cm
