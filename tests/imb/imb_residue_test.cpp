// SPDX-License-Identifier: Apache-2.0
// imb_residue_test.cpp: lane imb leaves nothing secret in its manager or on the stack.
#include "crypto/aes/aes_kernels.h"
#include "crypto/imb/imb.h"
#include "crypto/sha2/sha256_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/stack_residue.h"

namespace cm::test {
namespace {

// Twenty jobs of one key, so that lanes are refilled; afterwards the manager has forgotten it, and so has the stack.
TEST(ImbResidue, keeps_no_secret) {
  ASSERT_EQ(imb_load(runnable_lanes(kSha256Kernels).back()), Status::kOk);
  constexpr size_t kJobs = 20, kSize = 992;
  for (const size_t key_size : {16, 32}) {
    const Bytes raw = noise(key_size, 71), text = noise(kSize, 72), nonce = noise(12, 73);
    CmacKey k;
    ASSERT_EQ(cmac_key_init(k, runnable_lanes(kAesKernels).back(), raw.data(), raw.size()), Status::kOk);
    std::vector<Bytes> out(kJobs, Bytes(kSize)), back = out, tag(kJobs, Bytes(16)), iv(kJobs, Bytes(16));
    std::vector<CbcJob> cbc;
    std::vector<CmacJob> mac;
    std::vector<CcmSealJob> seal;
    std::vector<CcmOpenJob> open;
    for (size_t i = 0; i < kJobs; ++i) {
      const CcmInput plain{nonce.data(), nonce.size(), nullptr, 0, text.data(), kSize - i};
      CcmInput sealed = plain;
      sealed.text = out[i].data();
      cbc.push_back({&k.aes, iv[i].data(), out[i].data(), text.data(), kSize / 16});
      mac.push_back({&k, tag[i].data(), text.data(), kSize - 16 * i});
      seal.push_back({&k.aes, out[i].data(), tag[i].data(), 16, plain});
      open.push_back({&k.aes, back[i].data(), tag[i].data(), 16, sealed});
    }
    Secrets secrets = schedule_of(k.aes, raw);
    secrets["subkeys"] = copy_of(k.k1, 32);
    secrets["plaintext"] = text;
    const auto expect = [&](const char* what, const std::function<void()>& work) {
      expect_clean(what, work, secrets);
      const ByteView manager = imb_memory();
      expect_no_piece(what, copy_of(manager.data(), manager.size()), secrets);
    };
    bool done = true;
    expect("cbc", [&] { done = imb_cbc_encrypt(cbc.data(), kJobs, ImbWait::kNo) && done; });
    expect("cmac", [&] { done = imb_cmac(mac.data(), kJobs, ImbWait::kNo) && done; });
    expect("ccm seal", [&] { done = imb_ccm_seal(seal.data(), kJobs, ImbWait::kNo) && done; });
    expect("ccm open", [&] { done = imb_ccm_open(open.data(), kJobs, ImbWait::kNo) && done; });
    EXPECT_TRUE(done);
  }
}

}  // namespace
}  // namespace cm::test
