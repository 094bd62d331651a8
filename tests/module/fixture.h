// SPDX-License-Identifier: Apache-2.0
// fixture.h: a module connected to a private writer with a software TPM in a fresh directory. When the last test of the
// process is over, the module is shut down and the offline verifier must call the whole log proved: so every test of
// the interface is also a test of its evidence.
#pragma once
#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "cryptomod/cryptomod.h"

namespace cm::test {

// Directory: made on construction, removed with everything in it on destruction.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// InitParams: parameters for a private writer below a directory; keeps the strings alive.
struct InitParams {
  explicit InitParams(const Directory& dir) : InitParams(dir.path()) {}
  explicit InitParams(const std::string& dir);
  std::string log, tpm, trust, writer;
  cm_init_params params;
};

// verify_log: exit code of the offline verifier on the directory's log with its enrolment record; its output in *text.
int verify_log(const Directory& dir, std::string* text);

// writer_of: the process that has this log open as its writer; 0 when there is none.
pid_t writer_of(const std::string& log);

// run_child: forks; the child runs body and ends with its return value; returns that value, or 1000 + signal.
int run_child(const std::function<int()>& body);

// Operational: base of tests that need services.
class Operational : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;
  static const Directory& directory();

  cm_session session_{};
};

// Keys with usual attributes. The result must be CM_OK.
cm_key import_gcm(cm_session session, const std::vector<uint8_t>& raw, uint32_t flags = 0);
cm_key import_hmac(cm_session session, const std::vector<uint8_t>& raw);
cm_key generate_gcm(cm_session session, uint32_t iv_regime, uint32_t bits = 256);
cm_key_params key_params(uint32_t algorithm, uint32_t bits = 0);

std::vector<uint8_t> pattern(size_t size, uint8_t seed = 1);

}  // namespace cm::test
