// SPDX-License-Identifier: Apache-2.0
// cipher_test.cpp: the streaming modes on every AES lane: agreement with the system's libcrypto for every length and
// for pieces of any size, the amount of output that cipher.h promises for each piece, work in place, refusals, RFC
// 3962.
#include "crypto/cipher/cipher.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/aes/aes_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

struct ModeRow {
  CipherMode mode;
  const char* name;
  const char* evp;
  const char* cts;  // libcrypto's name of the variant
};
constexpr ModeRow kModes[] = {
    {CipherMode::kEcb, "ecb", "ECB", nullptr},          {CipherMode::kCbc, "cbc", "CBC", nullptr},
    {CipherMode::kCbcCs1, "cbc_cs1", "CBC-CTS", "CS1"}, {CipherMode::kCbcCs2, "cbc_cs2", "CBC-CTS", "CS2"},
    {CipherMode::kCbcCs3, "cbc_cs3", "CBC-CTS", "CS3"}, {CipherMode::kCtr, "ctr", "CTR", nullptr},
    {CipherMode::kCfb128, "cfb128", "CFB", nullptr},    {CipherMode::kCfb8, "cfb8", "CFB8", nullptr},
    {CipherMode::kOfb, "ofb", "OFB", nullptr},
};
void PrintTo(const ModeRow& row, std::ostream* out) { *out << row.name; }

bool is_block_mode(const ModeRow& row) { return row.mode == CipherMode::kEcb || row.mode == CipherMode::kCbc; }

// refused: lengths that cipher_final does not take.
bool refused(const ModeRow& row, size_t size) {
  if (is_block_mode(row)) return size % kAesBlock != 0;
  return row.cts != nullptr && size < kAesBlock;
}

// promised: how much of a message has been written when all bytes of it are in but none is final (cipher.h).
size_t promised(const ModeRow& row, size_t all) {
  if (is_block_mode(row)) return all / 16 * 16;
  if (row.cts != nullptr) return all < 33 ? 0 : (all - 17) / 16 * 16;
  return all;
}

class Cipher : public testing::TestWithParam<std::tuple<Lane, ModeRow, bool>> {
 protected:
  const ModeRow& row() const { return std::get<1>(GetParam()); }
  bool encrypts() const { return std::get<2>(GetParam()); }

  void init(const Bytes& raw, const Bytes& iv) {
    ASSERT_EQ(aes_key_init(key_, std::get<0>(GetParam()), raw.data(), raw.size()), Status::kOk);
    if (row().mode == CipherMode::kCtr && rng_() % 2 == 0) aes_make_columns(key_);
    cipher_init(state_, key_, row().mode, encrypts() ? Direction::kEncrypt : Direction::kDecrypt, iv.data());
  }
  Bytes oracle(const Bytes& raw, const Bytes& iv, const Bytes& in) const {
    return evp_aes(row().evp, raw, iv, in, encrypts(), row().cts);
  }
  size_t good_size(size_t most) {
    const size_t size = rng_() % (most + 1);
    if (is_block_mode(row())) return size / 16 * 16;
    return row().cts != nullptr ? std::max(size, kAesBlock) : size;
  }

  AesKey key_;
  CipherState state_;
  std::mt19937_64 rng_{3800};
};

TEST_P(Cipher, equals_libcrypto_for_every_length_in_one_piece) {
  Guarded in_page(4096), out_page(4096);
  for (size_t size = 0; size <= 300; ++size) {
    const Bytes raw = random_bytes(rng_, 16 + 8 * (size % 3)), iv = random_bytes(rng_, 16);
    const Bytes text = random_bytes(rng_, size);
    const Bytes expected = refused(row(), size) ? Bytes{} : oracle(raw, iv, text);
    for (const bool end : {false, true}) {
      uint8_t* const in = in_page.at(end, size);
      uint8_t* const out = out_page.at(end, size);
      std::copy(text.begin(), text.end(), in);
      init(raw, iv);
      ASSERT_EQ(cipher_update_size(state_, size), promised(row(), size));
      const size_t written = cipher_update(state_, out, in, size);
      ASSERT_EQ(written, promised(row(), size)) << size;
      size_t rest = ~size_t{0};
      const Status status = cipher_final(state_, out + written, &rest);
      ASSERT_EQ(status, refused(row(), size) ? Status::kLength : Status::kOk) << size;
      ASSERT_EQ(rest, status == Status::kOk ? size - written : 0) << size;
      if (status == Status::kOk) {
        ASSERT_EQ(Bytes(out, out + size), expected) << size;
      }
    }
  }
}

TEST_P(Cipher, pieces_of_any_size_give_the_same_and_as_much_as_promised) {
  for (int i = 0; i < 300; ++i) {
    const size_t size = good_size(1500), most = size_t{1} << rng_() % 11;
    const Bytes raw = random_bytes(rng_, 16 + 8 * (rng_() % 3)), iv = random_bytes(rng_, 16);
    const Bytes text = random_bytes(rng_, size);
    init(raw, iv);
    Bytes out(size + 64, 0xee);
    size_t written = 0, rest = 0;
    for (size_t read = 0; read != size;) {
      const size_t now = std::min(size - read, rng_() % (most + 1));
      const size_t size_before = cipher_update_size(state_, now);
      ASSERT_EQ(cipher_update(state_, out.data() + written, text.data() + read, now), size_before);
      read += now;
      written += size_before;
      ASSERT_EQ(written, promised(row(), read));
      ASSERT_EQ(out[written], 0xee);
    }
    ASSERT_EQ(cipher_final(state_, out.data() + written, &rest), Status::kOk);
    ASSERT_EQ(written + rest, size);
    ASSERT_EQ(Bytes(out.begin() + static_cast<ptrdiff_t>(size), out.end()), Bytes(64, 0xee));
    out.resize(size);
    ASSERT_EQ(out, oracle(raw, iv, text)) << size;
  }
}

// In place in both readings: a message that is overwritten from its start on, and calls whose two pointers are equal,
// although the output of each begins with what was held back before.
TEST_P(Cipher, works_in_place) {
  for (int i = 0; i < 300; ++i) {
    const size_t size = good_size(3000), most = size_t{1} << rng_() % 12;
    const Bytes raw = random_bytes(rng_, 16 + 8 * (rng_() % 3)), iv = random_bytes(rng_, 16);
    const Bytes text = random_bytes(rng_, size), expected = oracle(raw, iv, text);
    init(raw, iv);
    Bytes message = text, end(kCipherMaxHeld);
    size_t written = 0, rest = 0;
    for (size_t read = 0; read != size;) {
      const size_t now = std::min(size - read, rng_() % (most + 1));
      written += cipher_update(state_, message.data() + written, message.data() + read, now);
      read += now;
    }
    ASSERT_EQ(cipher_final(state_, message.data() + written, &rest), Status::kOk);
    ASSERT_EQ(message, expected) << size;

    init(raw, iv);
    Bytes out;
    for (size_t read = 0; read != size;) {
      const size_t now = std::min(size - read, rng_() % (most + 1));
      Bytes piece(now + kCipherMaxHeld);
      std::copy_n(text.begin() + static_cast<ptrdiff_t>(read), now, piece.begin());
      const size_t made = cipher_update(state_, piece.data(), piece.data(), now);
      out.insert(out.end(), piece.begin(), piece.begin() + static_cast<ptrdiff_t>(made));
      read += now;
    }
    ASSERT_EQ(cipher_final(state_, end.data(), &rest), Status::kOk);
    out.insert(out.end(), end.begin(), end.begin() + static_cast<ptrdiff_t>(rest));
    ASSERT_EQ(out, expected) << size;
  }
}

TEST_P(Cipher, leaves_nothing_in_its_state) {
  for (const size_t size : {0u, 5u, 16u, 37u}) {
    init(random_bytes(rng_, 32), random_bytes(rng_, 16));
    Bytes out(128);
    size_t rest = 0;
    const Bytes text = random_bytes(rng_, size);
    cipher_update(state_, out.data(), text.data(), size);
    (void)cipher_final(state_, out.data(), &rest);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&state_);
    EXPECT_TRUE(std::all_of(bytes, bytes + sizeof state_, [](uint8_t b) { return b == 0; })) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, Cipher,
                         testing::Combine(testing::ValuesIn(runnable_lanes(kAesKernels)), testing::ValuesIn(kModes),
                                          testing::Bool()),
                         [](const auto& row) {
                           return std::string(lane_name(std::get<0>(row.param))) + "_" + std::get<1>(row.param).name +
                                  (std::get<2>(row.param) ? "_encrypt" : "_decrypt");
                         });

// RFC 3962 appendix B: CBC-CS3, which Kerberos calls CTS.
TEST(CipherExamples, rfc_3962) {
  const Bytes text = from_hex(
      "4920776f756c64206c696b65207468652047656e6572616c20476175277320436869636b656e2c20706c656173652c20616e6420776f6e"
      "746f6e20736f75702e");
  const char* const answers[] = {
      "c6353568f2bf8cb4d8a580362da7ff7f97",
      "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5",
      "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584",
      "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5",
      "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8",
      ("97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a84807efe836ee89a526730dbc2f7bc840"
       "9dad8bbb96c4cdc03bc103e1a194bbd8")};
  const Bytes raw = from_hex("636869636b656e207465726979616b69"), iv(16);
  for (const Lane lane : runnable_lanes(kAesKernels)) {
    AesKey key;
    ASSERT_EQ(aes_key_init(key, lane, raw.data(), raw.size()), Status::kOk);
    for (const char* answer : answers) {
      const Bytes cipher = from_hex(answer);
      for (const Direction direction : {Direction::kEncrypt, Direction::kDecrypt}) {
        const Bytes plain(text.begin(), text.begin() + static_cast<ptrdiff_t>(cipher.size()));
        const bool encrypts = direction == Direction::kEncrypt;
        const Bytes& in = encrypts ? plain : cipher;
        CipherState state;
        cipher_init(state, key, CipherMode::kCbcCs3, direction, iv.data());
        Bytes out(in.size());
        size_t rest = 0;
        const size_t written = cipher_update(state, out.data(), in.data(), in.size());
        EXPECT_EQ(cipher_final(state, out.data() + written, &rest), Status::kOk);
        EXPECT_EQ(out, encrypts ? cipher : plain);
      }
    }
  }
}

}  // namespace
}  // namespace cm::test
