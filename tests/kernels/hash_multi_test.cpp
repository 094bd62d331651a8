// SPDX-License-Identifier: Apache-2.0
// hash_multi_test.cpp: batches of SHA-1, SHA-256 and SHA-512 and PBKDF2 over them, on every pair of a lane for one
// message and one for many that the CPU runs: kernels equal the code for one message from any state; batches of any
// number of any lengths, begun anywhere, equal libcrypto, without a byte read outside a message.
#include "crypto/hash_multi/hash_multi.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include "crypto/base/bytes.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/hash_multi/pbkdf2_rounds.h"
#include "crypto/sha1/sha1.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha512.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/inject_env.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

// Digest: a hash with this compression function, and where it begins.
template <class Word>
struct Digest {
  const EVP_MD* (*evp)();
  std::array<Word, 8> initial;
};

constexpr KernelRow kShaniLanes[] = {{Lane::kPortable, kFeatureNone}, {Lane::kShani, kFeatureSse41 | kFeatureShani}};

struct Sha1Test : Sha1Multi {
  using Job = Sha1Job;
  using Chain = Pbkdf2Chain32;
  static constexpr auto& kSingle = kShaniLanes;
  static constexpr auto kMulti = sha1_multi;
  static constexpr auto kPbkdf2 = pbkdf2_rounds_sha1;
  static constexpr auto kOne = sha1_blocks;
  static constexpr Digest<Word> kDigests[] = {
      {EVP_sha1, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0}}};
};
struct Sha256Test : Sha256Multi {
  using Job = Sha256Job;
  using Chain = Pbkdf2Chain32;
  static constexpr auto& kSingle = kShaniLanes;
  static constexpr auto kMulti = sha256_multi;
  static constexpr auto kPbkdf2 = pbkdf2_rounds_sha256;
  static constexpr auto kOne = sha256_blocks;
  static constexpr Digest<Word> kDigests[] = {
      {EVP_sha256, {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}},
      {EVP_sha224, {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4}}};
};
struct Sha512Test : Sha512Multi {
  using Job = Sha512Job;
  using Chain = Pbkdf2Chain64;
  static constexpr KernelRow kSingle[] = {{Lane::kPortable, kFeatureNone},
                                          {Lane::kAvx2, kFeatureAvx2 | kFeatureBmi2},
                                          {Lane::kAvx512, kFeatureAvx512 | kFeatureBmi2}};
  static constexpr auto kMulti = sha512_multi;
  static constexpr auto kPbkdf2 = pbkdf2_rounds_sha512;
  static constexpr auto kOne = sha512_blocks;
  static constexpr Digest<Word> kDigests[] = {
      {EVP_sha512,
       {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
        0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}},
      {EVP_sha384,
       {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939, 0x67332667ffc00b31,
        0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}},
      {EVP_sha512_256,
       {0x22312194fc2bf72c, 0x9f555fa3c84c64c2, 0x2393b86b6f53b151, 0x963877195940eabd, 0x96283ee2a88effe3,
        0xbe5e1e2553863992, 0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2}},
      {EVP_sha512_224,
       {0x8c3d37c819544da2, 0x73e1996689dcd4d6, 0x1dfab7ae32ff9c82, 0x679dd514582f9fcf, 0x0f6d2b697bd44da8,
        0x77e36f7304c48942, 0x3f9d85a86a1d36c8, 0x1112e6ad91d692a1}}};
};

template <class T>
class HashMulti : public testing::Test {
 protected:
  // size: up to 2^most; small ones are as likely as large ones.
  size_t size(size_t most) { return rng_() % ((size_t{1} << rng_() % (most + 1)) + 1); }
  std::array<typename T::Word, 8> random_state() {
    std::array<typename T::Word, 8> s{};
    for (size_t i = 0; i < T::kWords; ++i) s[i] = static_cast<typename T::Word>(rng_());
    return s;
  }
  std::mt19937_64 rng_{65};
};

template <class Word>
Bytes big_endian(const Word* words, size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i)
    out[i] = static_cast<uint8_t>(words[i / sizeof(Word)] >> (8 * (sizeof(Word) - 1 - i % sizeof(Word))));
  return out;
}

template <class Word>
std::vector<Word> words_of(const Bytes& bytes) {
  std::vector<Word> out((bytes.size() + sizeof(Word) - 1) / sizeof(Word));
  for (size_t i = 0; i < bytes.size(); ++i)
    out[i / sizeof(Word)] |= static_cast<Word>(Word{bytes[i]} << (8 * (sizeof(Word) - 1 - i % sizeof(Word))));
  return out;
}

Bytes evp_digest(const EVP_MD* md, const Bytes& message) {
  Bytes digest(static_cast<size_t>(EVP_MD_get_size(md)));
  must(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, md, nullptr));
  return digest;
}

// for_lanes: work(single, wide) for every pair; where the CPU has the quick kind of SHA extensions, as one without too.
template <class T, class Work>
void for_lanes(const Work& work) {
  for (const FeatureMask hidden : {FeatureMask{kFeatureNone}, cpu_features_detected() & kFeatureQuickSha}) {
    inject_env::set_hidden_features(hidden);
    for (const Lane single : runnable_lanes(T::kSingle))
      for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
        SCOPED_TRACE(std::string(lane_name(single)) + " and " + lane_name(wide));
        work(single, wide);
        if (testing::Test::HasFatalFailure()) return inject_env::reset();
      }
    inject_env::reset();
  }
}

// Batch: jobs, each a message behind blocks that were hashed before; every message ends or begins at a page that cannot
// be read. Every third job's end is its start.
template <class T>
class Batch {
 public:
  using Word = typename T::Word;
  void add(const Digest<Word>& digest, const Bytes& before, const Bytes& message) {
    Entry& e = entries_.emplace_back(message.size() + 1);
    e.start = digest.initial;
    T::kOne(Lane::kPortable, e.start.data(), before.data(), before.size() / T::kBlock);
    uint8_t* const at = e.page.at(entries_.size() % 2 == 0, message.size());
    std::copy(message.begin(), message.end(), at);
    Bytes whole = before;
    whole.insert(whole.end(), message.begin(), message.end());
    e.expected = evp_digest(digest.evp(), whole);
    Word* const end = entries_.size() % 3 == 0 ? e.start.data() : e.end.data();
    jobs_.push_back({e.start.data(), before.size(), at, message.size(), end, nullptr, 0});
  }
  void run_and_expect(const std::string& place) {
    for_lanes<T>([&](Lane single, Lane wide) {
      std::vector<std::array<Word, 8>> starts;
      for (const Entry& e : entries_) starts.push_back(e.start);
      T::kMulti(single, wide, jobs_.data(), jobs_.size());
      for (size_t i = 0; i < jobs_.size(); ++i) {
        ASSERT_EQ(big_endian(jobs_[i].end, entries_[i].expected.size()), entries_[i].expected)
            << place << ": job " << i << " of " << jobs_.size() << ", " << jobs_[i].in_size << " bytes";
        if (jobs_[i].end == entries_[i].end.data()) {
          ASSERT_EQ(entries_[i].start, starts[i]) << place;
        }
        entries_[i].start = starts[i];
        entries_[i].end = {};
      }
    });
  }

 private:
  struct Entry {
    explicit Entry(size_t capacity) : page(capacity) {}
    Guarded page;
    std::array<Word, 8> start{}, end{};
    Bytes expected;
  };
  std::deque<Entry> entries_;
  std::vector<typename T::Job> jobs_;
};

using Hashes = testing::Types<Sha1Test, Sha256Test, Sha512Test>;
struct HashName {
  template <class T>
  static std::string GetName(int) {
    return T::kBlock == 128 ? "sha512" : T::kWords == 5 ? "sha1" : "sha256";
  }
};
TYPED_TEST_SUITE(HashMulti, Hashes, HashName);

// for_forms: work(single, path) for every form that a pair of lanes has.
template <class T, class Work>
void for_forms(const Work& work) {
  for_lanes<T>([&](Lane single, Lane wide) {
    std::set<HashMultiForm> seen;
    for (size_t messages = 1; messages <= 64; ++messages) {
      const HashMultiPath path = T::path(single, wide, messages);
      if (!seen.insert(path.form).second) continue;
      work(single, path);
      if (testing::Test::HasFatalFailure()) return;
    }
  });
}

TYPED_TEST(HashMulti, kernels_equal_one_message_from_any_state) {
  using T = TypeParam;
  using Word = typename T::Word;
  constexpr size_t kBlocksMax = 4;
  std::deque<Guarded> pages;
  for (size_t l = 0; l < T::kLanesMax; ++l) pages.emplace_back(kBlocksMax * T::kBlock + 64);
  for_forms<T>([&](Lane single, HashMultiPath path) {
    const auto at_word = [&](size_t l, size_t w) {
      return by_words(path.form) ? w * path.lanes + l : l * T::kWords + w;
    };
    for (int round = 0; round < 50; ++round) {
      const size_t blocks = this->rng_() % (kBlocksMax + 1);
      std::vector<Word> state(T::kWords * path.lanes), expected(state);
      const uint8_t* in[T::kLanesMax];
      for (size_t l = 0; l < path.lanes; ++l) {
        const Bytes message = random_bytes(this->rng_, blocks * T::kBlock);
        uint8_t* const at = round % 2 == 0 ? pages[l].at_end(message.size()) : pages[l].at_start() + l;
        std::copy(message.begin(), message.end(), at);
        in[l] = at;
        auto one = this->random_state();
        for (size_t w = 0; w < T::kWords; ++w) state[at_word(l, w)] = one[w];
        T::kOne(Lane::kPortable, one.data(), at, blocks);
        for (size_t w = 0; w < T::kWords; ++w) expected[at_word(l, w)] = one[w];
      }
      const std::vector<const uint8_t*> before(in, in + path.lanes);
      T::run(path.form, single, state.data(), in, blocks);
      ASSERT_EQ(state, expected) << "form " << static_cast<int>(path.form) << ", " << blocks << " blocks";
      ASSERT_TRUE(std::equal(before.begin(), before.end(), in));
    }
  });
}

// Words of a form: out beside the others, in the place of start, and at the beginning of the block.
TYPED_TEST(HashMulti, a_block_as_words_equals_the_block_as_bytes) {
  using T = TypeParam;
  using Word = typename T::Word;
  for_lanes<T>([&](Lane single, Lane wide) {
    for (size_t messages = 1; messages <= 64; ++messages) {
      const HashMultiPath path = T::words_path(single, wide, messages);
      const size_t lanes = path.lanes;
      std::vector<Word> start(T::kWords * lanes), words(16 * lanes), expected(start), out(start);
      for (size_t l = 0; l < lanes; ++l) {
        auto one = this->random_state();
        const Bytes block = random_bytes(this->rng_, T::kBlock);
        const auto block_words = words_of<Word>(block);
        for (size_t w = 0; w < 16; ++w) words[w * lanes + l] = block_words[w];
        for (size_t w = 0; w < T::kWords; ++w) start[w * lanes + l] = one[w];
        T::kOne(Lane::kPortable, one.data(), block.data(), 1);
        for (size_t w = 0; w < T::kWords; ++w) expected[w * lanes + l] = one[w];
      }
      const auto start_before = start, words_before = words;
      T::run_words(path.form, single, out.data(), start.data(), words.data());
      ASSERT_EQ(out, expected) << messages;
      ASSERT_EQ(start, start_before);
      ASSERT_EQ(words, words_before);
      T::run_words(path.form, single, words.data(), start.data(), words.data());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), words.begin())) << messages;
      ASSERT_TRUE(std::equal(words.begin() + static_cast<ptrdiff_t>(T::kWords * lanes), words.end(),
                             words_before.begin() + static_cast<ptrdiff_t>(T::kWords * lanes)));
      words = words_before;
      T::run_words(path.form, single, start.data(), start.data(), words.data());
      ASSERT_EQ(start, expected) << messages;
    }
  });
}

TYPED_TEST(HashMulti, batches_equal_libcrypto) {
  using T = TypeParam;
  for (int round = 0; round < 150; ++round) {
    Batch<T> batch;
    const size_t count = this->rng_() % (kHashMultiMax + 1), longest = this->rng_() % 13;
    for (size_t i = 0; i < count; ++i)
      batch.add(T::kDigests[this->rng_() % std::size(T::kDigests)],
                random_bytes(this->rng_, this->rng_() % 3 * T::kBlock), random_bytes(this->rng_, this->size(longest)));
    ASSERT_NO_FATAL_FAILURE(batch.run_and_expect(std::to_string(round)));
  }
}

// Equal lengths fill a kernel and leave it at the same moment; every number of jobs meets every form and every way from
// one to the next.
TYPED_TEST(HashMulti, every_number_of_equal_jobs) {
  using T = TypeParam;
  for (size_t count = 0; count <= kHashMultiMax; ++count) {
    for (const size_t bytes : {size_t{0}, T::kBlock, 3 * T::kBlock + 7}) {
      Batch<T> batch;
      for (size_t i = 0; i < count; ++i) batch.add(T::kDigests[0], {}, random_bytes(this->rng_, bytes));
      ASSERT_NO_FATAL_FAILURE(
          batch.run_and_expect(std::to_string(count) + " jobs of " + std::to_string(bytes) + " bytes"));
    }
  }
}

TYPED_TEST(HashMulti, every_length_to_three_blocks) {
  using T = TypeParam;
  for (size_t first = 0; first <= 3 * T::kBlock; first += 20) {
    Batch<T> batch;
    for (size_t i = 0; i < 20; ++i) batch.add(T::kDigests[0], {}, random_bytes(this->rng_, first + i));
    ASSERT_NO_FATAL_FAILURE(batch.run_and_expect("from " + std::to_string(first)));
  }
}

// One job is much longer than the others, at every place: it goes through all the forms to the one alone.
TYPED_TEST(HashMulti, one_long_job_among_short_ones) {
  using T = TypeParam;
  for (size_t place = 0; place < 20; ++place) {
    Batch<T> batch;
    for (size_t i = 0; i < 20; ++i)
      batch.add(T::kDigests[0], {}, random_bytes(this->rng_, i == place ? 100000 : 100 + 37 * i));
    ASSERT_NO_FATAL_FAILURE(batch.run_and_expect(std::to_string(place)));
  }
}

// The length counts what was hashed before, to the last byte of its field that a message may use.
TYPED_TEST(HashMulti, a_long_way_before) {
  using T = TypeParam;
  using Word = typename T::Word;
  const uint64_t before = (uint64_t{1} << 61) - T::kBlock;
  const uint64_t bits = (before + 3) * 8;
  Bytes block = {1, 2, 3, 0x80};
  block.resize(T::kBlock);
  store_be64(block.data() + T::kBlock - 8, bits);
  auto expected = T::kDigests[0].initial;
  T::kOne(Lane::kPortable, expected.data(), block.data(), 1);
  for_lanes<T>([&](Lane single, Lane wide) {
    for (const size_t count : {1, 2, 12, 20}) {
      std::vector<std::array<Word, 8>> ends(count);
      std::vector<typename T::Job> jobs;
      for (auto& end : ends)
        jobs.push_back({T::kDigests[0].initial.data(), before, block.data(), 3, end.data(), nullptr, 0});
      T::kMulti(single, wide, jobs.data(), count);
      for (const auto& end : ends) ASSERT_TRUE(std::equal(end.begin(), end.begin() + T::kWords, expected.begin()));
    }
  });
}

// midstate: the state after the key's block (FIPS 198-1), for a key no longer than a block.
template <class T>
std::array<typename T::Word, 8> midstate(const Digest<typename T::Word>& digest, const Bytes& key, uint8_t pad) {
  Bytes block = key;
  block.resize(T::kBlock);
  for (uint8_t& b : block) b ^= pad;
  auto state = digest.initial;
  T::kOne(Lane::kPortable, state.data(), block.data(), 1);
  return state;
}

Bytes evp_hmac(const EVP_MD* md, const Bytes& key, const Bytes& message) {
  Bytes mac(static_cast<size_t>(EVP_MD_get_size(md)));
  unsigned size = 0;
  must(HMAC(md, key.data(), static_cast<int>(key.size()), message.data(), message.size(), mac.data(), &size) !=
       nullptr);
  return mac;
}

// Some jobs are HMACs, others hashes from the same state; every digest of a core is among them, so that inner digests
// end everywhere.
TYPED_TEST(HashMulti, jobs_with_an_outer_state_are_hmacs) {
  using T = TypeParam;
  using Word = typename T::Word;
  for (int round = 0; round < 100; ++round) {
    const size_t count = this->rng_() % (kHashMultiMax + 1), longest = this->rng_() % 11;
    std::deque<std::array<Word, 8>> states;
    std::vector<std::array<Word, 8>> ends(count);
    std::vector<Bytes> messages(count), expected(count);
    std::vector<typename T::Job> jobs;
    for (size_t i = 0; i < count; ++i) {
      const auto& digest = T::kDigests[this->rng_() % std::size(T::kDigests)];
      const Bytes key = random_bytes(this->rng_, 1 + this->rng_() % T::kBlock);
      messages[i] = random_bytes(this->rng_, this->size(longest));
      const Word* const inner = states.emplace_back(midstate<T>(digest, key, 0x36)).data();
      const Word* const outer = states.emplace_back(midstate<T>(digest, key, 0x5c)).data();
      expected[i] = evp_hmac(digest.evp(), key, messages[i]);
      jobs.push_back(
          {inner, T::kBlock, messages[i].data(), messages[i].size(), ends[i].data(), outer, expected[i].size()});
      if (this->rng_() % 4 != 0) continue;
      jobs.back().outer = nullptr;
      Bytes whole = key;
      whole.resize(T::kBlock);
      for (uint8_t& b : whole) b ^= 0x36;
      whole.insert(whole.end(), messages[i].begin(), messages[i].end());
      expected[i] = evp_digest(digest.evp(), whole);
    }
    for_lanes<T>([&](Lane single, Lane wide) {
      T::kMulti(single, wide, jobs.data(), count);
      for (size_t i = 0; i < count; ++i)
        ASSERT_EQ(big_endian(ends[i].data(), expected[i].size()), expected[i]) << "job " << i << " of " << count;
    });
    if (this->HasFatalFailure()) return;
  }
}

Bytes evp_pbkdf2(const EVP_MD* md, const Bytes& password, const Bytes& salt, uint32_t iterations, size_t size) {
  Bytes out(size);
  must(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()), salt.data(),
                         static_cast<int>(salt.size()), static_cast<int>(iterations), md, static_cast<int>(size),
                         out.data()));
  return out;
}

// Every chain has a password and a salt of its own. U_1 is what libcrypto derives with one iteration.
TYPED_TEST(HashMulti, pbkdf2_rounds_equal_libcrypto) {
  using T = TypeParam;
  using Word = typename T::Word;
  for (const auto& digest : T::kDigests) {
    const auto size = static_cast<size_t>(EVP_MD_get_size(digest.evp()));
    for (size_t count = 0; count <= 40; ++count) {
      const auto iterations = static_cast<uint32_t>(1 + this->rng_() % 20);
      std::vector<std::array<Word, 8>> inner, outer;
      std::vector<std::vector<Word>> first;
      std::vector<Bytes> expected;
      for (size_t i = 0; i < count; ++i) {
        const Bytes password = random_bytes(this->rng_, 1 + this->rng_() % T::kBlock);
        const Bytes salt = random_bytes(this->rng_, this->rng_() % 50);
        inner.push_back(midstate<T>(digest, password, 0x36));
        outer.push_back(midstate<T>(digest, password, 0x5c));
        first.push_back(words_of<Word>(evp_pbkdf2(digest.evp(), password, salt, 1, size)));
        expected.push_back(evp_pbkdf2(digest.evp(), password, salt, iterations, size));
      }
      for_lanes<T>([&](Lane single, Lane wide) {
        auto u = first;
        std::vector<typename T::Chain> chains;
        for (size_t i = 0; i < count; ++i) chains.push_back({inner[i].data(), outer[i].data(), u[i].data()});
        T::kPbkdf2(single, wide, chains.data(), count, size, iterations);
        for (size_t i = 0; i < count; ++i)
          ASSERT_EQ(big_endian(u[i].data(), size), expected[i])
              << size << " bytes, chain " << i << " of " << count << ", " << iterations << " iterations";
      });
      if (this->HasFatalFailure()) return;
    }
  }
}

// That a batch goes into lanes at all: everything else here would be right without.
TYPED_TEST(HashMulti, many_messages_go_into_lanes) {
  using T = TypeParam;
  const bool quick = (cpu_features() & kFeatureQuickSha) != 0 && std::is_same_v<T, Sha256Test>;
  for (const auto& path_of : {T::path, T::words_path}) {
    for (const Lane single : {Lane::kPortable, Lane::kShani, Lane::kAvx2, Lane::kAvx512}) {
      const bool four = quick && single == Lane::kShani && path_of == T::path;
      EXPECT_EQ(path_of(single, Lane::kAvx512, T::kLanesMax).form,
                four ? HashMultiForm::kFour : HashMultiForm::kAvx512);
      EXPECT_EQ(path_of(single, Lane::kAvx512, 64).lanes, four ? 4 : T::kLanesMax);
      EXPECT_EQ(path_of(single, Lane::kAvx512, 1).form, HashMultiForm::kOne);
      for (const Lane wide : {Lane::kPortable, Lane::kAvx2, Lane::kAvx512}) {
        for (size_t messages = 1; messages <= 64; ++messages) {
          const HashMultiPath path = path_of(single, wide, messages);
          // With one message more than too few it is still the same, and with so few it is a narrower one.
          EXPECT_LT(path.too_few, messages);
          EXPECT_EQ(path_of(single, wide, size_t{path.too_few} + 1).form, path.form);
          if (path.too_few != 0) {
            EXPECT_LT(path_of(single, wide, path.too_few).lanes, path.lanes);
          }
          EXPECT_LE(path.lanes, T::kLanesMax);
        }
      }
    }
    EXPECT_EQ(path_of(Lane::kPortable, Lane::kAvx512, T::kLanesMax / 2).form, HashMultiForm::kAvx512Half);
    EXPECT_EQ(path_of(Lane::kPortable, Lane::kAvx2, 64).form, HashMultiForm::kAvx2);
    EXPECT_EQ(path_of(Lane::kPortable, Lane::kPortable, 64).form, HashMultiForm::kOne);
  }
}

TYPED_TEST(HashMulti, a_lane_that_has_no_kernel_or_too_many_jobs_stop_the_process) {
  using T = TypeParam;
  std::array<typename T::Word, 8> end{};
  const typename T::Job job = {T::kDigests[0].initial.data(), 0, nullptr, 0, end.data(), nullptr, 0};
  EXPECT_DEATH(T::kMulti(Lane::kPortable, Lane::kShani, &job, 1), "");
  EXPECT_DEATH(T::kMulti(Lane::kPortable, Lane::kNone, &job, 1), "");
  const std::vector<typename T::Job> jobs(kHashMultiMax + 1, job);
  EXPECT_DEATH(T::kMulti(Lane::kPortable, Lane::kPortable, jobs.data(), jobs.size()), "");
  typename T::Job started = job;
  started.before = 1;
  EXPECT_DEATH(T::kMulti(Lane::kPortable, Lane::kPortable, &started, 1), "");
}

}  // namespace
}  // namespace cm::test
