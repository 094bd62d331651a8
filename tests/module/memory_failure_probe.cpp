// SPDX-License-Identifier: Apache-2.0
// memory_failure_probe CAUSE served|refused: checks a module whose memory could not be set up: it serves nothing, leads
// nowhere, and cm_status tells CAUSE. Exit code 0 when it behaved, else the number of the check that failed.
#include <cstdlib>
#include <cstring>

#include "tests/module/fixture.h"

namespace {

int check(cm_rc cause, bool status_served) {
  cm_status_info status{};
  status.struct_size = sizeof status;
  if (cm_status(&status) != (status_served ? CM_OK : CM_ERR_ERROR_STATE)) return 1;
  if (status.state != CM_STATE_ERROR || status.error != cause) return 2;
  if (std::strcmp(status.failed_test, "memory") != 0) return 3;
  cm_session session{};
  cm_key key{};
  uint8_t bytes[64] = {};
  size_t count = 0;
  if (cm_session_open(&session, CM_ROLE_USER) != CM_ERR_ERROR_STATE) return 4;
  if (cm_random_bytes(session, bytes, 16) != CM_ERR_ERROR_STATE) return 5;
  const cm_key_params params = cm::test::key_params(CM_ALG_AES_GCM, 256);
  if (cm_key_generate(session, &key, &params) != CM_ERR_ERROR_STATE) return 6;
  if (cm_selftest(cm_session{0}, nullptr, 0, &count) != (status_served ? cause : CM_ERR_ERROR_STATE)) return 7;
  if (cm_init(nullptr) >= 0) return 8;
  if (cm_shutdown() != (status_served ? CM_OK : CM_ERR_ERROR_STATE)) return 9;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 66;
  const auto cause = static_cast<cm_rc>(std::strtol(argv[1], nullptr, 10));
  const bool served = std::strcmp(argv[2], "served") == 0;
  if (const int failed = check(cause, served); failed != 0) return failed;
  // A child finds the same, or the module at its end.
  return cm::test::run_child([&] {
    cm_status_info status{};
    status.struct_size = sizeof status;
    return cm_status(&status) == (served ? CM_OK : CM_ERR_ERROR_STATE) ? 0 : 30;
  });
}
