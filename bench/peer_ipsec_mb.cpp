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

}  // namespace cm::bench
