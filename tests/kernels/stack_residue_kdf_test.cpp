// SPDX-License-Identifier: Apache-2.0
// stack_residue_kdf_test.cpp: hashes, HMAC and key derivation leave no key, state, message or derived key on the stack
// they ran on (tests/support/stack_residue.h), with any hash on any lane.
#include <gtest/gtest.h>

#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/kdf/hkdf.h"
#include "crypto/kdf/kbkdf.h"
#include "crypto/kdf/one_step.h"
#include "crypto/kdf/pbkdf2.h"
#include "crypto/kdf/ssh_kdf.h"
#include "crypto/kdf/tls12_prf.h"
#include "crypto/kdf/two_step.h"
#include "tests/support/hash_lanes.h"
#include "tests/support/stack_residue.h"

namespace cm::test {
namespace {

class StackResidueKdf : public testing::TestWithParam<HashOnLane> {
 protected:
  StackResidueKdf() { hmac_key_init(key_, id_, lane_, raw_.data(), raw_.size()); }

  Secrets states() const {
    const size_t size = hash_row(id_).state_size;
    return {{"key", raw_}, {"inner state", copy_of(&key_.inner, size)}, {"outer state", copy_of(&key_.outer, size)}};
  }
  // add_ends: what a message leaves behind in a state, as digest and as words.
  void add_ends(Secrets& secrets, const std::string& name, const HashState& start, size_t before, size_t size) const {
    HashState state;
    hash_copy(id_, state, start);
    hash_finish(id_, lane_, state, before + size, text_.data(), size);
    Bytes digest(hash_row(id_).digest_size);
    hash_write(id_, digest.data(), state);
    secrets[name + " digest"] = digest;
    secrets[name + " words"] = copy_of(&state, hash_row(id_).digest_size);
  }
  // expect_derives_clean: derive(out, size) once to know the key, and once more where the stack is looked at.
  template <class Derive>
  void expect_derives_clean(const std::string& what, Derive derive) {
    constexpr size_t kSize = 150;
    Bytes known(kSize), again(kSize);
    ASSERT_EQ(derive(known.data(), kSize), Status::kOk) << what;
    Secrets secrets = states();
    secrets["derived key"] = known;
    expect_clean(name_of(GetParam()) + " " + what, [&] { (void)derive(again.data(), kSize); }, secrets);
    EXPECT_EQ(again, known);
  }

  const HashId id_ = GetParam().id;
  const Lane lane_ = GetParam().lane;
  const Bytes raw_ = noise(40, 1);
  const Bytes text_ = noise(500, 2);
  HmacKey key_{};
};

TEST_P(StackResidueKdf, hash_and_hmac) {
  Bytes digest(kHashMaxSize), mac(kHashMaxSize);
  for (const size_t size : {size_t{40}, size_t{100}, size_t{150}, size_t{500}}) {
    const std::string name = name_of(GetParam()) + " " + std::to_string(size);
    HashState start;
    hash_start(id_, start);
    Secrets message{{"message", copy_of(text_.data(), size)}};
    add_ends(message, "final", start, 0, size);
    expect_clean(name + " digest", [&] { hash_digest(id_, lane_, digest.data(), text_.data(), size); }, message);
    Hash hash;
    expect_clean(
        name + " stream",
        [&] {
          hash_init(hash, id_, lane_);
          hash_update(hash, text_.data(), 33);
          hash_update(hash, text_.data() + 33, size - 33);
          hash_final(hash, digest.data());
        },
        message);
    Secrets secrets = states();
    secrets["message"] = copy_of(text_.data(), size);
    add_ends(secrets, "inner", key_.inner, hash_row(id_).block_size, size);
    HmacKey other{};
    expect_clean(
        name + " hmac",
        [&] {
          hmac_key_init(other, id_, lane_, raw_.data(), raw_.size());
          hmac(other, mac.data(), text_.data(), size);
        },
        secrets);
  }
}

TEST_P(StackResidueKdf, key_derivation) {
  const OneStepInput one_step{raw_.data(), raw_.size(), text_.data(), 20};
  const SshKdfInput ssh{raw_.data(), raw_.size(), SshSecret::kMpint, text_.data(), 20, text_.data(), 20, 'C'};
  const KbkdfPart part{text_.data(), 20};
  expect_derives_clean("hkdf", [&](uint8_t* out, size_t n) { return hkdf_expand(key_, out, n, text_.data(), 20); });
  expect_derives_clean("tls 1.3", [&](uint8_t* out, size_t n) {
    return tls13_expand_label(key_, out, n, text_.data(), 20, text_.data(), 20);
  });
  expect_derives_clean(
      "tls 1.2", [&](uint8_t* out, size_t n) { return tls12_prf(key_, out, n, text_.data(), 20, text_.data(), 20); });
  for (const KbkdfMode mode : {KbkdfMode::kCounter, KbkdfMode::kFeedback, KbkdfMode::kDoublePipeline})
    expect_derives_clean("kbkdf", [&](uint8_t* out, size_t n) {
      return kbkdf_hmac(key_, out, n, {mode, 32, part, &part, 1, &part, 1});
    });
  expect_derives_clean("one step", [&](uint8_t* out, size_t n) { return one_step_hash(id_, lane_, out, n, one_step); });
  expect_derives_clean("one step hmac", [&](uint8_t* out, size_t n) { return one_step_hmac(key_, out, n, one_step); });
  expect_derives_clean("two step hmac", [&](uint8_t* out, size_t n) {
    return two_step_hmac(key_, out, n, text_.data(), 40, {KbkdfMode::kFeedback, 32, part, &part, 1, &part, 1});
  });
  expect_derives_clean("x963", [&](uint8_t* out, size_t n) { return x963_kdf(id_, lane_, out, n, one_step); });
  expect_derives_clean("ssh", [&](uint8_t* out, size_t n) { return ssh_kdf(id_, lane_, out, n, ssh); });
  expect_derives_clean("hkdf extract", [&](uint8_t* out, size_t) {
    hkdf_extract(id_, lane_, out, text_.data(), 20, raw_.data(), raw_.size());
    return Status::kOk;
  });
  for (const Lane wide : runnable_lanes(kHashMultiKernels)) {
    expect_derives_clean(std::string("pbkdf2 ") + lane_name(wide), [&](uint8_t* out, size_t n) {
      const Pbkdf2Job job = {raw_.data(), raw_.size(), text_.data(), 20, out, n};
      pbkdf2(id_, lane_, wide, &job, 1, 3);
      return Status::kOk;
    });
  }
}

INSTANTIATE_TEST_SUITE_P(All, StackResidueKdf, testing::ValuesIn(hashes_on_lanes()), ParamName{});

}  // namespace
}  // namespace cm::test
