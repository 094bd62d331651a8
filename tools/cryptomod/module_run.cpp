// SPDX-License-Identifier: Apache-2.0
// module_run.cpp: see module_run.h.
#include "tools/cryptomod/module_run.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tools/cryptomod/failure.h"

namespace cm::tool {
namespace {

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// absolute: the writer works in another directory.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

std::string home_directory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') return home;
  const passwd* account = getpwuid(getuid());
  if (account == nullptr || account->pw_dir == nullptr || account->pw_dir[0] != '/')
    fail(kExitFailed, "there is no home directory for the audit log; name a place with --audit-dir");
  return account->pw_dir;
}

std::string place_text(const AuditPlace& place) {
  if (!place.audit_socket.empty()) return "the writer at '" + place.audit_socket + "'";
  return "the log in '" + (place.audit_dir.empty() ? default_audit_dir() : place.audit_dir) + "'";
}

}  // namespace

std::string default_audit_dir() {
  if (geteuid() == 0) return "/var/lib/cryptomod/log";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && state[0] == '/')
    return std::string(state) + "/cryptomod/log";
  return home_directory() + "/.local/state/cryptomod/log";
}

cm_rc ModuleRun::start(AuditPlace place) {
  if (place.audit_dir.empty() && place.audit_socket.empty()) place.audit_dir = default_audit_dir();
  for (std::string* path : {&place.audit_dir, &place.audit_socket, &place.tpm_dir, &place.trust_dir})
    *path = absolute(*path);
  auto params = cryptomod::sized<cm_init_params>();
  params.audit_socket = or_null(place.audit_socket);
  params.audit_dir = or_null(place.audit_dir);
  params.tpm_dir = or_null(place.tpm_dir);
  params.trust_dir = or_null(place.trust_dir);
  params.tcti = or_null(place.tcti);
  return cm_init(&params);
}

std::string ModuleRun::init_failure(cm_rc rc, const AuditPlace& place) {
  auto info = cryptomod::sized<cm_status_info>();
  const bool known = CM_SUCCEEDED(cm_status(&info));
  if (rc == CM_ERR_AUDIT) {
    const char* why = known && info.audit_error[0] != '\0' ? info.audit_error : cm_rc_text(rc);
    return fmt::format("{} cannot be used, and nothing is done without it: {}", place_text(place), why);
  }
  if (known && info.failed_test[0] != '\0')
    return fmt::format("the module does not start: {}: {} ({})", cm_rc_text(rc), info.failed_test, cm_rc_name(rc));
  return fmt::format("the module does not start: {} ({})", cm_rc_text(rc), cm_rc_name(rc));
}

ModuleRun::ModuleRun(const AuditPlace& place) {
  const cm_rc rc = start(place);
  if (CM_SUCCEEDED(rc)) {
    open_ = true;
    return;
  }
  const std::string sentence = init_failure(rc, place);
  // In the error state the module is connected all the same: close the log that tells of it.
  static_cast<void>(CM_SUCCEEDED(cm_shutdown()));
  throw Failure(kExitFailed, sentence);
}

ModuleRun::~ModuleRun() {
  if (open_) static_cast<void>(CM_SUCCEEDED(cm_shutdown()));
}

void ModuleRun::close() {
  open_ = false;
  require(cm_shutdown(), "the end of the audit log is not confirmed");
}

}  // namespace cm::tool
