// SPDX-License-Identifier: Apache-2.0
// stack_residue_service_test.cpp: services that make a key leave neither it nor the secret it came from on the stack of
// the thread that called them (tests/support/stack_residue.h).
#include "tests/support/stack_residue.h"

#include "tests/module/fixture.h"

namespace cm::test {
namespace {

class StackResidueService : public Operational {
 protected:
  void SetUp() override {
    Operational::SetUp();
    ASSERT_EQ(cm_session_open(&officer_, CM_ROLE_OFFICER), CM_OK);
  }
  void TearDown() override {
    EXPECT_EQ(cm_session_close(officer_), CM_OK);
    Operational::TearDown();
  }

  // params: a derivation of 64 bytes from input_.
  cm_kdf_params params(uint32_t function) const {
    cm_kdf_params p{};
    p.struct_size = sizeof p;
    p.function = function;
    p.hash = CM_HASH_SHA256;
    p.input = input_.data(), p.input_size = input_.size();
    p.salt = salt_.data(), p.salt_size = salt_.size();
    if (function == CM_KDF_PBKDF2) p.iterations = 1000;
    return p;
  }
  // secrets: of that derivation, the bytes as the officer gets them.
  Secrets secrets(const cm_kdf_params& p) {
    Bytes out(kSize);
    EXPECT_EQ(cm_kdf_derive_raw(officer_, out.data(), out.size(), &p), CM_OK);
    return {{"input", input_}, {"key", out}};
  }
  void expect_made(cm_rc rc, cm_key key) {
    EXPECT_EQ(rc, CM_OK);
    EXPECT_EQ(cm_key_destroy(session_, key), CM_OK);
  }

  static constexpr size_t kSize = 64;
  const Bytes input_ = noise(64, 1), salt_ = noise(16, 2);
  const cm_key_params key_ = key_params(CM_ALG_HMAC_SHA256, 8 * kSize);
  cm_session officer_{};
};

TEST_F(StackResidueService, key_import) {
  const Secrets raw{{"key", input_}};
  cm_key key{};
  cm_rc rc = CM_OK;
  expect_clean("import", [&] { rc = cm_key_import(session_, &key, &key_, input_.data(), input_.size()); }, raw);
  expect_made(rc, key);
}

TEST_F(StackResidueService, key_derivation) {
  for (const uint32_t function : {CM_KDF_HKDF, CM_KDF_PBKDF2}) {
    const cm_kdf_params p = params(function);
    const Secrets known = secrets(p);
    cm_key key{};
    cm_rc rc = CM_OK;
    expect_clean("derive", [&] { rc = cm_kdf_derive(session_, &key, &key_, &p); }, known);
    expect_made(rc, key);
  }
}

TEST_F(StackResidueService, key_derivation_in_batches) {
  std::vector<cm_kdf_job> jobs;
  for (const uint32_t function : {CM_KDF_HKDF, CM_KDF_PBKDF2}) jobs.push_back({params(function), key_, {}, 0});
  Secrets known = secrets(jobs[0].kdf);
  known["key of a password"] = secrets(jobs[1].kdf)["key"];
  cm_rc rc = CM_OK;
  expect_clean("batch", [&] { rc = cm_kdf_batch(session_, jobs.data(), jobs.size()); }, known);
  EXPECT_EQ(rc, CM_OK);
  for (const cm_kdf_job& job : jobs) expect_made(job.result, job.key);
}

}  // namespace
}  // namespace cm::test
