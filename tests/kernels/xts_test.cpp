// SPDX-License-Identifier: Apache-2.0
// xts_test.cpp: XTS-AES on every AES lane: the NIST CAVP files and Wycheproof; agreement with the system's libcrypto
// for every length, in place and apart, against guard pages; sectors in a row; refusals.
#include "crypto/xts/xts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "crypto/base/bytes.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

Bytes sector_number(uint64_t n) {
  Bytes i(16);
  store_le64(i.data(), n);
  return i;
}

class Xts : public testing::TestWithParam<Lane> {
 protected:
  void init(const Bytes& raw) { ASSERT_EQ(xts_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }
  Bytes crypt(const Bytes& i, const Bytes& in, bool encrypt) {
    Bytes out(in.size());
    EXPECT_EQ((encrypt ? xts_encrypt : xts_decrypt)(key_, i.data(), out.data(), in.data(), in.size()), Status::kOk);
    return out;
  }

  XtsKey key_;
  std::mt19937_64 rng_{1619};
};

struct VectorFile {
  const char* name;
  size_t cases;
  size_t parts_of_bytes;
};
constexpr char kPartsOfBytes[] = "data unit of no whole number of bytes: not offered";
constexpr VectorFile kFiles[] = {
    {"tweak-128hexstr/XTSGenAES128.rsp", 1000, 200},
    {"tweak-128hexstr/XTSGenAES256.rsp", 1000, 400},
    {"tweak-dataunitseqno/XTSGenAES128.rsp", 1000, 200},
    {"tweak-dataunitseqno/XTSGenAES256.rsp", 1000, 400},
};

TEST_P(Xts, cavp) {
  for (const VectorFile& file : kFiles) {
    VectorCount count(GetParam(), file.name);
    for (const RspRecord& c : read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/ciphers/AES/XTS/") + file.name)) {
      if (c.number("DataUnitLen") % 8 != 0) {
        count.left_out(kPartsOfBytes);
        continue;
      }
      count.ran("whole bytes");
      init(c.bytes("Key"));
      const Bytes i = c.has("i") ? c.bytes("i") : sector_number(c.number("DataUnitSeqNumber"));
      const Bytes plain = c.bytes("PT"), cipher = c.bytes("CT");
      ASSERT_EQ(plain.size() * 8, c.number("DataUnitLen")) << c.place;
      EXPECT_EQ(crypt(i, plain, true), cipher) << c.place;
      EXPECT_EQ(crypt(i, cipher, false), plain) << c.place;
    }
    count.expect({{"whole bytes", file.cases - file.parts_of_bytes}}, {{kPartsOfBytes, file.parts_of_bytes}});
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(Xts, wycheproof) {
  const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/aes_xts_test.json");
  VectorCount count(GetParam(), "aes_xts_test.json");
  for (const auto& group : root.at("testGroups"))
    for (const auto& test : group.at("tests")) {
      const Bytes raw = hex_field(test, "key"), plain = hex_field(test, "msg"), cipher = hex_field(test, "ct");
      ASSERT_EQ(test.at("result"), "valid");
      if (raw.size() == 48) {  // SP 800-38E has XTS-AES-128 and XTS-AES-256 only
        EXPECT_EQ(xts_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kLength);
        count.ran("of AES-192, refused");
        continue;
      }
      count.ran("valid");
      Bytes i = hex_field(test, "iv");
      i.resize(16);
      init(raw);
      EXPECT_EQ(crypt(i, plain, true), cipher) << case_name(test);
      EXPECT_EQ(crypt(i, cipher, false), plain) << case_name(test);
    }
  count.expect({{"valid", 82}, {"of AES-192, refused", 41}});
}
#endif

TEST_P(Xts, equals_libcrypto_for_every_length) {
  Guarded in_page(8192), out_page(8192);
  for (size_t size = 16; size <= 1100; ++size) {
    const Bytes raw = random_bytes(rng_, size % 2 == 0 ? 32 : 64), i = random_bytes(rng_, 16);
    const Bytes text = random_bytes(rng_, size);
    init(raw);
    for (const bool encrypt : {true, false}) {
      const Bytes expected = evp_aes("XTS", raw, i, text, encrypt);
      for (const bool end : {false, true}) {
        uint8_t* const in = in_page.at(end, size);
        uint8_t* const out = out_page.at(end, size);
        std::copy(text.begin(), text.end(), in);
        const auto function = encrypt ? xts_encrypt : xts_decrypt;
        ASSERT_EQ(function(key_, i.data(), out, in, size), Status::kOk);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), out)) << size;
        ASSERT_EQ(function(key_, i.data(), in, in, size), Status::kOk);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), in)) << size;
      }
    }
  }
}

// Each unit is what it is alone, under the 64-bit number of its place.
TEST_P(Xts, sectors_in_a_row) {
  init(random_bytes(rng_, 64));
  for (const size_t unit_size : {16u, 24u, 512u, 527u, 4096u}) {
    for (const size_t count : {0u, 1u, 5u, 33u, 70u}) {
      for (const uint64_t first : {uint64_t{0}, uint64_t{0xffffffff}, UINT64_MAX - 69}) {
        const Bytes text = random_bytes(rng_, unit_size * count);
        for (const bool encrypt : {true, false}) {
          const auto function = encrypt ? xts_encrypt_sectors : xts_decrypt_sectors;
          Bytes expected, out(text.size()), in_place = text;
          for (size_t n = 0; n < count; ++n) {
            const auto begin = text.begin() + static_cast<ptrdiff_t>(n * unit_size);
            const Bytes unit(begin, begin + static_cast<ptrdiff_t>(unit_size));
            const Bytes answer = crypt(sector_number(first + n), unit, encrypt);
            expected.insert(expected.end(), answer.begin(), answer.end());
          }
          ASSERT_EQ(function(key_, first, out.data(), text.data(), unit_size, count), Status::kOk);
          ASSERT_EQ(out, expected) << unit_size << " " << count;
          ASSERT_EQ(function(key_, first, in_place.data(), in_place.data(), unit_size, count), Status::kOk);
          ASSERT_EQ(in_place, expected) << unit_size << " " << count;
        }
      }
    }
  }
}

TEST_P(Xts, the_longest_unit) {
  const Bytes raw = random_bytes(rng_, 64), i = random_bytes(rng_, 16);
  const Bytes text = random_bytes(rng_, kXtsMaxUnit);
  init(raw);
  EXPECT_EQ(crypt(i, text, true), evp_aes("XTS", raw, i, text, true));
  EXPECT_EQ(crypt(i, text, false), evp_aes("XTS", raw, i, text, false));
}

TEST_P(Xts, refusals) {
  Bytes raw = random_bytes(rng_, 64), text(64, 0xee);
  for (size_t size = 0; size <= 64; ++size) {
    const Status expected = size == 32 || size == 64 ? Status::kOk : Status::kLength;
    EXPECT_EQ(xts_key_init(key_, GetParam(), raw.data(), size), expected) << size;
  }
  for (const ptrdiff_t half : {16, 32}) {
    std::copy_n(raw.begin(), half, raw.begin() + half);
    EXPECT_EQ(xts_key_init(key_, GetParam(), raw.data(), static_cast<size_t>(2 * half)), Status::kArgument);
    raw[static_cast<size_t>(2 * half - 1)] ^= 0x80;
    EXPECT_EQ(xts_key_init(key_, GetParam(), raw.data(), static_cast<size_t>(2 * half)), Status::kOk);
  }
  uint8_t* const t = text.data();
  for (const size_t size : {size_t{0}, size_t{15}, kXtsMaxUnit + 1}) {
    EXPECT_EQ(xts_encrypt(key_, raw.data(), t, t, size), Status::kLength);
    EXPECT_EQ(xts_decrypt(key_, raw.data(), t, t, size), Status::kLength);
    EXPECT_EQ(xts_encrypt_sectors(key_, 0, t, t, size, 1), Status::kLength);
    EXPECT_EQ(xts_decrypt_sectors(key_, 0, t, t, size, 1), Status::kLength);
  }
  EXPECT_EQ(xts_encrypt_sectors(key_, UINT64_MAX, t, t, 16, 2), Status::kArgument);
  EXPECT_EQ(xts_decrypt_sectors(key_, UINT64_MAX - 2, t, t, 16, 4), Status::kArgument);
  EXPECT_EQ(text, Bytes(64, 0xee));
}

INSTANTIATE_TEST_SUITE_P(lanes, Xts, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
