// SPDX-License-Identifier: Apache-2.0
// command_follow.cpp: `cryptomod-audit follow`: a log while it is written.
#include <unistd.h>

#include "audit/verify/commands.h"
#include "audit/verify/directory_waiter.h"
#include "audit/verify/output.h"

namespace cm::audit::verify {
namespace {

struct FollowArguments {
  LogArguments log;
  bool json = false;
  bool from_start = false;
};

int run_follow(const FollowArguments& arguments) {
  FollowOptions options;
  if (!arguments.log.filter(options.filter)) return kExitUsage;
  Output output;
  // Before the directory is read, so that what comes meanwhile is noticed.
  DirectoryWaiter waiter(arguments.log.directory(), STDOUT_FILENO, [&output] { return output.flush(); });
  DirectorySource source;
  if (!arguments.log.open(source)) return kExitUndecided;
  options.format = arguments.json ? Format::kJson : Format::kText;
  options.sound_only = true;
  options.from_start = arguments.from_start;
  options.lane = best_sha256_lane();
  const int code = follow_log(source, options, waiter, output.printer(), Output::complain);
  if (!output.flush()) return kExitUndecided;
  if (waiter.output_gone()) {
    Output::complain("nobody reads the output any more\n");
    return kExitUndecided;
  }
  Output::complain("followed, not verified; `cryptomod-audit verify` gives a verdict\n");
  return code;
}

}  // namespace

void add_follow(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<FollowArguments>();
  CLI::App* command = app.add_subcommand("follow", "print the records of a log as they are written");
  arguments->log.define(*command);
  command->add_flag("--json", arguments->json, "print one JSON object a line");
  command->add_flag("--from-start", arguments->from_start, "first print what is there already");
  command->footer(
      "It ends with the log's end frame, or by SIGINT or SIGTERM. With a filter no frames are printed.\n"
      "Exit codes: 0 ended, 2 cannot read or write, 3 something is damaged, 64 usage. Following proves nothing.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_follow(*arguments); }; });
}

}  // namespace cm::audit::verify
