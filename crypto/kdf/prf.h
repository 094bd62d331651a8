// SPDX-License-Identifier: Apache-2.0
// prf.h: the pseudorandom functions that key derivation is built on (SP 800-108 3.1, SP 800-56C 4.1): HMAC and AES-CMAC
// under a key, message in pieces. Each is begun, fed and ended as often as wanted; what is under way is zeroised.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/base/secret.h"
#include "crypto/cmac/cmac.h"
#include "crypto/hmac/hmac.h"

namespace cm {

inline constexpr size_t kPrfMaxSize = kHashMaxSize;

class HmacPrf {
 public:
  explicit HmacPrf(const HmacKey& key) : key_(key) {}
  ~HmacPrf() { zeroise(&ctx_, sizeof ctx_); }
  HmacPrf(const HmacPrf&) = delete;
  HmacPrf& operator=(const HmacPrf&) = delete;

  size_t size() const { return hmac_size(key_); }
  void begin() { hmac_init(ctx_, key_); }
  void add(const uint8_t* in, size_t in_size) { hmac_update(ctx_, in, in_size); }
  void end(uint8_t* out) { hmac_final(ctx_, out); }

 private:
  const HmacKey& key_;
  Hmac ctx_;
};

class CmacPrf {
 public:
  explicit CmacPrf(const CmacKey& key) : key_(key) {}
  ~CmacPrf() { zeroise(&ctx_, sizeof ctx_); }
  CmacPrf(const CmacPrf&) = delete;
  CmacPrf& operator=(const CmacPrf&) = delete;

  static constexpr size_t size() { return kCmacTag; }
  void begin() { cmac_init(ctx_, key_); }
  void add(const uint8_t* in, size_t in_size) { cmac_update(ctx_, in, in_size); }
  void end(uint8_t* out) { cmac_final(ctx_, out); }

 private:
  const CmacKey& key_;
  CmacState ctx_;
};

}  // namespace cm
