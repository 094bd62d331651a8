// SPDX-License-Identifier: Apache-2.0
// chacha_test.cpp: every ChaCha20-Poly1305 lane this CPU can run: agreement with the system's libcrypto over all
// lengths of a message that a kernel may treat apart and over random ones, refusal of whatever was changed, no access
// outside the buffers, and the hash alone where its arithmetic has edges.
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <random>

#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/chacha/chacha_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/poly1305_lane.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;
// Longer than two flights of the widest lane with a first part and every tail.
constexpr size_t kEveryLength = 3100;

struct Message {
  Bytes key, iv, aad, text;
  ChaChaInput input(const Bytes& body) const { return {iv.data(), aad.data(), aad.size(), body.data(), body.size()}; }
};
struct Sealed {
  Bytes text, tag;
  bool operator==(const Sealed&) const = default;
};

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes b(size);
  for (uint8_t& v : b) v = static_cast<uint8_t>(rng());
  return b;
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
};

Sealed openssl_seal(const Message& m) {
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> c(EVP_CIPHER_CTX_new());
  Sealed s{Bytes(m.text.size()), Bytes(kChaChaTag)};
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(c.get(), EVP_chacha20_poly1305(), nullptr, m.key.data(), m.iv.data()), 1);
  if (!m.aad.empty()) {
    EXPECT_EQ(EVP_EncryptUpdate(c.get(), nullptr, &size, m.aad.data(), static_cast<int>(m.aad.size())), 1);
  }
  if (!m.text.empty()) {
    EXPECT_EQ(EVP_EncryptUpdate(c.get(), s.text.data(), &size, m.text.data(), static_cast<int>(m.text.size())), 1);
  }
  uint8_t none[16];
  EXPECT_EQ(EVP_EncryptFinal_ex(c.get(), none, &size), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_AEAD_GET_TAG, kChaChaTag, s.tag.data()), 1);
  return s;
}

Sealed seal(const ChaChaKey& key, const Message& m) {
  Sealed s{Bytes(m.text.size(), kUntouched), Bytes(kChaChaTag, kUntouched)};
  chacha_seal(key, s.text.data(), s.tag.data(), m.input(m.text));
  return s;
}

struct Opened {
  bool right;
  Bytes text;
};
Opened open(const ChaChaKey& key, const Message& m, const Sealed& s) {
  Opened o{false, Bytes(s.text.size(), kUntouched)};
  o.right = ct::declassify(chacha_open(key, o.text.data(), s.tag.data(), s.tag.size(), m.input(s.text)));
  return o;
}

bool all_zero(const uint8_t* p, size_t size) {
  return std::all_of(p, p + size, [](uint8_t v) { return v == 0; });
}

class ChaCha : public testing::TestWithParam<Lane> {
 protected:
  ChaChaKey key_{};

  void init(const Bytes& raw) { ASSERT_EQ(chacha_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }

  // expect_refused: the mask is clear and the output zeroed.
  void expect_refused(const Message& m, const Sealed& s, const char* what) {
    const Opened o = open(key_, m, s);
    EXPECT_FALSE(o.right) << what;
    EXPECT_TRUE(all_zero(o.text.data(), o.text.size())) << what;
  }

  // expect_refuses_changes: one bit anywhere and nothing is opened.
  void expect_refuses_changes(std::mt19937_64& rng, const Message& m, const Sealed& s) {
    const auto flip = [&](Bytes& b) { b[rng() % b.size()] ^= static_cast<uint8_t>(1u << (rng() % 8)); };
    Sealed changed = s;
    flip(changed.tag);
    expect_refused(m, changed, "tag");
    if (!s.text.empty()) {
      changed = s;
      flip(changed.text);
      expect_refused(m, changed, "text");
    }
    Message other = m;
    if (!m.aad.empty()) {
      flip(other.aad);
      expect_refused(other, s, "aad");
    }
    other = m;
    flip(other.iv);
    expect_refused(other, s, "iv");
  }
};

TEST_P(ChaCha, refuses_other_key_lengths) {
  const Bytes raw(64, 1);
  for (size_t size = 0; size <= 64; ++size) {
    const Status expected = size == kChaChaKeySize ? Status::kOk : Status::kLength;
    EXPECT_EQ(chacha_key_init(key_, GetParam(), raw.data(), size), expected) << size;
  }
}

// GuardedRun: seals and opens with every buffer against a guard page, at its start or at its end, in place and apart.
struct GuardedRun {
  Guarded iv{64}, aad{8192}, text{131072}, out{131072}, tag{64};

  void expect_sealed(const ChaChaKey& key, const Message& m, const Sealed& expected, bool end, bool in_place) {
    uint8_t* const t = text.at(end, m.text.size());
    uint8_t* const o = in_place ? t : out.at(end, m.text.size());
    uint8_t* const tag_at = tag.at(end, kChaChaTag);
    ChaChaInput in{iv.at(end, m.iv.size()), aad.at(end, m.aad.size()), m.aad.size(), t, m.text.size()};
    std::copy(m.iv.begin(), m.iv.end(), iv.at(end, m.iv.size()));
    std::copy(m.aad.begin(), m.aad.end(), aad.at(end, m.aad.size()));
    std::copy(m.text.begin(), m.text.end(), t);
    chacha_seal(key, o, tag_at, in);
    EXPECT_TRUE(std::equal(expected.text.begin(), expected.text.end(), o));
    EXPECT_TRUE(std::equal(expected.tag.begin(), expected.tag.end(), tag_at));
    std::copy(expected.text.begin(), expected.text.end(), t);
    EXPECT_TRUE(ct::declassify(chacha_open(key, o, tag_at, kChaChaTag, in)));
    EXPECT_TRUE(std::equal(m.text.begin(), m.text.end(), o));
    std::copy(expected.text.begin(), expected.text.end(), t);
    tag_at[m.text.size() % kChaChaTag] ^= 0x80;
    EXPECT_FALSE(ct::declassify(chacha_open(key, o, tag_at, kChaChaTag, in)));
    EXPECT_TRUE(all_zero(o, m.text.size()));
  }
};

TEST_P(ChaCha, equals_libcrypto_for_every_length) {
  std::mt19937_64 rng(8439);
  GuardedRun run;
  for (size_t size = 0; size <= kEveryLength; ++size) {
    Message m{random_bytes(rng, 32), random_bytes(rng, 12), {}, random_bytes(rng, size)};
    init(m.key);
    for (const size_t aad_size : {size_t{0}, size_t{13}, size_t{size % 131}}) {
      m.aad = random_bytes(rng, aad_size);
      const Sealed expected = openssl_seal(m);
      run.expect_sealed(key_, m, expected, true, false);
      run.expect_sealed(key_, m, expected, aad_size != 13, true);
      run.expect_sealed(key_, m, expected, false, false);
      expect_refuses_changes(rng, m, expected);
      if (HasFailure()) FAIL() << size << " bytes, AAD " << aad_size;
    }
  }
}

TEST_P(ChaCha, equals_libcrypto_for_every_aad_length) {
  std::mt19937_64 rng(800);
  GuardedRun run;
  for (size_t aad_size = 0; aad_size <= 1100; ++aad_size) {
    Message m{random_bytes(rng, 32), random_bytes(rng, 12), random_bytes(rng, aad_size), {}};
    init(m.key);
    for (const size_t size : {size_t{0}, size_t{rng() % 80}, size_t{rng() % 1024}, size_t{1024 + rng() % 1100}}) {
      m.text = random_bytes(rng, size);
      run.expect_sealed(key_, m, openssl_seal(m), aad_size % 2 != 0, false);
      if (HasFailure()) FAIL() << size << " bytes, AAD " << aad_size;
    }
  }
}

Message arbitrary_message(size_t size_max) {
  std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
  Message m{random_bytes(rng, 32), random_bytes(rng, 12), {}, {}};
  m.aad = random_bytes(rng, *rc::gen::oneOf(rc::gen::inRange<size_t>(0, 70), rc::gen::inRange<size_t>(0, 2000)));
  m.text = random_bytes(rng, *rc::gen::inRange<size_t>(0, size_max + 1));
  return m;
}

// The property: a lane seals as libcrypto does at any alignment, opens its own tags at every length, in place or apart,
// and refuses changes.
void check_lane(const ChaChaKey& key, const Message& m) {
  const Sealed expected = openssl_seal(m);
  RC_ASSERT(seal(key, m) == expected);
  const size_t in_offset = *rc::gen::inRange<size_t>(0, 64), out_offset = *rc::gen::inRange<size_t>(0, 64);
  Bytes in(m.text.size() + 64), out(m.text.size() + 128, kUntouched);
  std::copy(m.text.begin(), m.text.end(), in.begin() + static_cast<ptrdiff_t>(in_offset));
  ChaChaInput input = m.input(m.text);
  input.text = in.data() + in_offset;
  uint8_t* to = *rc::gen::arbitrary<bool>() ? in.data() + in_offset : out.data() + 32 + out_offset % 32;
  Bytes tag(kChaChaTag);
  chacha_seal(key, to, tag.data(), input);
  RC_ASSERT(tag == expected.tag);
  RC_ASSERT(std::equal(expected.text.begin(), expected.text.end(), to));

  const size_t tag_size = *rc::gen::inRange<size_t>(1, 17);
  input.text = to;
  tag.resize(tag_size);
  RC_ASSERT(ct::declassify(chacha_open(key, to, tag.data(), tag_size, input)));
  RC_ASSERT(std::equal(m.text.begin(), m.text.end(), to));

  std::copy(expected.text.begin(), expected.text.end(), to);
  tag[*rc::gen::inRange<size_t>(0, tag_size)] ^= static_cast<uint8_t>(1u << *rc::gen::inRange(0, 8));
  RC_ASSERT(!ct::declassify(chacha_open(key, to, tag.data(), tag_size, input)));
  RC_ASSERT(all_zero(to, m.text.size()));
  const auto untouched = [](uint8_t v) { return v == kUntouched; };
  RC_ASSERT(std::all_of(out.begin(), out.begin() + 32, untouched));
  RC_ASSERT(std::all_of(out.end() - 32, out.end(), untouched));
}

TEST_P(ChaCha, property_random_messages) {
  EXPECT_TRUE(rc::check([&] {
    const Message m = arbitrary_message(*rc::gen::element<size_t>(16, 300, 1100, 3500));
    RC_ASSERT(chacha_key_init(key_, GetParam(), m.key.data(), m.key.size()) == Status::kOk);
    for (int i = 0; i < 8; ++i) check_lane(key_, m);
  }));
}

TEST_P(ChaCha, property_long_messages) {
  EXPECT_TRUE(rc::check([&] {
    Message m = arbitrary_message(0);
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    m.text = random_bytes(rng, rng() % (70u << 10));
    RC_ASSERT(chacha_key_init(key_, GetParam(), m.key.data(), m.key.size()) == Status::kOk);
    check_lane(key_, m);
  }));
}

// The lanes against each other: the same for every length, without libcrypto between them.
TEST(ChaChaLanes, agree) {
  std::mt19937_64 rng(20);
  for (size_t size = 0; size <= 2100; ++size) {
    const Message m{random_bytes(rng, 32), random_bytes(rng, 12), random_bytes(rng, rng() % 300),
                    random_bytes(rng, size)};
    ChaChaKey portable{};
    ASSERT_EQ(chacha_key_init(portable, Lane::kPortable, m.key.data(), m.key.size()), Status::kOk);
    const Sealed expected = seal(portable, m);
    for (const Lane lane : runnable_lanes(kChaChaKernels)) {
      ChaChaKey key{};
      ASSERT_EQ(chacha_key_init(key, lane, m.key.data(), m.key.size()), Status::kOk);
      EXPECT_EQ(seal(key, m), expected) << lane_name(lane) << " " << size;
      EXPECT_EQ(open(key, m, expected).text, m.text) << lane_name(lane) << " " << size;
    }
  }
}

TEST(ChaChaLanes, others_are_refused) {
  const Bytes raw(32, 1);
  ChaChaKey key{};
  for (const Lane lane : {Lane::kNone, Lane::kAesni, Lane::kShani, Lane::kVaes512})
    EXPECT_EQ(chacha_key_init(key, lane, raw.data(), raw.size()), Status::kUnsupported) << lane_name(lane);
  key.lane = Lane::kShani;
  EXPECT_DEATH(seal(key, {raw, raw, {}, {}}), "");
  EXPECT_DEATH(open(key, {raw, raw, {}, {}}, {{}, raw}), "");
}

// ---- The hash alone.

struct FreeMac {
  void operator()(EVP_MAC* m) const { EVP_MAC_free(m); }
  void operator()(EVP_MAC_CTX* c) const { EVP_MAC_CTX_free(c); }
};

Bytes openssl_poly1305(const Bytes& key, const Bytes& text) {
  static const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "POLY1305", nullptr));
  const std::unique_ptr<EVP_MAC_CTX, FreeMac> c(EVP_MAC_CTX_new(mac.get()));
  Bytes tag(16);
  size_t size = 0;
  EXPECT_EQ(EVP_MAC_init(c.get(), key.data(), key.size(), nullptr), 1);
  EXPECT_EQ(EVP_MAC_update(c.get(), text.data(), text.size()), 1);
  EXPECT_EQ(EVP_MAC_final(c.get(), tag.data(), &size, tag.size()), 1);
  return tag;
}

class Poly1305 : public testing::TestWithParam<Lane> {};

TEST_P(Poly1305, equals_libcrypto_for_every_length) {
  std::mt19937_64 rng(1305);
  Guarded text(4096), key(64), tag(64);
  for (size_t size = 0; size <= 1300; ++size) {
    const Bytes k = random_bytes(rng, 32), t = random_bytes(rng, size);
    const Bytes expected = openssl_poly1305(k, t);
    for (const bool end : {false, true}) {
      std::copy(k.begin(), k.end(), key.at(end, k.size()));
      std::copy(t.begin(), t.end(), text.at(end, t.size()));
      poly1305_on(GetParam(), tag.at(end, 16), key.at(end, k.size()), text.at(end, t.size()), t.size());
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), tag.at(end, 16))) << size;
    }
  }
}

// Limbs full of ones or of zeros, in keys and in texts: where carries run longest.
TEST_P(Poly1305, equals_libcrypto_for_extreme_keys_and_texts) {
  std::vector<Bytes> keys;
  for (const char* r :
       {"00000000000000000000000000000000", "01000000000000000000000000000000", "02000000000000000000000000000000",
        "04000000000000000000000000000000", "ffffffffffffffffffffffffffffffff", "ffffffffffffffff0000000000000000",
        "0000000000000000ffffffffffffffff", "0000000000000000fcffffffffffffff", "ffffffffff0f00000000000000000000",
        "0000000000f0ffff0f00000000000000", "fbffffffffffffffffffffffffffffff"})
    for (const char* s : {"00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff"})
      keys.push_back(from_hex(std::string(r) + s));
  std::mt19937_64 rng(130);
  for (const Bytes& key : keys)
    for (const int fill : {0x00, 0xff, 0xfb, 0x01, 0x80, -1}) {
      for (size_t size = 0; size <= 80 * 16; size += size < 80 ? 1 : 16) {
        Bytes text(size, static_cast<uint8_t>(fill));
        if (fill < 0)  // words of all ones and of all zeros
          for (size_t i = 0; i < size; i += 8) {
            const auto v = static_cast<uint8_t>(rng() % 2 == 0 ? 0xff : 0x00);
            std::fill(text.begin() + static_cast<ptrdiff_t>(i),
                      text.begin() + static_cast<ptrdiff_t>(std::min(i + 8, size)), v);
          }
        ASSERT_EQ(to_hex(poly1305_on(GetParam(), key, text)), to_hex(openssl_poly1305(key, text)))
            << to_hex(key) << " fill " << fill << " size " << size;
      }
    }
}

struct FreeNumber {
  void operator()(BIGNUM* n) const { BN_free(n); }
  void operator()(BN_CTX* c) const { BN_CTX_free(c); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

// Sums at both ends of the range of remainders: with r = 1 the sum is that of the blocks, and the last block is chosen
// so that it comes to the wanted value modulo p, for all numbers of blocks that a kernel may treat apart.
TEST_P(Poly1305, sums_around_the_modulus) {
  Bytes key(32);
  key[0] = 1;
  std::mt19937_64 rng(5);
  const std::unique_ptr<BN_CTX, FreeNumber> ctx(BN_CTX_new());
  const Number p(BN_new()), bit(BN_new()), sum(BN_new()), block(BN_new());
  BN_set_bit(p.get(), 130);
  BN_sub_word(p.get(), 5);
  BN_set_bit(bit.get(), 128);
  size_t cases = 0;
  for (size_t blocks = 1; blocks <= 70; ++blocks)
    for (int wanted = -20; wanted <= 20; ++wanted) {
      const bool near_power = wanted % 2 == 0;  // of 2^128, where the tag wraps; else of 0
      Bytes text;
      int tries = 0;
      do {
        text = random_bytes(rng, 16 * blocks);
        BN_zero(sum.get());
        for (size_t i = 0; i < blocks; ++i) {
          if (i + 1 < blocks) {
            BN_lebin2bn(&text[16 * i], 16, block.get());
            BN_add(sum.get(), sum.get(), block.get());
          }
          BN_add(sum.get(), sum.get(), bit.get());
        }
        // The last block is what is missing.
        BN_zero(block.get());
        if (near_power) BN_set_bit(block.get(), 128);
        if (wanted < 0)
          BN_sub_word(block.get(), static_cast<BN_ULONG>(-wanted));
        else
          BN_add_word(block.get(), static_cast<BN_ULONG>(wanted));
        BN_mod_sub(block.get(), block.get(), sum.get(), p.get(), ctx.get());
      } while (BN_num_bits(block.get()) > 128 && ++tries < 100);
      if (BN_num_bits(block.get()) > 128) continue;  // up to four blocks do not come to every sum
      BN_bn2lebinpad(block.get(), &text[16 * (blocks - 1)], 16);
      ++cases;
      Bytes expected(16);
      for (size_t i = 0; i < 16; ++i)  // wanted modulo p, then modulo 2^128
        expected[i] = static_cast<uint8_t>(static_cast<int64_t>(wanted) >> std::min<size_t>(8 * i, 63));
      if (wanted < 0 && !near_power) expected[0] = static_cast<uint8_t>(expected[0] - 5);  // p - |wanted|
      ASSERT_EQ(to_hex(poly1305_on(GetParam(), key, text)), to_hex(expected)) << blocks << " blocks, " << wanted;
      ASSERT_EQ(openssl_poly1305(key, text), expected);
    }
  EXPECT_GE(cases, 67u * 41u);
}

INSTANTIATE_TEST_SUITE_P(lanes, ChaCha, testing::ValuesIn(runnable_lanes(kChaChaKernels)),
                         [](const auto& row) { return lane_name(row.param); });
INSTANTIATE_TEST_SUITE_P(lanes, Poly1305, testing::ValuesIn(runnable_lanes(kChaChaKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
