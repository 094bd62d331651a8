// SPDX-License-Identifier: Apache-2.0
// hash_many.cpp: see hash_many.h: sorts jobs by core and gives each core's to its scheduler.
#include "crypto/hash/hash_many.h"

#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "crypto/hash_multi/hash_multi.h"
#include "crypto/sha3/keccak_multi.h"
#include "crypto/sha3/sponge.h"

namespace cm {
namespace {

static_assert(kHashManyMax <= kHashMultiMax && kHashManyMax <= kSpongeJobsMax);

// Core: the jobs of one core with Word as its word, from their states to their digests.
template <class Word, class Job, void (*kMulti)(Lane, Lane, const Job*, size_t)>
class Core {
 public:
  Core() = default;
  ~Core() { zeroise(ends_, count_ * sizeof ends_[0]); }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void run(HashCore core, Lane single, Lane wide, const HashJob* jobs, size_t count) {
    for (size_t i = 0; i < count; ++i)
      if (hash_row(jobs[i].id).core == core) add(jobs[i]);
    kMulti(single, wide, jobs_, count_);
    for (size_t i = 0; i < count_; ++i) hash_write_words(of_[i]->id, of_[i]->digest, ends_[i]);
  }

 private:
  static constexpr size_t kWords = 8;

  static const uint32_t* words_of(const HashState& state, uint32_t) { return state.w32; }
  static const uint64_t* words_of(const HashState& state, uint64_t) { return state.w64; }

  // initial: the state that a message of this hash begins with.
  const Word* initial(HashId id) {
    const auto at = static_cast<size_t>(id);
    if ((initial_made_ >> at & 1) == 0) {
      HashState start;
      hash_start(id, start);
      std::memcpy(initial_[at], words_of(start, Word{}), hash_row(id).state_size);
      initial_made_ |= 1u << at;
    }
    return initial_[at];
  }
  void add(const HashJob& job) {
    const Word* const start = job.start == nullptr ? initial(job.id) : words_of(*job.start, Word{});
    const Word* const outer = job.outer == nullptr ? nullptr : words_of(*job.outer, Word{});
    jobs_[count_] = {start, job.before, job.in, job.in_size, ends_[count_], outer, hash_row(job.id).digest_size};
    of_[count_++] = &job;
  }

  Word initial_[kHashCount + 1][kWords];
  unsigned initial_made_ = 0;
  Word ends_[kHashManyMax][kWords];
  Job jobs_[kHashManyMax];
  const HashJob* of_[kHashManyMax];
  size_t count_ = 0;
};

void run_keccak(Lane single, Lane wide, const HashJob* jobs, size_t count) {
  SpongeJob sponges[kHashManyMax];
  size_t n = 0;
  for (size_t i = 0; i < count; ++i) {
    const HashRow& row = hash_row(jobs[i].id);
    if (row.core != HashCore::kKeccak) continue;
    CM_CHECK(jobs[i].outer == nullptr);
    sponges[n++] = {jobs[i].start == nullptr ? nullptr : jobs[i].start->w64,
                    row.block_size,
                    kSha3Suffix,
                    jobs[i].in,
                    jobs[i].in_size,
                    jobs[i].digest,
                    row.digest_size};
  }
  if (n != 0) sponge_multi(single, wide, sponges, n);
}

unsigned cores_of(const HashJob* jobs, size_t count) {
  unsigned cores = 0;
  for (size_t i = 0; i < count; ++i) cores |= 1u << static_cast<unsigned>(hash_row(jobs[i].id).core);
  return cores;
}

template <class Word, class Job, void (*kMulti)(Lane, Lane, const Job*, size_t)>
[[gnu::noinline]] void run_core(HashCore core, Lane single, Lane wide, const HashJob* jobs, size_t count) {
  Core<Word, Job, kMulti> all;
  all.run(core, single, wide, jobs, count);
}

}  // namespace

void hash_many(const HashLanes& single, Lane wide, const HashJob* jobs, size_t count) {
  CM_CHECK(count <= kHashManyMax);
  const unsigned cores = cores_of(jobs, count);
  const auto any = [cores](HashCore core) { return (cores >> static_cast<unsigned>(core) & 1) != 0; };
  if (any(HashCore::kSha1)) run_core<uint32_t, Sha1Job, sha1_multi>(HashCore::kSha1, single.sha1, wide, jobs, count);
  if (any(HashCore::kSha256))
    run_core<uint32_t, Sha256Job, sha256_multi>(HashCore::kSha256, single.sha256, wide, jobs, count);
  if (any(HashCore::kSha512))
    run_core<uint64_t, Sha512Job, sha512_multi>(HashCore::kSha512, single.sha512, wide, jobs, count);
  if (any(HashCore::kKeccak)) run_keccak(single.keccak, wide, jobs, count);
}

}  // namespace cm
