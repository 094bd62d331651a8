// SPDX-License-Identifier: Apache-2.0
// sp800_185_test.cpp: cSHAKE, KMAC, TupleHash and ParallelHash on every lane: the samples that NIST publishes for SP
// 800-185, Wycheproof, libcrypto's KMAC, and the standard's definitions written down once more over libcrypto's Keccak
// with the suffix of cSHAKE.
#include "crypto/sha3/sp800_185.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <rapidcheck.h>

#include <algorithm>
#include <random>

#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"
#include "tests/support/lanes.h"
#include "tests/support/sha3_oracle.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

Bytes text(const std::string& s) { return Bytes(s.begin(), s.end()); }

// counted: the bytes from, from + 1, ... to.
Bytes counted(unsigned from, unsigned to) {
  Bytes b;
  for (unsigned v = from; v <= to; ++v) b.push_back(static_cast<uint8_t>(v));
  return b;
}

// ---- The standard's definitions on strings.

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes number(uint64_t n) {
  Bytes b;
  for (; n != 0 || b.empty(); n >>= 8) b.insert(b.begin(), static_cast<uint8_t>(n));
  return b;
}
Bytes plain_left_encode(uint64_t n) { return Bytes{static_cast<uint8_t>(number(n).size())} + number(n); }
Bytes plain_right_encode(uint64_t n) { return number(n) + Bytes{static_cast<uint8_t>(number(n).size())}; }
Bytes encode_string(const Bytes& s) { return plain_left_encode(s.size() * 8) + s; }
Bytes bytepad(const Bytes& x, size_t w) {
  Bytes z = plain_left_encode(w) + x;
  z.resize((z.size() + w - 1) / w * w);
  return z;
}
size_t rate_of(size_t bits) { return bits == 128 ? 168 : 136; }

Bytes plain_cshake(size_t bits, const Bytes& x, size_t size, const Bytes& n, const Bytes& s) {
  if (n.empty() && s.empty()) return evp_sha3("SHAKE" + std::to_string(bits), x, size);
  const Bytes all = bytepad(encode_string(n) + encode_string(s), rate_of(bits)) + x;
  return evp_sha3("KECCAK-KMAC-" + std::to_string(bits), all, size);
}
Bytes end(size_t size, bool xof) { return plain_right_encode(xof ? 0 : size * 8); }

Bytes plain_tuple_hash(size_t bits, const std::vector<Bytes>& tuple, size_t size, const Bytes& s, bool xof) {
  Bytes z;
  for (const Bytes& x : tuple) z = z + encode_string(x);
  return plain_cshake(bits, z + end(size, xof), size, text("TupleHash"), s);
}

Bytes plain_parallel_hash(size_t bits, const Bytes& x, size_t block, size_t size, const Bytes& s, bool xof) {
  Bytes z = plain_left_encode(block);
  size_t count = 0;
  for (size_t at = 0; at < x.size(); at += block, ++count) {
    const Bytes leaf(x.begin() + static_cast<ptrdiff_t>(at),
                     x.begin() + static_cast<ptrdiff_t>(std::min(at + block, x.size())));
    z = z + plain_cshake(bits, leaf, bits / 4, {}, {});
  }
  return plain_cshake(bits, z + plain_right_encode(count) + end(size, xof), size, text("ParallelHash"), s);
}

// evp_kmac: libcrypto refuses keys below four bytes.
Bytes evp_kmac(size_t bits, const Bytes& key, const Bytes& x, size_t size, const Bytes& s, bool xof) {
  const std::string name = "KMAC-" + std::to_string(bits);
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, name.c_str(), nullptr),
                                                              EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  Bytes custom = s, out(size);
  custom.push_back(0);  // a pointer even without a string
  int xof_number = xof ? 1 : 0;
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_CUSTOM, custom.data(), s.size()),
                               OSSL_PARAM_construct_int(OSSL_MAC_PARAM_XOF, &xof_number),
                               OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  must(EVP_MAC_init(context.get(), key.data(), key.size(), params));
  must(EVP_MAC_update(context.get(), x.data(), x.size()));
  must(EVP_MAC_final(context.get(), out.data(), &size, out.size()));
  return out;
}

// ---- The module's functions on strings.

Bytes cshake(Lane lane, size_t bits, const Bytes& x, size_t size, const Bytes& n, const Bytes& s) {
  Sponge sponge;
  Bytes out(size);
  cshake_init(sponge, lane, bits, n.data(), n.size(), s.data(), s.size());
  sponge_absorb(sponge, x.data(), x.size());
  cshake_finish(sponge);
  sponge_squeeze(sponge, out.data(), size / 2);
  sponge_squeeze(sponge, out.data() + size / 2, size - size / 2);
  return out;
}

Bytes kmac(Lane lane, size_t bits, const Bytes& key, const Bytes& x, size_t size, const Bytes& s, bool xof) {
  Sponge sponge;
  Bytes out(size);
  kmac_init(sponge, lane, bits, key.data(), key.size(), s.data(), s.size());
  sponge_absorb(sponge, x.data(), x.size() / 3);
  sponge_absorb(sponge, x.data() + x.size() / 3, x.size() - x.size() / 3);
  const size_t first = xof ? size / 3 : size;  // the rest of an XOF comes by squeezing
  kmac_final(sponge, out.data(), first, xof);
  if (xof) sponge_squeeze(sponge, out.data() + first, size - first);
  return out;
}

Bytes tuple_hash(Lane lane, size_t bits, const std::vector<Bytes>& tuple, size_t size, const Bytes& s, bool xof) {
  Sponge sponge;
  Bytes out(size);
  tuple_hash_init(sponge, lane, bits, s.data(), s.size());
  for (const Bytes& x : tuple) tuple_hash_add(sponge, x.data(), x.size());
  const size_t first = xof ? size / 3 : size;
  tuple_hash_final(sponge, out.data(), first, xof);
  if (xof) sponge_squeeze(sponge, out.data() + first, size - first);
  return out;
}

// parallel_hash: in pieces of so many bytes.
Bytes parallel_hash(Lane lane, Lane wide, size_t bits, const Bytes& x, size_t block, size_t size, const Bytes& s,
                    bool xof, size_t piece) {
  ParallelHash p;
  Bytes out(size);
  parallel_hash_init(p, lane, wide, bits, block, s.data(), s.size());
  for (size_t at = 0; at < x.size(); at += piece)
    parallel_hash_update(p, x.data() + at, std::min(piece, x.size() - at));
  const size_t first = xof ? size / 3 : size;
  parallel_hash_final(p, out.data(), first, xof);
  if (xof) parallel_hash_more(p, out.data() + first, size - first);
  return out;
}

// ---- Samples of NIST ("cSHAKE_samples.pdf" and its neighbours among the examples with intermediate values).

class Sp800185 : public testing::TestWithParam<Lane> {};

TEST_P(Sp800185, cshake_samples) {
  const Bytes none, s = text("Email Signature"), little = counted(0, 3), much = counted(0, 0xc7);
  const Lane l = GetParam();
  EXPECT_EQ(to_hex(cshake(l, 128, little, 32, none, s)),
            "c1c36925b6409a04f1b504fcbca9d82b4017277cb5ed2b2065fc1d3814d5aaf5");
  EXPECT_EQ(to_hex(cshake(l, 128, much, 32, none, s)),
            "c5221d50e4f822d96a2e8881a961420f294b7b24fe3d2094baed2c6524cc166b");
  EXPECT_EQ(to_hex(cshake(l, 256, little, 64, none, s)),
            "d008828e2b80ac9d2218ffee1d070c48b8e4c87bff32c9699d5b6896eee0edd1"
            "64020e2be0560858d9c00c037e34a96937c561a74c412bb4c746469527281c8c");
  EXPECT_EQ(to_hex(cshake(l, 256, much, 64, none, s)),
            "07dc27b11e51fbac75bc7b3c1d983e8b4b85fb1defaf218912ac864302730917"
            "27f42b17ed1df63e8ec118f04b23633c1dfb1574c8fb55cb45da8e25afb092bb");
}

struct Sample {
  size_t bits, shape;  // shape: which of the inputs
  const char* custom;
  bool xof;
  const char* out;
};

TEST_P(Sp800185, kmac_samples) {
  const char* const tagged = "My Tagged Application";
  const Sample samples[] = {
      {128, 0, "", false, "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e"},
      {128, 0, tagged, false, "3b1fba963cd8b0b59e8c1a6d71888b7143651af8ba0a7070c0979e2811324aa5"},
      {128, 1, tagged, false, "1f5b4e6cca02209e0dcb5ca635b89a15e271ecc760071dfd805faa38f9729230"},
      {256, 0, tagged, false,
       "20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7"
       "f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd"},
      {256, 1, "", false,
       "75358cf39e41494e949707927cee0af20a3ff553904c86b08f21cc414bcfd691"
       "589d27cf5e15369cbbff8b9a4c2eb17800855d0235ff635da82533ec6b759b69"},
      {256, 1, tagged, false,
       "b58618f71f92e1d56c1b8c55ddd7cd188b97b4ca4d99831eb2699a837da2e4d9"
       "70fbacfde50033aea585f1a2708510c32d07880801bd182898fe476876fc8965"},
      {128, 0, "", true, "cd83740bbd92ccc8cf032b1481a0f4460e7ca9dd12b08a0c4031178bacd6ec35"},
      {128, 0, tagged, true, "31a44527b4ed9f5c6101d11de6d26f0620aa5c341def41299657fe9df1a3b16c"},
      {128, 1, tagged, true, "47026c7cd793084aa0283c253ef658490c0db61438b8326fe9bddf281b83ae0f"},
      {256, 0, tagged, true,
       "1755133f1534752aad0748f2c706fb5c784512cab835cd15676b16c0c6647fa9"
       "6faa7af634a0bf8ff6df39374fa00fad9a39e322a7c92065a64eb1fb0801eb2b"},
      {256, 1, "", true,
       "ff7b171f1e8a2b24683eed37830ee797538ba8dc563f6da1e667391a75edc02c"
       "a633079f81ce12a25f45615ec89972031d18337331d24ceb8f8ca8e6a19fd98b"},
      {256, 1, tagged, true,
       "d5be731c954ed7732846bb59dbe3a8e30f83e77a4bff4459f2f1c2b4ecebb8ce"
       "67ba01c62e8ab8578d2d499bd1bb276768781190020a306a97de281dcc30305d"},
  };
  const Bytes key = counted(0x40, 0x5f), inputs[] = {counted(0, 3), counted(0, 0xc7)};
  for (const Sample& s : samples)
    EXPECT_EQ(to_hex(kmac(GetParam(), s.bits, key, inputs[s.shape], s.bits / 4, text(s.custom), s.xof)), s.out);
}

TEST_P(Sp800185, tuple_hash_samples) {
  const char* const app = "My Tuple App";
  const Sample samples[] = {
      {128, 2, "", false, "c5d8786c1afb9b82111ab34b65b2c0048fa64e6d48e263264ce1707d3ffc8ed1"},
      {128, 2, app, false, "75cdb20ff4db1154e841d758e24160c54bae86eb8c13e7f5f40eb35588e96dfb"},
      {128, 3, app, false, "e60f202c89a2631eda8d4c588ca5fd07f39e5151998deccf973adb3804bb6e84"},
      {256, 2, "", false,
       "cfb7058caca5e668f81a12a20a2195ce97a925f1dba3e7449a56f82201ec6073"
       "11ac2696b1ab5ea2352df1423bde7bd4bb78c9aed1a853c78672f9eb23bbe194"},
      {256, 2, app, false,
       "147c2191d5ed7efd98dbd96d7ab5a11692576f5fe2a5065f3e33de6bba9f3aa1"
       "c4e9a068a289c61c95aab30aee1e410b0b607de3620e24a4e3bf9852a1d4367e"},
      {256, 3, app, false,
       "45000be63f9b6bfd89f54717670f69a9bc763591a4f05c50d68891a744bcc6e7"
       "d6d5b5e82c018da999ed35b0bb49c9678e526abd8e85c13ed254021db9e790ce"},
      {128, 2, "", true, "2f103cd7c32320353495c68de1a8129245c6325f6f2a3d608d92179c96e68488"},
      {128, 2, app, true, "3fc8ad69453128292859a18b6c67d7ad85f01b32815e22ce839c49ec374e9b9a"},
      {128, 3, app, true, "900fe16cad098d28e74d632ed852f99daab7f7df4d99e775657885b4bf76d6f8"},
      {256, 2, "", true,
       "03ded4610ed6450a1e3f8bc44951d14fbc384ab0efe57b000df6b6df5aae7cd5"
       "68e77377daf13f37ec75cf5fc598b6841d51dd207c991cd45d210ba60ac52eb9"},
      {256, 2, app, true,
       "6483cb3c9952eb20e830af4785851fc597ee3bf93bb7602c0ef6a65d741aeca7"
       "e63c3b128981aa05c6d27438c79d2754bb1b7191f125d6620fca12ce658b2442"},
      {256, 3, app, true,
       "0c59b11464f2336c34663ed51b2b950bec743610856f36c28d1d088d8a244628"
       "4dd09830a6a178dc752376199fae935d86cfdee5913d4922dfd369b66a53c897"},
  };
  const std::vector<Bytes> three = {counted(0, 2), counted(0x10, 0x15), counted(0x20, 0x28)};
  const std::vector<Bytes> two = {three[0], three[1]};
  for (const Sample& s : samples)
    EXPECT_EQ(to_hex(tuple_hash(GetParam(), s.bits, s.shape == 2 ? two : three, s.bits / 4, text(s.custom), s.xof)),
              s.out);
}

TEST_P(Sp800185, parallel_hash_samples) {
  const char* const data = "Parallel Data";
  const Sample samples[] = {
      // shape: the size of a block
      {128, 8, "", false, "ba8dc1d1d979331d3f813603c67f72609ab5e44b94a0b8f9af46514454a2b4f5"},
      {128, 8, data, false, "fc484dcb3f84dceedc353438151bee58157d6efed0445a81f165e495795b7206"},
      {128, 12, data, false, "f7fd5312896c6685c828af7e2adb97e393e7f8d54e3c2ea4b95e5aca3796e8fc"},
      {256, 8, "", false,
       "bc1ef124da34495e948ead207dd9842235da432d2bbc54b4c110e64c45110553"
       "1b7f2a3e0ce055c02805e7c2de1fb746af97a1dd01f43b824e31b87612410429"},
      {256, 8, data, false,
       "cdf15289b54f6212b4bc270528b49526006dd9b54e2b6add1ef6900dda3963bb"
       "33a72491f236969ca8afaea29c682d47a393c065b38e29fae651a2091c833110"},
      {256, 12, data, false,
       "69d0fcb764ea055dd09334bc6021cb7e4b61348dff375da262671cdec3effa8d"
       "1b4568a6cce16b1cad946ddde27f6ce2b8dee4cd1b24851ebf00eb90d43813e9"},
      {128, 8, "", true, "fe47d661e49ffe5b7d999922c062356750caf552985b8e8ce6667f2727c3c8d3"},
      {128, 8, data, true, "ea2a793140820f7a128b8eb70a9439f93257c6e6e79b4a540d291d6dae7098d7"},
      {128, 12, data, true, "0127ad9772ab904691987fcc4a24888f341fa0db2145e872d4efd255376602f0"},
      {256, 8, "", true,
       "c10a052722614684144d28474850b410757e3cba87651ba167a5cbddff7f4666"
       "75fbf84bcae7378ac444be681d729499afca667fb879348bfdda427863c82f1c"},
      {256, 8, data, true,
       "538e105f1a22f44ed2f5cc1674fbd40be803d9c99bf5f8d90a2c8193f3fe6ea7"
       "68e5c1a20987e2c9c65febed03887a51d35624ed12377594b5585541dc377efc"},
      {256, 12, data, true,
       "6b3e790b330c889a204c2fbc728d809f19367328d852f4002dc829f73afd6bce"
       "fb7fe5b607b13a801c0be5c1170bdb794e339458fdb0e62a6af3d42558970249"},
  };
  const Bytes eight = counted(0, 7) + counted(0x10, 0x17) + counted(0x20, 0x27);
  const Bytes twelve = counted(0, 0xb) + counted(0x10, 0x1b) + counted(0x20, 0x2b) + counted(0x30, 0x3b) +
                       counted(0x40, 0x4b) + counted(0x50, 0x5b);
  for (const Lane wide : runnable_lanes(kKeccakMultiKernels)) {
    for (const Sample& s : samples)
      EXPECT_EQ(to_hex(parallel_hash(GetParam(), wide, s.bits, s.shape == 8 ? eight : twelve, s.shape, s.bits / 4,
                                     text(s.custom), s.xof, 100)),
                s.out)
          << lane_name(wide);
  }
}

// ---- Files.

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(Sp800185, wycheproof_kmac) {
  struct File {
    size_t bits, valid, invalid;
  };
  for (const File& file : {File{128, 66, 108}, File{256, 99, 162}}) {
    const std::string name = "kmac" + std::to_string(file.bits) + "_no_customization_test.json";
    const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/" + name);
    VectorCount count(GetParam(), name);
    for (const auto& group : root["testGroups"]) {
      const size_t size = group["tagSize"].get<size_t>() / 8;
      for (const auto& test : group["tests"]) {
        const Bytes tag = kmac(GetParam(), file.bits, hex_field(test, "key"), hex_field(test, "msg"), size, {}, false);
        const bool valid = test["result"] == "valid";
        count.ran(valid ? "valid" : "invalid");
        EXPECT_EQ(tag == hex_field(test, "tag"), valid) << case_name(test);
      }
    }
    count.expect({{"valid", file.valid}, {"invalid", file.invalid}});
  }
}
#endif

// ---- Against the definitions and libcrypto.

TEST(Sp800185Encoding, numbers_of_every_width) {
  EXPECT_EQ(left_encode(0).size, 2);
  for (int width = 0; width < 64; ++width) {
    for (const uint64_t n : {uint64_t{1} << width, (uint64_t{1} << width) - 1, ~uint64_t{0} >> width}) {
      const EncodedLength left = left_encode(n), right = right_encode(n);
      EXPECT_EQ(Bytes(left.bytes, left.bytes + left.size), plain_left_encode(n)) << n;
      EXPECT_EQ(Bytes(right.bytes, right.bytes + right.size), plain_right_encode(n)) << n;
    }
  }
}

TEST_P(Sp800185, cshake_agrees_with_its_definition) {
  EXPECT_TRUE(rc::check("cSHAKE", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const size_t bits = rng() % 2 == 0 ? 128 : 256, size = rng() % 500;
    const Bytes n = random_bytes(rng, rng() % 3 == 0 ? 0 : rng() % 50);
    const Bytes s = random_bytes(rng, rng() % 3 == 0 ? 0 : rng() % 400);
    const Bytes x = random_bytes(rng, rng() % 1000);
    RC_ASSERT(cshake(GetParam(), bits, x, size, n, s) == plain_cshake(bits, x, size, n, s));
  }));
}

TEST_P(Sp800185, kmac_agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("KMAC", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const size_t bits = rng() % 2 == 0 ? 128 : 256, size = 1 + rng() % 400;
    const Bytes key = random_bytes(rng, 4 + rng() % 250);
    const Bytes s = random_bytes(rng, rng() % 3 == 0 ? 0 : rng() % 200);
    const Bytes x = random_bytes(rng, rng() % 1000);
    const bool xof = rng() % 2 == 0;
    RC_ASSERT(kmac(GetParam(), bits, key, x, size, s, xof) == evp_kmac(bits, key, x, size, s, xof));
  }));
}

TEST_P(Sp800185, tuple_hash_agrees_with_its_definition) {
  EXPECT_TRUE(rc::check("TupleHash", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const size_t bits = rng() % 2 == 0 ? 128 : 256, size = rng() % 300;
    std::vector<Bytes> tuple(rng() % 6);
    for (Bytes& x : tuple) x = random_bytes(rng, rng() % 300);
    const Bytes s = random_bytes(rng, rng() % 40);
    const bool xof = rng() % 2 == 0;
    RC_ASSERT(tuple_hash(GetParam(), bits, tuple, size, s, xof) == plain_tuple_hash(bits, tuple, size, s, xof));
  }));
}

TEST_P(Sp800185, parallel_hash_agrees_with_its_definition_at_any_split) {
  for (const Lane wide : runnable_lanes(kKeccakMultiKernels)) {
    EXPECT_TRUE(rc::check("ParallelHash", [&](uint32_t seed) {
      std::mt19937_64 rng(seed);
      const size_t bits = rng() % 2 == 0 ? 128 : 256, size = rng() % 200, block = 1 + rng() % 400;
      const Bytes x = random_bytes(rng, rng() % 40 == 0 ? 0 : rng() % (40 * block));
      const Bytes s = random_bytes(rng, rng() % 40);
      const bool xof = rng() % 2 == 0;
      const size_t piece = 1 + rng() % (x.size() + 1);
      RC_ASSERT(parallel_hash(GetParam(), wide, bits, x, block, size, s, xof, piece) ==
                plain_parallel_hash(bits, x, block, size, s, xof));
    }));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Sp800185, testing::ValuesIn(runnable_lanes(kKeccakKernels)), LaneTestName{});

TEST(Sp800185Checks, what_has_no_meaning_stops_the_process) {
  Sponge s;
  EXPECT_DEATH(cshake_init(s, Lane::kPortable, 192, nullptr, 0, nullptr, 0), "");
  ParallelHash p;
  EXPECT_DEATH(parallel_hash_init(p, Lane::kPortable, Lane::kPortable, 128, 0, nullptr, 0), "");
  sponge_init(s, Lane::kPortable, kShake128Rate);
  EXPECT_DEATH(cshake_finish(s), "");
}

}  // namespace
}  // namespace cm::test
