/* SPDX-License-Identifier: Apache-2.0
 * consumer.c: a C99 program against the installed header and library; needs no audit writer. */
#include <cryptomod/audit_record.h>
#include <cryptomod/cryptomod.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  cm_version_info version;
  cm_status_info status;
  cm_session nobody = {0};
  unsigned char byte = 0;

  memset(&version, 0, sizeof version);
  version.struct_size = sizeof version;
  memset(&status, 0, sizeof status);
  status.struct_size = sizeof status;
  (void)!cm_version(&version);
  (void)!cm_status(&status);
  printf("%s %s, state %u\n", version.name, version.version, (unsigned)status.state);

  if (strcmp(version.version, CM_VERSION_STRING) != 0) return 1;
  if (status.state != CM_STATE_READY) return 2;
  if (CM_SUCCEEDED(cm_random_bytes(nobody, &byte, 1))) return 3; /* no service before cm_init */
  if (cm_errno(CM_OK) != 0 || strcmp(cm_rc_name(CM_ERR_AUTH), "CM_ERR_AUTH") != 0) return 4;
  return 0;
}
