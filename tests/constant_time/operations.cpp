// SPDX-License-Identifier: Apache-2.0
// operations.cpp: see operations.h. Keys, texts, passwords and seeds are marked; IVs, nonces, lengths and what an
// algorithm gives out are public. Results of the checks of tags are public too, and the code says so (ct::declassify).
#include "tests/constant_time/operations.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/ct.h"
#include "crypto/ccm/ccm.h"
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/cipher/cipher.h"
#include "crypto/cmac/cmac.h"
#include "crypto/drbg/ctr_drbg.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/hash/hash.h"
#include "crypto/hmac/hmac.h"
#include "crypto/kdf/hkdf.h"
#include "crypto/kdf/one_step.h"
#include "crypto/kdf/pbkdf2.h"
#include "crypto/kdf/ssh_kdf.h"
#include "crypto/kdf/tls12_prf.h"
#include "crypto/kdf/two_step.h"
#include "crypto/keywrap/kw.h"
#include "crypto/keywrap/kwp.h"
#include "crypto/kmac/kmac.h"
#include "crypto/multi/multi.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/xts/xts.h"

namespace cm::test {
namespace {

constexpr size_t kSizes[] = {0, 1, 16, 17, 31, 64, 100, 300, 1100};
constexpr size_t kLargest = 1100;
constexpr size_t kKeySizes[] = {16, 24, 32};

// Secret: bytes that valgrind takes for undefined. A class of its own, so that nothing marks a public value by mistake.
template <size_t N>
struct Secret {
  alignas(64) uint8_t bytes[N];
  explicit Secret(uint8_t seed = 1) {
    for (size_t i = 0; i < N; ++i) bytes[i] = static_cast<uint8_t>(seed + 7 * i);
    ct::poison(bytes, N);
  }
  operator const uint8_t*() const { return bytes; }  // NOLINT(google-explicit-constructor): it is used as its bytes
};

constexpr uint8_t kPublic[32] = {9, 8, 7, 6, 5, 4, 3, 2, 1};  // IVs, nonces, salts

// must: set-up that fails would leave nothing to check.
void must(Status s) {
  if (!succeeded(s)) std::abort();
}

template <size_t N>
bool has(const KernelRow (&rows)[N], Lane lane) {
  for (const KernelRow& row : rows)
    if (row.lane == lane) return true;
  return false;
}

struct Buffers {
  Secret<kLargest> in;
  uint8_t out[kLargest + 32];
  uint8_t back[kLargest + 32];
  uint8_t tag[32];
  // publish: what an algorithm gives out is public.
  void publish() {
    ct::unpoison(out, sizeof out);
    ct::unpoison(tag, sizeof tag);
  }
};

bool aes_blocks(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t size : kKeySizes) {
    AesKey key;
    must(aes_key_init(key, lane, Secret<32>(), size));
    for (const size_t blocks : {1, 2, 5, 17, 40}) {
      aes_encrypt_blocks(key, b.out, b.in, blocks);
      b.publish();
      aes_decrypt_blocks(key, b.back, b.out, blocks);
    }
  }
  return true;
}

void cipher_message(const AesKey& key, CipherMode mode, Direction direction, Buffers& b, size_t size) {
  CipherState state;
  cipher_init(state, key, mode, direction, kPublic);
  const size_t first = size / 3;
  size_t done = cipher_update(state, b.out, b.in, first), rest = 0;
  done += cipher_update(state, b.out + done, b.in + first, size - first);
  must(cipher_final(state, b.out + done, &rest));
  b.publish();
}

template <CipherMode Mode>
bool cipher(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  const bool whole_blocks = Mode == CipherMode::kEcb || Mode == CipherMode::kCbc;
  const bool stealing = Mode == CipherMode::kCbcCs1 || Mode == CipherMode::kCbcCs2 || Mode == CipherMode::kCbcCs3;
  for (const size_t key_size : kKeySizes) {
    AesKey key;
    must(aes_key_init(key, lane, Secret<32>(), key_size));
    if (Mode == CipherMode::kCtr) aes_make_columns(key);  // as keys of this mode have them
    for (const size_t size : kSizes) {
      if ((whole_blocks && size % kAesBlock != 0) || (stealing && size < kAesBlock)) continue;
      cipher_message(key, Mode, Direction::kEncrypt, b, size);
      cipher_message(key, Mode, Direction::kDecrypt, b, size);
    }
  }
  return true;
}

// The halves of an XTS key are compared in constant time, and that they differ is public.
bool xts(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t key_size : {32, 64}) {
    XtsKey key;
    must(xts_key_init(key, lane, Secret<64>(), key_size));
    for (const size_t size : kSizes) {
      if (size < kAesBlock) continue;
      must(xts_encrypt(key, kPublic, b.out, b.in, size));
      must(xts_decrypt(key, kPublic, b.out, b.in, size));
    }
    must(xts_encrypt_sectors(key, 5, b.out, b.in, 100, 10));
    must(xts_decrypt_sectors(key, 5, b.out, b.in, 100, 10));
  }
  return true;
}

bool cmac_all(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t key_size : kKeySizes) {
    CmacKey key;
    must(cmac_key_init(key, lane, Secret<32>(), key_size));
    for (const size_t size : kSizes) {
      cmac(key, b.tag, b.in, size);
      b.publish();
      must(cmac_verify(key, b.tag, kCmacTag, b.in, size));
    }
  }
  return true;
}

bool ccm(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t key_size : kKeySizes) {
    AesKey key;
    must(aes_key_init(key, lane, Secret<32>(), key_size));
    for (const size_t size : kSizes) {
      ccm_seal(key, b.out, b.tag, 16, {kPublic, 12, kPublic, 20, b.in, size});
      b.publish();
      if (!ct::declassify(ccm_open(key, b.back, b.tag, 16, {kPublic, 12, kPublic, 20, b.out, size}))) std::abort();
      b.tag[3] ^= 1;
      if (ct::declassify(ccm_open(key, b.back, b.tag, 16, {kPublic, 12, kPublic, 20, b.out, size}))) std::abort();
    }
  }
  return true;
}

bool gcm(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t key_size : kKeySizes) {
    GcmKey key;
    must(gcm_key_init(key, lane, Secret<32>(), key_size));
    for (const size_t size : kSizes)
      for (const size_t iv_size : {12, 16}) {
        gcm_seal(key, b.out, b.tag, {kPublic, iv_size, kPublic, 20, b.in, size});
        b.publish();
        if (!ct::declassify(gcm_open(key, b.back, b.tag, 16, {kPublic, iv_size, kPublic, 20, b.out, size})))
          std::abort();
        b.tag[3] ^= 1;
        if (ct::declassify(gcm_open(key, b.back, b.tag, 16, {kPublic, iv_size, kPublic, 20, b.out, size})))
          std::abort();
      }
  }
  return true;
}

bool gcm_siv(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  for (const size_t key_size : {16, 32}) {
    GcmSivKey key;
    must(gcm_siv_key_init(key, lane, Secret<32>(), key_size));
    for (const size_t size : kSizes) {
      gcm_siv_seal(key, b.out, b.tag, {kPublic, kPublic, 20, b.in, size});
      b.publish();
      if (!ct::declassify(gcm_siv_open(key, b.back, b.tag, {kPublic, kPublic, 20, b.out, size}))) std::abort();
      b.tag[3] ^= 1;
      if (ct::declassify(gcm_siv_open(key, b.back, b.tag, {kPublic, kPublic, 20, b.out, size}))) std::abort();
    }
  }
  return true;
}

bool chacha(Lane lane) {
  if (!has(kChaChaKernels, lane)) return false;
  Buffers b;
  ChaChaKey key;
  must(chacha_key_init(key, lane, Secret<32>(), 32));
  for (const size_t size : kSizes) {
    chacha_seal(key, b.out, b.tag, {kPublic, kPublic, 20, b.in, size});
    b.publish();
    if (!ct::declassify(chacha_open(key, b.back, b.tag, 16, {kPublic, kPublic, 20, b.out, size}))) std::abort();
    b.tag[3] ^= 1;
    if (ct::declassify(chacha_open(key, b.back, b.tag, 16, {kPublic, kPublic, 20, b.out, size}))) std::abort();
  }
  return true;
}

// A wrapped key is public; its length becomes public when it is unwrapped.
bool key_wrap(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  AesKey kek;
  must(aes_key_init(kek, lane, Secret<32>(), 32));
  for (const size_t size : {16, 24, 32, 64}) {
    must(kw_wrap(kek, b.out, b.in, size));
    b.publish();
    must(kw_unwrap(kek, b.back, b.out, kw_wrapped_size(size)));
    b.out[5] ^= 1;
    if (succeeded(kw_unwrap(kek, b.back, b.out, kw_wrapped_size(size)))) std::abort();
  }
  for (const size_t size : {1, 8, 9, 17, 32}) {
    size_t found = 0;
    must(kwp_wrap(kek, b.out, b.in, size));
    b.publish();
    must(kwp_unwrap(kek, b.back, &found, b.out, kwp_wrapped_size(size)));
    b.out[5] ^= 1;
    if (succeeded(kwp_unwrap(kek, b.back, &found, b.out, kwp_wrapped_size(size)))) std::abort();
  }
  return true;
}

bool drbg(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  Buffers b;
  CtrDrbg generator;
  must(ctr_drbg_instantiate(generator, lane, Secret<kDrbgSeed>(), Secret<48>(), 48));
  must(ctr_drbg_generate(generator, b.out, kLargest, Secret<48>(), 48));
  must(ctr_drbg_reseed(generator, Secret<kDrbgSeed>(), nullptr, 0));
  must(ctr_drbg_generate(generator, b.out, 33, nullptr, 0));
  ctr_drbg_zeroise(generator);
  return true;
}

bool multi(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  constexpr size_t kJobs = 11;
  AesKey keys[kJobs];
  CmacKey mac_keys[kJobs];
  static Buffers buffers[kJobs];
  uint8_t ivs[kJobs][kAesBlock] = {};
  CbcJob cbc[kJobs];
  CmacJob cmacs[kJobs];
  CcmSealJob seals[kJobs];
  CcmOpenJob opens[kJobs];
  for (size_t i = 0; i < kJobs; ++i) {
    const size_t size = 100 * i;
    Buffers& b = buffers[i];
    must(aes_key_init(keys[i], lane, Secret<32>(), kKeySizes[i % 3]));
    must(cmac_key_init(mac_keys[i], lane, Secret<32>(), kKeySizes[i % 3]));
    cbc[i] = {&keys[i], ivs[i], b.out, b.in, size / kAesBlock};
    cmacs[i] = {&mac_keys[i], b.tag, b.in, size};
    seals[i] = {&keys[i], b.out, b.tag, 16, {kPublic, 12, kPublic, 20, b.in, size}};
    opens[i].key = &keys[i];
    opens[i].out = b.back;
    opens[i].tag = b.tag;
    opens[i].tag_size = 16;
    opens[i].in = {kPublic, 12, kPublic, 20, b.out, size};
  }
  aes_cbc_encrypt_multi(cbc, kJobs);
  cmac_multi(cmacs, kJobs);
  ccm_seal_multi(seals, kJobs);
  for (Buffers& b : buffers) b.publish();
  buffers[4].tag[3] ^= 1;
  ccm_open_multi(opens, kJobs);
  for (size_t i = 0; i < kJobs; ++i)
    if (ct::declassify(opens[i].right) != (i != 4)) std::abort();
  return true;
}

// hash_and_hmac: every function of a core whose kernels are in this table.
template <size_t N>
bool hash_and_hmac(const KernelRow (&kernels)[N], HashCore core, Lane lane) {
  if (!has(kernels, lane)) return false;
  Buffers b;
  for (const HashRow& row : kHashes) {
    if (row.core != core) continue;
    for (const size_t size : kSizes) {
      hash_digest(row.id, lane, b.out, b.in, size);
      for (const size_t key_size : {16, 64, 100}) {
        HmacKey key;
        hmac_key_init(key, row.id, lane, Secret<100>(), key_size);
        hmac(key, b.out, b.in, size);
      }
    }
  }
  return true;
}

bool sha1_and_hmac(Lane lane) { return hash_and_hmac(kSha1Kernels, HashCore::kSha1, lane); }
bool sha256_and_hmac(Lane lane) { return hash_and_hmac(kSha256Kernels, HashCore::kSha256, lane); }
bool sha512_and_hmac(Lane lane) { return hash_and_hmac(kSha512Kernels, HashCore::kSha512, lane); }
bool sha3_and_hmac(Lane lane) { return hash_and_hmac(kKeccakKernels, HashCore::kKeccak, lane); }

bool kmac(Lane lane) {
  if (!has(kKeccakKernels, lane)) return false;
  Buffers b;
  for (const size_t size : kSizes) {
    KmacKey key;
    kmac_key_init(key, lane, 128, false, Secret<100>(), 100);
    Kmac ctx;
    kmac_init(ctx, key, kPublic, 16);
    kmac_update(ctx, b.in, size);
    kmac_final(ctx, b.out, 40);
    kmac_init(ctx, key, nullptr, 0);
    kmac_update(ctx, b.in, size);
    ct::declassify(kmac_matches(ctx, b.out, 40));
  }
  return true;
}

bool pbkdf2(Lane lane) {
  if (!has(kSha256Kernels, lane)) return false;
  uint8_t out[48];
  const Secret<20> password;
  const Pbkdf2Job job = {password, 20, kPublic, 16, out, sizeof out};
  pbkdf2(HashId::kSha256, lane, Lane::kPortable, &job, 1, 3);
  return true;
}

// ---- key derivation: labels, contexts, salts and what else goes in with the secret are public.

constexpr size_t kDerived = 150;  // more than two blocks of every hash
constexpr KbkdfMode kKbkdfModes[] = {KbkdfMode::kCounter, KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline};
constexpr KbkdfPart kPublicPart = {kPublic, sizeof kPublic};

KbkdfInput kbkdf_input(KbkdfMode mode) { return {mode, 32, kPublicPart, &kPublicPart, 1, &kPublicPart, 1}; }

void derive_with_hmac(HashId id, Lane lane) {
  uint8_t out[kDerived], prk[kHashMaxSize];
  const Secret<60> secret;
  HmacKey key, salt;
  hkdf_extract(id, lane, prk, kPublic, sizeof kPublic, secret, 60);
  hmac_key_init(key, id, lane, prk, hash_row(id).digest_size);
  hmac_key_init(salt, id, lane, kPublic, sizeof kPublic);
  must(hkdf_expand(key, out, kDerived, kPublic, 20));
  must(tls13_expand_label(key, out, kDerived, kPublic, 10, kPublic, 32));
  must(tls12_prf(key, out, kDerived, kPublic, 10, kPublic, 32));
  for (const KbkdfMode mode : kKbkdfModes) {
    must(kbkdf_hmac(key, out, kDerived, kbkdf_input(mode)));
    must(two_step_hmac(salt, out, kDerived, secret, 60, kbkdf_input(mode)));
  }
  must(one_step_hmac(salt, out, kDerived, {secret, 60, kPublic, 20}));
}

// Of a number that SSH encodes, the first byte is public: its zeros and its first bit are in the length of the
// encoding.
void derive_with_hash(HashId id, Lane lane) {
  uint8_t out[kDerived];
  const Secret<60> secret;
  must(one_step_hash(id, lane, out, kDerived, {secret, 60, kPublic, 20}));
  must(x963_kdf(id, lane, out, kDerived, {secret, 60, kPublic, 20}));
  for (const SshSecret form : {SshSecret::kString, SshSecret::kEncoded})
    must(ssh_kdf(id, lane, out, kDerived, {secret, 60, form, kPublic, 32, kPublic, 32, 'A'}));
  ct::unpoison(secret.bytes, 1);
  must(ssh_kdf(id, lane, out, kDerived, {secret, 60, SshSecret::kMpint, kPublic, 32, kPublic, 32, 'A'}));
}

// key_derivation: over the functions of a core whose kernels are in this table.
template <size_t N>
bool key_derivation(const KernelRow (&kernels)[N], HashCore core, Lane lane) {
  if (!has(kernels, lane)) return false;
  for (const HashRow& row : kHashes) {
    if (row.core != core) continue;
    derive_with_hmac(row.id, lane);
    derive_with_hash(row.id, lane);
  }
  return true;
}

bool sha1_kdf(Lane lane) { return key_derivation(kSha1Kernels, HashCore::kSha1, lane); }
bool sha256_kdf(Lane lane) { return key_derivation(kSha256Kernels, HashCore::kSha256, lane); }
bool sha512_kdf(Lane lane) { return key_derivation(kSha512Kernels, HashCore::kSha512, lane); }
bool sha3_kdf(Lane lane) { return key_derivation(kKeccakKernels, HashCore::kKeccak, lane); }

bool kmac_kdf(Lane lane) {
  if (!has(kKeccakKernels, lane)) return false;
  uint8_t out[kDerived];
  const Secret<60> secret;
  for (const uint32_t bits : {128u, 256u}) {
    must(kbkdf_kmac(lane, bits, secret, 60, out, kDerived, kPublic, 10, kPublic, 32));
    must(one_step_kmac(lane, bits, kPublic, 20, out, kDerived, {secret, 60, kPublic, 20}));
  }
  return true;
}

bool cmac_kdf(Lane lane) {
  if (!has(kAesKernels, lane)) return false;
  uint8_t out[kDerived];
  const Secret<60> secret;
  for (const size_t key_size : kKeySizes) {
    CmacKey key, salt;
    must(cmac_key_init(key, lane, secret, key_size));
    must(cmac_key_init(salt, lane, kPublic, key_size));
    for (const KbkdfMode mode : kKbkdfModes) {
      must(kbkdf_cmac(key, out, kDerived, kbkdf_input(mode)));
      must(two_step_cmac(salt, out, kDerived, secret, 60, kbkdf_input(mode)));
    }
  }
  return true;
}

constexpr Operation kOperations[] = {
    {"AES", aes_blocks},
    {"AES-ECB", cipher<CipherMode::kEcb>},
    {"AES-CBC", cipher<CipherMode::kCbc>},
    {"AES-CBC-CS1", cipher<CipherMode::kCbcCs1>},
    {"AES-CBC-CS2", cipher<CipherMode::kCbcCs2>},
    {"AES-CBC-CS3", cipher<CipherMode::kCbcCs3>},
    {"AES-CTR", cipher<CipherMode::kCtr>},
    {"AES-CFB128", cipher<CipherMode::kCfb128>},
    {"AES-CFB8", cipher<CipherMode::kCfb8>},
    {"AES-OFB", cipher<CipherMode::kOfb>},
    {"AES-XTS", xts},
    {"AES-CMAC", cmac_all},
    {"AES-CCM", ccm},
    {"AES-GCM", gcm},
    {"AES-KW, AES-KWP", key_wrap},
    {"CTR_DRBG", drbg},
    {"CBC, CMAC, CCM in batches", multi},
    {"AES-GCM-SIV", gcm_siv},
    {"ChaCha20-Poly1305", chacha},
    {"SHA-1, HMAC", sha1_and_hmac},
    {"SHA-256, HMAC", sha256_and_hmac},
    {"SHA-512, HMAC", sha512_and_hmac},
    {"SHA-3, HMAC", sha3_and_hmac},
    {"KMAC", kmac},
    {"PBKDF2", pbkdf2},
    {"key derivation with SHA-1", sha1_kdf},
    {"key derivation with SHA-256", sha256_kdf},
    {"key derivation with SHA-512", sha512_kdf},
    {"key derivation with SHA-3", sha3_kdf},
    {"key derivation with KMAC", kmac_kdf},
    {"key derivation with CMAC", cmac_kdf},
};

}  // namespace

const Operation* operations(size_t* count) {
  *count = sizeof kOperations / sizeof kOperations[0];
  return kOperations;
}

}  // namespace cm::test
