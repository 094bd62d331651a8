// SPDX-License-Identifier: Apache-2.0
// error_state_probe: loads the test build of the module under a fault from the environment and checks that it serves
// nothing. Prints what cm_status says; exit code 0 when the module behaved, else the number of the check that failed.
#include <cstdio>

#include "tests/module/fixture.h"

namespace {

int check_no_service() {
  cm_session session{};
  uint8_t bytes[64] = {};
  size_t size = 0;
  cm_key key{};
  cm_hash hash{};
  if (cm_session_open(&session, CM_ROLE_USER) != CM_ERR_ERROR_STATE) return 10;
  if (cm_random_bytes(session, bytes, 16) != CM_ERR_ERROR_STATE) return 11;
  if (cm_hash_compute(session, CM_HASH_SHA256, bytes, 32, bytes, 0) != CM_ERR_ERROR_STATE) return 12;
  if (cm_hash_init(session, &hash, CM_HASH_SHA256) != CM_ERR_ERROR_STATE) return 13;
  const cm_key_params params = cm::test::key_params(CM_ALG_AES_GCM, 256);
  if (cm_key_generate(session, &key, &params) != CM_ERR_ERROR_STATE) return 14;
  if (cm_key_import(session, &key, &params, bytes, 32) != CM_ERR_ERROR_STATE) return 15;
  if (cm_aead_seal(session, key, bytes, 1, bytes + 8, 12, bytes + 20, 16, nullptr, 0, bytes, 1) != CM_ERR_ERROR_STATE)
    return 16;
  if (cm_key_export_wrapped(session, key, key, bytes, 64, &size) != CM_ERR_ERROR_STATE) return 17;
  for (const uint8_t b : bytes)
    if (b != 0) return 18;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  cm_status_info status{};
  status.struct_size = sizeof status;
  if (!CM_SUCCEEDED(cm_status(&status))) return 1;
  std::printf("state=%u\nfailed_test=%s\nlanes=%s\n", status.state, status.failed_test, status.lanes);
  if (status.state != CM_STATE_ERROR || status.lanes[0] != 0) return 2;
  if (const int failed = check_no_service(); failed != 0) return failed;

  const cm::test::InitParams params{std::string(argv[1])};
  const cm_rc rc = cm_init(&params.params);
  std::printf("init=%s\n", cm_rc_name(rc));
  if (rc != CM_ERR_SELFTEST && rc != CM_ERR_INTEGRITY && rc != CM_ERR_ENTROPY) return 3;
  if (const int failed = check_no_service(); failed != 0) return failed + 20;
  size_t count = 0;
  if (cm_selftest(cm_session{0}, nullptr, 0, &count) >= 0) return 4;  // still broken
  return CM_SUCCEEDED(cm_shutdown()) ? 0 : 5;
}
