// SPDX-License-Identifier: Apache-2.0
// pbkdf2_test.cpp: PBKDF2 with HMAC over any hash, on every lane for one message and beside every lane for many: RFC
// 6070, RFC 7914 section 11, Wycheproof, libcrypto; many passwords at once; and its limits.
#include "crypto/kdf/pbkdf2.h"

#include <gtest/gtest.h>

#include <random>

#include "crypto/hash_multi/hash_multi_kernels.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/rsp_file.h"
#include "tests/support/vector_count.h"
#if defined(CRYPTOMOD_EXTRA_VECTORS)
#include "tests/support/wycheproof.h"
#endif

namespace cm::test {
namespace {

Bytes ascii(std::string_view text) { return Bytes(text.begin(), text.end()); }

Bytes random_bytes(std::mt19937_64& rng, size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = static_cast<uint8_t>(rng());
  return out;
}

Bytes derive(HashId id, Lane single, Lane wide, const Bytes& password, const Bytes& salt, uint32_t iterations,
             size_t size) {
  Bytes out(size);
  const Pbkdf2Job job = {password.data(), password.size(), salt.data(), salt.size(), out.data(), size};
  EXPECT_EQ(pbkdf2_check(id, size, iterations), Status::kOk);
  pbkdf2(id, single, wide, &job, 1, iterations);
  return out;
}

Bytes by_libcrypto(HashId id, const Bytes& password, const Bytes& salt, uint32_t iterations, size_t size) {
  Bytes out(size);
  EVP_MD* md = EVP_MD_fetch(nullptr, hash_row(id).name, nullptr);
  EXPECT_EQ(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()), static_cast<int>(password.size()),
                              salt.data(), static_cast<int>(salt.size()), static_cast<int>(iterations), md,
                              static_cast<int>(size), out.data()),
            1);
  EVP_MD_free(md);
  return out;
}

class Pbkdf2Lanes : public testing::TestWithParam<HashOnLane> {
 protected:
  // for_each_wide: what is checked, beside every lane for many.
  template <class Check>
  void for_each_wide(Check check) {
    for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
      SCOPED_TRACE(lane_name(wide));
      check(wide);
    }
  }
  const HashId id_ = GetParam().id;
  const Lane lane_ = GetParam().lane;
};

TEST_P(Pbkdf2Lanes, agrees_with_libcrypto) {
  for_each_wide([this](Lane wide) {
    std::mt19937_64 rng(1);
    for (int round = 0; round < 40; ++round) {
      const Bytes password = random_bytes(rng, rng() % 200), salt = random_bytes(rng, rng() % 200);
      const auto iterations = static_cast<uint32_t>(1 + rng() % 12);
      const size_t size = 1 + rng() % (round % 4 == 0 ? 1500 : 100);
      EXPECT_EQ(derive(id_, lane_, wide, password, salt, iterations, size),
                by_libcrypto(id_, password, salt, iterations, size))
          << round;
    }
  });
}

TEST_P(Pbkdf2Lanes, many_passwords_are_one_after_the_other) {
  for_each_wide([this](Lane wide) {
    std::mt19937_64 rng(2);
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{15}, size_t{16}, size_t{17}, size_t{40}}) {
      std::vector<Bytes> passwords, salts, outs;
      std::vector<Pbkdf2Job> jobs;
      for (size_t i = 0; i < count; ++i) {
        passwords.push_back(random_bytes(rng, rng() % 80));
        salts.push_back(random_bytes(rng, rng() % 80));
        outs.emplace_back(1 + rng() % 150);
      }
      for (size_t i = 0; i < count; ++i)
        jobs.push_back({passwords[i].data(), passwords[i].size(), salts[i].data(), salts[i].size(), outs[i].data(),
                        outs[i].size()});
      pbkdf2(id_, lane_, wide, jobs.data(), count, 4);
      for (size_t i = 0; i < count; ++i)
        EXPECT_EQ(outs[i], by_libcrypto(id_, passwords[i], salts[i], 4, outs[i].size())) << i << " of " << count;
    }
  });
}

TEST_P(Pbkdf2Lanes, refuses_what_the_standard_does_not_define) {
  const size_t most = size_t{0xffffffff} * hash_row(id_).digest_size;
  EXPECT_EQ(pbkdf2_check(id_, 4, 0), Status::kArgument);
  EXPECT_EQ(pbkdf2_check(id_, 0, 1), Status::kLength);
  EXPECT_EQ(pbkdf2_check(id_, most, 1), Status::kOk);
  EXPECT_EQ(pbkdf2_check(id_, most + 1, 1), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, Pbkdf2Lanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

class Pbkdf2Vectors : public testing::TestWithParam<LaneSet> {
 protected:
  Bytes derived(HashId id, const Bytes& password, const Bytes& salt, uint32_t iterations, size_t size) {
    const auto wides = runnable_lanes(kHashMultiKernels);
    return derive(id, hash_lane(id, GetParam().hash), wides.back(), password, salt, iterations, size);
  }
};

// unescaped: the file writes a zero byte as \\0.
Bytes unescaped(std::string text) {
  for (size_t at; (at = text.find("\\0")) != std::string::npos;) text.replace(at, 2, 1, '\0');
  return ascii(text);
}

TEST_P(Pbkdf2Vectors, rfc_6070) {
  VectorCount count(GetParam().name, "rfc-6070-PBKDF2-SHA1.txt");
  for (const RspRecord& r : read_rsp_file(CM_DEBIAN_VECTORS_DIR "/KDF/rfc-6070-PBKDF2-SHA1.txt")) {
    EXPECT_EQ(to_hex(derived(HashId::kSha1, unescaped(r.text("PASSWORD")), unescaped(r.text("SALT")),
                             static_cast<uint32_t>(r.number("ITERATIONS")), r.number("LENGTH"))),
              r.text("DERIVED_KEY"))
        << r.place;
    count.ran("keys");
  }
  count.expect({{"keys", 6}});
}

TEST_P(Pbkdf2Vectors, rfc_7914) {
  EXPECT_EQ(to_hex(derived(HashId::kSha256, ascii("passwd"), ascii("salt"), 1, 64)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
            "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

#if defined(CRYPTOMOD_EXTRA_VECTORS)
struct WycheproofFile {
  const char* name;
  HashId id;
  size_t cases;
};
constexpr WycheproofFile kFiles[] = {
    {"pbkdf2_hmacsha1_test.json", HashId::kSha1, 64},     {"pbkdf2_hmacsha224_test.json", HashId::kSha224, 58},
    {"pbkdf2_hmacsha256_test.json", HashId::kSha256, 60}, {"pbkdf2_hmacsha384_test.json", HashId::kSha384, 58},
    {"pbkdf2_hmacsha512_test.json", HashId::kSha512, 58},
};

TEST_P(Pbkdf2Vectors, wycheproof) {
  for (const WycheproofFile& file : kFiles) {
    const auto root = read_wycheproof(std::string(CRYPTOMOD_EXTRA_VECTORS "/wycheproof/testvectors_v1/") + file.name);
    VectorCount count(GetParam().name, file.name);
    for (const auto& group : root["testGroups"]) {
      for (const auto& test : group["tests"]) {
        const Bytes expected = hex_field(test, "dk");
        ASSERT_EQ(test["result"], "valid");
        ASSERT_EQ(expected.size(), test["dkLen"].get<size_t>());
        EXPECT_EQ(derived(file.id, hex_field(test, "password"), hex_field(test, "salt"),
                          test["iterationCount"].get<uint32_t>(), expected.size()),
                  expected)
            << case_name(test);
        count.ran("valid");
      }
    }
    count.expect({{"valid", file.cases}});
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(All, Pbkdf2Vectors, testing::ValuesIn(lane_sets()), ParamName{});

// The limits of SP 800-132 and IG D.N, each from both sides.
static_assert(pbkdf2_approved(14, 16, 1000, 14));
static_assert(!pbkdf2_approved(13, 16, 1000, 14));
static_assert(!pbkdf2_approved(14, 15, 1000, 14));
static_assert(!pbkdf2_approved(14, 16, 999, 14));
static_assert(!pbkdf2_approved(14, 16, 1000, 13));

}  // namespace
}  // namespace cm::test
