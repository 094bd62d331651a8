// SPDX-License-Identifier: Apache-2.0
// rows_batch.cpp: batches of 1, 4, 16 and 64 independent messages, each with a key, an IV and memory of its own.
// libcrypto has no batches: it does one after the other, with a context kept for each key.
#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

constexpr size_t kBatches[] = {1, 4, 16, 64};
constexpr size_t kBatchSizes[] = {64, 1024, 16384};
constexpr size_t kKey = 32;

// Slot: one message of a batch for one contestant. A key of ours goes with it.
struct Slot {
  Work w;
  std::array<uint8_t, 16> iv{};
  const Module* owner = nullptr;
  cm_key key{};

  Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (owner != nullptr) owner->require(owner->f().cm_key_destroy(owner->session(), key), "cm_key_destroy");
  }
};
using Slots = std::shared_ptr<std::vector<Slot>>;

using RawKeys = std::vector<std::array<uint8_t, kKey>>;
RawKeys random_keys(size_t count) {
  RawKeys keys(count);
  for (auto& key : keys) libcrypto_random(key.data(), key.size());
  return keys;
}

Slots slots(const Module* m, uint32_t algorithm, const RawKeys& raw) {
  auto all = std::make_shared<std::vector<Slot>>(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    Slot& slot = (*all)[i];
    slot.iv[15] = static_cast<uint8_t>(i);
    slot.w.iv[11] = static_cast<uint8_t>(i);
    if (m == nullptr) continue;
    slot.key = m->import_key(algorithm, raw[i].data(), kKey);
    slot.owner = m;
  }
  return all;
}

// Batch: what a row needs to know of an operation. ours makes the call of a batch; theirs and mb do the same for a
// peer.
using Ours = std::function<cm_rc()>;
using Theirs = std::function<void()>;

Runner repeat_theirs(const Theirs& call) {
  return [call](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) call();
  };
}

// ---- one operation each: our jobs

Ours cipher_batch(const Module& m, const Slots& all, size_t size) {
  auto jobs = std::make_shared<std::vector<cm_cipher_job>>();
  for (Slot& s : *all)
    jobs->push_back(
        {s.key, s.iv.data(), s.iv.size(), s.w.out.data(), s.w.out.size(), s.w.in.data(), size, CM_ENCRYPT, CM_OK});
  return [&m, all, jobs] { return m.f().cm_cipher_batch(m.session(), jobs->data(), jobs->size()); };
}

Ours mac_batch(const Module& m, const Slots& all, size_t size) {
  auto jobs = std::make_shared<std::vector<cm_mac_job>>();
  for (Slot& s : *all) jobs->push_back({s.key, s.w.tag.data(), kTag, s.w.in.data(), size, CM_MAC_COMPUTE, CM_OK});
  return [&m, all, jobs] { return m.f().cm_mac_batch(m.session(), jobs->data(), jobs->size()); };
}

// The caller's IV, so that results can be compared; for GCM that is not approved, which is not looked at here.
Ours seal_batch(const Module& m, const Slots& all, size_t size) {
  auto jobs = std::make_shared<std::vector<cm_aead_job>>();
  for (Slot& s : *all)
    jobs->push_back({s.key, s.w.out.data(), s.w.out.size(), s.w.iv.data(), kIv, s.w.tag.data(), kTag, s.w.aad.data(),
                     kAad, s.w.in.data(), size, CM_JOB_CALLER_IV, CM_OK});
  return [&m, all, jobs] {
    const cm_rc rc = m.f().cm_aead_seal_batch(m.session(), jobs->data(), jobs->size());
    return rc == CM_NOT_APPROVED_CALLER_IV ? CM_OK : rc;
  };
}

// ---- theirs

Theirs libcrypto_cipher(const char* name, const RawKeys& raw, const Slots& all, size_t size) {
  std::vector<std::shared_ptr<LibcryptoCipher>> peers;
  for (const auto& key : raw) peers.push_back(std::make_shared<LibcryptoCipher>(name, key.data(), true));
  return [peers, all, size] {
    for (size_t i = 0; i < peers.size(); ++i) {
      Slot& s = (*all)[i];
      peers[i]->crypt(s.w.out.data(), s.iv.data(), s.w.in.data(), size);
    }
  };
}

Theirs libcrypto_cmac(const RawKeys& raw, const Slots& all, size_t size) {
  std::vector<std::shared_ptr<LibcryptoCmac>> peers;
  for (const auto& key : raw) peers.push_back(std::make_shared<LibcryptoCmac>(key.data(), kKey));
  return [peers, all, size] {
    for (size_t i = 0; i < peers.size(); ++i) {
      Slot& s = (*all)[i];
      peers[i]->compute(s.w.tag.data(), s.w.in.data(), size);
    }
  };
}

template <class Peer, class Make>
Theirs libcrypto_seal(const RawKeys& raw, const Slots& all, size_t size, const Make& make) {
  std::vector<std::shared_ptr<Peer>> peers;
  for (const auto& key : raw) peers.push_back(make(key.data()));
  return [peers, all, size] {
    for (size_t i = 0; i < peers.size(); ++i) {
      Slot& s = (*all)[i];
      peers[i]->seal(s.w.out.data(), s.w.tag.data(), s.w.iv.data(), s.w.aad.data(), kAad, s.w.in.data(), size);
    }
  };
}

#if defined(CM_HAVE_IPSEC_MB)
Theirs mb_jobs(IpsecMb::Work work, const RawKeys& raw, const Slots& all, size_t size) {
  std::vector<std::shared_ptr<IpsecMb::AesKey>> keys;
  std::vector<IpsecMb::Job> jobs;
  const bool aead = work == IpsecMb::Work::kCcmSeal;
  for (size_t i = 0; i < raw.size(); ++i) {
    Slot& s = (*all)[i];
    keys.push_back(ipsec_mb().aes_key(raw[i].data(), kKey));
    jobs.push_back({keys.back().get(), aead ? s.w.iv.data() : s.iv.data(), s.w.aad.data(), kAad, s.w.in.data(), size,
                    s.w.out.data(), s.w.tag.data()});
  }
  return [work, keys, jobs, all] { ipsec_mb().run(work, jobs.data(), jobs.size()); };
}

Theirs mb_gcm(const RawKeys& raw, const Slots& all, size_t size) {
  std::vector<std::shared_ptr<IpsecMb::GcmKey>> keys;
  for (const auto& key : raw) keys.push_back(ipsec_mb().gcm_key(key.data(), kKey));
  return [keys, all, size] {
    for (size_t i = 0; i < keys.size(); ++i) {
      Slot& s = (*all)[i];
      ipsec_mb().seal(*keys[i], s.w.out.data(), s.w.tag.data(), s.w.iv.data(), s.w.aad.data(), kAad, s.w.in.data(),
                      size);
    }
  };
}
#endif

// ---- rows

enum class Kind : uint8_t { kCbc, kCtr, kXts, kCmac, kCcm, kGcm };
struct BatchRow {
  const char* name;
  Kind kind;
  uint32_t algorithm;
};
// XTS-AES-128 is the XTS whose whole key has 32 bytes.
constexpr BatchRow kBatchRows[] = {
    {"aes-256-cbc-encrypt-batch", Kind::kCbc, CM_ALG_AES_CBC},
    {"aes-256-cmac-batch", Kind::kCmac, CM_ALG_AES_CMAC},
    {"aes-256-ccm-seal-batch", Kind::kCcm, CM_ALG_AES_CCM},
    {"aes-256-gcm-seal-batch", Kind::kGcm, CM_ALG_AES_GCM},
    {"aes-256-ctr-batch", Kind::kCtr, CM_ALG_AES_CTR},
    {"aes-128-xts-encrypt-batch", Kind::kXts, CM_ALG_AES_XTS},
};

Ours ours(const Module& m, Kind kind, const Slots& all, size_t size) {
  if (kind == Kind::kCmac) return mac_batch(m, all, size);
  return kind == Kind::kCcm || kind == Kind::kGcm ? seal_batch(m, all, size) : cipher_batch(m, all, size);
}

Theirs libcrypto(Kind kind, const RawKeys& raw, const Slots& all, size_t size) {
  switch (kind) {
    case Kind::kCbc:
      return libcrypto_cipher("AES-256-CBC", raw, all, size);
    case Kind::kCtr:
      return libcrypto_cipher("AES-256-CTR", raw, all, size);
    case Kind::kXts:
      return libcrypto_cipher("AES-128-XTS", raw, all, size);
    case Kind::kCmac:
      return libcrypto_cmac(raw, all, size);
    case Kind::kCcm:
      return libcrypto_seal<LibcryptoAead>(
          raw, all, size, [](const uint8_t* key) { return std::make_shared<LibcryptoAead>("AES-256-CCM", key); });
    case Kind::kGcm:
      return libcrypto_seal<LibcryptoGcm>(raw, all, size,
                                          [](const uint8_t* key) { return std::make_shared<LibcryptoGcm>(key, kKey); });
  }
  return {};
}

#if defined(CM_HAVE_IPSEC_MB)
// libipsec_mb: empty where it has no such operation.
Theirs libipsec_mb(Kind kind, const RawKeys& raw, const Slots& all, size_t size) {
  switch (kind) {
    case Kind::kCbc:
      return mb_jobs(IpsecMb::Work::kCbcEncrypt, raw, all, size);
    case Kind::kCtr:
      return mb_jobs(IpsecMb::Work::kCtr, raw, all, size);
    case Kind::kCmac:
      return mb_jobs(IpsecMb::Work::kCmac, raw, all, size);
    case Kind::kCcm:
      return mb_jobs(IpsecMb::Work::kCcmSeal, raw, all, size);
    case Kind::kGcm:
      return mb_gcm(raw, all, size);
    case Kind::kXts:
      break;
  }
  return {};
}
#endif

void expect_same(const Slots& a, const Slots& b, const std::string& what) {
  for (size_t i = 0; i < a->size(); ++i) expect((*a)[i].w.out == (*b)[i].w.out && (*a)[i].w.tag == (*b)[i].w.tag, what);
}

Row batch_row(Modules modules, const BatchRow& batch, size_t count, size_t size) {
  Row row;
  row.name = batch.name;
  row.bytes = size;
  row.batch = count;
  const RawKeys raw = random_keys(count);
  const Slots memory[kContestants] = {slots(modules[0], batch.algorithm, raw), slots(modules[1], batch.algorithm, raw),
                                      slots(nullptr, 0, raw), slots(nullptr, 0, raw)};
  const Ours calls[2] = {ours(*modules[0], batch.kind, memory[0], size),
                         ours(*modules[1], batch.kind, memory[1], size)};
  for (size_t i = 0; i < 2; ++i) row.runners[i] = repeat(*modules[i], batch.name, calls[i]);
  const Theirs openssl = libcrypto(batch.kind, raw, memory[kOpenssl], size);
  row.runners[kOpenssl] = repeat_theirs(openssl);
  Theirs mb;
#if defined(CM_HAVE_IPSEC_MB)
  mb = libipsec_mb(batch.kind, raw, memory[kIpsecMb], size);
  if (mb) row.runners[kIpsecMb] = repeat_theirs(mb);
#endif
  row.check = [name = row.name, ours0 = calls[0], ours1 = calls[1], openssl, mb, a = memory[0], b = memory[1],
               c = memory[2], d = memory[3]] {
    expect(ours0() == CM_OK && ours1() == CM_OK, name);
    openssl();
    expect_same(a, b, name);
    expect_same(a, c, name);
    if (!mb) return;
    mb();
    expect_same(a, d, name + " of libipsec-mb");
  };
  return row;
}

}  // namespace

void add_batch_rows(std::vector<RowMaker>& rows, Modules modules) {
  for (const BatchRow& batch : kBatchRows)
    for (const size_t size : kBatchSizes)
      for (const size_t count : kBatches) rows.emplace_back([=] { return batch_row(modules, batch, count, size); });
}

}  // namespace cm::bench
