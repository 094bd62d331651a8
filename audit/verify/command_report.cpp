// SPDX-License-Identifier: Apache-2.0
// command_report.cpp: `cryptomod-audit report`: the verdict and what is in the log as one page to read and to keep.
#include "audit/verify/commands.h"
#include "audit/verify/html_report.h"
#include "audit/verify/new_file.h"
#include "audit/verify/output.h"

namespace cm::audit::verify {
namespace {

struct ReportArguments {
  VerdictArguments verdict;
  std::string html;
};

bool write_page(const std::string& path, const std::string& page) {
  if (path == "-") {
    Output output;
    return output.write(page) && output.flush();
  }
  NewFile file(path);
  if (file.open() && file.write(page) && file.keep()) return true;
  Output::complain(file.error() + "\n");
  return false;
}

int run_report(const ReportArguments& arguments) {
  Options options;
  if (!arguments.verdict.options(options)) return kExitUsage;
  if (arguments.html.empty()) return usage("--html takes the name of a file, or - for standard output");
  if (arguments.html != "-" && inside(arguments.html, arguments.verdict.directory()))
    return usage("--html names a file in the log directory, which holds segments and nothing else; name another place");
  Report report;
  LogStatistics statistics;
  options.observer = &statistics;
  arguments.verdict.judge(options, report);
  if (!write_page(arguments.html, html_report(report, statistics.conclude()))) return kExitUndecided;
  return exit_code(report);
}

}  // namespace

void add_report(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand("report", "verify a log and write the verdict and what is in it as a page");
  arguments->verdict.define(*command);
  command->add_option("--html", arguments->html, "file to write, or - for standard output")
      ->type_name("FILE")
      ->required();
  command->footer(
      "One HTML file without script that loads nothing. A file of that name is replaced when all of the new one is "
      "written.\n"
      "Exit codes: those of verify; 2 also when the file cannot be written.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_report(*arguments); }; });
}

}  // namespace cm::audit::verify
