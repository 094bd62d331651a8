// SPDX-License-Identifier: Apache-2.0
// two_step.cpp: see two_step.h.
#include "crypto/kdf/two_step.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"

namespace cm {

Status two_step_hmac(const HmacKey& salt, uint8_t* out, size_t out_size, const uint8_t* secret, size_t secret_size,
                     const KbkdfInput& expansion) {
  SecretArray<kHashMaxSize> k_dk;
  hmac(salt, k_dk.expose(), secret, secret_size);
  HmacKey key;
  hmac_key_init(key, salt.id, salt.lane, k_dk.expose(), hmac_size(salt));
  const Status s = kbkdf_hmac(key, out, out_size, expansion);
  zeroise(&key, sizeof key);
  return s;
}

Status two_step_cmac(const CmacKey& salt, uint8_t* out, size_t out_size, const uint8_t* secret, size_t secret_size,
                     const KbkdfInput& expansion) {
  SecretArray<kCmacTag> k_dk;
  cmac(salt, k_dk.expose(), secret, secret_size);
  CmacKey key;
  Status s = cmac_key_init(key, salt.aes.lane, k_dk.expose(), k_dk.size());
  CM_CHECK(succeeded(s));  // 16 bytes are a key of AES-128
  s = kbkdf_cmac(key, out, out_size, expansion);
  zeroise(&key, sizeof key);
  return s;
}

}  // namespace cm
