// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb_jobs.cpp: libipsec-mb through its jobs; see peer_ipsec_mb.h.
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "bench/peer_ipsec_mb_manager.h"

namespace cm::bench {

struct IpsecMb::AesKey {
  alignas(64) uint8_t encrypt[16 * 15];
  alignas(64) uint8_t decrypt[16 * 15];
  alignas(16) uint32_t k1[4];
  alignas(16) uint32_t k2[4];
  uint8_t raw[32];
  size_t size;
};

namespace {

constexpr size_t kTag = 16;
using Work = IpsecMb::Work;

void describe_aead(IMB_JOB& job, const IpsecMb::Job& from, IMB_CIPHER_MODE cipher, IMB_HASH_ALG hash,
                   IMB_CHAIN_ORDER order) {
  job.cipher_mode = cipher;
  job.hash_alg = hash;
  job.chain_order = order;
  job.iv_len_in_bytes = 12;
  job.msg_len_to_hash_in_bytes = from.in_size;
  job.auth_tag_output = from.tag;
  job.auth_tag_output_len_in_bytes = kTag;
}

void describe_cipher(IMB_JOB& job, IMB_CIPHER_MODE mode, IMB_CIPHER_DIRECTION direction) {
  job.cipher_mode = mode;
  job.cipher_direction = direction;
  job.hash_alg = IMB_AUTH_NULL;
  job.chain_order = IMB_ORDER_CIPHER_HASH;
}

}  // namespace

std::shared_ptr<IpsecMb::AesKey> IpsecMb::aes_key(const uint8_t* key, size_t key_size) const {
  auto out = std::make_shared<AesKey>();
  out->size = key_size;
  std::memcpy(out->raw, key, key_size);
  if (key_size == 16) {
    IMB_AES_KEYEXP_128(manager_->mb, key, out->encrypt, out->decrypt);
    IMB_AES_CMAC_SUBKEY_GEN_128(manager_->mb, out->encrypt, out->k1, out->k2);
  } else {
    IMB_AES_KEYEXP_256(manager_->mb, key, out->encrypt, out->decrypt);
    IMB_AES_CMAC_SUBKEY_GEN_256(manager_->mb, out->encrypt, out->k1, out->k2);
  }
  return out;
}

namespace {

void describe_work(IMB_JOB& job, Work work, const IpsecMb::Job& from) {
  switch (work) {
    case Work::kEcbEncrypt:
      return describe_cipher(job, IMB_CIPHER_ECB, IMB_DIR_ENCRYPT);
    case Work::kCbcEncrypt:
      return describe_cipher(job, IMB_CIPHER_CBC, IMB_DIR_ENCRYPT);
    case Work::kCbcDecrypt:
      return describe_cipher(job, IMB_CIPHER_CBC, IMB_DIR_DECRYPT);
    case Work::kCtr:
      return describe_cipher(job, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT);
    case Work::kCmac:
      job.cipher_mode = IMB_CIPHER_NULL;
      job.hash_alg = IMB_AUTH_AES_CMAC_256;
      job.chain_order = IMB_ORDER_HASH_CIPHER;
      job.msg_len_to_hash_in_bytes = from.in_size;
      job.auth_tag_output = from.tag;
      job.auth_tag_output_len_in_bytes = kTag;
      return;
    case Work::kCcmSeal:
      describe_aead(job, from, IMB_CIPHER_CCM, IMB_AUTH_AES_CCM, IMB_ORDER_HASH_CIPHER);
      job.u.CCM.aad = from.aad;
      job.u.CCM.aad_len_in_bytes = from.aad_size;
      return;
    case Work::kChaChaSeal:
      describe_aead(job, from, IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305, IMB_ORDER_CIPHER_HASH);
      job.u.CHACHA20_POLY1305.aad = from.aad;
      job.u.CHACHA20_POLY1305.aad_len_in_bytes = from.aad_size;
      return;
  }
}

void fill(IMB_JOB& job, const IpsecMb::Job& from) {
  job.cipher_direction = IMB_DIR_ENCRYPT;
  job.src = from.in;
  job.dst = from.out;
  job.iv = from.iv;
  job.iv_len_in_bytes = 16;
  job.cipher_start_src_offset_in_bytes = 0;
  job.msg_len_to_cipher_in_bytes = from.in_size;
  job.hash_start_src_offset_in_bytes = 0;
}

void completed(const IMB_JOB& job) {
  if (job.status != IMB_STATUS_COMPLETED) throw std::runtime_error("libipsec-mb: a job was not completed");
}

}  // namespace

void IpsecMb::run(Work work, const Job* jobs, size_t count) const {
  const auto describe = [work](IMB_JOB& job, const Job& from) {
    const bool chacha = work == Work::kChaChaSeal;
    fill(job, from);
    job.enc_keys = chacha ? static_cast<const void*>(from.key->raw) : from.key->encrypt;
    job.dec_keys = chacha ? static_cast<const void*>(from.key->raw) : from.key->decrypt;
    job.key_len_in_bytes = from.key->size;
    describe_work(job, work, from);
    if (work != Work::kCmac) return;
    job.hash_alg = from.key->size == 16 ? IMB_AUTH_AES_CMAC : IMB_AUTH_AES_CMAC_256;
    job.u.CMAC._key_expanded = from.key->encrypt;
    job.u.CMAC._skey1 = from.key->k1;
    job.u.CMAC._skey2 = from.key->k2;
  };
  IMB_MGR* mb = manager_->mb;
  if (work == Work::kCbcEncrypt || work == Work::kCbcDecrypt || work == Work::kCtr) {
    std::array<IMB_JOB, 64> burst;
    for (size_t done = 0; done < count;) {
      const size_t n = std::min(burst.size(), count - done);
      for (size_t i = 0; i < n; ++i) describe(burst[i], jobs[done + i]);
      const auto key_size = static_cast<IMB_KEY_SIZE_BYTES>(jobs[done].key->size);
      if (IMB_SUBMIT_CIPHER_BURST_NOCHECK(mb, burst.data(), static_cast<uint32_t>(n), burst[0].cipher_mode,
                                          burst[0].cipher_direction, key_size) != n)
        throw std::runtime_error("libipsec-mb: a burst was not completed");
      done += n;
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    describe(*IMB_GET_NEXT_JOB(mb), jobs[i]);
    if (const IMB_JOB* job = IMB_SUBMIT_JOB_NOCHECK(mb)) completed(*job);
  }
  while (const IMB_JOB* job = IMB_FLUSH_JOB(mb)) completed(*job);
}

}  // namespace cm::bench
