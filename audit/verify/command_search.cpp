// SPDX-License-Identifier: Apache-2.0
// command_search.cpp: `cryptomod-audit search`: the records that a filter asks for. Finding none is an answer, not a
// failure: exit code 1 means "tampered" in this program and is never given here.
#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"
#include "audit/verify/show.h"

namespace cm::audit::verify {
namespace {

struct SearchArguments {
  LogArguments log;
  uint64_t limit = 0;
  bool count = false;
  bool json = false;
};

int run_search(const SearchArguments& arguments) {
  ShowOptions options;
  if (!arguments.log.filter(options.filter)) return kExitUsage;
  DirectorySource source;
  if (!arguments.log.open(source)) return kExitUndecided;
  options.format = arguments.json ? Format::kJson : Format::kText;
  options.frames = false;
  options.limit = arguments.limit;
  options.count_only = arguments.count;
  options.lane = best_sha256_lane();
  Output output;
  ProgressSource shown_source(source, ProgressSource::Output::kAlong);
  const Shown shown = show_log(shown_source, options, output.printer(), Output::complain);
  if (arguments.count && arguments.json)
    output.write(fmt::format("{{\"type\":\"count\",\"matches\":{}}}\n", shown.matches));
  else if (arguments.count)
    output.write(fmt::format("{}\n", shown.matches));
  if (!output.flush()) return kExitUndecided;
  if (shown.matches == 0) Output::complain("nothing found\n");
  Output::complain("searched, not verified; `cryptomod-audit verify` gives a verdict\n");
  return shown.code;
}

}  // namespace

void add_search(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<SearchArguments>();
  CLI::App* command = app.add_subcommand("search", "print the records of a log that match");
  arguments->log.define(*command);
  command->add_option("--limit", arguments->limit, "stop after so many matches")->check(CLI::PositiveNumber);
  command->add_flag("--count", arguments->count, "print how many matches there are, nothing else");
  command->add_flag("--json", arguments->json, "print one JSON object a line");
  command->footer(
      "A record matches when all kinds of filters hold; of one kind given several times, any. An entry that is "
      "printed\n"
      "for its exit (--result, --indicator) is no match of its own.\n"
      "Exit codes: 0 searched (also when nothing was found), 2 cannot read, 3 something is damaged or cut off,\n"
      "64 usage. Searching proves nothing.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_search(*arguments); }; });
}

}  // namespace cm::audit::verify
