// SPDX-License-Identifier: Apache-2.0
// command_show.cpp: `cryptomod-audit show`: frames and records for reading.
#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"
#include "audit/verify/show.h"

namespace cm::audit::verify {
namespace {

struct ShowArguments {
  LogArguments log;
  bool json = false;
  bool frames_only = false;
};

int run_show(const ShowArguments& arguments) {
  ShowOptions options;
  if (!arguments.log.filter(options.filter)) return kExitUsage;
  DirectorySource source;
  if (!arguments.log.open(source)) return kExitUndecided;
  options.format = arguments.json ? Format::kJson : Format::kText;
  options.records = !arguments.frames_only;
  options.lane = best_sha256_lane();
  Output output;
  ProgressSource shown_source(source, ProgressSource::Output::kAlong);
  const Shown shown = show_log(shown_source, options, output.printer());
  if (!output.flush()) return kExitUndecided;
  Output::complain("shown, not verified; `cryptomod-audit verify` gives a verdict\n");
  return shown.code;
}

}  // namespace

void add_show(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "print the records of a log");
  arguments->log.define(*command);
  command->add_flag("--json", arguments->json, "print one JSON object a line");
  command->add_flag("--frames", arguments->frames_only, "print frames without their records");
  command->footer(
      "With a filter no frames are printed. Exit codes: 0 shown, 2 cannot read, 3 something is damaged or cut off,\n"
      "64 usage. Showing proves nothing.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_show(*arguments); }; });
}

}  // namespace cm::audit::verify
