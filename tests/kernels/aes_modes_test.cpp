// SPDX-License-Identifier: Apache-2.0
// aes_modes_test.cpp: the kernels of the modes on every lane this CPU can run: agreement with the system's libcrypto
// and so with each other, for every count that a loop may treat differently, at both ends of a page, in place and
// apart, in one call and in two; the chaining value after; counters that wrap.
#include "crypto/aes/aes_modes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "crypto/aes/aes_kernels.h"
#include "tests/kernels/guarded.h"
#include "tests/support/evp_oracle.h"
#include "tests/support/lanes.h"

namespace cm::test {
namespace {

constexpr size_t kMaxCount = 150;  // more than two of the widest steps, and every rest
constexpr uint8_t kUntouched = 0xee;

// Answer: what a mode must write and what the chaining value must become.
struct Answer {
  Bytes out, chain;
};

// Mode: run takes count units of unit bytes; chain has 16 bytes, with CCM 32: counter and MAC.
struct Mode {
  const char* name;
  size_t unit, chain_size;
  bool has_output;
  std::function<void(const AesKey&, uint8_t* chain, uint8_t* out, const uint8_t* in, size_t count)> run;
  std::function<Answer(const Bytes& key, const Bytes& chain, const Bytes& in)> oracle;
};

void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

Bytes slice(const Bytes& b, size_t at, size_t size) {
  const auto begin = b.begin() + static_cast<ptrdiff_t>(at);
  return {begin, begin + static_cast<ptrdiff_t>(size)};
}
Bytes join(const Bytes& a, const Bytes& b) {
  Bytes c = a;
  c.insert(c.end(), b.begin(), b.end());
  return c;
}
Bytes last_block(const Bytes& before, const Bytes& text) {
  const Bytes all = join(before, text);
  return slice(all, all.size() - 16, 16);
}

void add_one(Bytes& counter) {
  for (size_t i = counter.size(); i-- > 0;)
    if (++counter[i] != 0) return;
}

// times_x: IEEE 1619 5.2, byte by byte.
void times_x(Bytes& tweak) {
  unsigned carry = 0;
  for (uint8_t& b : tweak) {
    const unsigned v = 2u * b + carry;
    b = static_cast<uint8_t>(v);
    carry = v >> 8;
  }
  if (carry != 0) tweak[0] ^= 0x87;
}

Answer ctr_answer(const Bytes& key, const Bytes& counter, const Bytes& in) {
  Bytes after = counter;
  for (size_t i = 0; i < in.size() / 16; ++i) add_one(after);
  return {evp_aes("CTR", key, counter, in, true), after};
}

Answer chained_answer(const char* mode, const Bytes& key, const Bytes& iv, const Bytes& in, bool encrypt) {
  const Bytes out = evp_aes(mode, key, iv, in, encrypt);
  return {out, last_block(iv, encrypt ? out : in)};
}

Answer ofb_answer(const Bytes& key, const Bytes& iv, const Bytes& in) {
  const Bytes stream = evp_aes("OFB", key, iv, Bytes(in.size()), true);
  return {evp_aes("OFB", key, iv, in, true), last_block(iv, stream)};
}

Answer xts_answer(const Bytes& key, const Bytes& tweak, const Bytes& in, bool encrypt) {
  Bytes tweaks, t = tweak;
  for (size_t i = 0; i < in.size() / 16; ++i, times_x(t)) tweaks = join(tweaks, t);
  const auto mask = [&](Bytes text) {
    for (size_t i = 0; i < text.size(); ++i) text[i] ^= tweaks[i];
    return text;
  };
  return {mask(evp_aes("ECB", key, {}, mask(in), encrypt)), t};
}

Bytes mac_after(const Bytes& key, const Bytes& mac, const Bytes& in) {
  return last_block(mac, evp_aes("CBC", key, mac, in, true));
}

Answer ccm_answer(const Bytes& key, const Bytes& chain, const Bytes& in, bool encrypt) {
  const Answer ctr = ctr_answer(key, slice(chain, 0, 16), in);
  return {ctr.out, join(ctr.chain, mac_after(key, slice(chain, 16, 16), encrypt ? in : ctr.out))};
}

template <auto Kernel>
void run_plain(const AesKey& key, uint8_t* chain, uint8_t* out, const uint8_t* in, size_t count) {
  Kernel(key, chain, out, in, count);
}
template <auto Kernel>
void run_ccm(const AesKey& key, uint8_t* chain, uint8_t* out, const uint8_t* in, size_t count) {
  Kernel(key, chain, chain + 16, out, in, count);
}

std::vector<Mode> modes() {
  const auto chained = [](const char* mode, bool encrypt) {
    return
        [=](const Bytes& key, const Bytes& iv, const Bytes& in) { return chained_answer(mode, key, iv, in, encrypt); };
  };
  const auto xts = [](bool encrypt) {
    return [=](const Bytes& key, const Bytes& tweak, const Bytes& in) { return xts_answer(key, tweak, in, encrypt); };
  };
  const auto ccm = [](bool encrypt) {
    return [=](const Bytes& key, const Bytes& chain, const Bytes& in) { return ccm_answer(key, chain, in, encrypt); };
  };
  return {
      {"ctr", 16, 16, true, run_plain<aes_ctr>, ctr_answer},
      {"cbc_encrypt", 16, 16, true, run_plain<aes_cbc_encrypt>, chained("CBC", true)},
      {"cbc_decrypt", 16, 16, true, run_plain<aes_cbc_decrypt>, chained("CBC", false)},
      {"cfb128_encrypt", 16, 16, true, run_plain<aes_cfb128_encrypt>, chained("CFB", true)},
      {"cfb128_decrypt", 16, 16, true, run_plain<aes_cfb128_decrypt>, chained("CFB", false)},
      {"ofb", 16, 16, true, run_plain<aes_ofb>, ofb_answer},
      {"cfb8_encrypt", 1, 16, true, run_plain<aes_cfb8_encrypt>, chained("CFB8", true)},
      {"cfb8_decrypt", 1, 16, true, run_plain<aes_cfb8_decrypt>, chained("CFB8", false)},
      {"xts_encrypt", 16, 16, true, run_plain<aes_xts_encrypt>, xts(true)},
      {"xts_decrypt", 16, 16, true, run_plain<aes_xts_decrypt>, xts(false)},
      {"cbc_mac", 16, 16, false,
       [](const AesKey& key, uint8_t* mac, uint8_t*, const uint8_t* in, size_t count) {
         aes_cbc_mac(key, mac, in, count);
       },
       [](const Bytes& key, const Bytes& mac, const Bytes& in) { return Answer{{}, mac_after(key, mac, in)}; }},
      {"ccm_encrypt", 16, 32, true, run_ccm<aes_ccm_encrypt>, ccm(true)},
      {"ccm_decrypt", 16, 32, true, run_ccm<aes_ccm_decrypt>, ccm(false)},
  };
}

class AesModes : public testing::TestWithParam<std::tuple<Lane, Mode>> {
 protected:
  const Mode& mode() const { return std::get<1>(GetParam()); }
  void init(const Bytes& raw) {
    ASSERT_EQ(aes_key_init(key_, std::get<0>(GetParam()), raw.data(), raw.size()), Status::kOk);
  }
  // random_chain: with CCM, a counter whose low half is far from its end.
  Bytes random_chain() {
    Bytes chain = random_bytes(rng_, mode().chain_size);
    if (chain.size() == 32) chain[8] &= 0x7f;
    return chain;
  }

  AesKey key_;
  std::mt19937_64 rng_{38};
};

TEST_P(AesModes, equals_libcrypto_for_every_count) {
  Guarded in_page(8192), out_page(8192), chain_page(4096);
  for (size_t count = 0; count <= kMaxCount; ++count) {
    const Bytes raw = random_bytes(rng_, 16 + 8 * (count % 3)), text = random_bytes(rng_, mode().unit * count);
    const Bytes chain = random_chain();
    init(raw);
    const Answer answer = mode().oracle(raw, chain, text);
    for (const bool end : {false, true}) {
      uint8_t* const in = in_page.at(end, text.size());
      uint8_t* const out = out_page.at(end, text.size());
      uint8_t* const state = chain_page.at(!end, chain.size());
      std::copy(text.begin(), text.end(), in);
      std::copy(chain.begin(), chain.end(), state);
      mode().run(key_, state, out, in, count);
      ASSERT_TRUE(std::equal(answer.out.begin(), answer.out.end(), out)) << count;
      ASSERT_EQ(Bytes(state, state + chain.size()), answer.chain) << count;
      ASSERT_TRUE(std::equal(text.begin(), text.end(), in)) << count;
      std::copy(chain.begin(), chain.end(), state);
      mode().run(key_, state, in, in, count);
      ASSERT_TRUE(std::equal(answer.out.begin(), answer.out.end(), in)) << count;
      ASSERT_EQ(Bytes(state, state + chain.size()), answer.chain) << count;
    }
  }
}

TEST_P(AesModes, writes_nothing_around_its_output_at_any_alignment) {
  for (size_t shift = 0; shift < 64; ++shift) {
    const size_t count = rng_() % 40;
    const Bytes raw = random_bytes(rng_, 32), text = random_bytes(rng_, mode().unit * count), chain = random_chain();
    init(raw);
    const Answer answer = mode().oracle(raw, chain, text);
    alignas(64) uint8_t in[64 + 640], out[64 + 640 + 64];
    std::fill(std::begin(out), std::end(out), kUntouched);
    std::copy(text.begin(), text.end(), in + (shift * 7) % 64);
    Bytes state = chain;
    mode().run(key_, state.data(), out + shift, in + (shift * 7) % 64, count);
    Bytes expected(sizeof out, kUntouched);
    std::copy(answer.out.begin(), answer.out.end(), expected.begin() + static_cast<ptrdiff_t>(shift));
    ASSERT_EQ(Bytes(std::begin(out), std::end(out)), expected) << shift;
    ASSERT_EQ(state, answer.chain) << shift;
  }
}

TEST_P(AesModes, goes_on_where_it_stopped) {
  for (int i = 0; i < 60; ++i) {
    const size_t count = rng_() % 600, cut = rng_() % (count + 1);
    const Bytes raw = random_bytes(rng_, 16 + 8 * (rng_() % 3)), text = random_bytes(rng_, mode().unit * count);
    const Bytes chain = random_chain();
    init(raw);
    const Answer answer = mode().oracle(raw, chain, text);
    Bytes out(text.size()), state = chain;
    mode().run(key_, state.data(), out.data(), text.data(), cut);
    const size_t at = mode().unit * cut;
    mode().run(key_, state.data(), out.data() + at, text.data() + at, count - cut);
    if (!mode().has_output) out.clear();
    ASSERT_EQ(out, answer.out) << count << " " << cut;
    ASSERT_EQ(state, answer.chain) << count << " " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, AesModes,
                         testing::Combine(testing::ValuesIn(runnable_lanes(kAesKernels)), testing::ValuesIn(modes())),
                         [](const auto& row) {
                           return std::string(lane_name(std::get<0>(row.param))) + "_" + std::get<1>(row.param).name;
                         });

class AesBlock : public testing::TestWithParam<Lane> {};

TEST_P(AesBlock, one_block_is_that_of_libcrypto_in_place_and_apart) {
  std::mt19937_64 rng(197);
  Guarded page(4096);
  for (int i = 0; i < 60; ++i) {
    const Bytes raw = random_bytes(rng, 16 + 8 * (rng() % 3)), text = random_bytes(rng, 16);
    const Bytes expected = evp_aes("ECB", raw, {}, text, true);
    AesKey key;
    ASSERT_EQ(aes_key_init(key, GetParam(), raw.data(), raw.size()), Status::kOk);
    for (const bool end : {false, true}) {
      uint8_t* const block = page.at(end, 16);
      Bytes out(16);
      std::copy(text.begin(), text.end(), block);
      aes_encrypt_block(key, out.data(), block);
      EXPECT_EQ(out, expected);
      aes_encrypt_block(key, block, block);
      EXPECT_EQ(Bytes(block, block + 16), expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, AesBlock, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

class AesCtr : public testing::TestWithParam<Lane> {};

// The counter is one number of 128 bits: carries run through every byte, inside a register and between registers.
TEST_P(AesCtr, counter_carries_through_the_whole_block) {
  std::mt19937_64 rng(128);
  const Bytes raw = random_bytes(rng, 32);
  AesKey plain;
  ASSERT_EQ(aes_key_init(plain, GetParam(), raw.data(), raw.size()), Status::kOk);
  AesKey with_columns = plain;
  aes_make_columns(with_columns);
  EXPECT_EQ(with_columns.has_columns, GetParam() != Lane::kPortable);
  for (size_t count = 0; count <= 130; ++count) {
    for (ptrdiff_t ones = 0; ones <= 16; ++ones) {
      Bytes counter = random_bytes(rng, 16);
      std::fill(counter.end() - ones, counter.end(), uint8_t{0xff});
      if (ones > 0) counter[15] = static_cast<uint8_t>(0xff - rng() % (count + 1));
      const Bytes text = random_bytes(rng, 16 * count);
      // libcrypto's own CTR is not trusted with carries: the counter blocks are made here.
      Bytes blocks, next = counter;
      for (size_t b = 0; b < count; ++b, add_one(next)) blocks = join(blocks, next);
      Bytes expected = evp_aes("ECB", raw, {}, blocks, true), out(text.size());
      for (size_t i = 0; i < expected.size(); ++i) expected[i] ^= text[i];
      for (const AesKey* key : {&plain, &with_columns}) {
        Bytes after = counter;
        aes_ctr(*key, after.data(), out.data(), text.data(), count);
        ASSERT_EQ(out, expected) << count << " blocks, " << ones << ", columns " << key->has_columns;
        ASSERT_EQ(after, next);
      }
    }
  }
}

// Every key length, every last byte of the counter, and messages in which it wraps more than once.
TEST_P(AesCtr, columns_change_nothing_but_the_time) {
  std::mt19937_64 rng(129);
  for (unsigned last = 0; last < 256; ++last) {
    const Bytes raw = random_bytes(rng, 16 + 8 * (last % 3)), text = random_bytes(rng, 16 * (rng() % 700));
    AesKey key;
    ASSERT_EQ(aes_key_init(key, GetParam(), raw.data(), raw.size()), Status::kOk);
    aes_make_columns(key);
    Bytes counter = random_bytes(rng, 16), out(text.size());
    counter[15] = static_cast<uint8_t>(last);
    const Bytes expected = evp_aes("CTR", raw, counter, text, true);
    aes_ctr(key, counter.data(), out.data(), text.data(), text.size() / 16);
    ASSERT_EQ(out, expected) << last;
  }
}

INSTANTIATE_TEST_SUITE_P(lanes, AesCtr, testing::ValuesIn(runnable_lanes(kAesKernels)), LaneTestName());

}  // namespace
}  // namespace cm::test
