// SPDX-License-Identifier: Apache-2.0
// gcm_test.cpp: every GCM lane this CPU can run: the test cases of the GCM specification, agreement with the system's
// libcrypto (over all lengths of a message that a kernel may treat apart, and over random ones), refusal of whatever
// was changed, and no access outside the buffers.
#include "crypto/gcm/gcm.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <random>

#include "crypto/base/bytes.h"
#include "crypto/gcm/gcm_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/lanes.h"
#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;

struct Message {
  Bytes key, iv, aad, text;
  GcmInput input(const Bytes& body) const {
    return {iv.data(), iv.size(), aad.data(), aad.size(), body.data(), body.size()};
  }
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

constexpr size_t kOpensslIvMax = 128;

Sealed openssl_seal(const Message& m) {
  const EVP_CIPHER* cipher = m.key.size() == 16   ? EVP_aes_128_gcm()
                             : m.key.size() == 24 ? EVP_aes_192_gcm()
                                                  : EVP_aes_256_gcm();
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> c(EVP_CIPHER_CTX_new());
  Sealed s{Bytes(m.text.size()), Bytes(kGcmTag)};
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(c.get(), cipher, nullptr, nullptr, nullptr), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_IVLEN, static_cast<int>(m.iv.size()), nullptr), 1);
  EXPECT_EQ(EVP_EncryptInit_ex(c.get(), nullptr, nullptr, m.key.data(), m.iv.data()), 1);
  if (!m.aad.empty()) {
    EXPECT_EQ(EVP_EncryptUpdate(c.get(), nullptr, &size, m.aad.data(), static_cast<int>(m.aad.size())), 1);
  }
  if (!m.text.empty()) {
    EXPECT_EQ(EVP_EncryptUpdate(c.get(), s.text.data(), &size, m.text.data(), static_cast<int>(m.text.size())), 1);
  }
  uint8_t none[16];
  EXPECT_EQ(EVP_EncryptFinal_ex(c.get(), none, &size), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, kGcmTag, s.tag.data()), 1);
  return s;
}

Sealed seal(const GcmKey& key, const Message& m) {
  Sealed s{Bytes(m.text.size(), kUntouched), Bytes(kGcmTag, kUntouched)};
  gcm_seal(key, s.text.data(), s.tag.data(), m.input(m.text));
  return s;
}

struct Opened {
  bool right;
  Bytes text;
};
Opened open(const GcmKey& key, const Message& m, const Sealed& s) {
  Opened o{false, Bytes(s.text.size(), kUntouched)};
  o.right = ct::declassify(gcm_open(key, o.text.data(), s.tag.data(), s.tag.size(), m.input(s.text)));
  return o;
}

bool all_zero(const uint8_t* p, size_t size) {
  return std::all_of(p, p + size, [](uint8_t v) { return v == 0; });
}

class Gcm : public testing::TestWithParam<Lane> {
 protected:
  GcmKey key_;

  void init(const Bytes& raw) { ASSERT_EQ(gcm_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }

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

struct SpecCase {
  const char *key, *iv, *aad, *plain, *cipher, *tag;
};

// McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B: test cases 1 to 6 (AES-128), 7, 8, 10
// (AES-192), 13 to 18 (AES-256). Cases 5, 6, 17, 18 have IVs of 64 and 480 bits.
constexpr char kIv480[] =
    "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a6"
    "37b39b";
constexpr char kPlain64[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba"
    "637b391aafd255";
constexpr char kPlain60[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba"
    "637b39";
constexpr char kAad20[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr char kZero[] = "00000000000000000000000000000000";
constexpr char kIv96[] = "cafebabefacedbaddecaf888";

constexpr SpecCase kSpecCases[] = {
    {kZero, "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {kZero, "000000000000000000000000", "", kZero, "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"feffe9928665731c6d6a8f9467308308", kIv96, "", kPlain64,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973"
     "d58e091473f5985",
     "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {"feffe9928665731c6d6a8f9467308308", kIv96, kAad20, kPlain60,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973"
     "d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbad", kAad20, kPlain60,
     "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c"
     "23f4598",
     "3612d2e79e3b0785561be14aaca2fccb"},
    {"feffe9928665731c6d6a8f9467308308", kIv480, kAad20, kPlain60,
     "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034"
     "c34aee5",
     "619cc5aefffe0bfa462af43c1699d050"},
    {"000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "cd33b28ac773f74ba00ed1f312572435"},
    {"000000000000000000000000000000000000000000000000", "000000000000000000000000", "", kZero,
     "98e7247c07f0fe411c267e4384b0f600", "2ff58d80033927ab8ef4d4587514f0fb"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c", kIv96, kAad20, kPlain60,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9c"
     "cda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "", kZero,
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", kIv96, "", kPlain64,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "cc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", kIv96, kAad20, kPlain60,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0ab"
     "cc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbad", kAad20, kPlain60,
     "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f"
     "47c9b1f",
     "3a337dbf46a792c45e454913fe2ea8f2"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", kIv480, kAad20, kPlain60,
     "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e4"
     "4ae7e3f",
     "a44a8266ee1c8eb0c8b5d4cf5ae9f19a"},
};

TEST_P(Gcm, specification_test_cases) {
  for (const SpecCase& c : kSpecCases) {
    const Message m{from_hex(c.key), from_hex(c.iv), from_hex(c.aad), from_hex(c.plain)};
    const Sealed expected{from_hex(c.cipher), from_hex(c.tag)};
    init(m.key);
    EXPECT_EQ(to_hex(seal(key_, m).text), c.cipher);
    EXPECT_EQ(to_hex(seal(key_, m).tag), c.tag);
    const Opened o = open(key_, m, expected);
    EXPECT_TRUE(o.right) << c.tag;
    EXPECT_EQ(to_hex(o.text), c.plain);
  }
}

TEST_P(Gcm, refuses_other_key_lengths) {
  const Bytes raw(64, 1);
  for (size_t size = 0; size <= 64; ++size) {
    const Status expected = size == 16 || size == 24 || size == 32 ? Status::kOk : Status::kLength;
    EXPECT_EQ(gcm_key_init(key_, GetParam(), raw.data(), size), expected) << size;
  }
}

// GuardedRun: seals and opens with every buffer against a guard page, at its start or at its end, in place and apart.
struct GuardedRun {
  Guarded iv{256}, aad{8192}, text{131072}, out{131072}, tag{64};

  void expect_sealed(const GcmKey& key, const Message& m, const Sealed& expected, bool end, bool in_place) {
    uint8_t* const t = text.at(end, m.text.size());
    uint8_t* const o = in_place ? t : out.at(end, m.text.size());
    uint8_t* const tag_at = tag.at(end, kGcmTag);
    GcmInput in{iv.at(end, m.iv.size()), m.iv.size(), aad.at(end, m.aad.size()), m.aad.size(), t, m.text.size()};
    std::copy(m.iv.begin(), m.iv.end(), iv.at(end, m.iv.size()));
    std::copy(m.aad.begin(), m.aad.end(), aad.at(end, m.aad.size()));
    std::copy(m.text.begin(), m.text.end(), t);
    gcm_seal(key, o, tag_at, in);
    EXPECT_TRUE(std::equal(expected.text.begin(), expected.text.end(), o));
    EXPECT_TRUE(std::equal(expected.tag.begin(), expected.tag.end(), tag_at));
    std::copy(expected.text.begin(), expected.text.end(), t);
    EXPECT_TRUE(ct::declassify(gcm_open(key, o, tag_at, kGcmTag, in)));
    EXPECT_TRUE(std::equal(m.text.begin(), m.text.end(), o));
  }
};

// Every length from 0 to 600: each size of the tail, with and without a step of bulk before it.
TEST_P(Gcm, equals_libcrypto_for_every_length) {
  std::mt19937_64 rng(38);
  GuardedRun run;
  for (size_t size = 0; size <= 600; ++size) {
    const size_t key_size = 16 + 8 * (size % 3);
    Message m{random_bytes(rng, key_size), random_bytes(rng, 12), {}, random_bytes(rng, size)};
    init(m.key);
    for (const size_t aad_size : {size_t{0}, size_t{13}, size_t{size % 67}}) {
      m.aad = random_bytes(rng, aad_size);
      const Sealed expected = openssl_seal(m);
      for (const bool end : {false, true})
        for (const bool in_place : {false, true}) run.expect_sealed(key_, m, expected, end, in_place);
      expect_refuses_changes(rng, m, expected);
      if (HasFailure()) FAIL() << size << " bytes, AAD " << aad_size;
    }
  }
}

TEST_P(Gcm, equals_libcrypto_for_every_aad_length) {
  std::mt19937_64 rng(800);
  GuardedRun run;
  for (size_t aad_size = 0; aad_size <= 1100; ++aad_size) {
    Message m{random_bytes(rng, 32), random_bytes(rng, 12), random_bytes(rng, aad_size), {}};
    init(m.key);
    for (const size_t size : {size_t{0}, size_t{rng() % 80}}) {
      m.text = random_bytes(rng, size);
      run.expect_sealed(key_, m, openssl_seal(m), aad_size % 2 != 0, false);
      if (HasFailure()) FAIL() << size << " bytes, AAD " << aad_size;
    }
  }
}

TEST_P(Gcm, equals_libcrypto_for_every_iv_length) {
  std::mt19937_64 rng(96);
  GuardedRun run;
  for (size_t iv_size = 1; iv_size <= kOpensslIvMax; ++iv_size) {
    for (const size_t size : {size_t{0}, size_t{rng() % 80}, size_t{512 + rng() % 600}}) {
      const Message m{random_bytes(rng, 16), random_bytes(rng, iv_size), random_bytes(rng, 13),
                      random_bytes(rng, size)};
      init(m.key);
      const Sealed expected = openssl_seal(m);
      for (const bool end : {false, true}) run.expect_sealed(key_, m, expected, end, false);
      expect_refuses_changes(rng, m, expected);
      if (HasFailure()) FAIL() << size << " bytes, IV " << iv_size;
    }
  }
}

// Field: an element of GF(2^128) as SP 800-38D 6.3 writes it, most significant bit first; slow and plain.
struct Field {
  uint64_t high = 0, low = 0;

  static Field of(const uint8_t* block) { return {load_be64(block), load_be64(block + 8)}; }
  Field operator^(Field o) const { return {high ^ o.high, low ^ o.low}; }
  Field operator*(Field v) const {
    Field z;
    for (int i = 0; i < 128; ++i) {
      if (((i < 64 ? high >> (63 - i) : low >> (127 - i)) & 1) != 0) z = z ^ v;
      const bool out = (v.low & 1) != 0;
      v = {v.high >> 1, (v.low >> 1) | (v.high << 63)};
      if (out) v.high ^= 0xe100000000000000u;
    }
    return z;
  }
  // inverse: the power 2^128 - 2.
  Field inverse() const {
    Field square = *this * *this, product = square;
    for (int i = 2; i < 128; ++i) {
      square = square * square;
      product = product * square;
    }
    return product;
  }
};

// iv_for_j0: the 128-bit IV whose J0 is the given one: J0 = ((IV * H) ^ length) * H (SP 800-38D 7.1), solved for IV.
Bytes iv_for_j0(const Bytes& raw, Field j0) {
  AesKey key;
  EXPECT_EQ(aes_key_init(key, Lane::kPortable, raw.data(), raw.size()), Status::kOk);
  Bytes h(kAesBlock);
  aes_encrypt_blocks(key, h.data(), h.data(), 1);
  const Field inverse = Field::of(h.data()).inverse();
  const Field iv = ((j0 * inverse) ^ Field{0, 128}) * inverse;
  Bytes bytes(kAesBlock);
  store_be64(bytes.data(), iv.high);
  store_be64(bytes.data() + 8, iv.low);
  return bytes;
}

// A J0 from a hash may have any counter, so the counter wraps within its 32 bits inside messages (SP 800-38D 6.2).
TEST_P(Gcm, counter_wraps_within_32_bits) {
  std::mt19937_64 rng(32);
  const Message base{random_bytes(rng, 32), {}, random_bytes(rng, 13), random_bytes(rng, 4096)};
  init(base.key);
  for (uint32_t before_wrap = 0; before_wrap < 260; ++before_wrap) {
    Message m = base;
    m.iv = iv_for_j0(base.key, {rng(), (rng() << 32) | (0xffffffffu - before_wrap)});
    const Sealed expected = openssl_seal(m);
    EXPECT_EQ(seal(key_, m), expected) << before_wrap;
    EXPECT_EQ(open(key_, m, expected).text, m.text) << before_wrap;
  }
}

Message arbitrary_message(size_t size_max) {
  Message m;
  m.key = *rc::gen::container<Bytes>(*rc::gen::element<size_t>(16, 24, 32), rc::gen::arbitrary<uint8_t>());
  m.iv = *rc::gen::container<Bytes>(
      *rc::gen::oneOf(rc::gen::just<size_t>(12), rc::gen::inRange<size_t>(1, kOpensslIvMax + 1)),
      rc::gen::arbitrary<uint8_t>());
  std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
  m.aad = random_bytes(rng, *rc::gen::oneOf(rc::gen::inRange<size_t>(0, 70), rc::gen::inRange<size_t>(0, 2000)));
  m.text = random_bytes(rng, *rc::gen::inRange<size_t>(0, size_max + 1));
  return m;
}

// The property: a lane seals as libcrypto does at any alignment, opens its own tags at every allowed length, in place
// or apart, and refuses changes.
void check_lane(const GcmKey& key, const Message& m) {
  const Sealed expected = openssl_seal(m);
  RC_ASSERT(seal(key, m) == expected);
  const size_t in_offset = *rc::gen::inRange<size_t>(0, 64), out_offset = *rc::gen::inRange<size_t>(0, 64);
  Bytes in(m.text.size() + 64), out(m.text.size() + 128, kUntouched);
  std::copy(m.text.begin(), m.text.end(), in.begin() + static_cast<ptrdiff_t>(in_offset));
  GcmInput input = m.input(m.text);
  input.text = in.data() + in_offset;
  uint8_t* to = *rc::gen::arbitrary<bool>() ? in.data() + in_offset : out.data() + 32 + out_offset % 32;
  Bytes tag(kGcmTag);
  gcm_seal(key, to, tag.data(), input);
  RC_ASSERT(tag == expected.tag);
  RC_ASSERT(std::equal(expected.text.begin(), expected.text.end(), to));

  const size_t tag_size = *rc::gen::inRange<size_t>(4, 17);
  input.text = to;
  tag.resize(tag_size);
  RC_ASSERT(ct::declassify(gcm_open(key, to, tag.data(), tag_size, input)));
  RC_ASSERT(std::equal(m.text.begin(), m.text.end(), to));

  std::copy(expected.text.begin(), expected.text.end(), to);
  tag[*rc::gen::inRange<size_t>(0, tag_size)] ^= static_cast<uint8_t>(1u << *rc::gen::inRange(0, 8));
  RC_ASSERT(!ct::declassify(gcm_open(key, to, tag.data(), tag_size, input)));
  RC_ASSERT(all_zero(to, m.text.size()));
  const auto untouched = [](uint8_t v) { return v == kUntouched; };
  RC_ASSERT(std::all_of(out.begin(), out.begin() + 32, untouched));
  RC_ASSERT(std::all_of(out.end() - 32, out.end(), untouched));
}

TEST_P(Gcm, property_random_messages) {
  EXPECT_TRUE(rc::check([&] {
    const Message m = arbitrary_message(*rc::gen::element<size_t>(16, 300, 1100));
    RC_ASSERT(gcm_key_init(key_, GetParam(), m.key.data(), m.key.size()) == Status::kOk);
    for (int i = 0; i < 8; ++i) check_lane(key_, m);
  }));
}

TEST_P(Gcm, property_long_messages) {
  EXPECT_TRUE(rc::check([&] {
    Message m = arbitrary_message(0);
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    m.text = random_bytes(rng, rng() % (70u << 10));
    RC_ASSERT(gcm_key_init(key_, GetParam(), m.key.data(), m.key.size()) == Status::kOk);
    check_lane(key_, m);
  }));
}

// IVs longer than libcrypto takes: the lanes against each other.
TEST(GcmLanes, agree_on_long_ivs) {
  std::mt19937_64 rng(1100);
  for (size_t iv_size = 129; iv_size <= 1100; iv_size += 7) {
    const Message m{random_bytes(rng, 24), random_bytes(rng, iv_size), random_bytes(rng, rng() % 64),
                    random_bytes(rng, rng() % 700)};
    GcmKey portable;
    ASSERT_EQ(gcm_key_init(portable, Lane::kPortable, m.key.data(), m.key.size()), Status::kOk);
    const Sealed expected = seal(portable, m);
    for (const Lane lane : runnable_lanes(kGcmKernels)) {
      GcmKey key;
      ASSERT_EQ(gcm_key_init(key, lane, m.key.data(), m.key.size()), Status::kOk);
      EXPECT_EQ(seal(key, m), expected) << lane_name(lane) << " " << iv_size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, Gcm, testing::ValuesIn(runnable_lanes(kGcmKernels)),
                         [](const auto& row) { return lane_name(row.param); });

}  // namespace
}  // namespace cm::test
