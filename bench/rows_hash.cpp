// SPDX-License-Identifier: Apache-2.0
// rows_hash.cpp: hash functions and HMAC, one message and batches of independent ones. libcrypto has no batches: it
// does one after the other, HMAC with a context kept for each key.
#include "bench/peer_libcrypto.h"
#include "bench/work.h"

namespace cm::bench {
namespace {

constexpr size_t kHashSizes[] = {64, 1024, 16384};
constexpr size_t kHashBatches[] = {1, 8, 16, 64};

struct HashSpec {
  const char* name;  // of the row, and of libcrypto
  uint32_t hash;
  uint32_t hmac;
  size_t digest;
  int mb;  // IpsecMb::Hash, kNone where libipsec-mb has none
};
constexpr int kNone = -1, kMbSha1 = 0, kMbSha256 = 1, kMbSha512 = 2;
constexpr HashSpec kSpecs[] = {
    {"sha-1", CM_HASH_SHA1, CM_ALG_HMAC_SHA1, 20, kMbSha1},
    {"sha-256", CM_HASH_SHA256, CM_ALG_HMAC_SHA256, 32, kMbSha256},
    {"sha-512", CM_HASH_SHA512, CM_ALG_HMAC_SHA512, 64, kMbSha512},
    {"sha3-256", CM_HASH_SHA3_256, CM_ALG_HMAC_SHA3_256, 32, kNone},
};

using Key = std::array<uint8_t, 32>;
Key random_key() {
  Key key{};
  libcrypto_random(key.data(), key.size());
  return key;
}

using Works = std::shared_ptr<std::vector<Work>>;
using Batch = std::function<cm_rc()>;

#if defined(CM_HAVE_IPSEC_MB)
static_assert(kMbSha1 == static_cast<int>(IpsecMb::Hash::kSha1) &&
              kMbSha256 == static_cast<int>(IpsecMb::Hash::kSha256) &&
              kMbSha512 == static_cast<int>(IpsecMb::Hash::kSha512));

// mb_batch: keys: one for each of works, or none for a hash.
Batch mb_batch(const HashSpec& spec, const std::vector<Key>& keys, const Works& works, size_t size) {
  if (spec.mb == kNone) return {};
  const auto hash = static_cast<IpsecMb::Hash>(spec.mb);
  std::vector<IpsecMb::HashJob> jobs;
  jobs.reserve(works->size());
  for (size_t i = 0; i < works->size(); ++i) {
    Work& w = (*works)[i];
    const auto key = keys.empty() ? nullptr : ipsec_mb().hmac_key(hash, keys[i].data(), keys[i].size());
    jobs.push_back({key, w.in.data(), size, w.digest.data()});
  }
  return [works, run = ipsec_mb().hasher(hash, jobs)] {
    run();
    return CM_OK;
  };
}
#else
Batch mb_batch(const HashSpec&, const std::vector<Key>&, const Works&, size_t) { return {}; }
#endif

Runner repeat_peer(const Batch& call) {
  return [call](size_t jobs) {
    for (size_t i = 0; i < jobs; ++i) static_cast<void>(call());
  };
}

// OneByMb: libipsec-mb's batch of one, and the memory it works on.
struct OneByMb {
  Works works;
  Batch run;
};
OneByMb one_by_mb(const HashSpec& spec, const std::vector<Key>& keys, size_t size) {
  const auto works = std::make_shared<std::vector<Work>>(1);
  return {works, mb_batch(spec, keys, works, size)};
}

// digest_row: rows whose result must be the same everywhere. once[i] computes into a Work's digest.
using Once = std::function<cm_rc(Work&)>;
Row digest_row(std::string name, size_t size, const std::array<Once, 3>& once, const OneByMb& mb) {
  Row row;
  row.name = std::move(name);
  row.bytes = size;
  for (size_t i = 0; i < once.size(); ++i)
    row.runners[i] = [run = once[i], w = work()](size_t jobs) {
      cm_rc all = CM_OK;
      for (size_t job = 0; job < jobs; ++job) all |= run(*w);
      if (all != CM_OK) throw std::runtime_error("a digest failed while it was timed");
    };
  if (mb.run) row.runners[kIpsecMb] = repeat_peer(mb.run);
  row.check = [once, mb, title = row.name] {
    Work expected;
    expect(once[kOpenssl](expected) == CM_OK, title + " by libcrypto");
    for (const Once& run : once) {
      Work w;
      expect(run(w) == CM_OK && w.digest == expected.digest, title);
    }
    if (!mb.run) return;
    static_cast<void>(mb.run());
    expect(mb.works->front().digest == expected.digest, title + " by libipsec-mb");
  };
  return row;
}

Row hash_row(Modules modules, const HashSpec& spec, size_t size) {
  std::array<Once, 3> once;
  for (size_t i = 0; i < 2; ++i)
    once[i] = [&m = *modules[i], spec, size](Work& w) {
      return m.f().cm_hash_compute(m.session(), spec.hash, w.digest.data(), kDigest, w.in.data(), size);
    };
  once[kOpenssl] = [peer = std::make_shared<LibcryptoDigest>(spec.name), size](Work& w) {
    peer->compute(w.digest.data(), w.in.data(), size);
    return CM_OK;
  };
  return digest_row(spec.name, size, once, one_by_mb(spec, {}, size));
}

Row hmac_row(Modules modules, const HashSpec& spec, size_t size) {
  const Key raw = random_key();
  std::array<Once, 3> once;
  for (size_t i = 0; i < 2; ++i)
    once[i] = [&m = *modules[i], key = modules[i]->import_key(spec.hmac, raw.data(), raw.size()), spec, size](Work& w) {
      return m.f().cm_mac_compute(m.session(), key, w.digest.data(), spec.digest, w.in.data(), size);
    };
  once[kOpenssl] = [peer = std::make_shared<LibcryptoHmac>(spec.name, raw.data(), raw.size()), size](Work& w) {
    peer->compute(w.digest.data(), w.in.data(), size);
    return CM_OK;
  };
  return digest_row(std::string("hmac-") + spec.name, size, once, one_by_mb(spec, {raw}, size));
}

// ---- batches

// Memory, Calls: of each contestant; no call where libipsec-mb has none.
using Memory = std::array<Works, kContestants>;
using Calls = std::array<Batch, kContestants>;

Row batch_row(std::string name, size_t size, size_t count, const Memory& memory, const Calls& calls, Modules modules) {
  Row row;
  row.name = std::move(name);
  row.bytes = size;
  row.batch = count;
  for (size_t i = 0; i < 2; ++i) row.runners[i] = repeat(*modules[i], "a batch", calls[i]);
  row.runners[kOpenssl] = repeat_peer(calls[kOpenssl]);
  if (calls[kIpsecMb]) row.runners[kIpsecMb] = repeat_peer(calls[kIpsecMb]);
  row.check = [title = row.name, memory, calls] {
    for (size_t c = 0; c < kContestants; ++c) {
      if (calls[c]) expect(calls[c]() == CM_OK, title);
    }
    for (size_t c = 0; c < kContestants; ++c)
      for (size_t i = 0; calls[c] && i < memory[c]->size(); ++i)
        expect((*memory[c])[i].digest == (*memory[kOpenssl])[i].digest, title);
  };
  return row;
}

Row hash_batch_row(Modules modules, const HashSpec& spec, size_t size, size_t count) {
  Memory memory;
  Calls calls;
  for (Works& works : memory) works = std::make_shared<std::vector<Work>>(count);
  for (size_t i = 0; i < 2; ++i) {
    auto jobs = std::make_shared<std::vector<cm_hash_job>>();
    for (Work& w : *memory[i]) jobs->push_back({spec.hash, CM_OK, w.digest.data(), kDigest, w.in.data(), size});
    calls[i] = [&m = *modules[i], jobs, works = memory[i]] {
      return m.f().cm_hash_batch(m.session(), jobs->data(), jobs->size());
    };
  }
  calls[kIpsecMb] = mb_batch(spec, {}, memory[kIpsecMb], size);
  calls[kOpenssl] = [peer = std::make_shared<LibcryptoDigest>(spec.name), works = memory[kOpenssl], size] {
    for (Work& w : *works) peer->compute(w.digest.data(), w.in.data(), size);
    return CM_OK;
  };
  return batch_row(std::string(spec.name) + "-batch", size, count, memory, calls, modules);
}

Row hmac_batch_row(Modules modules, const HashSpec& spec, size_t size, size_t count) {
  Memory memory;
  Calls calls;
  std::vector<Key> raw(count);
  for (Key& key : raw) key = random_key();
  for (Works& works : memory) works = std::make_shared<std::vector<Work>>(count);
  for (size_t i = 0; i < 2; ++i) {
    auto jobs = std::make_shared<std::vector<cm_mac_job>>();
    for (size_t k = 0; k < count; ++k) {
      Work& w = (*memory[i])[k];
      const cm_key key = modules[i]->import_key(spec.hmac, raw[k].data(), raw[k].size());
      jobs->push_back({key, w.digest.data(), spec.digest, w.in.data(), size, CM_MAC_COMPUTE, CM_OK});
    }
    calls[i] = [&m = *modules[i], jobs, works = memory[i]] {
      return m.f().cm_mac_batch(m.session(), jobs->data(), jobs->size());
    };
  }
  std::vector<std::shared_ptr<LibcryptoHmac>> peers;
  peers.reserve(raw.size());
  for (const Key& key : raw) peers.push_back(std::make_shared<LibcryptoHmac>(spec.name, key.data(), key.size()));
  calls[kIpsecMb] = mb_batch(spec, raw, memory[kIpsecMb], size);
  calls[kOpenssl] = [peers, works = memory[kOpenssl], size] {
    for (size_t k = 0; k < peers.size(); ++k) peers[k]->compute((*works)[k].digest.data(), (*works)[k].in.data(), size);
    return CM_OK;
  };
  return batch_row(std::string("hmac-") + spec.name + "-batch", size, count, memory, calls, modules);
}

}  // namespace

void add_hash_rows(std::vector<RowMaker>& rows, Modules modules) {
  for (const HashSpec& spec : kSpecs)
    for (const size_t size : kHashSizes) rows.emplace_back([=] { return hash_row(modules, spec, size); });
  for (const HashSpec& spec : kSpecs)
    for (const size_t size : kHashSizes) rows.emplace_back([=] { return hmac_row(modules, spec, size); });
  for (const HashSpec& spec : kSpecs)
    for (const size_t size : kHashSizes)
      for (const size_t count : kHashBatches)
        rows.emplace_back([=] { return hash_batch_row(modules, spec, size, count); });
  for (const HashSpec& spec : kSpecs)
    for (const size_t size : {size_t{64}, size_t{1024}})
      for (const size_t count : kHashBatches)
        rows.emplace_back([=] { return hmac_batch_row(modules, spec, size, count); });
}

}  // namespace cm::bench
