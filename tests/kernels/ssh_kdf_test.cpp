// SPDX-License-Identifier: Apache-2.0
// ssh_kdf_test.cpp: the key derivation of SSH with every hash function on every lane: NIST CAVP's file in the copy of
// AWS-LC, libcrypto; how the secret is encoded (RFC 4251 section 5); limits.
#include "crypto/kdf/ssh_kdf.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/derived.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/hash_oracle.h"
#include "tests/support/vector_count.h"

namespace cm::test {
namespace {

struct Ssh {
  HashId id;
  Lane lane;
  Bytes exchange_hash, session_id;

  SshKdfInput input(const Bytes& secret, SshSecret form, char letter) const {
    return {secret.data(),
            secret.size(),
            form,
            exchange_hash.data(),
            exchange_hash.size(),
            session_id.data(),
            session_id.size(),
            static_cast<uint8_t>(letter)};
  }
  Bytes derive(const Bytes& secret, SshSecret form, char letter, size_t size) const {
    return derived(size,
                   [&](uint8_t* out, size_t n) { return ssh_kdf(id, lane, out, n, input(secret, form, letter)); });
  }
  // libcrypto takes the secret as it is to be hashed.
  Bytes oracle(const Bytes& encoded, char letter, size_t size) const {
    return KdfOracle("SSHKDF")
        .hash(id)
        .bytes("key", encoded)
        .bytes("xcghash", exchange_hash)
        .bytes("session_id", session_id)
        .text("type", std::string(1, letter))
        .derive(size);
  }
};

#if defined(CRYPTOMOD_EXTRA_VECTORS)
class SshKdfVectors : public testing::TestWithParam<LaneSet> {};

TEST_P(SshKdfVectors, cavp) {
  const std::pair<char, const char*> outputs[] = {
      {'A', "Initial IV (client to server)"},     {'B', "Initial IV (server to client)"},
      {'C', "Encryption key (client to server)"}, {'D', "Encryption key (server to client)"},
      {'E', "Integrity key (client to server)"},  {'F', "Integrity key (server to client)"}};
  VectorCount count(GetParam().name, "sshkdf_tests.txt");
  for (const RspRecord& r : read_rsp_file(CRYPTOMOD_EXTRA_VECTORS "/aws-lc/crypto/evp_extra/sshkdf_tests.txt")) {
    std::string hash;
    for (const auto& [name, value] : r.section)
      if (name.starts_with("SHA-")) hash = name;
    const HashId id = hash_of_name(hash);
    const Ssh ssh{id, hash_lane(id, GetParam().hash), r.bytes("H"), r.bytes("session_id")};
    const Bytes encoded = r.bytes("K");
    ASSERT_EQ(Bytes(encoded.begin(), encoded.begin() + 4), big_endian(encoded.size() - 4, 4));
    const Bytes number(encoded.begin() + 4, encoded.end());
    for (const auto& [letter, name] : outputs) {
      const Bytes expected = r.bytes(name);
      EXPECT_EQ(ssh.derive(encoded, SshSecret::kEncoded, letter, expected.size()), expected) << r.place << letter;
      EXPECT_EQ(ssh.derive(number, SshSecret::kMpint, letter, expected.size()), expected) << r.place << letter;
      EXPECT_EQ(ssh.derive(number, SshSecret::kString, letter, expected.size()), expected) << r.place << letter;
      count.ran(hash);
    }
  }
  count.expect({{"SHA-1", 120}, {"SHA-224", 120}, {"SHA-256", 120}, {"SHA-384", 120}, {"SHA-512", 120}});
}

INSTANTIATE_TEST_SUITE_P(All, SshKdfVectors, testing::ValuesIn(lane_sets()), ParamName{});
#endif

class SshKdfLanes : public testing::TestWithParam<HashOnLane> {
 protected:
  static Ssh ssh(Bytes exchange_hash, Bytes session_id) {
    return {GetParam().id, GetParam().lane, std::move(exchange_hash), std::move(session_id)};
  }
  static size_t digest_size() { return GetParam().row().digest_size; }
};

TEST_P(SshKdfLanes, agrees_with_libcrypto) {
  EXPECT_TRUE(rc::check("the three forms of a secret", [](uint32_t seed) {
    std::mt19937_64 rng(seed);
    const Ssh s = ssh(random_bytes(rng, 1 + rng() % 100), random_bytes(rng, 1 + rng() % 100));
    const Bytes secret = random_bytes(rng, 1 + rng() % 300);
    const char letter = static_cast<char>('A' + rng() % 6);
    const size_t size = 1 + rng() % (6 * digest_size());
    RC_ASSERT(s.derive(secret, SshSecret::kEncoded, letter, size) == s.oracle(secret, letter, size));
    const Bytes string = joined({big_endian(secret.size(), 4), secret});
    RC_ASSERT(s.derive(secret, SshSecret::kString, letter, size) == s.oracle(string, letter, size));
    Bytes number = secret;  // as a number: a first byte that is neither zero nor above 0x7f, to be encoded as a string
    number[0] = static_cast<uint8_t>(1 + rng() % 127);
    const Bytes mpint = joined({big_endian(number.size(), 4), number});
    RC_ASSERT(s.derive(number, SshSecret::kMpint, letter, size) == s.oracle(mpint, letter, size));
  }));
}

// The examples of RFC 4251 section 5 that are not negative, and leading zeros.
TEST_P(SshKdfLanes, numbers_are_encoded_as_rfc_4251_says) {
  const Ssh s = ssh(Bytes(20, 1), Bytes(20, 2));
  const std::pair<const char*, const char*> numbers[] = {
      {"", "00000000"},
      {"00", "00000000"},
      {"00000000", "00000000"},
      {"09a378f9b2e332a7", "0000000809a378f9b2e332a7"},
      {"00000009a378f9b2e332a7", "0000000809a378f9b2e332a7"},
      {"80", "000000020080"},
      {"0080", "000000020080"},
      {"000080", "000000020080"},
      {"7f", "000000017f"},
      {"007f", "000000017f"},
      {"ff00", "0000000300ff00"},
      {"0100", "000000020100"},
  };
  for (const auto& [number, encoded] : numbers)
    EXPECT_EQ(s.derive(from_hex(number), SshSecret::kMpint, 'C', 70), s.oracle(from_hex(encoded), 'C', 70)) << number;
  for (const char* string : {"", "00", "0080", "ff"}) {
    const Bytes b = from_hex(string);
    EXPECT_EQ(s.derive(b, SshSecret::kString, 'D', 70), s.oracle(joined({big_endian(b.size(), 4), b}), 'D', 70));
  }
}

TEST_P(SshKdfLanes, letters_differ_and_others_are_refused) {
  const Ssh s = ssh(Bytes(20, 1), Bytes(20, 2));
  const Bytes secret(32, 3);
  for (int letter = 0; letter < 256; ++letter) {
    const SshKdfInput input = s.input(secret, SshSecret::kMpint, static_cast<char>(letter));
    const auto derive = [&](uint8_t* out, size_t n) { return ssh_kdf(s.id, s.lane, out, n, input); };
    if (letter >= 'A' && letter <= 'F')
      EXPECT_EQ(derived(30, derive), s.oracle(joined({big_endian(32, 4), secret}), static_cast<char>(letter), 30));
    else
      EXPECT_EQ(refused(30, derive), Status::kArgument) << letter;
  }
}

TEST_P(SshKdfLanes, sizes_are_limited) {
  const Ssh s = ssh(Bytes(20, 1), {});
  const size_t most = digest_size() << 16;
  const Bytes secret(8, 3), all = s.derive(secret, SshSecret::kString, 'E', most);
  EXPECT_EQ(Bytes(all.begin(), all.begin() + 99), s.derive(secret, SshSecret::kString, 'E', 99));
  SshKdfInput input = s.input(secret, SshSecret::kString, 'E');
  const auto derive = [&](uint8_t* out, size_t n) { return ssh_kdf(s.id, s.lane, out, n, input); };
  for (const size_t size : {size_t{0}, most + 1, SIZE_MAX}) EXPECT_EQ(refused(size, derive), Status::kLength) << size;
  input.secret_size = UINT32_MAX;
  EXPECT_EQ(refused(30, derive), Status::kLength);
}

INSTANTIATE_TEST_SUITE_P(All, SshKdfLanes, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
