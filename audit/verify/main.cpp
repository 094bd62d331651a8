// SPDX-License-Identifier: Apache-2.0
// main.cpp: cryptomod-audit, the auditor's program: `verify` gives a verdict on a log directory, `show` prints it.
// It reads files and public keys only: no TPM, no network, nothing is written. Exit codes: findings.h.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "audit/verify/show.h"
#include "audit/verify/verifier.h"
#include "cryptomod/cryptomod.h"

namespace {

using namespace cm::audit;          // NOLINT(google-build-using-namespace): the program is about these two
using namespace cm::audit::verify;  // NOLINT(google-build-using-namespace)

struct VerifyArguments {
  std::string directory;
  std::string enrolment_file;
  std::string ak_file;
  std::string head;
  std::optional<uint64_t> nv_value;
  bool json = false;
};

struct ShowArguments {
  std::string directory;
  std::string event;
  ShowOptions options;
};

int usage(const std::string& sentence) {
  fmt::print(stderr, "cryptomod-audit: {}\n", sentence);
  return kExitUsage;
}

// print_all: false when the output cannot take it (closed pipe, full disk).
bool print_all(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

int run_verify(const VerifyArguments& arguments) {
  Options options;
  if (!arguments.head.empty()) {
    const auto head = parse_hex(arguments.head);
    if (!head || head->size() != kDigestSize) return usage("--head takes 64 hexadecimal digits");
    options.head.emplace();
    std::copy(head->begin(), head->end(), options.head->begin());
  }
  options.nv_value = arguments.nv_value;
  Report report;
  DirectorySource source;
  if (load_trust(arguments.enrolment_file, arguments.ak_file, options.trust, report) &&
      source.open(arguments.directory, report)) {
    options.lane = best_sha256_lane();
    verify_log(source, options, report);
  }
  if (!print_all(arguments.json ? to_json(report) : to_text(report)) || std::fflush(stdout) != 0) return kExitUndecided;
  return exit_code(report);
}

int run_show(ShowArguments arguments) {
  if (!arguments.event.empty()) {
    arguments.options.event = event_by_name(arguments.event);
    if (!arguments.options.event) return usage(fmt::format("there is no event \"{}\"", arguments.event));
  }
  Report report;
  DirectorySource source;
  const bool readable = source.open(arguments.directory, report);
  for (const Finding& f : report.findings)
    fmt::print(stderr, "cryptomod-audit: {} {}{}\n", finding_row(f.id).text, describe(f.place),
               printable_text(f.detail));
  if (!readable) return kExitUndecided;
  arguments.options.lane = best_sha256_lane();
  const int code = show_log(source, arguments.options, [](std::string_view text) {
    if (!print_all(text)) std::exit(kExitUndecided);
  });
  if (std::fflush(stdout) != 0) return kExitUndecided;
  fmt::print(stderr, "cryptomod-audit: shown, not verified; `cryptomod-audit verify` gives a verdict\n");
  return code;
}

void define_verify(CLI::App& app, VerifyArguments& arguments) {
  app.add_option("DIR", arguments.directory, "log directory")->required();
  auto* enrolment = app.add_option("--enrolment", arguments.enrolment_file, "trust root: enrolment record (JSON)");
  app.add_option("--ak", arguments.ak_file, "attestation public key (TPMT_PUBLIC or PEM); pins no history")
      ->excludes(enrolment);
  app.add_option("--head", arguments.head, "head of a frame the log must contain, 64 hexadecimal digits");
  app.add_option("--nv-value", arguments.nv_value,
                 "value of the log's TPM counter, read by you: no anchor may be missing up to it");
  app.add_flag("--json", arguments.json, "print the verdict as JSON");
  app.footer("Exit codes: 0 verified, 1 tampered, 2 cannot decide, 3 intact but incomplete, 64 usage.");
}

void define_show(CLI::App& app, ShowArguments& arguments) {
  app.add_option("DIR", arguments.directory, "log directory")->required();
  app.add_flag("--json", arguments.options.json, "print one JSON object a line");
  app.add_flag("--frames", arguments.options.frames_only, "print frames without their records");
  app.add_option("--ring", arguments.options.ring, "only records of this ring");
  app.add_option("--session", arguments.options.session, "only records whose session id begins with these digits");
  app.add_option("--event", arguments.event, "only records of this event, by name or number");
  app.footer(
      "Exit codes: 0 shown, 2 cannot read, 3 something is damaged or cut off, 64 usage. Showing proves nothing.");
}

int run(int argc, char** argv) {
  CLI::App app{"Verifies and shows audit logs of libcryptomod. libcryptomod is NOT validated to FIPS 140-3."};
  app.set_version_flag("--version", CM_VERSION_STRING);
  app.require_subcommand(1);
  VerifyArguments verify_arguments;
  ShowArguments show_arguments;
  CLI::App* verify = app.add_subcommand("verify", "check a log and say up to which record it is proved");
  CLI::App* show = app.add_subcommand("show", "print the records of a log");
  define_verify(*verify, verify_arguments);
  define_show(*show, show_arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitVerified : kExitUsage;
  }
  return verify->parsed() ? run_verify(verify_arguments) : run_show(show_arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "cryptomod-audit: {}\n", error.what());
    return kExitUndecided;
  }
}
