// SPDX-License-Identifier: Apache-2.0
// stack_residue_hash_multi_test.cpp: batches of hashes and the rounds of PBKDF2 leave no message, word of one, or state
// on the stack they ran on (tests/support/stack_residue.h), on any lane.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "crypto/base/bytes.h"
#include "crypto/hash_multi/hash_multi.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/hash_multi/pbkdf2_rounds.h"
#include "tests/support/lanes.h"
#include "tests/support/stack_residue.h"

namespace cm::test {
namespace {

// spread: every word beside itself, as lanes with the same in them hold it.
template <class Word>
Bytes spread(const std::vector<Word>& words) {
  std::vector<Word> out;
  for (const Word w : words) out.insert(out.end(), 2, w);
  return copy_of(out.data(), out.size() * sizeof(Word));
}
template <class Word>
std::vector<Word> words_in(const Bytes& bytes) {
  std::vector<Word> out(bytes.size() / sizeof(Word));
  std::memcpy(out.data(), bytes.data(), out.size() * sizeof(Word));
  return out;
}

template <class Word>
Bytes big_endian(const std::vector<Word>& words) {
  Bytes out = copy_of(words.data(), words.size() * sizeof(Word));
  for (size_t i = 0; i + sizeof(Word) <= out.size(); i += sizeof(Word))
    std::reverse(out.begin() + static_cast<ptrdiff_t>(i), out.begin() + static_cast<ptrdiff_t>(i + sizeof(Word)));
  return out;
}

// last_schedule: the last sixteen words of the schedule (FIPS 180-4 6.1.2, 6.2.2, 6.4.2) of a message's padded end,
// from which the block can be had again.
template <class Word>
std::vector<Word> last_schedule(const Bytes& message, uint64_t before, bool sha1) {
  constexpr size_t kBlock = 16 * sizeof(Word);
  constexpr bool kLong = sizeof(Word) == 8;
  Bytes block(message.end() - static_cast<ptrdiff_t>(message.size() % kBlock), message.end());
  block.push_back(0x80);
  block.resize(kBlock);
  store_be64(&block[kBlock - 8], (before + message.size()) * 8);
  std::vector<Word> w = words_in<Word>(block);
  for (Word& v : w) v = kLong ? static_cast<Word>(__builtin_bswap64(v)) : __builtin_bswap32(static_cast<uint32_t>(v));
  const auto sum = [](Word x, int a, int b, int shift) { return std::rotr(x, a) ^ std::rotr(x, b) ^ (x >> shift); };
  for (size_t t = 16; t < (sha1 || kLong ? 80u : 64u); ++t)
    w.push_back(sha1 ? std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1)
                     : w[t - 16] + w[t - 7] + (kLong ? sum(w[t - 15], 1, 8, 7) : sum(w[t - 15], 7, 18, 3)) +
                           (kLong ? sum(w[t - 2], 19, 61, 6) : sum(w[t - 2], 17, 19, 10)));
  return {w.end() - 16, w.end()};
}

// expect_lanes_clean: a batch, so long that lanes are refilled and left again, of the same message from the same state,
// and PBKDF2 with the same chain in every lane.
template <class Job, class Chain, class Word, class Multi, class Pbkdf2>
void expect_lanes_clean(const std::string& name, Word, Multi multi, Pbkdf2 pbkdf2, size_t digest_size, Lane wide,
                        Lane single = Lane::kPortable) {
  constexpr size_t kJobs = 35;
  const Bytes message = noise(300, 5);
  Bytes swapped = message;
  for (size_t i = 0; i + sizeof(Word) <= swapped.size(); i += sizeof(Word))
    std::reverse(swapped.begin() + static_cast<ptrdiff_t>(i),
                 swapped.begin() + static_cast<ptrdiff_t>(i + sizeof(Word)));
  const auto start = words_in<Word>(noise(8 * sizeof(Word), 6)), outer = words_in<Word>(noise(8 * sizeof(Word), 7));
  std::vector<std::vector<Word>> end(kJobs, start);
  std::vector<Job> jobs;
  std::vector<Chain> chains;
  for (size_t i = 0; i < kJobs; ++i) {
    jobs.push_back({start.data(), 128, message.data(), message.size(), end[i].data(), nullptr, 0});
    chains.push_back({start.data(), outer.data(), end[i].data()});
  }
  const auto head = [&](const std::vector<Word>& v) {
    return std::vector<Word>(v.begin(), v.begin() + static_cast<ptrdiff_t>(digest_size / sizeof(Word)));
  };
  const auto hash = [&] { multi(single, wide, jobs.data(), kJobs); };
  hash();
  Secrets secrets{{"message", message}, {"words", swapped}, {"words of lanes", spread(words_in<Word>(swapped))}};
  secrets["state before"] = spread(start);
  secrets["state after"] = spread(head(end[0]));
  secrets["state of one before"] = copy_of(start.data(), start.size() * sizeof(Word));
  secrets["state of one after"] = copy_of(end[0].data(), digest_size);
  secrets["schedule"] = spread(last_schedule<Word>(message, 128, digest_size == 20));
  expect_clean(name, hash, secrets);
  for (Job& job : jobs) {
    job.outer = outer.data();
    job.digest_size = digest_size;
  }
  secrets["inner digest"] = spread(head(end[0]));
  secrets["inner digest as bytes"] = big_endian(head(end[0]));
  hash();
  secrets["outer state"] = spread(outer);
  secrets["MAC"] = spread(head(end[0]));
  expect_clean(name + " hmac", hash, secrets);
  const auto first = words_in<Word>(noise(8 * sizeof(Word), 8));
  const auto begin = [&] {
    for (auto& e : end) std::copy(first.begin(), first.end(), e.begin());
  };
  const auto derive = [&] { pbkdf2(single, wide, chains.data(), kJobs, digest_size, 5); };
  begin();
  derive();
  secrets["first block"] = spread(first);
  secrets["derived key"] = spread(head(end[0]));
  begin();
  expect_clean(name + " pbkdf2", derive, secrets);
}

TEST(StackResidueHashMulti, hashes_side_by_side) {
  for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
    if (wide == Lane::kPortable) continue;  // no lanes: the code for one message
    const std::string name = lane_name(wide);
    expect_lanes_clean<Sha1Job, Pbkdf2Chain32>(name + " sha1", uint32_t{}, sha1_multi, pbkdf2_rounds_sha1, 20, wide);
    for (const Lane single : runnable_lanes(kSha256Kernels))
      expect_lanes_clean<Sha256Job, Pbkdf2Chain32>(name + " sha256 beside " + lane_name(single), uint32_t{},
                                                   sha256_multi, pbkdf2_rounds_sha256, 32, wide, single);
    expect_lanes_clean<Sha512Job, Pbkdf2Chain64>(name + " sha512", uint64_t{}, sha512_multi, pbkdf2_rounds_sha512, 64,
                                                 wide);
  }
}

}  // namespace
}  // namespace cm::test
