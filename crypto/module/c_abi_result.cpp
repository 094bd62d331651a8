// SPDX-License-Identifier: Apache-2.0
// c_abi_result.cpp: look-ups in the table of results. No service: nothing is computed and nothing is recorded.
#include "crypto/base/status.h"
#include "cryptomod/cryptomod.h"

CM_EXPORT const char* cm_rc_text(cm_rc rc) {
  const cm::StatusRow* row = cm::status_row(rc);
  return row != nullptr ? row->text : "unknown result";
}

CM_EXPORT const char* cm_rc_name(cm_rc rc) {
  const cm::StatusRow* row = cm::status_row(rc);
  return row != nullptr ? row->name : "unknown";
}

CM_EXPORT int cm_errno(cm_rc rc) {
  const cm::StatusRow* row = cm::status_row(rc);
  return row != nullptr ? row->errno_value : EINVAL;
}
