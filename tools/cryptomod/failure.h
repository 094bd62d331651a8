// SPDX-License-Identifier: Apache-2.0
// failure.h: how a command of the tool ends when it does not succeed: one sentence for standard error that says what to
// do, and an exit code. The codes are an interface (docs/sealed-file-format.md, "Exit codes"): never renumber them.
#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "cryptomod/cryptomod.h"

namespace cm::tool {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,        // files, disk, audit, state of the module
  kExitNotAuthentic = 2,  // wrong key or passphrase, damaged or foreign file: nothing was released
  kExitUsage = 64,
};

class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

// Interrupted: a signal asked the tool to stop; see signals.h.
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal) noexcept : signal_(signal) {}
  int signal() const noexcept { return signal_; }
  const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_;
};

template <class... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(code, fmt::format(format, std::forward<Args>(args)...));
}

// fail_errno: a system call on a file failed; adds what the error number means and what to do about it.
[[noreturn]] void fail_errno(const std::string& what, int error);

// require: throws with the module's own sentence when a call into it failed.
void require(cm_rc rc, const char* what);

}  // namespace cm::tool
