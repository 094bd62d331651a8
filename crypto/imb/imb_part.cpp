// SPDX-License-Identifier: Apache-2.0
// imb_part.cpp: libcryptomod-imb.so.1, the part of the module that holds Intel's ipsec-mb: each call puts a batch
// through a manager and leaves it empty. It must allocate nothing and keep nothing: ipsec-mb is built with SAFE_DATA,
// which wipes keys and states from a manager and from registers as jobs end, and a test looks. imb_errno, which is one
// for all managers, is never read.
#include "crypto/imb/imb_part.h"

#include <intel-ipsec-mb.h>

namespace cm {

namespace {

bool all_done(IMB_JOB* const* jobs, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    if (jobs[i]->status != IMB_STATUS_COMPLETED) return false;
  return true;
}

// run: fill(job, i) for each, then all of them through the manager.
template <class Fill>
bool run(void* manager, size_t count, Fill fill) {
  auto* const m = static_cast<IMB_MGR*>(manager);
  const auto wanted = static_cast<uint32_t>(count);
  IMB_JOB* jobs[kMultiMax];
  if (IMB_GET_NEXT_BURST(m, wanted, jobs) != wanted) return false;
  for (size_t i = 0; i < count; ++i) {
    *jobs[i] = {};
    fill(*jobs[i], i);
  }
  // What has ended stands where the jobs were; the last ones end when the lanes are flushed.
  uint32_t ended = IMB_SUBMIT_BURST_NOCHECK(m, wanted, jobs);
  bool good = all_done(jobs, ended);
  while (ended != wanted) {
    const uint32_t more = IMB_FLUSH_BURST(m, wanted - ended, jobs);
    if (more == 0) return false;
    good = all_done(jobs, more) && good;
    ended += more;
  }
  return good;
}

void fill_key(IMB_JOB& job, const AesKey& key) {
  job.enc_keys = key.encrypt;
  job.dec_keys = key.decrypt;
  job.key_len_in_bytes = uint64_t{4} * (key.rounds - 6);
}

size_t manager_size() { return imb_get_mb_mgr_size(); }

bool start(void* manager) {
  IMB_MGR* const m = imb_set_pointers_mb_mgr(manager, 0, 1);
  if (m == nullptr) return false;
  init_mb_mgr_auto(m, nullptr);
  constexpr uint64_t kWanted = IMB_FEATURE_SAFE_DATA | IMB_FEATURE_SELF_TEST_PASS;
  return (m->features & kWanted) == kWanted;
}

bool cbc_encrypt(void* manager, const CbcJob* jobs, size_t count) {
  const bool good = run(manager, count, [jobs](IMB_JOB& job, size_t i) {
    const CbcJob& j = jobs[i];
    fill_key(job, *j.key);
    job.cipher_mode = IMB_CIPHER_CBC;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_CIPHER_HASH;
    job.hash_alg = IMB_AUTH_NULL;
    job.iv = j.iv;
    job.iv_len_in_bytes = kAesBlock;
    job.src = j.in;
    job.dst = j.out;
    job.msg_len_to_cipher_in_bytes = j.blocks * kAesBlock;
  });
  for (size_t i = 0; i < count; ++i)
    __builtin_memcpy(jobs[i].iv, jobs[i].out + (jobs[i].blocks - 1) * kAesBlock, kAesBlock);
  return good;
}

bool cmac(void* manager, const CmacJob* jobs, size_t count) {
  return run(manager, count, [jobs](IMB_JOB& job, size_t i) {
    const CmacJob& j = jobs[i];
    const bool wide = j.key->aes.rounds == 14;
    job.cipher_mode = IMB_CIPHER_NULL;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_HASH_CIPHER;
    job.hash_alg = wide ? IMB_AUTH_AES_CMAC_256 : IMB_AUTH_AES_CMAC;
    job.u.CMAC._key_expanded = j.key->aes.encrypt;
    job.u.CMAC._skey1 = j.key->k1;
    job.u.CMAC._skey2 = j.key->k2;
    job.src = j.in;
    job.msg_len_to_hash_in_bytes = j.in_size;
    job.auth_tag_output = j.tag;
    job.auth_tag_output_len_in_bytes = kCmacTag;
  });
}

bool ccm(void* manager, const ImbCcm* jobs, size_t count, bool seal) {
  return run(manager, count, [jobs, seal](IMB_JOB& job, size_t i) {
    const ImbCcm& j = jobs[i];
    fill_key(job, *j.key);
    job.cipher_mode = IMB_CIPHER_CCM;
    job.cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job.chain_order = seal ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
    job.hash_alg = IMB_AUTH_AES_CCM;
    job.iv = j.in.nonce;
    job.iv_len_in_bytes = j.in.nonce_size;
    job.u.CCM.aad = j.in.aad;
    job.u.CCM.aad_len_in_bytes = j.in.aad_size;
    job.src = j.in.text;
    job.dst = j.out;
    job.msg_len_to_cipher_in_bytes = j.in.text_size;
    job.msg_len_to_hash_in_bytes = j.in.text_size;
    job.auth_tag_output = j.tag;
    job.auth_tag_output_len_in_bytes = j.tag_size;
  });
}
bool ccm_seal(void* manager, const ImbCcm* jobs, size_t count) { return ccm(manager, jobs, count, true); }
bool ccm_open(void* manager, const ImbCcm* jobs, size_t count) { return ccm(manager, jobs, count, false); }

constexpr ImbPart kPart = {kImbPartVersion, sizeof(CmacKey), &digest_slot, manager_size, start, cbc_encrypt, cmac,
                           ccm_seal,        ccm_open};

}  // namespace
}  // namespace cm

extern "C" const cm::ImbPart* cm_imb_part() { return &cm::kPart; }
