// SPDX-License-Identifier: Apache-2.0
// key_algorithms.h: one row for each CM_ALG_*: what a key of it may be used for, which sizes it has, which form the
// module keeps it in, and which self-test covers it. Read by the services that make and use keys, by tests and by the
// generator of docs/tables.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/status.h"
#include "crypto/cipher/cipher.h"
#include "crypto/hash/hash.h"
#include "cryptomod/cryptomod.h"

namespace cm {

// KeyForm: which member of KeyObject's union holds the expanded key. kAesCounter: aes, with the columns for counters;
// kSecret: none, the raw bytes alone.
enum class KeyForm : uint8_t { kGcm, kAes, kAesCounter, kXts, kCmac, kHmac, kChaCha, kGcmSiv, kKmac, kSecret };

// KeySizes, in bits.
enum class KeySizes : uint8_t {
  kAes /* 128, 192, 256 */,
  kXts /* 256, 512 */,
  kMac /* 8..4096, whole bytes */,
  k256,
  kSiv /* 128, 256 */
};

struct KeyAlgorithmRow {
  uint32_t algorithm;  // CM_ALG_*
  KeyForm form;
  KeySizes sizes;
  CipherMode mode;     // with CM_USE_ENCRYPT; XTS has none and does not look at it
  HashId hash;         // of HMAC
  uint32_t usage;      // CM_USE_* that fit
  Status indicator;    // kOk, or why the algorithm is not approved
  char name[24];       // of the algorithm
  char self_test[24];  // the algorithm in selftest/casts.h; "by derivation": as in kdf_functions.h
};

inline constexpr HashId kNoHash = HashId{0};
inline constexpr uint32_t kSealOpen = CM_USE_SEAL | CM_USE_OPEN;
inline constexpr uint32_t kWrapUnwrap = CM_USE_WRAP | CM_USE_UNWRAP;
inline constexpr uint32_t kMacVerify = CM_USE_MAC | CM_USE_VERIFY;
inline constexpr uint32_t kDerive = CM_USE_DERIVE;
inline constexpr uint32_t kEncryptDecrypt = CM_USE_ENCRYPT | CM_USE_DECRYPT;

// clang-format off: one algorithm a line
constexpr KeyAlgorithmRow kKeyAlgorithms[] = {
    {CM_ALG_AES_GCM, KeyForm::kGcm, KeySizes::kAes, CipherMode::kEcb, kNoHash, kSealOpen, Status::kOk, "AES-GCM", "AES-GCM"},
    {CM_ALG_AES_KWP, KeyForm::kAes, KeySizes::kAes, CipherMode::kEcb, kNoHash, kWrapUnwrap, Status::kOk, "AES-KWP", "AES-KWP"},
    {CM_ALG_HMAC_SHA256, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha256, kMacVerify, Status::kOk, "HMAC-SHA-256", "HMAC-SHA-256"},
    {CM_ALG_AES_ECB, KeyForm::kAes, KeySizes::kAes, CipherMode::kEcb, kNoHash, kEncryptDecrypt, Status::kOk, "AES-ECB", "AES"},
    {CM_ALG_AES_CBC, KeyForm::kAes, KeySizes::kAes, CipherMode::kCbc, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CBC", "AES-CBC"},
    {CM_ALG_AES_CBC_CS1, KeyForm::kAes, KeySizes::kAes, CipherMode::kCbcCs1, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CBC-CS1", "AES-CBC"},
    {CM_ALG_AES_CBC_CS2, KeyForm::kAes, KeySizes::kAes, CipherMode::kCbcCs2, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CBC-CS2", "AES-CBC"},
    {CM_ALG_AES_CBC_CS3, KeyForm::kAes, KeySizes::kAes, CipherMode::kCbcCs3, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CBC-CS3", "AES-CBC"},
    {CM_ALG_AES_CTR, KeyForm::kAesCounter, KeySizes::kAes, CipherMode::kCtr, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CTR", "AES-CTR"},
    {CM_ALG_AES_CFB128, KeyForm::kAes, KeySizes::kAes, CipherMode::kCfb128, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CFB128", "AES-CFB"},
    {CM_ALG_AES_CFB8, KeyForm::kAes, KeySizes::kAes, CipherMode::kCfb8, kNoHash, kEncryptDecrypt, Status::kOk, "AES-CFB8", "AES-CFB"},
    {CM_ALG_AES_OFB, KeyForm::kAes, KeySizes::kAes, CipherMode::kOfb, kNoHash, kEncryptDecrypt, Status::kOk, "AES-OFB", "AES-OFB"},
    {CM_ALG_AES_XTS, KeyForm::kXts, KeySizes::kXts, CipherMode::kEcb, kNoHash, kEncryptDecrypt, Status::kOk, "AES-XTS", "AES-XTS"},
    {CM_ALG_AES_CCM, KeyForm::kAesCounter, KeySizes::kAes, CipherMode::kEcb, kNoHash, kSealOpen, Status::kOk, "AES-CCM", "AES-CCM"},
    {CM_ALG_AES_CMAC, KeyForm::kCmac, KeySizes::kAes, CipherMode::kEcb, kNoHash, kMacVerify, Status::kOk, "AES-CMAC", "AES-CMAC"},
    {CM_ALG_AES_KW, KeyForm::kAes, KeySizes::kAes, CipherMode::kEcb, kNoHash, kWrapUnwrap, Status::kOk, "AES-KW", "AES-KW"},
    {CM_ALG_AES_GMAC, KeyForm::kGcm, KeySizes::kAes, CipherMode::kEcb, kNoHash, kSealOpen, Status::kOk, "AES-GMAC", "AES-GCM"},
    {CM_ALG_CHACHA20_POLY1305, KeyForm::kChaCha, KeySizes::k256, CipherMode::kEcb, kNoHash, kSealOpen, Status::kNotApprovedAlgorithm, "ChaCha20-Poly1305", "ChaCha20-Poly1305"},
    {CM_ALG_AES_GCM_SIV, KeyForm::kGcmSiv, KeySizes::kSiv, CipherMode::kEcb, kNoHash, kSealOpen, Status::kNotApprovedAlgorithm, "AES-GCM-SIV", "AES-GCM-SIV"},
    {CM_ALG_HMAC_SHA1, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha1, kMacVerify, Status::kOk, "HMAC-SHA-1", "HMAC-SHA-1"},
    {CM_ALG_HMAC_SHA224, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha224, kMacVerify, Status::kOk, "HMAC-SHA-224", "HMAC-SHA-256"},
    {CM_ALG_HMAC_SHA384, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha384, kMacVerify, Status::kOk, "HMAC-SHA-384", "HMAC-SHA-512"},
    {CM_ALG_HMAC_SHA512, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha512, kMacVerify, Status::kOk, "HMAC-SHA-512", "HMAC-SHA-512"},
    {CM_ALG_HMAC_SHA512_224, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha512_224, kMacVerify, Status::kOk, "HMAC-SHA-512/224", "HMAC-SHA-512"},
    {CM_ALG_HMAC_SHA512_256, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha512_256, kMacVerify, Status::kOk, "HMAC-SHA-512/256", "HMAC-SHA-512"},
    {CM_ALG_HMAC_SHA3_224, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha3_224, kMacVerify, Status::kOk, "HMAC-SHA3-224", "HMAC-SHA3"},
    {CM_ALG_HMAC_SHA3_256, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha3_256, kMacVerify, Status::kOk, "HMAC-SHA3-256", "HMAC-SHA3"},
    {CM_ALG_HMAC_SHA3_384, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha3_384, kMacVerify, Status::kOk, "HMAC-SHA3-384", "HMAC-SHA3"},
    {CM_ALG_HMAC_SHA3_512, KeyForm::kHmac, KeySizes::kMac, CipherMode::kEcb, HashId::kSha3_512, kMacVerify, Status::kOk, "HMAC-SHA3-512", "HMAC-SHA3"},
    {CM_ALG_KMAC128, KeyForm::kKmac, KeySizes::kMac, CipherMode::kEcb, kNoHash, kMacVerify, Status::kOk, "KMAC128", "KMAC"},
    {CM_ALG_KMAC256, KeyForm::kKmac, KeySizes::kMac, CipherMode::kEcb, kNoHash, kMacVerify, Status::kOk, "KMAC256", "KMAC"},
    {CM_ALG_KMACXOF128, KeyForm::kKmac, KeySizes::kMac, CipherMode::kEcb, kNoHash, kMacVerify, Status::kOk, "KMACXOF128", "KMAC"},
    {CM_ALG_KMACXOF256, KeyForm::kKmac, KeySizes::kMac, CipherMode::kEcb, kNoHash, kMacVerify, Status::kOk, "KMACXOF256", "KMAC"},
    {CM_ALG_SECRET, KeyForm::kSecret, KeySizes::kMac, CipherMode::kEcb, kNoHash, kDerive, Status::kOk, "secret", "by derivation"},
};
// clang-format on

namespace detail {
constexpr bool key_algorithms_count_from_one() {
  uint32_t wanted = 1;
  for (const KeyAlgorithmRow& row : kKeyAlgorithms)
    if (row.algorithm != wanted++) return false;
  return true;
}
}  // namespace detail
static_assert(detail::key_algorithms_count_from_one(), "key_algorithm finds a row by its place");

// key_algorithm: null for a number that is no algorithm.
constexpr const KeyAlgorithmRow* key_algorithm(uint32_t algorithm) {
  constexpr uint32_t kCount = sizeof kKeyAlgorithms / sizeof kKeyAlgorithms[0];
  return algorithm - 1 < kCount ? &kKeyAlgorithms[algorithm - 1] : nullptr;
}

constexpr bool key_bits_fit(KeySizes sizes, uint32_t bits) {
  constexpr uint32_t kMacBitsMax = 4096;
  switch (sizes) {
    case KeySizes::kAes:
      return bits == 128 || bits == 192 || bits == 256;
    case KeySizes::kXts:
      return bits == 256 || bits == 512;
    case KeySizes::kMac:
      return bits >= 8 && bits <= kMacBitsMax && bits % 8 == 0;
    case KeySizes::k256:
      return bits == 256;
    case KeySizes::kSiv:
      return bits == 128 || bits == 256;
  }
  return false;
}

}  // namespace cm
