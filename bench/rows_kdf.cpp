// SPDX-License-Identifier: Apache-2.0
// rows_kdf.cpp: key derivation. What our services derive is a key object, whose bytes never leave the module; it is
// destroyed when the clock has stopped. The comparison of results takes the MAC of a message under the derived key.
#include <vector>

#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

constexpr uint32_t kIterations = 1000;  // the least of SP 800-132
constexpr size_t kDerived = 32;
constexpr size_t kSalt = 16, kSecret = 24, kInfo = 16;

using Derived = std::array<uint8_t, kDerived>;

// The inputs of derivation i lie one after the other in a Work.
const uint8_t* secret(const Work& w, size_t i) { return w.in.data() + i * 64; }
const uint8_t* salt(const Work& w, size_t i) { return secret(w, i) + kSecret; }
const uint8_t* info(const Work& w, size_t i) { return salt(w, i) + kSalt; }

cm_key_params wanted() {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = CM_ALG_HMAC_SHA256;
  params.bits = 8 * kDerived;
  return params;
}

cm_kdf_params derivation(uint32_t function, const Work& w, size_t i) {
  cm_kdf_params kdf{};
  kdf.struct_size = sizeof kdf;
  kdf.function = function;
  kdf.hash = CM_HASH_SHA256;
  kdf.input = secret(w, i);
  kdf.input_size = kSecret;
  kdf.salt = salt(w, i);
  kdf.salt_size = kSalt;
  if (function == CM_KDF_PBKDF2) {
    kdf.iterations = kIterations;
  } else {
    kdf.context = info(w, i);
    kdf.context_size = kInfo;
  }
  return kdf;
}

// ---- ours: `count` keys in one call

using Derive = std::function<std::vector<cm_key>(const Module&, const Work&)>;

Derive one_by_one(uint32_t function) {
  return [function](const Module& m, const Work& w) {
    const cm_key_params params = wanted();
    const cm_kdf_params kdf = derivation(function, w, 0);
    std::vector<cm_key> keys(1);
    m.require(m.f().cm_kdf_derive(m.session(), keys.data(), &params, &kdf), "cm_kdf_derive");
    return keys;
  };
}

Derive together(uint32_t function, size_t count) {
  return [function, count](const Module& m, const Work& w) {
    std::vector<cm_kdf_job> jobs(count);
    for (size_t i = 0; i < count; ++i) jobs[i] = {derivation(function, w, i), wanted(), {}, 0};
    m.require(m.f().cm_kdf_batch(m.session(), jobs.data(), count), "cm_kdf_batch");
    std::vector<cm_key> keys;
    keys.reserve(count);
    for (const cm_kdf_job& job : jobs) keys.push_back(job.key);
    return keys;
  };
}

cm_rc destroy(const Module& m, const std::vector<cm_key>& keys) {
  cm_rc all = CM_OK;
  for (const cm_key key : keys) all |= m.f().cm_key_destroy(m.session(), key);
  return all;
}

// ---- libcrypto's

using Peer = std::function<std::vector<Derived>(const Work&)>;

Peer pbkdf2_peer(size_t count) {
  return [count](const Work& w) {
    std::vector<Derived> out(count);
    std::vector<LibcryptoPassword> passwords;
    passwords.reserve(count);
    for (size_t i = 0; i < count; ++i) passwords.push_back({secret(w, i), kSecret, salt(w, i), kSalt, out[i].data()});
    libcrypto_pbkdf2(passwords.data(), count, kIterations, kDerived);
    return out;
  };
}

Peer hkdf_peer() {
  return [peer = std::make_shared<LibcryptoHkdf>("sha-256")](const Work& w) {
    std::vector<Derived> out(1);
    peer->derive(out[0].data(), kDerived, secret(w, 0), kSecret, salt(w, 0), kSalt, info(w, 0), kInfo);
    return out;
  };
}

void check(const Module& m, const Derive& derive, const Peer& peer, const std::string& title) {
  const Work w;
  const std::vector<Derived> expected = peer(w);
  const std::vector<cm_key> keys = derive(m, w);
  for (size_t i = 0; i < keys.size(); ++i) {
    std::array<uint8_t, kDigest> right{}, mac{};
    LibcryptoHmac("sha-256", expected[i].data(), kDerived).compute(right.data(), w.in.data(), 64);
    m.require(m.f().cm_mac_compute(m.session(), keys[i], mac.data(), kDerived, w.in.data(), 64), "cm_mac_compute");
    expect(mac == right, title);
  }
  m.require(destroy(m, keys), "cm_key_destroy");
}

// kdf_row: bytes: those of a key.
Row kdf_row(Modules modules, const char* name, size_t count, const Derive& derive, const Peer& peer) {
  Row row;
  row.name = name;
  row.bytes = kDerived;
  row.batch = count;
  // Keys that were made and not destroyed yet: the store holds 1024, and those of the other rows lie there too.
  row.jobs_max = 256 / count;
  const auto made = std::make_shared<std::array<std::vector<cm_key>, 2>>();
  for (size_t i = 0; i < 2; ++i) {
    std::vector<cm_key>& keys = (*made)[i];
    keys.reserve(1024);
    row.runners[i] = repeat(*modules[i], name, [made, &keys, &m = *modules[i], derive, w = work()] {
      for (const cm_key key : derive(m, *w)) keys.push_back(key);
      return CM_OK;
    });
  }
  row.after = [made, modules, name] {
    for (size_t i = 0; i < 2; ++i) {
      modules[i]->require(destroy(*modules[i], (*made)[i]), name);
      (*made)[i].clear();
    }
  };
  row.runners[kOpenssl] = [peer, w = work()](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) static_cast<void>(peer(*w));
  };
  row.check = [=] {
    for (const Module* m : modules) check(*m, derive, peer, name);
  };
  return row;
}

}  // namespace

void add_kdf_rows(std::vector<RowMaker>& rows, Modules modules) {
  constexpr size_t kPasswords = 16;
  rows.emplace_back([=] { return kdf_row(modules, "hkdf-sha-256", 1, one_by_one(CM_KDF_HKDF), hkdf_peer()); });
  rows.emplace_back(
      [=] { return kdf_row(modules, "pbkdf2-hmac-sha-256", 1, one_by_one(CM_KDF_PBKDF2), pbkdf2_peer(1)); });
  rows.emplace_back([=] {
    return kdf_row(modules, "pbkdf2-hmac-sha-256-batch", kPasswords, together(CM_KDF_PBKDF2, kPasswords),
                   pbkdf2_peer(kPasswords));
  });
}

}  // namespace cm::bench
