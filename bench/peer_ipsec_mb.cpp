// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb.cpp: see peer_ipsec_mb.h.
#include "bench/peer_ipsec_mb_manager.h"

#include <cstring>
#include <stdexcept>

namespace cm::bench {

struct IpsecMb::GcmKey {
  alignas(64) gcm_key_data data;
  size_t size;
};
struct IpsecMb::HmacKey {
  alignas(16) uint8_t inner[IMB_SHA256_DIGEST_SIZE_IN_BYTES];
  alignas(16) uint8_t outer[IMB_SHA256_DIGEST_SIZE_IN_BYTES];
};

IpsecMb::IpsecMb() : manager_(new Manager{alloc_mb_mgr(0)}) {
  if (manager_->mb == nullptr) throw std::runtime_error("libipsec-mb: no manager");
  init_mb_mgr_auto(manager_->mb, nullptr);
}
IpsecMb::~IpsecMb() { free_mb_mgr(manager_->mb); }
std::string IpsecMb::version() const { return std::string("libipsec-mb ") + imb_get_version_str(); }

std::shared_ptr<IpsecMb::GcmKey> IpsecMb::gcm_key(const uint8_t* key, size_t key_size) const {
  auto out = std::make_shared<GcmKey>();
  out->size = key_size;
  if (key_size == 16) {
    IMB_AES128_GCM_PRE(manager_->mb, key, &out->data);
  } else {
    IMB_AES256_GCM_PRE(manager_->mb, key, &out->data);
  }
  return out;
}

std::shared_ptr<IpsecMb::HmacKey> IpsecMb::hmac_key(const uint8_t* key, size_t key_size) const {
  constexpr size_t kBlock = 64;
  if (key_size > kBlock) throw std::runtime_error("libipsec-mb: HMAC key longer than a block");
  auto out = std::make_shared<HmacKey>();
  uint8_t block[kBlock] = {};
  std::memcpy(block, key, key_size);
  for (uint8_t& b : block) b ^= 0x36;
  IMB_SHA256_ONE_BLOCK(manager_->mb, block, out->inner);
  for (uint8_t& b : block) b ^= 0x36 ^ 0x5c;
  IMB_SHA256_ONE_BLOCK(manager_->mb, block, out->outer);
  return out;
}

void IpsecMb::seal(const GcmKey& key, uint8_t* out, uint8_t* tag, const uint8_t* iv, const uint8_t* aad,
                   size_t aad_size, const uint8_t* in, size_t in_size) const {
  gcm_context_data context;
  if (key.size == 16) {
    IMB_AES128_GCM_ENC(manager_->mb, &key.data, &context, out, in, in_size, iv, aad, aad_size, tag, 16);
  } else {
    IMB_AES256_GCM_ENC(manager_->mb, &key.data, &context, out, in, in_size, iv, aad, aad_size, tag, 16);
  }
}

bool IpsecMb::open(const GcmKey& key, uint8_t* out, const uint8_t* tag, const uint8_t* iv, const uint8_t* aad,
                   size_t aad_size, const uint8_t* in, size_t in_size) const {
  gcm_context_data context;
  uint8_t computed[16];
  if (key.size == 16) {
    IMB_AES128_GCM_DEC(manager_->mb, &key.data, &context, out, in, in_size, iv, aad, aad_size, computed, 16);
  } else {
    IMB_AES256_GCM_DEC(manager_->mb, &key.data, &context, out, in, in_size, iv, aad, aad_size, computed, 16);
  }
  return std::memcmp(computed, tag, sizeof computed) == 0;
}

void IpsecMb::sha256(uint8_t* digest, const uint8_t* in, size_t in_size) const {
  IMB_SHA256(manager_->mb, in, in_size, digest);
}

void IpsecMb::hmac_sha256(const HmacKey& key, uint8_t* mac, const uint8_t* in, size_t in_size) const {
  IMB_JOB job{};
  job.src = in;
  job.hash_start_src_offset_in_bytes = 0;
  job.msg_len_to_hash_in_bytes = in_size;
  job.auth_tag_output = mac;
  job.auth_tag_output_len_in_bytes = IMB_SHA256_DIGEST_SIZE_IN_BYTES;
  job.u.HMAC._hashed_auth_key_xor_ipad = key.inner;
  job.u.HMAC._hashed_auth_key_xor_opad = key.outer;
  job.hash_alg = IMB_AUTH_HMAC_SHA_256;
  if (IMB_SUBMIT_HASH_BURST(manager_->mb, &job, 1, IMB_AUTH_HMAC_SHA_256) != 1)
    throw std::runtime_error("libipsec-mb: HMAC");
}

}  // namespace cm::bench
