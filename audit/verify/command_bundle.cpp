// SPDX-License-Identifier: Apache-2.0
// command_bundle.cpp: `cryptomod-audit bundle`: an archive for an auditor who does not have this program.
#include "audit/verify/bundle.h"
#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"

namespace cm::audit::verify {
namespace {

struct BundleArguments {
  VerdictArguments verdict;
  std::string file;
};

int failed(const std::string& sentence) {
  Output::complain(sentence + "\n");
  return kExitUndecided;
}

// say: the verdict, as verify says it.
bool say(const Report& report, const std::string& more) {
  Output output;
  return output.write(to_text(report) + more) && output.flush();
}

// no_verdict: what cannot be judged is no evidence.
int no_verdict(const Report& report) {
  say(report, "");
  Output::complain("no bundle was written\n");
  return exit_code(report);
}

void verify_shown(LogSource& source, const Options& options, Report& report) {
  ProgressSource shown(source);
  verify_log(shown, options, report);
}

int run_bundle(const BundleArguments& arguments) {
  const VerdictArguments& verdict = arguments.verdict;
  Options options;
  if (!verdict.options(options)) return kExitUsage;
  if (inside(arguments.file, verdict.directory()))
    return usage("-o names a file in the log directory, which holds segments and nothing else; name another place");
  Report report;
  DirectorySource source;
  if (!verdict.open(options, source, report)) return no_verdict(report);
  NewFile file(arguments.file, NewFile::Existing::kKeep);
  if (!file.open()) return failed(file.error());

  Bundle bundle(file, options.lane);
  if (ProgressSource shown(source); !bundle.copy(shown)) return failed(bundle.error());
  options.observer = &bundle;
  verify_shown(bundle.log(), options, report);
  if (exit_code(report) == kExitUndecided) return no_verdict(report);
  if (!bundle.finish(report, verdict.enrolment_text()) || !file.keep()) return failed(bundle.error());
  const std::string more = fmt::format("bundle: {} ({} bytes); unpack it and run sh {}/verify.sh\n",
                                       printable_text(arguments.file), bundle.size(), kBundleDirectory);
  return say(report, more) ? exit_code(report) : kExitUndecided;
}

}  // namespace

void add_bundle(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<BundleArguments>();
  CLI::App* command = app.add_subcommand("bundle", "verify a log and pack it for an auditor without this program");
  arguments->verdict.define(*command);
  command->add_option("-o,--output", arguments->file, "tar archive to write; must not exist")
      ->type_name("FILE")
      ->required();
  command->footer(
      "The archive holds the log, the enrolment record, the attestation key, the quotes, this verdict, and verify.sh,\n"
      "which checks them with a POSIX shell, coreutils, openssl and tpm2-tools. The same log gives the same bytes.\n"
      "Exit codes: those of verify; with 2 there is no archive.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_bundle(*arguments); }; });
}

}  // namespace cm::audit::verify
