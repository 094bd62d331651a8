// SPDX-License-Identifier: Apache-2.0
// pbkdf2.cpp: see pbkdf2.h. Every output block is a chain: its first value takes the salt and is computed here, all
// further ones are the business of pbkdf2_rounds.h, which works on as many chains as there are lanes.
#include "crypto/kdf/pbkdf2.h"

#include "crypto/base/secret.h"
#include "crypto/hash_multi/pbkdf2_rounds.h"

namespace cm {
namespace {

constexpr size_t kChains = 16;  // the lanes of the widest kernels

struct Chain {
  HashState inner, outer;  // of the password
  HashState u;             // U_1 of RFC 8018, then T
  uint8_t* out;
  size_t out_size;  // of this block
};

// Chains: those that run together, zeroised when it goes out of scope.
class Chains {
 public:
  Chains(HashId id, Lane single, Lane wide, uint32_t iterations)
      : id_(id), single_(single), wide_(wide), iterations_(iterations) {}
  ~Chains() { zeroise(this, sizeof *this); }
  Chains(const Chains&) = delete;
  Chains& operator=(const Chains&) = delete;

  // add: all blocks of a job.
  void add(const Pbkdf2Job& job) {
    const size_t size = hash_row(id_).digest_size;
    hmac_key_init(key_, id_, single_, job.password, job.password_size);
    for (size_t done = 0; done < job.out_size; done += size) {
      if (count_ == kChains) run();
      Chain& chain = chains_[count_++];
      take_states(chain);
      first(chain, job, static_cast<uint32_t>(done / size + 1));
      chain.out = job.out + done;
      chain.out_size = job.out_size - done < size ? job.out_size - done : size;
    }
  }

  // run: what has been added, to its end.
  void run() {
    rounds();
    SecretArray<kHashMaxSize> block;
    for (size_t i = 0; i < count_; ++i) {
      hash_write(id_, block.expose(), chains_[i].u);
      std::memcpy(chains_[i].out, block.expose(), chains_[i].out_size);
    }
    count_ = 0;
  }

 private:
  // read: the words of a digest, as hash_write wrote it.
  void read(HashState& words, const uint8_t* digest) const {
    switch (hash_row(id_).core) {
      case HashCore::kSha1:
      case HashCore::kSha256:
        for (size_t i = 0; i < 8; ++i) words.w32[i] = load_be32(digest + 4 * i);
        return;
      case HashCore::kSha512:
        for (size_t i = 0; i < 8; ++i) words.w64[i] = load_be64(digest + 8 * i);
        return;
      case HashCore::kKeccak:
        std::memcpy(words.w64, digest, kHashMaxSize);
        return;
    }
  }

  // take_states: by itself, so that no word of a state waits on the stack for the blocks of a job to be over.
  [[gnu::noinline]] void take_states(Chain& chain) {
    hash_copy(id_, chain.inner, key_.inner);
    hash_copy(id_, chain.outer, key_.outer);
  }

  void first(Chain& chain, const Pbkdf2Job& job, uint32_t index) {
    SecretArray<kHashMaxSize> u;
    uint8_t index_be[4];
    store_be32(index_be, index);
    hmac_init(hmac_, key_);
    hmac_update(hmac_, job.salt, job.salt_size);
    hmac_update(hmac_, index_be, sizeof index_be);
    hmac_final(hmac_, u.expose());
    read(chain.u, u.expose());
  }

  void rounds() {
    const size_t size = hash_row(id_).digest_size;
    Pbkdf2Chain32 c32[kChains];
    Pbkdf2Chain64 c64[kChains];
    for (size_t i = 0; i < count_; ++i) {
      c32[i] = {chains_[i].inner.w32, chains_[i].outer.w32, chains_[i].u.w32};
      c64[i] = {chains_[i].inner.w64, chains_[i].outer.w64, chains_[i].u.w64};
    }
    switch (hash_row(id_).core) {
      case HashCore::kSha1:
        return pbkdf2_rounds_sha1(single_, wide_, c32, count_, size, iterations_);
      case HashCore::kSha256:
        return pbkdf2_rounds_sha256(single_, wide_, c32, count_, size, iterations_);
      case HashCore::kSha512:
        return pbkdf2_rounds_sha512(single_, wide_, c64, count_, size, iterations_);
      case HashCore::kKeccak:
        for (size_t i = 0; i < count_; ++i) keccak_rounds(chains_[i]);
        return;
    }
  }

  // keccak_rounds: of a chain by itself: nobody asks for PBKDF2 with SHA-3 in a hurry.
  void keccak_rounds(Chain& chain) {
    const size_t words = (hash_row(id_).digest_size + 7) / 8;
    SecretArray<kHashMaxSize> u;
    hash_copy(id_, chain_key_.inner, chain.inner);
    hash_copy(id_, chain_key_.outer, chain.outer);
    chain_key_.id = id_;
    chain_key_.lane = single_;
    hash_write(id_, u.expose(), chain.u);
    for (uint32_t n = 1; n < iterations_; ++n) {
      hmac(chain_key_, u.expose(), u.expose(), hash_row(id_).digest_size);
      for (size_t i = 0; i < words; ++i) chain.u.w64[i] ^= load_le64(u.expose() + 8 * i);
    }
  }

  const HashId id_;
  const Lane single_, wide_;
  const uint32_t iterations_;
  HmacKey key_;        // of the job that is being added
  HmacKey chain_key_;  // of keccak_rounds
  Hmac hmac_;
  Chain chains_[kChains];
  size_t count_ = 0;
};

}  // namespace

Status pbkdf2_check(HashId id, size_t out_size, uint32_t iterations) {
  if (iterations == 0) return Status::kArgument;
  const uint64_t most = uint64_t{UINT32_MAX} * hash_row(id).digest_size;  // RFC 8018 5.2 step 1
  return out_size == 0 || out_size > most ? Status::kLength : Status::kOk;
}

void pbkdf2(HashId id, Lane single, Lane wide, const Pbkdf2Job* jobs, size_t count, uint32_t iterations) {
  Chains chains(id, single, wide, iterations);
  for (size_t i = 0; i < count; ++i) chains.add(jobs[i]);
  chains.run();
}

}  // namespace cm
