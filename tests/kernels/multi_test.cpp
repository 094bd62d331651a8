// SPDX-License-Identifier: Apache-2.0
// multi_test.cpp: batches of CBC encryption, CMAC and CCM on every AES lane: what comes out is what the one-shot of
// each job gives, whatever stands beside it in the batch: other lengths, keys, key sizes, forged tags; in place,
// unaligned, and without a byte read or written outside a buffer. Some of it is compared with the system's libcrypto as
// well.
#include "crypto/multi/multi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>

#include "crypto/aes/aes_kernels.h"
#include "crypto/aes/aes_modes.h"
#include "crypto/multi/multi_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

constexpr size_t kKeySizes[] = {16, 24, 32};

// Buffer: a copy of some bytes between guard pages, at the start of them or at the end, in turn.
class Buffer {
 public:
  explicit Buffer(const Bytes& content) : page_(content.size() + 1), size_(content.size()) {
    static bool at_end = false;
    at_end = !at_end;
    at_ = page_.at(at_end, size_);
    std::copy(content.begin(), content.end(), at_);
  }
  uint8_t* data() { return at_; }
  Bytes bytes() const { return {at_, at_ + size_}; }

 private:
  Guarded page_;
  size_t size_;
  uint8_t* at_;
};

class Multi : public testing::TestWithParam<Lane> {
 protected:
  // key: one of a few, of any size, so that some jobs of a batch share one.
  const CmacKey& key(size_t bytes = 0) {
    if (bytes == 0) bytes = kKeySizes[rng_() % 3];
    auto& some = keys_[bytes];
    if (some.size() == 8) return some[rng_() % 8];
    const Bytes raw = random_bytes(rng_, bytes);
    EXPECT_EQ(cmac_key_init(some.emplace_back(), GetParam(), raw.data(), raw.size()), Status::kOk);
    raws_[&some.back().aes] = raw;
    return some.back();
  }
  const Bytes& raw(const AesKey* key) { return raws_.at(key); }

  // size: up to 2^most; small ones are as likely as large ones.
  size_t size(size_t most) { return rng_() % ((size_t{1} << rng_() % (most + 1)) + 1); }
  bool one_in(size_t n) { return rng_() % n == 0; }

  std::mt19937_64 rng_{64};

 private:
  std::map<size_t, std::deque<CmacKey>> keys_;
  std::map<const AesKey*, Bytes> raws_;
};

// A batch, and what has to come out of it.
struct CbcBatch {
  void add(const AesKey& key, const Bytes& iv, const Bytes& text, bool in_place) {
    Bytes expected(text.size()), last = iv;
    aes_cbc_encrypt(key, last.data(), expected.data(), text.data(), text.size() / kAesBlock);
    Buffer& in = buffers.emplace_back(text);
    Buffer& out = in_place ? in : buffers.emplace_back(Bytes(text.size(), 0xee));
    Buffer& chain = buffers.emplace_back(iv);
    jobs.push_back({&key, chain.data(), out.data(), in.data(), text.size() / kAesBlock});
    wanted.push_back({&out, expected});
    wanted.push_back({&chain, last});
    if (!in_place) wanted.push_back({&in, text});
  }
  void run_and_expect(const std::string& place) {
    aes_cbc_encrypt_multi(jobs.data(), jobs.size());
    for (const auto& [buffer, bytes] : wanted) ASSERT_EQ(buffer->bytes(), bytes) << place;
  }
  std::deque<Buffer> buffers;
  std::vector<CbcJob> jobs;
  std::vector<std::pair<const Buffer*, Bytes>> wanted;
};

struct CmacBatch {
  void add(const CmacKey& key, const Bytes& text) {
    Bytes expected(kCmacTag);
    cmac(key, expected.data(), text.data(), text.size());
    Buffer& in = buffers.emplace_back(text);
    Buffer& tag = buffers.emplace_back(Bytes(kCmacTag, 0xee));
    jobs.push_back({&key, tag.data(), in.data(), text.size()});
    wanted.push_back({&tag, expected});
    wanted.push_back({&in, text});
  }
  void run_and_expect(const std::string& place) {
    cmac_multi(jobs.data(), jobs.size());
    for (const auto& [buffer, bytes] : wanted) ASSERT_EQ(buffer->bytes(), bytes) << place;
  }
  std::deque<Buffer> buffers;
  std::vector<CmacJob> jobs;
  std::vector<std::pair<const Buffer*, Bytes>> wanted;
};

struct CcmMessage {
  Bytes nonce, aad, text;
  size_t tag_size;
};

struct CcmBatch {
  CcmInput input(const CcmMessage& m, const Bytes& text) {
    Buffer &nonce = buffers.emplace_back(m.nonce), &aad = buffers.emplace_back(m.aad), &in = buffers.emplace_back(text);
    return {nonce.data(), m.nonce.size(), aad.data(), m.aad.size(), in.data(), text.size()};
  }
  Sealed one_shot(const AesKey& key, const CcmMessage& m) {
    Sealed sealed{Bytes(m.text.size()), Bytes(m.tag_size)};
    ccm_seal(key, sealed.cipher.data(), sealed.tag.data(), m.tag_size,
             {m.nonce.data(), m.nonce.size(), m.aad.data(), m.aad.size(), m.text.data(), m.text.size()});
    return sealed;
  }
  void add_seal(const AesKey& key, const CcmMessage& m, bool in_place) {
    const Sealed expected = one_shot(key, m);
    const CcmInput in = input(m, m.text);
    Buffer& out = in_place ? buffers.back() : buffers.emplace_back(Bytes(m.text.size(), 0xee));
    Buffer& tag = buffers.emplace_back(Bytes(m.tag_size, 0xee));
    seal_jobs.push_back({&key, out.data(), tag.data(), m.tag_size, in});
    wanted.push_back({&out, expected.cipher});
    wanted.push_back({&tag, expected.tag});
  }
  void add_open(const AesKey& key, const CcmMessage& m, bool in_place, bool forged) {
    Sealed sealed = one_shot(key, m);
    if (forged) sealed.tag.back() ^= 0x80;
    const CcmInput in = input(m, sealed.cipher);
    Buffer& out = in_place ? buffers.back() : buffers.emplace_back(Bytes(m.text.size(), 0xee));
    Buffer& tag = buffers.emplace_back(sealed.tag);
    open_jobs.push_back({&key, out.data(), tag.data(), m.tag_size, in});
    wanted.push_back({&out, forged ? Bytes(m.text.size()) : m.text});
    right.push_back(!forged);
  }
  void run_and_expect(const std::string& place) {
    ccm_seal_multi(seal_jobs.data(), seal_jobs.size());
    ccm_open_multi(open_jobs.data(), open_jobs.size());
    for (const auto& [buffer, bytes] : wanted) ASSERT_EQ(buffer->bytes(), bytes) << place;
    for (size_t i = 0; i < right.size(); ++i)
      ASSERT_EQ(ct::declassify(open_jobs[i].right), right[i]) << place << ", job " << i;
  }
  std::deque<Buffer> buffers;
  std::vector<CcmSealJob> seal_jobs;
  std::vector<CcmOpenJob> open_jobs;
  std::vector<std::pair<const Buffer*, Bytes>> wanted;
  std::vector<bool> right;
};

// message: any sizes that CCM takes; now and then AAD so long that its size takes more bytes.
CcmMessage message(std::mt19937_64& rng, size_t text_size, size_t aad_size) {
  const size_t nonce_size = 7 + rng() % 7, tag_size = 4 + 2 * (rng() % 7);
  return {random_bytes(rng, nonce_size), random_bytes(rng, aad_size), random_bytes(rng, text_size), tag_size};
}

TEST_P(Multi, cbc_equals_one_job_after_the_other) {
  for (int round = 0; round < 150; ++round) {
    CbcBatch batch;
    const size_t count = rng_() % (kMultiMax + 1), longest = rng_() % 8;
    for (size_t i = 0; i < count; ++i)
      batch.add(key().aes, random_bytes(rng_, 16), random_bytes(rng_, kAesBlock * size(longest)), one_in(2));
    batch.run_and_expect(std::to_string(round));
  }
}

TEST_P(Multi, cmac_equals_one_job_after_the_other) {
  for (int round = 0; round < 150; ++round) {
    CmacBatch batch;
    const size_t count = rng_() % (kMultiMax + 1), longest = rng_() % 12;
    for (size_t i = 0; i < count; ++i) batch.add(key(), random_bytes(rng_, size(longest)));
    batch.run_and_expect(std::to_string(round));
  }
}

TEST_P(Multi, ccm_equals_one_job_after_the_other) {
  for (int round = 0; round < 100; ++round) {
    CcmBatch batch;
    const size_t count = rng_() % (kMultiMax + 1), longest = rng_() % 12;
    for (size_t i = 0; i < count; ++i) {
      const CcmMessage m = message(rng_, size(longest), one_in(100) ? 65300 : size(7));
      batch.add_seal(key().aes, m, one_in(2));
      batch.add_open(key().aes, m, one_in(2), one_in(4));
    }
    batch.run_and_expect(std::to_string(round));
  }
}

// Equal lengths fill a kernel and leave it at the same moment; every number of jobs meets every kernel and every way
// from one to the next.
TEST_P(Multi, every_number_of_equal_jobs) {
  for (size_t count = 0; count <= kMultiMax; ++count) {
    for (const size_t blocks : {3, 20}) {
      CbcBatch cbc;
      CmacBatch mac;
      CcmBatch ccm;
      const size_t bytes = kKeySizes[count % 3];
      for (size_t i = 0; i < count; ++i) {
        cbc.add(key(bytes).aes, random_bytes(rng_, 16), random_bytes(rng_, kAesBlock * blocks), i % 2 == 0);
        mac.add(key(bytes), random_bytes(rng_, kAesBlock * blocks));
        const CcmMessage m = message(rng_, kAesBlock * blocks, 13);
        ccm.add_seal(key(bytes).aes, m, i % 2 == 0);
        ccm.add_open(key(bytes).aes, m, i % 2 == 0, i == count / 2);
      }
      const std::string place = std::to_string(count) + " jobs of " + std::to_string(blocks);
      cbc.run_and_expect(place);
      mac.run_and_expect(place);
      ccm.run_and_expect(place);
    }
  }
}

// One job is much longer than the others, at every place: it goes through all the kernels to the one without lanes.
TEST_P(Multi, one_long_job_among_short_ones) {
  for (size_t place = 0; place < 20; ++place) {
    CbcBatch cbc;
    CmacBatch mac;
    CcmBatch ccm;
    for (size_t i = 0; i < 20; ++i) {
      const size_t blocks = i == place ? 300 : 2 + i;
      cbc.add(key(32).aes, random_bytes(rng_, 16), random_bytes(rng_, kAesBlock * blocks), i % 2 == 0);
      mac.add(key(32), random_bytes(rng_, kAesBlock * blocks - i % 16));
      const CcmMessage m = message(rng_, kAesBlock * blocks - i % 16, 7 * i);
      ccm.add_seal(key(32).aes, m, i % 2 == 0);
      ccm.add_open(key(32).aes, m, i % 2 == 0, i == place);
    }
    cbc.run_and_expect(std::to_string(place));
    mac.run_and_expect(std::to_string(place));
    ccm.run_and_expect(std::to_string(place));
  }
}

// A key in every job of a batch, and a key of its own in every job.
TEST_P(Multi, one_key_and_many) {
  for (const bool same : {true, false}) {
    const CmacKey& shared = key(16);
    CbcBatch cbc;
    CmacBatch mac;
    for (size_t i = 0; i < 40; ++i) {
      cbc.add((same ? shared : key()).aes, random_bytes(rng_, 16), random_bytes(rng_, 16 * (10 + i % 7)), false);
      mac.add(same ? shared : key(), random_bytes(rng_, 150 + i));
    }
    cbc.run_and_expect(same ? "one key" : "many keys");
    mac.run_and_expect(same ? "one key" : "many keys");
  }
}

TEST_P(Multi, unaligned_buffers) {
  constexpr size_t kBlocks = 9, kJobs = 18;
  std::vector<Bytes> in(kJobs), out(kJobs), iv(kJobs);
  std::vector<CbcJob> jobs;
  for (size_t i = 0; i < kJobs; ++i) {
    in[i] = random_bytes(rng_, 16 * kBlocks + i);
    out[i] = Bytes(16 * kBlocks + 2 * i, 0xee);
    iv[i] = random_bytes(rng_, 16 + i);
    jobs.push_back({&key().aes, iv[i].data() + i, out[i].data() + i, in[i].data() + i, kBlocks});
  }
  std::vector<Bytes> expected(kJobs, Bytes(16 * kBlocks));
  for (size_t i = 0; i < kJobs; ++i) {
    Bytes chain(iv[i].begin() + static_cast<ptrdiff_t>(i), iv[i].end());
    aes_cbc_encrypt(*jobs[i].key, chain.data(), expected[i].data(), jobs[i].in, kBlocks);
  }
  aes_cbc_encrypt_multi(jobs.data(), jobs.size());
  for (size_t i = 0; i < kJobs; ++i) {
    EXPECT_TRUE(std::equal(expected[i].begin(), expected[i].end(), jobs[i].out)) << i;
    const auto untouched = [](uint8_t b) { return b == 0xee; };
    EXPECT_TRUE(std::all_of(out[i].begin(), out[i].begin() + static_cast<ptrdiff_t>(i), untouched)) << i;
    EXPECT_TRUE(std::all_of(out[i].end() - static_cast<ptrdiff_t>(i), out[i].end(), untouched)) << i;
  }
}

TEST_P(Multi, equals_libcrypto) {
  for (int round = 0; round < 10; ++round) {
    constexpr size_t kJobs = 33;
    std::vector<Bytes> in, out, iv, tag;
    std::vector<Sealed> sealed;
    std::vector<CcmMessage> messages;
    std::vector<const CmacKey*> used;
    for (size_t i = 0; i < kJobs; ++i) {
      used.push_back(&key());
      in.push_back(random_bytes(rng_, 16 * (1 + size(5))));
      out.emplace_back(in[i].size());
      iv.push_back(random_bytes(rng_, 16));
      tag.emplace_back(16);
      messages.push_back(message(rng_, size(9), size(6)));
      sealed.push_back({Bytes(messages[i].text.size()), Bytes(messages[i].tag_size)});
    }
    const std::vector<Bytes> first_iv = iv;
    std::vector<CbcJob> cbc;
    std::vector<CmacJob> mac;
    std::vector<CcmSealJob> ccm;
    for (size_t i = 0; i < kJobs; ++i) {
      const CcmMessage& m = messages[i];
      cbc.push_back({&used[i]->aes, iv[i].data(), out[i].data(), in[i].data(), in[i].size() / 16});
      mac.push_back({used[i], tag[i].data(), in[i].data(), in[i].size() - i % 17 % in[i].size()});
      ccm.push_back({&used[i]->aes,
                     sealed[i].cipher.data(),
                     sealed[i].tag.data(),
                     m.tag_size,
                     {m.nonce.data(), m.nonce.size(), m.aad.data(), m.aad.size(), m.text.data(), m.text.size()}});
    }
    aes_cbc_encrypt_multi(cbc.data(), cbc.size());
    cmac_multi(mac.data(), mac.size());
    ccm_seal_multi(ccm.data(), ccm.size());
    for (size_t i = 0; i < kJobs; ++i) {
      const Bytes& k = raw(&used[i]->aes);
      const CcmMessage& m = messages[i];
      ASSERT_EQ(out[i], evp_aes("CBC", k, first_iv[i], in[i], true)) << i;
      ASSERT_EQ(tag[i], evp_cmac(k, Bytes(in[i].begin(), in[i].begin() + static_cast<ptrdiff_t>(mac[i].in_size)))) << i;
      const Sealed expected = evp_ccm(k, m.nonce, m.aad, m.text, m.tag_size);
      ASSERT_EQ(sealed[i].cipher, expected.cipher) << i;
      ASSERT_EQ(sealed[i].tag, expected.tag) << i;
    }
  }
}

// Each kernel by itself: every lane has its own key, chain and text, and leaves its pointers alone.
TEST_P(Multi, every_lane_of_every_kernel) {
  constexpr size_t kBlocks = 5;
  for (const size_t bytes : kKeySizes)
    for (const size_t chains : {2, 8, 16}) {
      const MultiKernel kernel = multi_kernel(GetParam(), chains);
      const auto lanes = std::make_unique<MultiLanes>();
      std::vector<Bytes> text, chain, out(kMultiLanesMax, Bytes(16 * kBlocks)), expected = out;
      std::vector<const AesKey*> used;
      for (size_t i = 0; i < kernel.lanes; ++i) {
        used.push_back(&key(bytes).aes);
        text.push_back(random_bytes(rng_, 16 * kBlocks));
        chain.push_back(random_bytes(rng_, 16));
        kernel.set_key(*lanes, i, *used[i]);
        lanes->in[i] = text[i].data();
        lanes->out[i] = out[i].data();
      }
      const auto expect = [&](auto run, bool writes) {
        for (size_t i = 0; i < kernel.lanes; ++i) {
          out[i].assign(out[i].size(), 0);
          std::copy(chain[i].begin(), chain[i].end(), lanes->chain[i]);
        }
        run(*lanes, used[0]->rounds, kBlocks);
        for (size_t i = 0; i < kernel.lanes; ++i) {
          Bytes last = chain[i];
          aes_cbc_encrypt(*used[i], last.data(), expected[i].data(), text[i].data(), kBlocks);
          EXPECT_EQ(Bytes(lanes->chain[i], lanes->chain[i] + 16), last) << bytes << " " << i;
          EXPECT_EQ(out[i], writes ? expected[i] : Bytes(16 * kBlocks)) << bytes << " " << i;
          EXPECT_EQ(lanes->in[i], text[i].data());
          EXPECT_EQ(lanes->out[i], out[i].data());
        }
      };
      expect(kernel.encrypt, true);
      expect(kernel.mac, false);
    }
}

TEST(MultiDeathTest, more_jobs_than_a_call_takes_are_a_defect) {
  const std::vector<CbcJob> jobs(kMultiMax + 1);
  EXPECT_DEATH(aes_cbc_encrypt_multi(jobs.data(), jobs.size()), "");
}

INSTANTIATE_TEST_SUITE_P(lanes, Multi, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
