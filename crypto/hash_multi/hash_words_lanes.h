// SPDX-License-Identifier: Apache-2.0
// hash_words_lanes.h: a hash's compression function over lanes whose blocks are words already, for loops that put a
// digest in again as it came out. A Rows holds the same of every lane, a word's lanes beside each other, so that what
// comes out is the beginning of the next block without being moved. It must know no hash and no construction over it.
#pragma once
#include "crypto/base/bytes.h"
#include "crypto/base/secret.h"
#include "crypto/hash_multi/hash_multi_kernels.h"

namespace cm {

template <class Hash, size_t kRows>
struct alignas(64) HashRows {
  using Word = typename Hash::Word;
  Word words[kRows * Hash::kLanesMax] = {};
  HashRows() = default;
  ~HashRows() { zeroise(words, sizeof words); }
  HashRows(const HashRows&) = delete;
  HashRows& operator=(const HashRows&) = delete;
};

template <class Hash>
class HashWordsLanes {
 public:
  using Word = typename Hash::Word;
  using State = HashRows<Hash, Hash::kWords>;
  using Block = HashRows<Hash, 16>;

  HashWordsLanes(Lane single, Lane wide, size_t chains)
      : single_(single), path_(Hash::words_path(single, wide, chains)) {}
  // lanes: how many chains go at once; with fewer, the others compute what is not looked at.
  size_t lanes() const { return path_.lanes; }

  // put, get: the first words of one lane.
  template <class Rows>
  void put(Rows& rows, size_t lane, const Word* words, size_t count) const {
    for (size_t w = 0; w < count; ++w) rows.words[w * lanes() + lane] = words[w];
  }
  template <class Rows>
  void get(Word* words, const Rows& rows, size_t lane, size_t count) const {
    for (size_t w = 0; w < count; ++w) words[w] = rows.words[w * lanes() + lane];
  }
  // row: a word of all lanes becomes (word & keep) | set.
  void set_row(Block& block, size_t w, Word keep, Word set) const {
    Word* const row = block.words + w * lanes();
    for (size_t lane = 0; lane < lanes(); ++lane) row[lane] = (row[lane] & keep) | set;
  }
  // compress: the first words of block become what start is after the block.
  void compress(Block& block, const State& start) const {
    Hash::run_words(path_.form, single_, block.words, start.words, block.words);
  }
  // add: sum ^= the first words of block.
  void add(State& sum, const Block& block) const {
    constexpr size_t kStep = 32 / sizeof(Word);  // of a known number, so that vectors are used
    static_assert(sizeof sum.words % 32 == 0);
    const size_t words = Hash::kWords * lanes();
    for (size_t i = 0; i < words; i += kStep)
      for (size_t j = 0; j < kStep; ++j) sum.words[i + j] ^= block.words[i + j];
  }

 private:
  const Lane single_;
  const HashMultiPath path_;
};

}  // namespace cm
