// SPDX-License-Identifier: Apache-2.0
// failure.cpp: see failure.h.
#include "tools/cryptomod/failure.h"

#include <cerrno>
#include <cstring>

namespace cm::tool {
namespace {

// advice: what a user can do about an error number; "" where the system's own words are enough.
const char* advice(int error) {
  switch (error) {
    case ENOSPC:
      return "; the disk is full: make room and run the command again";
    case EDQUOT:
      return "; the disk quota is used up: make room and run the command again";
    case EFBIG:
      return "; the file size limit of this file system or shell (ulimit -f) is reached";
    case EROFS:
      return "; name a place that can be written";
    case EACCES:
      return "; check the permissions of the file and its directories";
    default:
      return "";
  }
}

}  // namespace

void fail_errno(const std::string& what, int error) {
  fail(kExitFailed, "{}: {}{}", what, std::strerror(error), advice(error));
}

void require(cm_rc rc, const char* what) {
  if (!CM_SUCCEEDED(rc)) fail(kExitFailed, "{}: {} ({})", what, cm_rc_text(rc), cm_rc_name(rc));
}

}  // namespace cm::tool
