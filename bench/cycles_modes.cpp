// SPDX-License-Identifier: Apache-2.0
// cycles_modes.cpp: points of the kernels behind single messages of the AES modes and of ChaCha20-Poly1305. A mode
// whose blocks depend on each other is bounded by the latency of the rounds, the others by how many the processor does
// at once.
#include <fmt/format.h>

#include "bench/cycles.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/aes/aes_modes.h"
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "crypto/xts/xts.h"

namespace cm::bench {
namespace {

// ModePoint: a function of aes_modes.h. serial: bounded by one block after the other.
struct ModePoint {
  const char* name;
  bool serial;
  void (*call)(const AesKey& key, uint8_t* iv, uint8_t* out, const uint8_t* in, size_t count);
};

void cbc_mac(const AesKey& key, uint8_t* mac, uint8_t*, const uint8_t* in, size_t count) {
  aes_cbc_mac(key, mac, in, count);
}
void ccm_encrypt(const AesKey& key, uint8_t* mac, uint8_t* out, const uint8_t* in, size_t count) {
  uint8_t counter[kAesBlock] = {};
  aes_ccm_encrypt(key, counter, mac, out, in, count);
}

constexpr ModePoint kModePoints[] = {
    {"ctr", false, aes_ctr},
    {"cbc-encrypt", true, aes_cbc_encrypt},
    {"cbc-decrypt", false, aes_cbc_decrypt},
    {"cfb128-encrypt", true, aes_cfb128_encrypt},
    {"cfb128-decrypt", false, aes_cfb128_decrypt},
    {"ofb", true, aes_ofb},
    {"xts-encrypt", false, aes_xts_encrypt},
    {"xts-decrypt", false, aes_xts_decrypt},
    {"cbc-mac", true, cbc_mac},
    {"ccm-encrypt", true, ccm_encrypt},
};

Status counter_key_init(AesKey& key, Lane lane, const uint8_t* raw, size_t raw_size) {
  const Status s = aes_key_init(key, lane, raw, raw_size);
  if (succeeded(s)) aes_make_columns(key);
  return s;
}

}  // namespace

void add_modes(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kAesKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const AesKey& key = key_of<AesKey>(row.lane, bits / 8, counter_key_init);
      const double wide = bound_of(bits == 128 ? Mix::kAes128 : Mix::kAes256, row.lane, ghz);
      const double serial = row.lane == Lane::kPortable ? 0 : kAesBlock / cycles_of_block(bits == 128 ? 10 : 14, ghz);
      for (const ModePoint& mode : kModePoints)
        for (const size_t n : kSizes)
          points.push_back({fmt::format("aes-{}-{}", bits, mode.name),
                            row.lane,
                            n,
                            mode.serial ? serial : wide,
                            [&key, &mode, n] {
                              mode.call(key, buffers.side.data(), buffers.out.data(), buffers.in.data(), n / kAesBlock);
                            },
                            {}});
    }
  }
}

void add_chacha(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kChaChaKernels) {
    if (!runs(row)) continue;
    const ChaChaKey& key = key_of<ChaChaKey>(row.lane, kChaChaKeySize, chacha_key_init);
    const double bound = bytes_of_chacha_cycle(row.lane, ghz);
    for (const size_t n : kSizes) {
      const ChaChaInput in{buffers.side.data(), buffers.in.data(), 13, buffers.in.data(), n};
      points.push_back({"chacha20-poly1305-seal",
                        row.lane,
                        n,
                        bound,
                        [&key, in] { chacha_seal(key, buffers.out.data(), buffers.tag.data(), in); },
                        {}});
    }
  }
}

}  // namespace cm::bench
