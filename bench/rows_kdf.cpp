// SPDX-License-Identifier: Apache-2.0
// rows_kdf.cpp: key derivation. What our services derive is a key object, and it is destroyed in the same call: its
// bytes never leave the module. The comparison of results takes the MAC of a message under the derived key.
#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

constexpr uint32_t kIterations = 1000;  // the least of SP 800-132
constexpr size_t kDerived = 32;
constexpr size_t kSalt = 16, kPassword = 24;

cm_key derive(const Module& m, const Work& w) {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = CM_ALG_HMAC_SHA256;
  params.bits = 8 * kDerived;
  cm_key key{};
  m.require(m.f().cm_key_derive_pbkdf2(m.session(), &key, &params, w.in.data(), kPassword, w.in.data() + kPassword,
                                       kSalt, kIterations),
            "cm_key_derive_pbkdf2");
  return key;
}

cm_rc derive_and_destroy(const Module& m, const Work& w) { return m.f().cm_key_destroy(m.session(), derive(m, w)); }

void check_derived(const Module& m, const std::array<uint8_t, kDerived>& derived) {
  const Work w;
  std::array<uint8_t, kDigest> expected{}, mac{};
  LibcryptoHmac("sha-256", derived.data(), derived.size()).compute(expected.data(), w.in.data(), 64);
  const cm_key key = derive(m, w);
  m.require(m.f().cm_mac_compute(m.session(), key, mac.data(), kDerived, w.in.data(), 64), "cm_mac_compute");
  m.require(m.f().cm_key_destroy(m.session(), key), "cm_key_destroy");
  expect(mac == expected, "PBKDF2");
}

// pbkdf2_row: of one password. bytes: those of the key.
Row pbkdf2_row(Modules modules) {
  Row row;
  row.name = "pbkdf2-hmac-sha-256";
  row.bytes = kDerived;
  for (size_t i = 0; i < 2; ++i) {
    const Module& m = *modules[i];
    row.runners[i] = repeat(m, "cm_key_derive_pbkdf2", [&m, w = work()] { return derive_and_destroy(m, *w); });
  }
  const auto peer = [](const Work& w) {
    std::array<uint8_t, kDerived> out{};
    const LibcryptoPassword one{w.in.data(), kPassword, w.in.data() + kPassword, kSalt, out.data()};
    libcrypto_pbkdf2(&one, 1, kIterations, kDerived);
    return out;
  };
  row.runners[kOpenssl] = [peer, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) static_cast<void>(peer(*w));
  };
  row.check = [peer, m0 = modules[0], m1 = modules[1]] {
    const auto derived = peer(Work());
    for (const Module* m : {m0, m1}) check_derived(*m, derived);
  };
  return row;
}

}  // namespace

void add_kdf_rows(std::vector<RowMaker>& rows, Modules modules) {
  rows.emplace_back([=] { return pbkdf2_row(modules); });
}

}  // namespace cm::bench
