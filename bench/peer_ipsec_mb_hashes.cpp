// SPDX-License-Identifier: Apache-2.0
// peer_ipsec_mb_hashes.cpp: libipsec-mb's hashes and HMACs through its jobs; see peer_ipsec_mb.h. HMAC has a burst
// interface, plain hashes are submitted one by one and flushed.
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "bench/machine.h"
#include "bench/peer_ipsec_mb_manager.h"

namespace cm::bench {

struct IpsecMb::HmacKey {
  alignas(64) std::array<uint8_t, IMB_SHA512_DIGEST_SIZE_IN_BYTES> inner;
  alignas(64) std::array<uint8_t, IMB_SHA512_DIGEST_SIZE_IN_BYTES> outer;
};

namespace {

constexpr size_t kBurstMax = 64;

struct HashAlgorithm {
  size_t block, digest;
  IMB_HASH_ALG plain, hmac;
};
constexpr HashAlgorithm kAlgorithms[] = {
    {IMB_SHA1_BLOCK_SIZE, IMB_SHA1_DIGEST_SIZE_IN_BYTES, IMB_AUTH_SHA_1, IMB_AUTH_HMAC_SHA_1},
    {IMB_SHA_256_BLOCK_SIZE, IMB_SHA256_DIGEST_SIZE_IN_BYTES, IMB_AUTH_SHA_256, IMB_AUTH_HMAC_SHA_256},
    {IMB_SHA_512_BLOCK_SIZE, IMB_SHA512_DIGEST_SIZE_IN_BYTES, IMB_AUTH_SHA_512, IMB_AUTH_HMAC_SHA_512},
};
const HashAlgorithm& algorithm_of(IpsecMb::Hash hash) { return kAlgorithms[static_cast<size_t>(hash)]; }

void one_block(IMB_MGR* mb, IpsecMb::Hash hash, const uint8_t* block, uint8_t* state) {
  switch (hash) {
    case IpsecMb::Hash::kSha1:
      return IMB_SHA1_ONE_BLOCK(mb, block, state);
    case IpsecMb::Hash::kSha256:
      return IMB_SHA256_ONE_BLOCK(mb, block, state);
    case IpsecMb::Hash::kSha512:
      return IMB_SHA512_ONE_BLOCK(mb, block, state);
  }
}

// HashBatch: jobs for one manager.
struct HashBatch {
  std::shared_ptr<IMB_MGR> mb;
  HashAlgorithm algorithm;
  std::vector<IpsecMb::HashJob> jobs;

  void describe(IMB_JOB& job, const IpsecMb::HashJob& from) const {
    job.src = from.in;
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = from.in_size;
    job.auth_tag_output = from.digest;
    job.auth_tag_output_len_in_bytes = algorithm.digest;
    job.hash_alg = from.key ? algorithm.hmac : algorithm.plain;
    if (!from.key) return;
    job.u.HMAC._hashed_auth_key_xor_ipad = from.key->inner.data();
    job.u.HMAC._hashed_auth_key_xor_opad = from.key->outer.data();
  }

  void run_bursts() const {
    std::array<IMB_JOB, kBurstMax> burst;
    for (size_t done = 0; done < jobs.size();) {
      const size_t n = std::min(burst.size(), jobs.size() - done);
      for (size_t i = 0; i < n; ++i) describe(burst[i], jobs[done + i]);
      if (IMB_SUBMIT_HASH_BURST_NOCHECK(mb.get(), burst.data(), static_cast<uint32_t>(n), algorithm.hmac) != n)
        throw std::runtime_error("libipsec-mb: a burst was not completed");
      done += n;
    }
  }

  void run_jobs() const {
    size_t completed = 0;
    for (const IpsecMb::HashJob& from : jobs) {
      IMB_JOB* job = IMB_GET_NEXT_JOB(mb.get());
      describe(*job, from);
      job->cipher_mode = IMB_CIPHER_NULL;
      job->cipher_direction = IMB_DIR_ENCRYPT;
      job->chain_order = IMB_ORDER_HASH_CIPHER;
      for (job = IMB_SUBMIT_JOB_NOCHECK(mb.get()); job != nullptr; job = IMB_GET_COMPLETED_JOB(mb.get())) ++completed;
    }
    while (IMB_FLUSH_JOB(mb.get()) != nullptr) ++completed;
    if (completed != jobs.size()) throw std::runtime_error("libipsec-mb: a job was not completed");
  }

  void run() const { jobs.front().key ? run_bursts() : run_jobs(); }
};

// managers: for each instruction set this processor has.
std::vector<std::shared_ptr<IMB_MGR>> managers() {
  std::vector<std::shared_ptr<IMB_MGR>> all;
  for (const auto init : {init_mb_mgr_sse, init_mb_mgr_avx2, init_mb_mgr_avx512}) {
    const std::shared_ptr<IMB_MGR> mb(alloc_mb_mgr(0), free_mb_mgr);
    if (!mb) throw std::runtime_error("libipsec-mb: no manager");
    init(mb.get());
    if (imb_get_errno(mb.get()) == 0) all.push_back(mb);
  }
  return all;
}

// best_ns: of several runs.
uint64_t best_ns(const HashBatch& batch) {
  uint64_t best = ~uint64_t{0};
  for (int i = 0; i < 25; ++i) {
    clean_vector_state();
    const uint64_t begin = now_ns();
    batch.run();
    best = std::min(best, now_ns() - begin);
  }
  return best;
}

}  // namespace

std::shared_ptr<IpsecMb::HmacKey> IpsecMb::hmac_key(Hash hash, const uint8_t* key, size_t key_size) const {
  std::array<uint8_t, IMB_SHA_512_BLOCK_SIZE> block{};
  if (key_size > algorithm_of(hash).block) throw std::runtime_error("libipsec-mb: HMAC key longer than a block");
  auto out = std::make_shared<HmacKey>();
  std::memcpy(block.data(), key, key_size);
  for (uint8_t& b : block) b ^= 0x36;
  one_block(manager_->mb, hash, block.data(), out->inner.data());
  for (uint8_t& b : block) b ^= 0x36 ^ 0x5c;
  one_block(manager_->mb, hash, block.data(), out->outer.data());
  return out;
}

std::function<void()> IpsecMb::hasher(Hash hash, const std::vector<HashJob>& jobs) const {
  HashBatch best{};
  uint64_t best_time = ~uint64_t{0};
  for (const auto& mb : managers()) {
    const HashBatch batch{mb, algorithm_of(hash), jobs};
    const uint64_t time = best_ns(batch);
    if (time >= best_time) continue;
    best_time = time;
    best = batch;
  }
  return [best] { best.run(); };
}

}  // namespace cm::bench
