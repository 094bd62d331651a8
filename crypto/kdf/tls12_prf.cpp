// SPDX-License-Identifier: Apache-2.0
// tls12_prf.cpp: see tls12_prf.h. P_hash of RFC 5246 section 5.
#include "crypto/kdf/tls12_prf.h"

#include "crypto/kdf/prf.h"

namespace cm {

Status tls12_prf(const HmacKey& secret, uint8_t* out, size_t out_size, const uint8_t* label, size_t label_size,
                 const uint8_t* seed, size_t seed_size) {
  if (out_size == 0) return Status::kLength;
  HmacPrf prf(secret);
  const size_t size = prf.size();
  SecretArray<kPrfMaxSize> a, block;
  for (bool first = true; out_size != 0; first = false) {
    prf.begin();  // A(i) = HMAC(A(i - 1)), A(0) = label and seed
    if (first) {
      prf.add(label, label_size);
      prf.add(seed, seed_size);
    } else {
      prf.add(a.expose(), size);
    }
    prf.end(a.expose());
    prf.begin();
    prf.add(a.expose(), size);
    prf.add(label, label_size);
    prf.add(seed, seed_size);
    prf.end(block.expose());
    const size_t take = out_size < size ? out_size : size;
    std::memcpy(out, block.expose(), take);
    out += take;
    out_size -= take;
  }
  return Status::kOk;
}

}  // namespace cm
