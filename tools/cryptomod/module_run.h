// SPDX-License-Identifier: Apache-2.0
// module_run.h: the module from cm_init to cm_shutdown, and where its evidence goes when the user names no place.
#pragma once
#include <string>

#include "cryptomod/cryptomod.hpp"

namespace cm::tool {

// AuditPlace: as in cm_init_params; empty strings are NULL there.
struct AuditPlace {
  std::string audit_dir;
  std::string audit_socket;
  std::string tpm_dir;
  std::string trust_dir;
  std::string tcti;
};

// default_audit_dir: root: /var/lib/cryptomod/log; others: $XDG_STATE_HOME/cryptomod/log, or
// ~/.local/state/cryptomod/log when that variable is not set or not absolute.
std::string default_audit_dir();

class ModuleRun {
 public:
  // start: what cm_init answers. Neither place given: the default directory.
  static cm_rc start(AuditPlace place);
  // init_failure: the sentence for a user when start failed.
  static std::string init_failure(cm_rc rc, const AuditPlace& place);

  // ModuleRun: starts the module or throws Failure.
  explicit ModuleRun(const AuditPlace& place);
  // ~ModuleRun: ends it; what it answers is lost, see close.
  ~ModuleRun();
  ModuleRun(const ModuleRun&) = delete;
  ModuleRun& operator=(const ModuleRun&) = delete;

  // close: ends it and throws when the end of the log was not confirmed.
  void close();

 private:
  bool open_ = false;
};

}  // namespace cm::tool
