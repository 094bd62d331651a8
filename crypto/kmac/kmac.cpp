// SPDX-License-Identifier: Apache-2.0
// kmac.cpp: see kmac.h. What KMAC is on a sponge is in sp800_185.h.
#include "crypto/kmac/kmac.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/sha3/sp800_185.h"

namespace cm {

void kmac_key_init(KmacKey& key, Lane lane, uint32_t bits, bool xof, const uint8_t* raw, size_t raw_size) {
  CM_CHECK(raw_size <= kKmacMaxKey);
  kmac_init(key.start, lane, bits, raw, raw_size, nullptr, 0);
  key.lane = lane;
  key.xof = xof;
  key.bits = bits;
  key.raw_size = static_cast<uint32_t>(raw_size);
  if (raw_size != 0) std::memcpy(key.raw, raw, raw_size);
}

void kmac_init(Kmac& ctx, const KmacKey& key, const uint8_t* custom, size_t custom_size) {
  if (custom_size == 0)
    ctx.sponge = key.start;
  else
    kmac_init(ctx.sponge, key.lane, key.bits, key.raw, key.raw_size, custom, custom_size);
  ctx.xof = key.xof;
}

void kmac_update(Kmac& ctx, const uint8_t* in, size_t in_size) { sponge_absorb(ctx.sponge, in, in_size); }

void kmac_final(Kmac& ctx, uint8_t* mac, size_t mac_size) {
  kmac_final(ctx.sponge, mac, mac_size, ctx.xof);
  zeroise(&ctx, sizeof ctx);
}

ct::Mask kmac_matches(Kmac& ctx, const uint8_t* mac, size_t mac_size) {
  kmac_finish(ctx.sponge, mac_size, ctx.xof);
  SecretArray<64> piece;
  ct::Mask same = ct::Mask::from_bit(1);
  for (size_t done = 0; done < mac_size;) {
    const size_t take = mac_size - done < piece.size() ? mac_size - done : piece.size();
    sponge_squeeze(ctx.sponge, piece.expose(), take);
    same = same & ct::equal_bytes(piece.expose(), mac + done, take);
    done += take;
  }
  zeroise(&ctx, sizeof ctx);
  return same;
}

}  // namespace cm
