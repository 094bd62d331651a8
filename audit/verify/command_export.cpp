// SPDX-License-Identifier: Apache-2.0
// command_export.cpp: `cryptomod-audit export`: a log for other programs. Nothing but records (and frames, when asked
// for) goes to standard output; damage is told on standard error and by the exit code.
#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"
#include "audit/verify/show.h"

namespace cm::audit::verify {
namespace {

struct ExportArguments {
  LogArguments log;
  bool jsonl = false;
  bool csv = false;
  bool frames = false;
};

int run_export(const ExportArguments& arguments) {
  if (arguments.jsonl == arguments.csv) return usage("export takes one of --jsonl and --csv");
  ShowOptions options;
  if (!arguments.log.filter(options.filter)) return kExitUsage;
  DirectorySource source;
  if (!arguments.log.open(source)) return kExitUndecided;
  options.format = arguments.csv ? Format::kCsv : Format::kJson;
  options.frames = false;
  options.frames_always = arguments.frames;
  options.lane = best_sha256_lane();
  Output output;
  ProgressSource shown_source(source, ProgressSource::Output::kAlong);
  if (arguments.csv) output.write(csv_header());
  const Shown shown = show_log(shown_source, options, output.printer(), Output::complain);
  if (!output.flush()) return kExitUndecided;
  Output::complain("exported, not verified; `cryptomod-audit verify` gives a verdict\n");
  return shown.code;
}

}  // namespace

void add_export(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand("export", "print a log for other programs, as JSON lines or CSV");
  arguments->log.define(*command);
  CLI::Option* csv = command->add_flag("--csv", arguments->csv, "CSV as RFC 4180 has it: a header, a line a record");
  command->add_flag("--jsonl", arguments->jsonl, "one JSON object a line")->excludes(csv);
  command->add_flag("--frames", arguments->frames, "objects for frames too (with --jsonl)")->excludes(csv);
  command->footer(
      "Exit codes: 0 exported, 2 cannot read or write, 3 something is damaged or cut off, 64 usage. An export proves\n"
      "nothing.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_export(*arguments); }; });
}

}  // namespace cm::audit::verify
