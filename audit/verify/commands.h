// SPDX-License-Identifier: Apache-2.0
// commands.h: the commands of cryptomod-audit but verify: each adds its subcommand to the command line, and what
// it does when it was chosen. Their arguments live as long as the command line.
#pragma once
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/verify/log_source.h"
#include "audit/verify/record_filter.h"
#include "audit/verify/verifier.h"

namespace cm::audit::verify {

// Command: gives the exit code.
using Command = std::function<int()>;

// VerdictArguments: what commands that verify a log have in common: the directory, the trust root, and what the auditor
// saw.
class VerdictArguments {
 public:
  void define(CLI::App& command);
  // options: false, and a sentence on standard error, when an argument is not what it must be.
  bool options(Options& out) const;
  // judge: loads the trust root into the options and verifies; everything that is wrong becomes a finding.
  void judge(Options& options, Report& report) const;
  // open: the first half of judge: the trust root and the directory. False when there is nothing to verify.
  bool open(Options& options, DirectorySource& source, Report& report) const;
  // enrolment_text: the enrolment record as it is in its file, empty when none was given.
  std::string enrolment_text() const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::string enrolment_file_;
  std::string ak_file_;
  std::optional<std::string> head_;  // given and empty is a mistake of the caller's, not a check less
  std::optional<uint64_t> nv_value_;
};

void add_challenge(CLI::App& app, Command& chosen);
// add_enrol: request, challenge, answer and finish.
void add_enrol(CLI::App& app, Command& chosen);
void add_show(CLI::App& app, Command& chosen);
void add_search(CLI::App& app, Command& chosen);
void add_export(CLI::App& app, Command& chosen);
void add_follow(CLI::App& app, Command& chosen);
// add_tree: checkpoint, prove and diff-head.
void add_tree(CLI::App& app, Command& chosen);
void add_check_proof(CLI::App& app, Command& chosen);
void add_report(CLI::App& app, Command& chosen);
void add_bundle(CLI::App& app, Command& chosen);

// LogArguments: what those that print a log have in common: the directory and the filter.
class LogArguments {
 public:
  void define(CLI::App& command);
  // filter: adds the conditions that were given; false, and a sentence on standard error, when one of them is none.
  bool filter(RecordFilter& out) const;
  // open: false when there is nothing to read. What is wrong with the directory goes to standard error.
  bool open(DirectorySource& source) const;
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::vector<std::vector<std::string>> texts_ = std::vector<std::vector<std::string>>(conditions().size());
};

// add_decimal: an option or argument that takes one number in decimal digits and nothing else (CLI11's own numbers may
// also be octal or negative).
CLI::Option* add_decimal(CLI::App& command, const std::string& name, std::optional<uint64_t>& out,
                         const std::string& help);

// usage: the sentence, and the exit code for it.
int usage(const std::string& sentence);

}  // namespace cm::audit::verify
