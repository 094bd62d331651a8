// SPDX-License-Identifier: Apache-2.0
// hkdf.cpp: see hkdf.h.
#include "crypto/kdf/hkdf.h"

#include "crypto/kdf/prf.h"

namespace cm {

void hkdf_extract(HashId id, Lane lane, uint8_t* prk, const uint8_t* salt, size_t salt_size, const uint8_t* secret,
                  size_t secret_size) {
  HmacKey key;
  hmac_key_init(key, id, lane, salt, salt_size);  // HMAC fills a short key with zeros, and so an empty one
  hmac(key, prk, secret, secret_size);
  zeroise(&key, sizeof key);
}

Status hkdf_expand(const HmacKey& prk, uint8_t* out, size_t out_size, const uint8_t* info, size_t info_size) {
  const size_t block = hmac_size(prk);
  if (out_size == 0 || out_size > kHkdfMaxBlocks * block) return Status::kLength;
  HmacPrf prf(prk);
  SecretArray<kPrfMaxSize> t;
  for (uint8_t counter = 1; out_size != 0; ++counter) {
    prf.begin();
    if (counter != 1) prf.add(t.expose(), block);
    prf.add(info, info_size);
    prf.add(&counter, 1);
    prf.end(t.expose());
    const size_t take = out_size < block ? out_size : block;
    std::memcpy(out, t.expose(), take);
    out += take;
    out_size -= take;
  }
  return Status::kOk;
}

Status tls13_expand_label(const HmacKey& secret, uint8_t* out, size_t out_size, const uint8_t* label, size_t label_size,
                          const uint8_t* context, size_t context_size) {
  constexpr uint8_t kPrefix[6] = {'t', 'l', 's', '1', '3', ' '};
  if (out_size > 0xffff || label_size == 0 || label_size > kTls13LabelMax || context_size > kTls13ContextMax)
    return Status::kLength;
  uint8_t info[2 + 1 + 255 + 1 + 255];
  size_t n = 0;
  info[n++] = static_cast<uint8_t>(out_size >> 8);
  info[n++] = static_cast<uint8_t>(out_size);
  info[n++] = static_cast<uint8_t>(sizeof kPrefix + label_size);
  std::memcpy(info + n, kPrefix, sizeof kPrefix);
  std::memcpy(info + n + sizeof kPrefix, label, label_size);
  n += sizeof kPrefix + label_size;
  info[n++] = static_cast<uint8_t>(context_size);
  if (context_size != 0) std::memcpy(info + n, context, context_size);
  return hkdf_expand(secret, out, out_size, info, n + context_size);
}

}  // namespace cm
