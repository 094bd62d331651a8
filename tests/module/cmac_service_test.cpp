// SPDX-License-Identifier: Apache-2.0
// cm_mac_* with keys of AES-CMAC: against libcrypto, in pieces, truncated, and what is refused.
#include <random>

#include "tests/module/fixture.h"
#include "tests/support/evp_oracle.h"

namespace cm::test {
namespace {

class Cmac : public Operational {
 protected:
  cm_key import(const Bytes& raw, uint32_t usage = 0) {
    cm_key_params params = key_params(CM_ALG_AES_CMAC);
    params.usage = usage;
    cm_key key{};
    EXPECT_EQ(cm_key_import(session_, &key, &params, raw.data(), raw.size()), CM_OK);
    return key;
  }
  std::mt19937_64 rng_{11};
};

TEST_F(Cmac, agrees_with_libcrypto_in_one_call_and_in_pieces) {
  for (const size_t key_size : {16, 24, 32}) {
    const Bytes raw = random_bytes(rng_, key_size);
    const cm_key key = import(raw);
    for (const size_t size : {0, 1, 15, 16, 17, 32, 33, 64, 1000}) {
      const Bytes text = random_bytes(rng_, size), expected = evp_cmac(raw, text);
      for (const size_t mac_size : {8, 12, 16}) {
        Bytes mac(mac_size);
        ASSERT_EQ(cm_mac_compute(session_, key, mac.data(), mac_size, text.data(), size), CM_OK);
        EXPECT_EQ(mac, Bytes(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(mac_size)));
        EXPECT_EQ(cm_mac_verify(session_, key, mac.data(), mac_size, text.data(), size), CM_OK);
        mac[mac_size - 1] ^= 1;
        EXPECT_EQ(cm_mac_verify(session_, key, mac.data(), mac_size, text.data(), size), CM_ERR_AUTH);
      }
      cm_mac mac{};
      ASSERT_EQ(cm_mac_init(session_, &mac, key), CM_OK);
      for (size_t at = 0; at < size;) {
        const size_t piece = std::min<size_t>(size - at, rng_() % 40);
        ASSERT_EQ(cm_mac_update(session_, mac, text.data() + at, piece), CM_OK);
        at += piece;
      }
      Bytes streamed(16);
      EXPECT_EQ(cm_mac_final(session_, mac, streamed.data(), 17), CM_ERR_LENGTH);
      EXPECT_EQ(cm_mac_final(session_, mac, streamed.data(), 7), CM_ERR_LENGTH) << "the context stays";
      ASSERT_EQ(cm_mac_final(session_, mac, streamed.data(), 16), CM_OK);
      EXPECT_EQ(streamed, expected);
    }
    EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  }
}

TEST_F(Cmac, refuses_sizes_and_usages_that_do_not_fit) {
  const cm_key key = import(pattern(16)), only_verify = import(pattern(16), CM_USE_VERIFY);
  Bytes mac(32, 0xee);
  for (const size_t size : {0, 3, 4, 7, 17, 32, 33})
    EXPECT_EQ(cm_mac_compute(session_, key, mac.data(), size, nullptr, 0), CM_ERR_LENGTH) << size;
  EXPECT_EQ(mac, Bytes(32, 0xee));
  EXPECT_EQ(cm_mac_compute(session_, only_verify, mac.data(), 16, nullptr, 0), CM_ERR_USAGE);
  cm_mac context{};
  EXPECT_EQ(cm_mac_init(session_, &context, only_verify), CM_ERR_USAGE);
  EXPECT_EQ(cm_key_destroy(session_, only_verify), CM_OK);
  ASSERT_EQ(cm_mac_init(session_, &context, key), CM_OK);
  EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  EXPECT_EQ(cm_mac_update(session_, context, mac.data(), 1), CM_ERR_HANDLE) << "it ended with its key";
}

}  // namespace
}  // namespace cm::test
