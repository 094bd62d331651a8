// SPDX-License-Identifier: Apache-2.0
// sponge_test.cpp: SHA-3 and SHAKE on every lane: NIST CAVP byte-oriented files, and libcrypto as oracle at all lengths
// around blocks, at any split of input and of output.
#include "crypto/sha3/sponge.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/sha3/keccak_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/sha3_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

// file_of: "SHA3_256ShortMsg.rsp", "SHAKE128Monte.rsp".
std::string file_of(const Sha3Function& f, const std::string& kind) {
  std::string name = f.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name + kind + ".rsp";
}
std::string path_of(const Sha3Function& f, const std::string& kind) {
  return std::string(CM_DEBIAN_VECTORS_DIR "/hashes/") + (f.size != 0 ? "SHA3/" : "SHAKE/") + file_of(f, kind);
}

class SpongeLanes : public testing::TestWithParam<Lane> {};

TEST_P(SpongeLanes, cavp_messages) {
  constexpr size_t kShort[] = {145, 137, 105, 73, 337, 273};
  for (size_t i = 0; i < std::size(kSha3Functions); ++i) {
    const Sha3Function& f = kSha3Functions[i];
    for (const auto& [kind, cases] : {std::pair<const char*, size_t>{"ShortMsg", kShort[i]}, {"LongMsg", 100}}) {
      VectorCount count(GetParam(), file_of(f, kind));
      for (const RspRecord& r : read_rsp_file(path_of(f, kind))) {
        Bytes message = r.bytes("Msg");
        message.resize(r.number("Len") / 8);  // Len = 0 comes with one dummy byte
        const Bytes digest = r.bytes(f.size != 0 ? "MD" : "Output");
        EXPECT_EQ(to_hex(sponge_of(GetParam(), f, message, digest.size())), to_hex(digest)) << r.place;
        count.ran("digests");
      }
      count.expect({{"digests", cases}});
    }
  }
}

TEST_P(SpongeLanes, cavp_variable_output) {
  constexpr std::pair<size_t, size_t> kFiles[] = {{4, 1126}, {5, 1246}};
  for (const auto& [i, cases] : kFiles) {
    const Sha3Function& f = kSha3Functions[i];
    VectorCount count(GetParam(), file_of(f, "VariableOut"));
    for (const RspRecord& r : read_rsp_file(path_of(f, "VariableOut"))) {
      if (!r.has("Output")) continue;
      const Bytes out = sponge_of(GetParam(), f, r.bytes("Msg"), r.number("Outputlen") / 8);
      EXPECT_EQ(to_hex(out), r.text("Output")) << r.place;
      count.ran("outputs");
    }
    count.expect({{"outputs", cases}});
  }
}

// SHA3VS 6.2.3: a thousand digests between two printed ones.
TEST_P(SpongeLanes, cavp_monte_carlo_of_sha3) {
  for (size_t i = 0; i < 4; ++i) {
    const Sha3Function& f = kSha3Functions[i];
    VectorCount count(GetParam(), file_of(f, "Monte"));
    Bytes md;
    for (const RspRecord& r : read_rsp_file(path_of(f, "Monte"))) {
      if (r.has("Seed")) md = r.bytes("Seed");
      if (!r.has("MD")) continue;
      for (int j = 0; j < 1000; ++j) md = sponge_of(GetParam(), f, md, f.size);
      ASSERT_EQ(to_hex(md), r.text("MD")) << r.place;
      count.ran("digests");
    }
    count.expect({{"digests", 100}});
  }
}

// SHA3VS 6.3.3: the next message is the beginning of an output, the next size of output its end.
TEST_P(SpongeLanes, cavp_monte_carlo_of_shake) {
  struct Range {
    size_t function, low, high;
  };
  for (const Range& range : {Range{4, 16, 140}, Range{5, 2, 250}}) {
    const Sha3Function& f = kSha3Functions[range.function];
    VectorCount count(GetParam(), file_of(f, "Monte"));
    Bytes message, out;
    size_t size = range.high;
    for (const RspRecord& r : read_rsp_file(path_of(f, "Monte"))) {
      if (r.has("Msg")) message = r.bytes("Msg");
      if (!r.has("Output")) continue;
      for (int j = 0; j < 1000; ++j) {
        out = sponge_of(GetParam(), f, message, size);
        const size_t end = size_t{out[out.size() - 2]} << 8 | out.back();
        size = range.low + end % (range.high - range.low + 1);
        message = out;
        message.resize(16);
      }
      ASSERT_EQ(to_hex(out), r.text("Output")) << r.place;
      EXPECT_EQ(out.size(), r.number("Outputlen") / 8) << r.place;
      count.ran("outputs");
    }
    count.expect({{"outputs", 100}});
  }
}

TEST_P(SpongeLanes, every_length_around_two_blocks_at_every_alignment_agrees_with_libcrypto) {
  std::mt19937_64 rng(1);
  const Bytes data = random_bytes(rng, 16 + 3 * kKeccakRateMax);
  for (const Sha3Function& f : kSha3Functions) {
    const size_t out_size = f.size != 0 ? f.size : 40;
    for (size_t size = 0; size <= 2 * f.rate + 2; ++size) {
      const size_t offset = size % 16;
      const Bytes message(data.begin() + static_cast<ptrdiff_t>(offset),
                          data.begin() + static_cast<ptrdiff_t>(offset + size));
      Bytes digest(out_size);
      sponge(GetParam(), f.rate, f.suffix, digest.data(), out_size, data.data() + offset, size);
      EXPECT_EQ(digest, evp_sha3(f.name, message, out_size)) << f.name << " " << size;
    }
  }
}

TEST_P(SpongeLanes, splits_of_input_and_output_do_not_matter) {
  EXPECT_TRUE(rc::check("streamed equals libcrypto", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Sha3Function& f = kSha3Functions[rng() % std::size(kSha3Functions)];
    const Bytes message = random_bytes(rng, rng() % 3000);
    Bytes out(f.size != 0 ? f.size : rng() % 1500);
    Sponge s;
    sponge_init(s, GetParam(), f.rate);
    const auto piece = [&](size_t left) { return std::min<size_t>(left, rng() % (rng() % 4 == 0 ? 900 : 100)); };
    for (size_t done = 0; done < message.size();) {
      const size_t take = piece(message.size() - done);
      sponge_absorb(s, message.data() + done, take);
      done += take;
    }
    sponge_finish(s, f.suffix);
    for (size_t done = 0; done < out.size();) {
      const size_t take = piece(out.size() - done);
      sponge_squeeze(s, out.data() + done, take);
      done += take;
    }
    RC_ASSERT(out == evp_sha3(f.name, message, out.size()));
  }));
}

TEST_P(SpongeLanes, a_sponge_can_be_copied_midway) {
  std::mt19937_64 rng(2);
  const Bytes message = random_bytes(rng, 500);
  Sponge s;
  sponge_init(s, GetParam(), kShake256Rate);
  sponge_absorb(s, message.data(), 200);
  Sponge copy = s;
  sponge_absorb(copy, message.data() + 200, 300);
  sponge_finish(copy, kShakeSuffix);
  sponge_finish(s, kShakeSuffix);
  Bytes whole(200), part(200), again(100);
  sponge_squeeze(s, part.data(), 100);
  Sponge behind = s;
  sponge_squeeze(s, part.data() + 100, 100);
  sponge_squeeze(behind, again.data(), 100);
  sponge_squeeze(copy, whole.data(), 200);
  EXPECT_EQ(whole, evp_sha3("SHAKE256", message, 200));
  EXPECT_EQ(part, evp_sha3("SHAKE256", Bytes(message.begin(), message.begin() + 200), 200));
  EXPECT_TRUE(std::equal(again.begin(), again.end(), part.begin() + 100));
}

TEST_P(SpongeLanes, zeroise_leaves_nothing) {
  Sponge s;
  sponge_init(s, GetParam(), kSha3_256Rate);
  sponge_absorb(s, reinterpret_cast<const uint8_t*>("secret"), 6);
  sponge_zeroise(s);
  const auto* raw = reinterpret_cast<const uint8_t*>(&s);
  EXPECT_TRUE(std::all_of(raw, raw + sizeof s, [](uint8_t b) { return b == 0; }));
}

INSTANTIATE_TEST_SUITE_P(All, SpongeLanes, testing::ValuesIn(runnable_lanes(kKeccakKernels)), LaneTestName{});

TEST(SpongeChecks, what_is_out_of_order_stops_the_process) {
  Sponge s;
  uint8_t byte = 0;
  EXPECT_DEATH(sponge_init(s, Lane::kPortable, 0), "");
  EXPECT_DEATH(sponge_init(s, Lane::kPortable, 200), "");
  sponge_init(s, Lane::kPortable, kSha3_256Rate);
  EXPECT_DEATH(sponge_squeeze(s, &byte, 1), "");
  sponge_finish(s, kSha3Suffix);
  EXPECT_DEATH(sponge_absorb(s, &byte, 1), "");
  EXPECT_DEATH(sponge_finish(s, kSha3Suffix), "");
}

}  // namespace
}  // namespace cm::test
