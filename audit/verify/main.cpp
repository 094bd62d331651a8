// SPDX-License-Identifier: Apache-2.0
// main.cpp: cryptomod-audit, the auditor's program: `verify` gives a verdict on a log directory; the commands of
// commands.h print it.
// It reads files and public keys only: no TPM, no network; `report`, `bundle` and `enrol` alone write files,
// `challenge` and `enrol` alone ask a writer. Exit codes: findings.h.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "audit/verify/commands.h"
#include "cryptomod/cryptomod.h"

namespace {

using namespace cm::audit;          // NOLINT(google-build-using-namespace): the program is about these two
using namespace cm::audit::verify;  // NOLINT(google-build-using-namespace)

struct VerifyArguments {
  VerdictArguments verdict;
  bool json = false;
};

// print_all: false when the output cannot take it (closed pipe, full disk).
bool print_all(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

int run_verify(const VerifyArguments& arguments) {
  Options options;
  if (!arguments.verdict.options(options)) return kExitUsage;
  Report report;
  arguments.verdict.judge(options, report);
  if (!print_all(arguments.json ? to_json(report) : to_text(report)) || std::fflush(stdout) != 0) return kExitUndecided;
  return exit_code(report);
}

void define_verify(CLI::App& app, VerifyArguments& arguments) {
  arguments.verdict.define(app);
  app.add_flag("--json", arguments.json, "print the verdict as JSON");
  app.footer("Exit codes: 0 verified, 1 tampered, 2 cannot decide, 3 intact but incomplete, 64 usage.");
}

int run(int argc, char** argv) {
  CLI::App app{"Verifies and prints audit logs of libcryptomod. libcryptomod is NOT validated to FIPS 140-3."};
  app.set_version_flag("--version", CM_VERSION_STRING);
  app.require_subcommand(1);
  VerifyArguments verify_arguments;
  CLI::App* verify = app.add_subcommand("verify", "check a log and say up to which record it is proved");
  define_verify(*verify, verify_arguments);
  Command chosen;
  add_show(app, chosen);
  add_search(app, chosen);
  add_export(app, chosen);
  add_follow(app, chosen);
  add_report(app, chosen);
  add_bundle(app, chosen);
  add_challenge(app, chosen);
  add_enrol(app, chosen);
  add_tree(app, chosen);
  add_check_proof(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitVerified : kExitUsage;
  }
  return verify->parsed() ? run_verify(verify_arguments) : chosen();
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away is an output that failed, with an exit code of its own.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cryptomod-audit: {}\n", error.what());
    return kExitUndecided;
  }
}
