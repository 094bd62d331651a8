// SPDX-License-Identifier: Apache-2.0
// gcm_siv_test.cpp: AES-GCM-SIV on every lane this CPU can run: agreement with an oracle that follows the standard bit
// by bit, over all lengths that a kernel may treat apart and over random ones, at any alignment, in place and apart;
// counters that wrap anywhere; refusal of whatever was changed; no access outside the buffers. Published vectors are in
// gcm_siv_vectors_test.cpp.
#include "crypto/gcm_siv/gcm_siv.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/aes/aes_kernels.h"
#include "crypto/aes/aes_modes.h"
#include "tests/kernels/guarded.h"
#include "tests/support/gcm_siv_oracle.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

constexpr uint8_t kUntouched = 0xee;
// Longer than three steps of the widest lane with every rest.
constexpr size_t kEveryLength = 1900;

struct Message {
  Bytes key, nonce, aad, text;
  GcmSivInput input(const Bytes& body) const {
    return {nonce.data(), aad.data(), aad.size(), body.data(), body.size()};
  }
  Sealed sealed() const { return GcmSivOracle(key, nonce).seal(aad, text); }
};

Message random_message(std::mt19937_64& rng, size_t aad_size, size_t size) {
  return {random_bytes(rng, rng() % 2 == 0 ? 16 : 32), random_bytes(rng, kGcmSivNonce), random_bytes(rng, aad_size),
          random_bytes(rng, size)};
}

bool all_zero(const uint8_t* p, size_t size) {
  return std::all_of(p, p + size, [](uint8_t v) { return v == 0; });
}

class GcmSiv : public testing::TestWithParam<Lane> {
 protected:
  GcmSivKey key_{};

  void init(const Bytes& raw) { ASSERT_EQ(gcm_siv_key_init(key_, GetParam(), raw.data(), raw.size()), Status::kOk); }

  // expect_refused: the mask is clear and the output zeroed.
  void expect_refused(const Message& m, const Sealed& s, const char* what) {
    Bytes out(s.cipher.size(), kUntouched);
    EXPECT_FALSE(ct::declassify(gcm_siv_open(key_, out.data(), s.tag.data(), m.input(s.cipher)))) << what;
    EXPECT_TRUE(all_zero(out.data(), out.size())) << what;
  }

  // expect_refuses_changes: one bit anywhere and nothing is opened.
  void expect_refuses_changes(std::mt19937_64& rng, const Message& m, const Sealed& s) {
    const auto flip = [&](Bytes& b) { b[rng() % b.size()] ^= static_cast<uint8_t>(1u << (rng() % 8)); };
    Sealed changed = s;
    flip(changed.tag);
    expect_refused(m, changed, "tag");
    if (!s.cipher.empty()) {
      changed = s;
      flip(changed.cipher);
      expect_refused(m, changed, "text");
    }
    Message other = m;
    if (!m.aad.empty()) {
      flip(other.aad);
      expect_refused(other, s, "aad");
    }
    other = m;
    flip(other.nonce);
    expect_refused(other, s, "nonce");
  }
};

TEST_P(GcmSiv, refuses_other_key_lengths) {
  const Bytes raw(64, 1);
  for (size_t size = 0; size <= 64; ++size) {
    const Status expected = size == 16 || size == 32 ? Status::kOk : Status::kLength;
    EXPECT_EQ(gcm_siv_key_init(key_, GetParam(), raw.data(), size), expected) << size;
  }
}

// GuardedRun: seals and opens with every buffer against a guard page, at its start or at its end, in place and apart.
struct GuardedRun {
  Guarded nonce{64}, aad{8192}, text{8192}, out{8192}, tag{64};

  void expect_sealed(const GcmSivKey& key, const Message& m, const Sealed& expected, bool end, bool in_place) {
    uint8_t* const t = text.at(end, m.text.size());
    uint8_t* const o = in_place ? t : out.at(end, m.text.size());
    uint8_t* const tag_at = tag.at(end, kGcmSivTag);
    const GcmSivInput in{nonce.at(end, m.nonce.size()), aad.at(end, m.aad.size()), m.aad.size(), t, m.text.size()};
    std::copy(m.nonce.begin(), m.nonce.end(), nonce.at(end, m.nonce.size()));
    std::copy(m.aad.begin(), m.aad.end(), aad.at(end, m.aad.size()));
    std::copy(m.text.begin(), m.text.end(), t);
    gcm_siv_seal(key, o, tag_at, in);
    EXPECT_TRUE(std::equal(expected.cipher.begin(), expected.cipher.end(), o));
    EXPECT_TRUE(std::equal(expected.tag.begin(), expected.tag.end(), tag_at));
    std::copy(expected.cipher.begin(), expected.cipher.end(), t);
    EXPECT_TRUE(ct::declassify(gcm_siv_open(key, o, tag_at, in)));
    EXPECT_TRUE(std::equal(m.text.begin(), m.text.end(), o));
    std::copy(expected.cipher.begin(), expected.cipher.end(), t);
    tag_at[m.text.size() % kGcmSivTag] ^= 0x80;
    EXPECT_FALSE(ct::declassify(gcm_siv_open(key, o, tag_at, in)));
    EXPECT_TRUE(all_zero(o, m.text.size()));
  }
};

TEST_P(GcmSiv, equals_the_oracle_for_every_length) {
  std::mt19937_64 rng(8452);
  GuardedRun run;
  for (size_t size = 0; size <= kEveryLength; ++size) {
    Message m = random_message(rng, 0, size);
    init(m.key);
    for (const size_t aad_size : {size_t{0}, size_t{13}, size_t{size % 131}}) {
      m.aad = random_bytes(rng, aad_size);
      const Sealed expected = m.sealed();
      run.expect_sealed(key_, m, expected, true, false);
      run.expect_sealed(key_, m, expected, aad_size != 13, true);
      run.expect_sealed(key_, m, expected, false, false);
      expect_refuses_changes(rng, m, expected);
      if (HasFailure()) FAIL() << size << " bytes, AAD " << aad_size;
    }
  }
}

TEST_P(GcmSiv, equals_the_oracle_for_every_aad_length) {
  std::mt19937_64 rng(845);
  GuardedRun run;
  for (size_t aad_size = 0; aad_size <= kEveryLength; ++aad_size) {
    const Message m = random_message(rng, aad_size, aad_size % 3 == 0 ? 0 : rng() % 600);
    init(m.key);
    run.expect_sealed(key_, m, m.sealed(), aad_size % 2 != 0, false);
    if (HasFailure()) FAIL() << m.text.size() << " bytes, AAD " << aad_size;
  }
}

// The property: a lane seals as the oracle does at any alignment, opens it again, in place or apart, refuses changes
// and writes nothing else.
void check_lane(const GcmSivKey& key, const Message& m) {
  const Sealed expected = m.sealed();
  const size_t in_offset = *rc::gen::inRange<size_t>(0, 64), out_offset = *rc::gen::inRange<size_t>(0, 64);
  Bytes in(m.text.size() + 64), out(m.text.size() + 128, kUntouched);
  std::copy(m.text.begin(), m.text.end(), in.begin() + static_cast<ptrdiff_t>(in_offset));
  GcmSivInput input = m.input(m.text);
  input.text = in.data() + in_offset;
  uint8_t* const to = *rc::gen::arbitrary<bool>() ? in.data() + in_offset : out.data() + 32 + out_offset % 32;
  Bytes tag(kGcmSivTag);
  gcm_siv_seal(key, to, tag.data(), input);
  RC_ASSERT(tag == expected.tag);
  RC_ASSERT(std::equal(expected.cipher.begin(), expected.cipher.end(), to));

  input.text = to;
  RC_ASSERT(ct::declassify(gcm_siv_open(key, to, tag.data(), input)));
  RC_ASSERT(std::equal(m.text.begin(), m.text.end(), to));

  std::copy(expected.cipher.begin(), expected.cipher.end(), to);
  tag[*rc::gen::inRange<size_t>(0, kGcmSivTag)] ^= static_cast<uint8_t>(1u << *rc::gen::inRange(0, 8));
  RC_ASSERT(!ct::declassify(gcm_siv_open(key, to, tag.data(), input)));
  RC_ASSERT(all_zero(to, m.text.size()));
  const auto untouched = [](uint8_t v) { return v == kUntouched; };
  RC_ASSERT(std::all_of(out.begin(), out.begin() + 32, untouched));
  RC_ASSERT(std::all_of(out.end() - 32, out.end(), untouched));
}

TEST_P(GcmSiv, property_random_messages) {
  EXPECT_TRUE(rc::check([&] {
    std::mt19937_64 rng(*rc::gen::arbitrary<uint64_t>());
    const size_t most = *rc::gen::element<size_t>(16, 300, 1100, 3500);
    const Message m = random_message(rng, rng() % (rng() % 4 == 0 ? 2000 : 70), rng() % (most + 1));
    init(m.key);
    for (int i = 0; i < 4; ++i) check_lane(key_, m);
  }));
}

// The lanes against each other, without the oracle: lengths it is too slow for.
TEST(GcmSivLanes, agree_on_long_messages) {
  std::mt19937_64 rng(20);
  for (int i = 0; i < 60; ++i) {
    const Message m = random_message(rng, rng() % 3000, rng() % (70u << 10));
    Sealed first;
    for (const Lane lane : runnable_lanes(kAesKernels)) {
      GcmSivKey key{};
      ASSERT_EQ(gcm_siv_key_init(key, lane, m.key.data(), m.key.size()), Status::kOk);
      Bytes text(m.text.size()), tag(kGcmSivTag), opened(m.text.size());
      gcm_siv_seal(key, text.data(), tag.data(), m.input(m.text));
      if (lane == Lane::kPortable) first = {text, tag};
      EXPECT_EQ(text, first.cipher) << lane_name(lane);
      EXPECT_EQ(tag, first.tag) << lane_name(lane);
      EXPECT_TRUE(ct::declassify(gcm_siv_open(key, opened.data(), first.tag.data(), m.input(text))));
      EXPECT_EQ(opened, m.text) << lane_name(lane);
    }
  }
}

TEST(GcmSivLanes, others_are_refused) {
  const Bytes raw(32, 1);
  GcmSivKey key{};
  for (const Lane lane : {Lane::kNone, Lane::kShani, Lane::kAvx2, Lane::kAvx512})
    EXPECT_EQ(gcm_siv_key_init(key, lane, raw.data(), raw.size()), Status::kUnsupported) << lane_name(lane);
  key.aes.lane = Lane::kShani;
  const Message m{raw, Bytes(kGcmSivNonce), {}, {}};
  Bytes tag(kGcmSivTag);
  EXPECT_DEATH(gcm_siv_seal(key, nullptr, tag.data(), m.input({})), "");
  EXPECT_DEATH((void)gcm_siv_open(key, nullptr, tag.data(), m.input({})), "");
}

TEST(GcmSivLimits, are_those_of_the_standard) {
  EXPECT_EQ(kGcmSivMaxText, 68719476736u);  // RFC 8452 section 6: 2^36 bytes
  EXPECT_EQ(kGcmSivMaxAad, 68719476736u);
}

// Nonces may come twice: the same message then has the same ciphertext, another one nothing in common with it.
TEST_P(GcmSiv, depends_on_every_input) {
  std::mt19937_64 rng(3);
  const Message m = random_message(rng, 20, 100);
  init(m.key);
  const auto seal = [&](const Message& of) {
    Sealed s{Bytes(of.text.size()), Bytes(kGcmSivTag)};
    gcm_siv_seal(key_, s.cipher.data(), s.tag.data(), of.input(of.text));
    return s;
  };
  const Sealed first = seal(m), again = seal(m);
  EXPECT_EQ(first.cipher, again.cipher);
  EXPECT_EQ(first.tag, again.tag);
  Message last_byte = m;
  last_byte.text.back() ^= 1;
  const Sealed other = seal(last_byte);
  size_t same = 0;
  for (size_t i = 0; i < other.cipher.size(); ++i) same += other.cipher[i] == first.cipher[i] ? 1 : 0;
  EXPECT_LT(same, 10u);
  EXPECT_NE(other.tag, first.tag);
}

INSTANTIATE_TEST_SUITE_P(lanes, GcmSiv, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

// CTR with the counter of GCM-SIV: 32 bits at the start of the block, which wrap without reaching the rest, before,
// inside and between registers.
class CtrLe32 : public testing::TestWithParam<Lane> {};

TEST_P(CtrLe32, wraps_at_every_block) {
  std::mt19937_64 rng(32);
  const Bytes raw = random_bytes(rng, 32);
  AesKey key;
  ASSERT_EQ(aes_key_init(key, GetParam(), raw.data(), raw.size()), Status::kOk);
  for (const size_t count : {0u, 1u, 2u, 3u, 5u, 16u, 33u, 70u}) {
    for (size_t wrap = 0; wrap <= count + 1; ++wrap) {
      Bytes counter = random_bytes(rng, 16), blocks;
      uint32_t number = 0u - static_cast<uint32_t>(wrap);
      for (size_t b = 0; b <= count; ++b, ++number) {
        for (size_t i = 0; i < 4; ++i) counter[i] = static_cast<uint8_t>(number >> 8 * i);
        blocks.insert(blocks.end(), counter.begin(), counter.end());
      }
      const Bytes after(blocks.end() - 16, blocks.end()), text = random_bytes(rng, 16 * count);
      blocks.resize(16 * count);
      Bytes expected = evp_aes("ECB", raw, {}, blocks, true), out(text.size()), in_place = text;
      for (size_t i = 0; i < expected.size(); ++i) expected[i] ^= text[i];
      Bytes state = count == 0 ? after : Bytes(blocks.begin(), blocks.begin() + 16), again = state;
      aes_ctr_le32(key, state.data(), out.data(), text.data(), count);
      ASSERT_EQ(out, expected) << count << " blocks, wrap after " << wrap;
      ASSERT_EQ(state, after) << count << " blocks, wrap after " << wrap;
      aes_ctr_le32(key, again.data(), in_place.data(), in_place.data(), count);
      ASSERT_EQ(in_place, expected) << count << " blocks, wrap after " << wrap;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, CtrLe32, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

// RFC 8452 appendix A: the oracle's POLYVAL is that of the standard.
TEST(GcmSivOracleTest, polyval_of_appendix_a) {
  Polyval polyval(from_hex("25629347589242761d31f826ba4b757b"));
  polyval.update(from_hex("4f4f95668c83dfb6401762bb2d01a262"));
  polyval.update(from_hex("d1a24ddd2721d006bbe45f20d3c9f362"));
  EXPECT_EQ(to_hex(polyval.result()), "f7a3b47b846119fae5b7866cf5e5b77e");
}

}  // namespace
}  // namespace cm::test
