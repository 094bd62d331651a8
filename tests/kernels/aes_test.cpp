// SPDX-License-Identifier: Apache-2.0
// aes_test.cpp: every AES lane this CPU can run: the examples of FIPS 197 and SP 800-38A, agreement with the system's
// libcrypto over random keys and block counts, and the 128-bit counter with its carries.
#include "crypto/aes/aes.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <random>

#include "crypto/aes/aes_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

class Aes : public testing::TestWithParam<Lane> {
 protected:
  AesKey key_;

  void init(const Bytes& raw) { ASSERT_EQ(aes_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }
};

// FIPS 197 (2001 and 2023) appendix B and appendix C.1 to C.3.
TEST_P(Aes, fips197_examples) {
  struct Example {
    const char* key;
    const char* plain;
    const char* cipher;
  };
  const Example examples[] = {
      {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"},
      {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"},
      {"000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff",
       "dda97ca4864cdfe06eaf70a0ec0d7191"},
      {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "00112233445566778899aabbccddeeff",
       "8ea2b7ca516745bfeafc49904b496089"},
  };
  for (const Example& e : examples) {
    init(from_hex(e.key));
    Bytes block = from_hex(e.plain);
    aes_encrypt_blocks(key_, block.data(), block.data(), 1);
    EXPECT_EQ(block, from_hex(e.cipher));
    aes_decrypt_blocks(key_, block.data(), block.data(), 1);
    EXPECT_EQ(block, from_hex(e.plain));
  }
}

// SP 800-38A F.5.1, F.5.3 and F.5.5: the output blocks of CTR-AES, which are the keystream.
TEST_P(Aes, sp800_38a_counter_examples) {
  struct Example {
    const char* key;
    const char* stream;
  };
  const Example examples[] = {
      {"2b7e151628aed2a6abf7158809cf4f3c",
       "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
       "6a2cc3787889374fbeb4c81b17ba6c44e89c399ff0f198c6d40a31db156cabfe"},
      {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
       "717d2dc639128334a6167a488ded7921a72eb3bb14a556734b7bad6ab16100c5"
       "2efeae2d72b722613446dc7f4c2af918b9e783b30dd7924ff7bc9b97beaa8740"},
      {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
       "0bdf7df1591716335e9a8b15c860c5025a6e699d536119065433863c8f657b94"
       "1bc12c9c01610d5d0d8bd6a3378eca622956e1c8693536b1bee99c73a31576b6"},
  };
  for (const Example& e : examples) {
    init(from_hex(e.key));
    Bytes counter = from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    Bytes stream(64);
    aes_ctr_keystream(key_, counter.data(), stream.data(), 4);
    EXPECT_EQ(stream, from_hex(e.stream));
    EXPECT_EQ(counter, from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdff03"));
  }
}

TEST_P(Aes, refuses_other_key_lengths) {
  const Bytes raw(64, 1);
  for (size_t size = 0; size <= 64; ++size) {
    const Status expected = size == 16 || size == 24 || size == 32 ? Status::kOk : Status::kLength;
    EXPECT_EQ(aes_key_init(key_, GetParam(), raw.data(), size), expected) << size;
  }
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};

Bytes openssl_ecb(const Bytes& key, const Bytes& in, bool encrypt) {
  const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_ecb()
                             : key.size() == 24 ? EVP_aes_192_ecb()
                                                : EVP_aes_256_ecb();
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> c(EVP_CIPHER_CTX_new());
  Bytes out(in.size() + 16);
  int size = 0;
  EXPECT_EQ(EVP_CipherInit_ex(c.get(), cipher, nullptr, key.data(), nullptr, encrypt ? 1 : 0), 1);
  EVP_CIPHER_CTX_set_padding(c.get(), 0);
  EXPECT_EQ(EVP_CipherUpdate(c.get(), out.data(), &size, in.data(), static_cast<int>(in.size())), 1);
  out.resize(static_cast<size_t>(size));
  return out;
}

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes b(size);
  for (uint8_t& v : b) v = static_cast<uint8_t>(rng());
  return b;
}

// Every block count a kernel may treat differently, at both ends of a page, in place and apart.
TEST_P(Aes, equals_libcrypto_for_every_block_count) {
  std::mt19937_64 rng(197);
  Guarded in_page(8192), out_page(8192);
  for (size_t count = 0; count <= 200; ++count) {
    for (const size_t key_size : {16u, 24u, 32u}) {
      const Bytes raw = random_bytes(rng, key_size), text = random_bytes(rng, 16 * count);
      init(raw);
      const Bytes encrypted = openssl_ecb(raw, text, true), decrypted = openssl_ecb(raw, text, false);
      for (const bool end : {false, true}) {
        uint8_t* const in = in_page.at(end, text.size());
        uint8_t* const out = out_page.at(end, text.size());
        std::copy(text.begin(), text.end(), in);
        aes_encrypt_blocks(key_, out, in, count);
        ASSERT_TRUE(std::equal(encrypted.begin(), encrypted.end(), out)) << count;
        aes_decrypt_blocks(key_, out, in, count);
        ASSERT_TRUE(std::equal(decrypted.begin(), decrypted.end(), out)) << count;
        aes_encrypt_blocks(key_, in, in, count);
        ASSERT_TRUE(std::equal(encrypted.begin(), encrypted.end(), in)) << count;
        aes_decrypt_blocks(key_, in, in, count);
        ASSERT_TRUE(std::equal(text.begin(), text.end(), in)) << count;
      }
    }
  }
}

void add_one(Bytes& counter) {
  for (size_t i = counter.size(); i-- > 0;)
    if (++counter[i] != 0) return;
}

// The counter is the whole block, so carries run through every byte, inside a register and between registers.
TEST_P(Aes, counter_carries_through_the_whole_block) {
  std::mt19937_64 rng(38);
  Guarded page(8192);
  const Bytes raw = random_bytes(rng, 32);
  init(raw);
  for (size_t count = 0; count <= 130; ++count) {
    for (int ones = 0; ones <= 16; ++ones) {
      Bytes counter = random_bytes(rng, 16);
      std::fill(counter.end() - ones, counter.end(), uint8_t{0xff});
      if (ones > 0) counter[15] = static_cast<uint8_t>(0xff - rng() % (count + 1));
      Bytes blocks(16 * count), next = counter;
      for (size_t b = 0; b < count; ++b, add_one(next)) std::copy(next.begin(), next.end(), &blocks[16 * b]);
      const Bytes expected = openssl_ecb(raw, blocks, true);
      uint8_t* const out = page.at_end(expected.size());
      aes_ctr_keystream(key_, counter.data(), out, count);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out)) << count << " blocks, " << ones;
      ASSERT_EQ(counter, next);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, Aes, testing::ValuesIn(runnable_lanes(kAesKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
