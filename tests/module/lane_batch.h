// SPDX-License-Identifier: Apache-2.0
// lane_batch.h: equal jobs with a key each through a batch service, and whether what comes out is what libcrypto says.
#pragma once
#include <cerrno>
#include <deque>

#include "tests/module/fixture.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {

enum class Work : uint8_t { kCbc, kCmac, kSeal, kOpen };
constexpr Work kAllWork[] = {Work::kCbc, Work::kCmac, Work::kSeal, Work::kOpen};

struct LaneBatch {
  struct Message {
    Bytes key, iv, aad, in, out, tag;
  };

  LaneBatch(cm_session session, Work kind, size_t key_size, size_t jobs, size_t bytes, size_t aad_size = 13)
      : work(kind) {
    std::mt19937_64 rng(1000 * jobs + bytes + key_size);
    for (size_t i = 0; i < jobs; ++i) {
      Message& m = messages.emplace_back();
      m = {random_bytes(rng, key_size),
           random_bytes(rng, work == Work::kCbc ? 16 : 12),
           random_bytes(rng, aad_size),
           random_bytes(rng, bytes),
           Bytes(bytes),
           Bytes(16)};
      if (work == Work::kOpen) {
        const Sealed sealed = evp_ccm(m.key, m.iv, m.aad, m.in, 16);
        m.in = sealed.cipher;
        m.tag = sealed.tag;
      }
      const uint32_t algorithm = work == Work::kCbc    ? CM_ALG_AES_CBC
                                 : work == Work::kCmac ? CM_ALG_AES_CMAC
                                                       : CM_ALG_AES_CCM;
      const cm_key_params params = key_params(algorithm);
      if (!CM_SUCCEEDED(cm_key_import(session, &keys.emplace_back(), &params, m.key.data(), m.key.size())))
        std::abort();
    }
    errno = kErrno;
    rc = run(session);
    keeps_errno = errno == kErrno;
    for (const cm_key key : keys) rest = rest == CM_OK ? cm_key_destroy(session, key) : rest;
  }

  bool right() const {
    for (const Message& m : messages) {
      if (work == Work::kCbc && m.out != evp_aes("CBC", m.key, m.iv, m.in, true)) return false;
      if (work == Work::kCmac && m.tag != evp_cmac(m.key, m.in)) return false;
      const bool seals = work == Work::kSeal;
      if (!seals && work != Work::kOpen) continue;
      const Sealed sealed = evp_ccm(m.key, m.iv, m.aad, seals ? m.in : m.out, 16);
      if (sealed.cipher != (seals ? m.out : m.in) || sealed.tag != m.tag) return false;
    }
    return true;
  }

  Work work;
  cm_rc rc = CM_OK;
  cm_rc rest = CM_OK;  // of destroying the keys
  bool keeps_errno = false;
  std::deque<Message> messages;
  std::vector<cm_key> keys;

 private:
  static constexpr int kErrno = 123;
  cm_rc run(cm_session session) {
    std::vector<cm_cipher_job> cipher;
    std::vector<cm_mac_job> mac;
    std::vector<cm_aead_job> aead;
    for (size_t i = 0; i < messages.size(); ++i) {
      Message& m = messages[i];
      const uint32_t flags = work == Work::kSeal ? CM_JOB_CALLER_IV : 0;
      cipher.push_back(
          {keys[i], m.iv.data(), m.iv.size(), m.out.data(), m.out.size(), m.in.data(), m.in.size(), CM_ENCRYPT, 0});
      mac.push_back({keys[i], m.tag.data(), m.tag.size(), m.in.data(), m.in.size(), CM_MAC_COMPUTE, 0});
      aead.push_back({keys[i], m.out.data(), m.out.size(), m.iv.data(), m.iv.size(), m.tag.data(), m.tag.size(),
                      m.aad.data(), m.aad.size(), m.in.data(), m.in.size(), flags, 0});
    }
    if (work == Work::kCbc) return cm_cipher_batch(session, cipher.data(), cipher.size());
    if (work == Work::kCmac) return cm_mac_batch(session, mac.data(), mac.size());
    if (work == Work::kSeal) return cm_aead_seal_batch(session, aead.data(), aead.size());
    return cm_aead_open_batch(session, aead.data(), aead.size());
  }
};

}  // namespace cm::test
