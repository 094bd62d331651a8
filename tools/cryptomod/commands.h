// SPDX-License-Identifier: Apache-2.0
// commands.h: what each command of the tool takes. Every command returns an exit code or throws Failure or Interrupted.
#pragma once
#include <string>

#include "tools/cryptomod/module_run.h"

namespace cm::tool {

struct Options {
  AuditPlace place;
  std::string passphrase_file;

  std::string key_file;  // keygen FILE; seal, open --key
  bool no_passphrase = false;

  std::string in;
  std::string out;
  bool force = false;
  bool stream = false;

  bool json = false;

  std::string demo_dir;
  std::string demo_input;
};

int keygen_command(const Options& options);
int seal_command(const Options& options);
int open_command(const Options& options);
int selftest_command(const Options& options);
int status_command(const Options& options);
int demo_command(const Options& options);

}  // namespace cm::tool
