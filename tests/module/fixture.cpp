// SPDX-License-Identifier: Apache-2.0
#include "tests/module/fixture.h"
#include "tests/support/remove_directory.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

namespace cm::test {
namespace {
std::unique_ptr<Directory> g_directory;
}

Directory::Directory() {
  char name[] = "/tmp/cryptomod-test-XXXXXX";
  if (mkdtemp(name) == nullptr) std::abort();
  path_ = name;
}

Directory::~Directory() { cm::test::remove_directory(path_); }

InitParams::InitParams(const std::string& dir)
    : log(dir + "/log"), tpm(dir + "/tpm"), trust(dir + "/trust"), writer(CM_AUDITD_PATH), params{} {
  params.struct_size = sizeof params;
  params.audit_dir = log.c_str();
  params.tpm_dir = tpm.c_str();
  params.trust_dir = trust.c_str();
  params.writer_path = writer.c_str();
  params.wait_ms = 20'000;  // slow machines and sanitizers; tests of waiting set their own
}

int verify_log(const Directory& dir, std::string* text) {
  const std::string command =
      std::string(CM_AUDIT_PATH) + " verify " + dir / "log" + " --enrolment " + dir / "trust/enrolment.json" + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr) *text += line;
  const int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t writer_of(const std::string& log) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // Plain read(2): the process may be gone, and a file stream throws then.
    char text[4096];
    const int fd = open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0) close(fd);
    const std::string line(text, size > 0 ? static_cast<size_t>(size) : 0);
    if (line.find("cryptomod-auditd") != std::string::npos && line.find(log) != std::string::npos &&
        line.find("swtpm") != 0)
      return static_cast<pid_t>(std::stoi(name));
  }
  return 0;
}

int run_child(const std::function<int()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

const Directory& Operational::directory() { return *g_directory; }

void Operational::SetUpTestSuite() {
  g_directory = std::make_unique<Directory>();
  const InitParams init(*g_directory);
  const cm_rc rc = cm_init(&init.params);
  ASSERT_EQ(rc, CM_OK) << cm_rc_text(rc);
}

void Operational::TearDownTestSuite() {
  const cm_rc rc = cm_shutdown();
  EXPECT_EQ(rc, CM_OK) << cm_rc_text(rc);
  std::string text;
  EXPECT_EQ(verify_log(*g_directory, &text), 0) << text;
  g_directory.reset();
}

void Operational::SetUp() { ASSERT_EQ(cm_session_open(&session_, CM_ROLE_USER), CM_OK); }

void Operational::TearDown() {
  if (session_.v != 0) {
    EXPECT_EQ(cm_session_close(session_), CM_OK);
  }
}

cm_key_params key_params(uint32_t algorithm, uint32_t bits) {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = algorithm;
  params.bits = bits;
  return params;
}

cm_key import_gcm(cm_session session, const std::vector<uint8_t>& raw, uint32_t flags) {
  cm_key_params params = key_params(CM_ALG_AES_GCM);
  params.flags = flags;
  cm_key key{};
  EXPECT_EQ(cm_key_import(session, &key, &params, raw.data(), raw.size()), CM_OK);
  return key;
}

cm_key import_hmac(cm_session session, const std::vector<uint8_t>& raw) {
  const cm_key_params params = key_params(CM_ALG_HMAC_SHA256);
  cm_key key{};
  EXPECT_TRUE(CM_SUCCEEDED(cm_key_import(session, &key, &params, raw.data(), raw.size())));
  return key;
}

cm_key generate_gcm(cm_session session, uint32_t iv_regime, uint32_t bits) {
  cm_key_params params = key_params(CM_ALG_AES_GCM, bits);
  params.iv_regime = iv_regime;
  if (iv_regime == CM_IV_COUNTER) std::memcpy(params.iv_fixed, "node", 4);
  cm_key key{};
  EXPECT_EQ(cm_key_generate(session, &key, &params), CM_OK);
  return key;
}

std::vector<uint8_t> pattern(size_t size, uint8_t seed) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(seed + i * 7 + (i >> 8));
  return bytes;
}

}  // namespace cm::test
