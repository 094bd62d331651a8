// SPDX-License-Identifier: Apache-2.0
// imb_test.cpp: lane imb computes what our own kernels compute, takes what it says it takes and nothing else,
// and passes and fails its self-tests.
#include "crypto/imb/imb.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <thread>

#include "crypto/aes/aes_kernels.h"
#include "crypto/aes/aes_modes.h"
#include "crypto/sha2/sha256_kernels.h"
#include "selftest/engine.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/inject_env.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

constexpr size_t kMaxBytes = 65520, kMaxAad = 46;
constexpr uint8_t kUntouched = 0xee;

class Imb : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(imb_load(runnable_lanes(kSha256Kernels).back()), Status::kOk);
    ASSERT_TRUE(imb_loaded());
  }
  static Lane own() { return runnable_lanes(kAesKernels).back(); }

  const CmacKey& key(size_t bytes) {
    const Bytes raw = random_bytes(rng_, bytes);
    EXPECT_EQ(cmac_key_init(keys_.emplace_back(), own(), raw.data(), raw.size()), Status::kOk);
    return keys_.back();
  }
  const CmacKey& key() { return key(rng_() % 2 == 0 ? 16 : 32); }
  size_t size(size_t most) { return 1 + rng_() % (size_t{1} << rng_() % (most + 1)); }

  std::mt19937_64 rng_{13};
  std::deque<CmacKey> keys_;
};

// Text: a message between guard pages, and a place for what comes of it.
struct Text {
  explicit Text(const Bytes& content, bool end, bool in_place)
      : in_page(content.size()),
        out_page(content.size()),
        in(in_page.at(end, content.size())),
        out(in_place ? in : out_page.at(end, content.size())),
        size(content.size()) {
    std::copy(content.begin(), content.end(), in);
  }
  Bytes result() const { return {out, out + size}; }
  Guarded in_page, out_page;
  uint8_t *in, *out;
  size_t size;
};

TEST_F(Imb, cbc_equals_our_own) {
  for (size_t round = 0; round < 60; ++round) {
    const size_t count = 1 + rng_() % kMultiMax;
    std::deque<Text> texts;
    std::vector<Bytes> iv(count), plain(count), expected(count);
    std::vector<CbcJob> jobs;
    for (size_t i = 0; i < count; ++i) {
      const CmacKey& k = key(16 + 8 * (rng_() % 3));
      plain[i] = random_bytes(rng_, 16 * size(7));
      iv[i] = random_bytes(rng_, 16);
      const Text& t = texts.emplace_back(plain[i], i % 2 == 0, i % 3 == 0);
      jobs.push_back({&k.aes, iv[i].data(), t.out, t.in, t.size / 16});
      expected[i].resize(t.size);
      Bytes chain = iv[i];
      aes_cbc_encrypt(k.aes, chain.data(), expected[i].data(), plain[i].data(), t.size / 16);
    }
    ASSERT_TRUE(imb_cbc_encrypt(jobs.data(), count, ImbWait::kNo));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(texts[i].result(), expected[i]) << round << " " << i;
      ASSERT_EQ(iv[i], Bytes(expected[i].end() - 16, expected[i].end())) << round << " " << i;
    }
  }
}

TEST_F(Imb, cmac_equals_our_own) {
  for (size_t round = 0; round < 60; ++round) {
    const size_t count = 1 + rng_() % kMultiMax;
    std::deque<Text> texts;
    std::vector<Bytes> tag(count, Bytes(16)), expected = tag;
    std::vector<CmacJob> jobs;
    for (size_t i = 0; i < count; ++i) {
      const CmacKey& k = key();
      const Text& t = texts.emplace_back(random_bytes(rng_, 16 * size(7)), i % 2 == 0, true);
      jobs.push_back({&k, tag[i].data(), t.in, t.size});
      cmac(k, expected[i].data(), t.in, t.size);
    }
    ASSERT_TRUE(imb_cmac(jobs.data(), count, ImbWait::kNo));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(tag[i], expected[i]) << round << " " << i;
  }
}

TEST_F(Imb, ccm_equals_our_own_and_refuses_what_is_forged) {
  for (size_t round = 0; round < 60; ++round) {
    const size_t count = 1 + rng_() % kMultiMax;
    std::deque<Text> texts, back;
    std::deque<Bytes> nonces, aads;
    std::vector<Bytes> plain(count), tag(count);
    std::vector<Sealed> expected(count);
    std::vector<CcmSealJob> seal;
    std::vector<CcmOpenJob> open;
    for (size_t i = 0; i < count; ++i) {
      const AesKey& k = key().aes;
      const Bytes& nonce = nonces.emplace_back(random_bytes(rng_, 7 + rng_() % 7));
      const Bytes& aad = aads.emplace_back(random_bytes(rng_, rng_() % (kMaxAad + 1)));
      const size_t tag_size = 4 + 2 * (rng_() % 7);
      plain[i] = random_bytes(rng_, size(11));
      const Text& t = texts.emplace_back(plain[i], i % 2 == 0, i % 3 == 0);
      const CcmInput in{nonce.data(), nonce.size(), aad.data(), aad.size(), t.in, t.size};
      expected[i] = {Bytes(t.size), Bytes(tag_size)};
      ccm_seal(k, expected[i].cipher.data(), expected[i].tag.data(), tag_size, in);
      tag[i].resize(tag_size);
      seal.push_back({&k, t.out, tag[i].data(), tag_size, in});
    }
    ASSERT_TRUE(imb_ccm_seal(seal.data(), count, ImbWait::kNo));
    const auto forged = [](size_t i) { return i % 4 == 3; };
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(texts[i].result(), expected[i].cipher) << round << " " << i;
      ASSERT_EQ(tag[i], expected[i].tag) << round << " " << i;
      const Text& t = back.emplace_back(expected[i].cipher, i % 2 == 0, i % 3 == 0);
      CcmInput in = seal[i].in;
      in.text = t.in;
      if (forged(i)) tag[i].back() ^= 0x01;
      open.push_back({seal[i].key, t.out, tag[i].data(), tag[i].size(), in});
    }
    ASSERT_TRUE(imb_ccm_open(open.data(), count, ImbWait::kNo));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(ct::declassify(open[i].right), !forged(i)) << round << " " << i;
      ASSERT_EQ(back[i].result(), forged(i) ? Bytes(plain[i].size()) : plain[i]) << round << " " << i;
    }
  }
}

// One job that ipsec-mb does not take keeps the whole batch away, and nothing of it is done.
TEST_F(Imb, takes_no_batch_that_it_cannot_do) {
  Bytes text(kMaxBytes + 32, 1), out(text.size(), kUntouched), iv(16), tag(16, kUntouched), aad(kMaxAad + 1);
  const Bytes untouched = out, no_tag = tag;
  const CmacKey &k128 = key(16), &k192 = key(24);
  const auto cbc = [&](const CmacKey& k, size_t blocks) {
    const CbcJob jobs[2] = {{&k128.aes, iv.data(), out.data(), text.data(), 1},
                            {&k.aes, iv.data(), out.data() + 16, text.data(), blocks}};
    return imb_cbc_encrypt(jobs, 2, ImbWait::kNo);
  };
  const auto mac = [&](const CmacKey& k, size_t bytes) {
    const CmacJob jobs[2] = {{&k128, tag.data(), text.data(), 16}, {&k, tag.data(), text.data(), bytes}};
    return imb_cmac(jobs, 2, ImbWait::kNo);
  };
  const auto ccm = [&](const CmacKey& k, size_t bytes, size_t aad_size) {
    const CcmInput one{iv.data(), 12, aad.data(), 1, text.data(), 1};
    const CcmInput two{iv.data(), 12, aad.data(), aad_size, text.data(), bytes};
    const CcmSealJob seal[2] = {{&k128.aes, out.data(), tag.data(), 16, one},
                                {&k.aes, out.data() + 16, tag.data(), 16, two}};
    CcmOpenJob open[2] = {{&k128.aes, out.data(), tag.data(), 16, one}, {&k.aes, out.data() + 16, tag.data(), 16, two}};
    const bool sealed = imb_ccm_seal(seal, 2, ImbWait::kNo), opened = imb_ccm_open(open, 2, ImbWait::kNo);
    EXPECT_EQ(sealed, opened);
    return sealed;
  };
  EXPECT_FALSE(cbc(k128, 0));
  EXPECT_FALSE(cbc(k128, kMaxBytes / 16 + 1));
  EXPECT_FALSE(cbc(k128, SIZE_MAX / 16 + 2));
  EXPECT_FALSE(mac(k128, 0));
  EXPECT_FALSE(mac(k128, kMaxBytes + 1));
  EXPECT_FALSE(mac(k128, 100));
  EXPECT_FALSE(mac(k192, 96));
  EXPECT_FALSE(ccm(k128, 0, 13));
  EXPECT_FALSE(ccm(k128, kMaxBytes + 1, 13));
  EXPECT_FALSE(ccm(k128, 100, kMaxAad + 1));
  EXPECT_FALSE(ccm(k192, 100, 13));
  EXPECT_FALSE(imb_cbc_encrypt(nullptr, 0, ImbWait::kNo));
  EXPECT_EQ(out, untouched);
  EXPECT_EQ(tag, no_tag);
  EXPECT_TRUE(cbc(k128, (kMaxBytes - 16) / 16));
  EXPECT_TRUE(cbc(k192, 10));
  EXPECT_TRUE(mac(k128, kMaxBytes));
  EXPECT_TRUE(ccm(k128, kMaxBytes, kMaxAad));
}

// Batches long enough to be interrupted: whoever does not want to wait gets an answer at once; whoever waits gets the
// work done.
TEST_F(Imb, one_thread_at_a_time) {
  const CmacKey& k = key(32);
  const Bytes text = random_bytes(rng_, 32000);
  Bytes expected(16);
  cmac(k, expected.data(), text.data(), text.size());
  std::atomic<int> refused{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        Bytes tags(16 * 32);
        std::vector<CmacJob> jobs;
        for (size_t j = 0; j < 32; ++j) jobs.push_back({&k, tags.data() + 16 * j, text.data(), text.size()});
        if (!imb_cmac(jobs.data(), jobs.size(), t == 0 ? ImbWait::kYes : ImbWait::kNo)) {
          ++(t == 0 ? wrong : refused);
          continue;
        }
        for (size_t j = 0; j < 32; ++j)
          if (!std::equal(expected.begin(), expected.end(), tags.begin() + static_cast<ptrdiff_t>(16 * j))) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  std::printf("%d of 150 batches that would not wait were refused\n", refused.load());
}

TEST_F(Imb, works_in_a_child_process) {
  const CmacKey& k = key(16);
  const Bytes text = random_bytes(rng_, 704);
  Bytes expected(16), tags(16 * 8);
  cmac(k, expected.data(), text.data(), text.size());
  std::vector<CmacJob> jobs;
  for (size_t j = 0; j < 8; ++j) jobs.push_back({&k, tags.data() + 16 * j, text.data(), text.size()});
  ASSERT_TRUE(imb_cmac(jobs.data(), jobs.size(), ImbWait::kNo));
  const pid_t child = fork();
  if (child == 0) {
    const ByteView manager = imb_memory();  // nothing of the parent's
    if (std::any_of(manager.data(), manager.data() + manager.size(), [](uint8_t b) { return b != 0; })) _exit(3);
    if (!imb_cmac(jobs.data(), jobs.size(), ImbWait::kNo)) _exit(1);
    for (size_t j = 0; j < 8; ++j)
      if (!std::equal(expected.begin(), expected.end(), tags.begin() + static_cast<ptrdiff_t>(16 * j))) _exit(2);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(Imb, self_tests_pass_and_can_fail) {
  using selftest::Report;
  const auto measured = [](Lane lane) { return imb_integrity(lane); };
  Report report;
  selftest::run_all(report, [](Lane) { return Status::kOk; });
  const size_t before = report.count;
  selftest::run_imb(report, measured);
  EXPECT_EQ(report.status, Status::kOk);
  ASSERT_EQ(report.count, before + 5);
  EXPECT_EQ(report.outcomes[before].id, CastId::kIntegrity);
  for (size_t i = before; i < report.count; ++i) {
    EXPECT_EQ(report.outcomes[i].lane, Lane::kImb);
    EXPECT_EQ(report.outcomes[i].status, Status::kOk) << i;
  }
  for (const char* name : {"aes-cbc-encrypt-multi", "aes-cmac-multi", "aes-ccm-seal-multi", "aes-ccm-open-multi"}) {
    inject_env::break_cast(name, "imb");
    Report broken{};
    selftest::run_imb(broken, nullptr);
    EXPECT_EQ(broken.status, Status::kSelftest) << name;
    EXPECT_EQ(std::count_if(broken.outcomes, broken.outcomes + broken.count,
                            [](const selftest::Outcome& o) { return o.status != Status::kOk; }),
              1)
        << name;
  }
  inject_env::reset();
}

}  // namespace
}  // namespace cm::test
