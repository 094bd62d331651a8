// SPDX-License-Identifier: Apache-2.0
// hmac_test.cpp: HMAC with every hash function on every lane: RFC 2202, RFC 4231, Wycheproof, libcrypto for every key
// length around the block size, streaming against one-shot.
#include "crypto/hmac/hmac.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "crypto/base/secret.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

class HmacLanes : public testing::TestWithParam<HashOnLane> {
 protected:
  static HashId id() { return GetParam().id; }
  static size_t block() { return GetParam().row().block_size; }
  static size_t size() { return GetParam().row().digest_size; }

  static void set(HmacKey& key, const Bytes& raw) { hmac_key_init(key, id(), GetParam().lane, raw.data(), raw.size()); }
  // mac_of: with bytes behind the MAC, which must stay.
  template <class Write>
  static Bytes written(Write write) {
    Bytes out(size() + 16, 0xee);
    write(out.data());
    EXPECT_EQ(Bytes(out.end() - 16, out.end()), Bytes(16, 0xee)) << "more than the MAC is written";
    out.resize(size());
    return out;
  }
  static Bytes mac_of(const HmacKey& key, const Bytes& message) {
    return written([&](uint8_t* out) { hmac(key, out, message.data(), message.size()); });
  }
  static Bytes mac_of(const Bytes& raw, const Bytes& message) {
    HmacKey key;
    set(key, raw);
    EXPECT_EQ(hmac_size(key), size());
    return mac_of(key, message);
  }

  std::mt19937_64 rng_{198};
};

TEST_P(HmacLanes, rfc_2202_and_rfc_4231) {
  struct File {
    HashId id;
    const char* name;
    size_t cases;
  };
  // The files of RFC 4231 do not have test case 5, the truncated one.
  constexpr File kFiles[] = {{HashId::kSha1, "rfc-2202-sha1.txt", 7},
                             {HashId::kSha224, "rfc-4231-sha224.txt", 6},
                             {HashId::kSha256, "rfc-4231-sha256.txt", 6},
                             {HashId::kSha384, "rfc-4231-sha384.txt", 6},
                             {HashId::kSha512, "rfc-4231-sha512.txt", 6}};
  size_t files = 0;
  for (const File& file : kFiles) {
    if (file.id != id()) continue;
    ++files;
    VectorCount count(GetParam().lane, file.name);
    for (const RspRecord& r : read_rsp_file(std::string(CM_DEBIAN_VECTORS_DIR "/HMAC/") + file.name)) {
      EXPECT_EQ(to_hex(mac_of(r.bytes("Key"), r.bytes("Msg"))), r.text("MD")) << r.place;
      count.ran("MACs");
    }
    count.expect({{"MACs", file.cases}});
  }
  const std::string_view name = GetParam().row().name;
  EXPECT_EQ(files, name.starts_with("SHA3-") || name.starts_with("SHA-512/") ? 0 : 1);
}

TEST_P(HmacLanes, rfc_4231_case_5_truncated) {
  const std::string_view text = "Test With Truncation";
  const std::pair<HashId, const char*> macs[] = {{HashId::kSha224, "0e2aea68a90c8d37c988bcdb9fca6fa8"},
                                                 {HashId::kSha256, "a3b6167473100ee06e0c796c2955552b"},
                                                 {HashId::kSha384, "3abf34c3503b2a23a46efc619baef897"},
                                                 {HashId::kSha512, "415fad6271580a531d4179bc891d87a6"}};
  for (const auto& [hash, expected] : macs)
    if (hash == id()) {
      const Bytes mac = mac_of(Bytes(20, 0x0c), Bytes(text.begin(), text.end()));
      EXPECT_EQ(to_hex(mac.data(), 16), expected);
    }
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
TEST_P(HmacLanes, wycheproof) {
  struct File {
    HashId id;
    const char* name;
    size_t valid, invalid;
  };
  constexpr File kFiles[] = {
      {HashId::kSha1, "hmac_sha1_test.json", 66, 104},
      {HashId::kSha224, "hmac_sha224_test.json", 66, 106},
      {HashId::kSha256, "hmac_sha256_test.json", 66, 108},
      {HashId::kSha384, "hmac_sha384_test.json", 66, 108},
      {HashId::kSha512, "hmac_sha512_test.json", 66, 108},
      {HashId::kSha512_224, "hmac_sha512_224_test.json", 66, 107},
      {HashId::kSha512_256, "hmac_sha512_256_test.json", 66, 109},
      {HashId::kSha3_224, "hmac_sha3_224_test.json", 66, 106},
      {HashId::kSha3_256, "hmac_sha3_256_test.json", 66, 108},
      {HashId::kSha3_384, "hmac_sha3_384_test.json", 66, 108},
      {HashId::kSha3_512, "hmac_sha3_512_test.json", 66, 108},
  };
  const auto* file = std::find_if(std::begin(kFiles), std::end(kFiles), [](const File& f) { return f.id == id(); });
  ASSERT_NE(file, std::end(kFiles));
  const auto root = read_wycheproof(std::string(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/") + file->name);
  EXPECT_EQ(hash_of_name(root["algorithm"].get<std::string>().substr(4)), id());
  VectorCount count(GetParam().lane, file->name);
  for (const auto& group : root["testGroups"]) {
    const size_t tag_size = group["tagSize"].get<size_t>() / 8;
    for (const auto& test : group["tests"]) {
      const Bytes mac = mac_of(hex_field(test, "key"), hex_field(test, "msg"));
      const Bytes tag = hex_field(test, "tag");
      const bool expected = test["result"] == "valid";
      count.ran(expected ? "valid" : "invalid");
      EXPECT_EQ(tag.size() == tag_size && std::equal(tag.begin(), tag.end(), mac.begin()), expected) << case_name(test);
    }
  }
  count.expect({{"valid", file->valid}, {"invalid", file->invalid}});
}
#endif

TEST_P(HmacLanes, every_key_length_to_sixty_beyond_a_block_agrees_with_libcrypto) {
  for (size_t key_size = 0; key_size <= block() + 60; ++key_size) {
    const Bytes key = random_bytes(rng_, key_size);
    const Bytes message = random_bytes(rng_, rng_() % (3 * block()));
    EXPECT_EQ(mac_of(key, message), evp_hmac(id(), key, message)) << key_size;
  }
}

TEST_P(HmacLanes, every_message_length_to_two_blocks_agrees_with_libcrypto) {
  const Bytes raw = random_bytes(rng_, 32);
  HmacKey key;
  set(key, raw);
  for (size_t size = 0; size <= 2 * block(); ++size) {
    const Bytes message = random_bytes(rng_, size);
    EXPECT_EQ(mac_of(key, message), evp_hmac(id(), raw, message)) << size;
  }
}

TEST_P(HmacLanes, splits_do_not_matter_and_the_key_serves_again) {
  const Bytes raw = random_bytes(rng_, 1 + rng_() % 300);
  HmacKey key;
  set(key, raw);
  EXPECT_TRUE(rc::check("streamed equals libcrypto", [&](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Bytes message = random_bytes(rng, rng() % 1500);
    Hmac ctx;
    hmac_init(ctx, key);
    RC_ASSERT(ctx.inner.size == block());  // of what a message may have
    for (size_t done = 0; done < message.size();) {
      const size_t take = std::min<size_t>(message.size() - done, rng() % 300);
      hmac_update(ctx, message.data() + done, take);
      done += take;
    }
    RC_ASSERT(written([&](uint8_t* out) { hmac_final(ctx, out); }) == evp_hmac(id(), raw, message));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&ctx);
    RC_ASSERT(std::all_of(bytes, bytes + sizeof ctx, [](uint8_t b) { return b == 0; }));
  }));
}

TEST_P(HmacLanes, a_context_can_be_copied_midway_and_outlives_its_key) {
  const Bytes raw = random_bytes(rng_, 40), message = random_bytes(rng_, 2 * block() + 9);
  HmacKey key;
  set(key, raw);
  for (size_t at = 0; at <= message.size(); at += 7) {
    HmacKey gone = key;
    Hmac ctx;
    hmac_init(ctx, gone);
    zeroise(&gone, sizeof gone);
    hmac_update(ctx, message.data(), at);
    Hmac copy = ctx;
    hmac_update(copy, message.data() + at, message.size() - at);
    EXPECT_EQ(written([&](uint8_t* out) { hmac_final(copy, out); }), evp_hmac(id(), raw, message)) << at;
    const Bytes part(message.begin(), message.begin() + static_cast<ptrdiff_t>(at));
    EXPECT_EQ(written([&](uint8_t* out) { hmac_final(ctx, out); }), evp_hmac(id(), raw, part)) << at;
  }
}

TEST_P(HmacLanes, the_key_object_does_not_hold_the_key) {
  const Bytes raw = random_bytes(rng_, 32);
  HmacKey key;
  std::memset(static_cast<void*>(&key), 0, sizeof key);
  set(key, raw);
  const auto* begin = reinterpret_cast<const uint8_t*>(&key);
  for (size_t i = 0; i < raw.size(); i += 8)
    EXPECT_EQ(std::search(begin, begin + sizeof key, raw.begin() + static_cast<ptrdiff_t>(i),
                          raw.begin() + static_cast<ptrdiff_t>(i + 8)),
              begin + sizeof key);
}

INSTANTIATE_TEST_SUITE_P(All, HmacLanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
