// SPDX-License-Identifier: Apache-2.0
// hkdf_test.cpp: HKDF with every hash function on every lane: RFC 5869, Wycheproof, libcrypto; HKDF-Expand-Label of
// TLS 1.3: RFC 8448, the vectors of BoringSSL in Botan's copy, libcrypto; limits.
#include "crypto/kdf/hkdf.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

// Hkdf: one hash function on a lane, with byte strings.
struct Hkdf {
  HashId id;
  Lane lane;

  Bytes extract(const Bytes& salt, const Bytes& secret) const {
    Bytes prk(hash_row(id).digest_size);
    hkdf_extract(id, lane, prk.data(), salt.data(), salt.size(), secret.data(), secret.size());
    return prk;
  }
  HmacKey key(const Bytes& prk) const {
    HmacKey k;
    hmac_key_init(k, id, lane, prk.data(), prk.size());
    return k;
  }
  Bytes expand(const Bytes& prk, const Bytes& info, size_t size) const {
    const HmacKey k = key(prk);
    return derived(size, [&](uint8_t* out, size_t n) { return hkdf_expand(k, out, n, info.data(), info.size()); });
  }
  Bytes label(const Bytes& secret, const Bytes& label, const Bytes& context, size_t size) const {
    const HmacKey k = key(secret);
    return derived(size, [&](uint8_t* out, size_t n) {
      return tls13_expand_label(k, out, n, label.data(), label.size(), context.data(), context.size());
    });
  }
};

Hkdf on(const LaneSet& set, HashId id) { return {id, hash_lane(id, set.hash)}; }

class HkdfVectors : public testing::TestWithParam<LaneSet> {};

TEST_P(HkdfVectors, rfc_5869_and_a_long_one) {
  const std::pair<const char*, VectorCount::Counts> files[] = {
      {"rfc-5869-HKDF-SHA1.txt", {{"keys", 4}, {"pseudorandom keys", 4}}},
      {"rfc-5869-HKDF-SHA256.txt", {{"keys", 3}, {"pseudorandom keys", 3}}},
      {"hkdf-generated.txt", {{"keys", 1}}}};
  for (const auto& [name, counts] : files) {
    VectorCount count(GetParam().name, name);
    for (const RspRecord& r : read_records(std::string(CM_DEBIAN_VECTORS_DIR "/KDF/") + name, "COUNT")) {
      const Hkdf hkdf = on(GetParam(), hash_of_name(r.text("Hash")));
      const Bytes prk = hkdf.extract(r.bytes("salt"), r.bytes("IKM"));
      if (r.has("PRK")) {
        EXPECT_EQ(to_hex(prk), r.text("PRK")) << r.place;
        count.ran("pseudorandom keys");
      }
      EXPECT_EQ(to_hex(hkdf.expand(prk, r.bytes("info"), r.number("L"))), r.text("OKM")) << r.place;
      count.ran("keys");
    }
    count.expect(counts);
  }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(HkdfVectors, wycheproof) {
  const std::pair<const char*, size_t> files[] = {{"sha1", 84}, {"sha256", 83}, {"sha384", 80}, {"sha512", 80}};
  for (const auto& [name, valid] : files) {
    const std::string file = std::string("hkdf_") + name + "_test.json";
    const auto root = read_wycheproof(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/" + file);
    const Hkdf hkdf = on(GetParam(), hash_of_name(name));
    VectorCount count(GetParam().name, file);
    for (const auto& group : root["testGroups"])
      for (const auto& test : group["tests"]) {
        const Bytes prk = hkdf.extract(hex_field(test, "salt"), hex_field(test, "ikm")), info = hex_field(test, "info");
        const size_t size = test["size"].get<size_t>();
        if (test["result"] == "valid") {
          EXPECT_EQ(hkdf.expand(prk, info, size), hex_field(test, "okm")) << case_name(test);
          count.ran("valid");
        } else {  // too long
          const HmacKey key = hkdf.key(prk);
          const auto expand = [&](uint8_t* out, size_t n) {
            return hkdf_expand(key, out, n, info.data(), info.size());
          };
          EXPECT_EQ(refused(size, expand), Status::kLength) << case_name(test);
          count.ran("invalid");
        }
      }
    count.expect({{"valid", valid}, {"invalid", 3}});
  }
}

// Labels of a draft of TLS 1.3, in which the prefix was another: the same structure over HKDF-Expand.
TEST_P(HkdfVectors, labels_of_a_draft) {
  VectorCount count(GetParam().name, "hkdf_label.vec");
  for (const RspRecord& r : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/botan/hkdf_label.vec")) {
    const Hkdf hkdf = on(GetParam(), hash_of_name(r.section.begin()->first));
    const Bytes label = ascii(r.text("Label")), context = r.bytes("HashValue"), expected = r.bytes("Output");
    const Bytes info = joined(
        {big_endian(expected.size(), 2), big_endian(label.size(), 1), label, big_endian(context.size(), 1), context});
    EXPECT_EQ(hkdf.expand(r.bytes("Secret"), info, expected.size()), expected) << r.place;
    count.ran("keys");
  }
  count.expect({{"keys", 4}});
}
#endif

// RFC 8448 section 3, the simple 1-RTT handshake with TLS_AES_128_GCM_SHA256.
TEST_P(HkdfVectors, rfc_8448) {
  const Hkdf hkdf = on(GetParam(), HashId::kSha256);
  const auto label = [&](const Bytes& secret, const char* name, const Bytes& context, size_t size) {
    return hkdf.label(secret, ascii(name), context, size);
  };
  const Bytes of_nothing = from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const Bytes hellos = from_hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
  const Bytes shared = from_hex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d");
  const Bytes early = hkdf.extract({}, Bytes(32));
  EXPECT_EQ(to_hex(early), "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
  const Bytes salt = label(early, "derived", of_nothing, 32);
  EXPECT_EQ(to_hex(salt), "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
  const Bytes handshake = hkdf.extract(salt, shared);
  EXPECT_EQ(to_hex(handshake), "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
  const Bytes client = label(handshake, "c hs traffic", hellos, 32);
  EXPECT_EQ(to_hex(client), "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
  const Bytes server = label(handshake, "s hs traffic", hellos, 32);
  EXPECT_EQ(to_hex(server), "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
  EXPECT_EQ(to_hex(label(server, "key", {}, 16)), "3fce516009c21727d0f2e4e86ee403bc");
  EXPECT_EQ(to_hex(label(server, "iv", {}, 12)), "5d313eb2671276ee13000b30");
  EXPECT_EQ(to_hex(label(server, "finished", {}, 32)),
            "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8");
  EXPECT_EQ(to_hex(label(client, "key", {}, 16)), "dbfaa693d1762c5b666af5d950258d01");
  EXPECT_EQ(to_hex(label(client, "iv", {}, 12)), "5bd3c71b836e0b76bb73265f");
}

INSTANTIATE_TEST_SUITE_P(All, HkdfVectors, testing::ValuesIn(lane_sets()), ParamName{});

class HkdfLanes : public testing::TestWithParam<HashOnLane> {
 protected:
  static HashId id() { return GetParam().id; }
  static Hkdf hkdf() { return {id(), GetParam().lane}; }
  static size_t size() { return GetParam().row().digest_size; }
};

TEST_P(HkdfLanes, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("extract and expand", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes salt = random_bytes(rng, rng() % 200), secret = random_bytes(rng, 1 + rng() % 300);
    const Bytes info = random_bytes(rng, rng() % 400);
    const size_t length = 1 + rng() % (rng() % 8 == 0 ? 255 * size() : 5 * size());
    KdfOracle oracle("HKDF");
    oracle.hash(id()).text("mode", "EXTRACT_AND_EXPAND").bytes("key", secret).bytes("salt", salt).bytes("info", info);
    RC_ASSERT(hkdf().expand(hkdf().extract(salt, secret), info, length) == oracle.derive(length));
  }));
}

TEST_P(HkdfLanes, labels_agree_with_libcrypto) {
  EXPECT_TRUE(rc::check("expand label", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes secret = random_bytes(rng, size()), label = random_bytes(rng, 1 + rng() % kTls13LabelMax);
    const Bytes context = random_bytes(rng, rng() % 65);  // libcrypto takes no longer one
    const size_t length = 1 + rng() % (4 * size());
    KdfOracle oracle("TLS13-KDF");
    oracle.hash(id()).text("mode", "EXPAND_ONLY").bytes("key", secret);
    oracle.bytes("prefix", ascii("tls13 ")).bytes("label", label).bytes("data", context);
    RC_ASSERT(hkdf().label(secret, label, context, length) == oracle.derive(length));
  }));
}

TEST_P(HkdfLanes, has_255_blocks_and_no_more) {
  const size_t most = kHkdfMaxBlocks * size();
  KdfOracle oracle("HKDF");
  oracle.hash(id()).text("mode", "EXPAND_ONLY").bytes("key", Bytes(32, 1)).bytes("info", Bytes(3, 2));
  EXPECT_EQ(hkdf().expand(Bytes(32, 1), Bytes(3, 2), most), oracle.derive(most));
  const HmacKey key = hkdf().key(Bytes(32, 1));
  const auto expand = [&](uint8_t* out, size_t n) { return hkdf_expand(key, out, n, nullptr, 0); };
  for (const size_t n : {size_t{0}, most + 1, SIZE_MAX}) EXPECT_EQ(refused(n, expand), Status::kLength) << n;
}

TEST_P(HkdfLanes, label_sizes_are_limited) {
  const Bytes bytes(300, 'x');
  const HmacKey key = hkdf().key(Bytes(32, 1));
  // The longest of each: two bytes of length, "tls13 " and the label behind a byte, the context behind another.
  const Bytes info = joined({big_endian(40, 2), {255}, ascii("tls13 "), Bytes(249, 'x'), {255}, Bytes(255, 'x')});
  EXPECT_EQ(hkdf().label(Bytes(32, 1), Bytes(249, 'x'), Bytes(255, 'x'), 40), hkdf().expand(Bytes(32, 1), info, 40));
  const auto answer = [&](size_t size, size_t label_size, size_t context_size) {
    return refused(size, [&](uint8_t* out, size_t n) {
      return tls13_expand_label(key, out, n, bytes.data(), label_size, bytes.data(), context_size);
    });
  };
  EXPECT_EQ(answer(32, 0, 0), Status::kLength);
  EXPECT_EQ(answer(32, 250, 0), Status::kLength);
  EXPECT_EQ(answer(32, 1, 256), Status::kLength);
  EXPECT_EQ(answer(0, 1, 0), Status::kLength);
  EXPECT_EQ(answer(0x10000, 1, 0), Status::kLength);
  EXPECT_EQ(answer(kHkdfMaxBlocks * size() + 1, 1, 0), Status::kLength);
  EXPECT_EQ(answer(32, SIZE_MAX, SIZE_MAX), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, HkdfLanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
