// SPDX-License-Identifier: Apache-2.0
// pbkdf2_rounds.cpp: PBKDF2's iterations (RFC 8018 5.2 step 3) over the lanes of hash_words_lanes.h. Its time depends
// on the numbers of chains and iterations alone.
#include "crypto/hash_multi/pbkdf2_rounds.h"

#include "crypto/base/check.h"
#include "crypto/hash_multi/hash_words_lanes.h"

namespace cm {
namespace {

// Padding: what stands behind a digest in the block it is hashed in again (FIPS 180-4 5.1), after the block of the key.
template <class Hash>
struct Padding {
  using Word = typename Hash::Word;
  size_t row;      // that with the first bit of padding
  Word keep, bit;  // of that row
  Word bits;       // of the whole message, in the last row

  explicit Padding(size_t digest_size)
      : row(digest_size / sizeof(Word)),
        keep(static_cast<Word>(~(~Word{0} >> (digest_size % sizeof(Word) * 8)))),
        bit(static_cast<Word>(Word{1} << (sizeof(Word) * 8 - 1) >> (digest_size % sizeof(Word) * 8))),
        bits(static_cast<Word>(8 * (Hash::kBlock + digest_size))) {}

  // restore: the rows that a state has overwritten.
  void restore(const HashWordsLanes<Hash>& lanes, typename HashWordsLanes<Hash>::Block& block) const {
    if (row >= Hash::kWords) return;
    lanes.set_row(block, row, keep, bit);
    for (size_t w = row + 1; w < Hash::kWords; ++w) lanes.set_row(block, w, 0, 0);
  }
};

// iterate: at most as many chains as there are lanes.
template <class Hash, class Chain>
void iterate(const HashWordsLanes<Hash>& lanes, const Chain* chains, size_t count, size_t digest_size,
             uint32_t iterations) {
  const Padding<Hash> padding(digest_size);
  const size_t words = (digest_size + sizeof(typename Hash::Word) - 1) / sizeof(typename Hash::Word);
  typename HashWordsLanes<Hash>::Block u;
  typename HashWordsLanes<Hash>::State inner, outer, sum;
  for (size_t i = 0; i < count; ++i) {
    lanes.put(inner, i, chains[i].inner, Hash::kWords);
    lanes.put(outer, i, chains[i].outer, Hash::kWords);
    lanes.put(u, i, chains[i].u, words);
    lanes.put(sum, i, chains[i].u, words);
  }
  lanes.set_row(u, padding.row, padding.keep, padding.bit);
  lanes.set_row(u, 15, 0, padding.bits);
  for (uint32_t n = 1; n < iterations; ++n) {
    lanes.compress(u, inner);
    padding.restore(lanes, u);
    lanes.compress(u, outer);
    padding.restore(lanes, u);
    lanes.add(sum, u);
  }
  for (size_t i = 0; i < count; ++i) lanes.get(chains[i].u, sum, i, words);
}

template <class Hash, class Chain>
void rounds(Lane single, Lane wide, const Chain* chains, size_t count, size_t digest_size, uint32_t iterations) {
  CM_CHECK(digest_size != 0 && digest_size <= Hash::kWords * sizeof(typename Hash::Word));
  while (count != 0) {
    const HashWordsLanes<Hash> lanes(single, wide, count);
    const size_t now = count < lanes.lanes() ? count : lanes.lanes();
    iterate(lanes, chains, now, digest_size, iterations);
    chains += now;
    count -= now;
  }
}

}  // namespace

void pbkdf2_rounds_sha1(Lane single, Lane wide, const Pbkdf2Chain32* chains, size_t count, size_t digest_size,
                        uint32_t iterations) {
  rounds<Sha1Multi>(single, wide, chains, count, digest_size, iterations);
}

void pbkdf2_rounds_sha256(Lane single, Lane wide, const Pbkdf2Chain32* chains, size_t count, size_t digest_size,
                          uint32_t iterations) {
  rounds<Sha256Multi>(single, wide, chains, count, digest_size, iterations);
}

void pbkdf2_rounds_sha512(Lane single, Lane wide, const Pbkdf2Chain64* chains, size_t count, size_t digest_size,
                          uint32_t iterations) {
  rounds<Sha512Multi>(single, wide, chains, count, digest_size, iterations);
}

}  // namespace cm
