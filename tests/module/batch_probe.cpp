// SPDX-License-Identifier: Apache-2.0
// batch_probe DIRECTORY: loads the test build of the module from wherever the dynamic linker finds it and runs one
// batch that goes to lane imb, if that is there. The log is left in the directory. Prints what came of it.
#include <cstdio>

#include "tests/module/lane_batch.h"

int main(int argc, char** argv) {
  using namespace cm::test;
  if (argc != 2) return 64;
  const InitParams params{std::string(argv[1])};
  if (cm_init(&params.params) != CM_OK) return 1;
  cm_session session{};
  if (cm_session_open(&session, CM_ROLE_USER) != CM_OK) return 2;
  const LaneBatch batch(session, Work::kCmac, 32, 8, 640);
  cm_status_info status{};
  status.struct_size = sizeof status;
  if (!CM_SUCCEEDED(cm_status(&status))) return 3;
  std::printf("result=%s\nright=%d\nstate=%u\nfailed_test=%s\n", cm_rc_name(batch.rc), batch.right() ? 1 : 0,
              status.state, status.failed_test);
  return CM_SUCCEEDED(cm_shutdown()) ? 0 : 4;
}
