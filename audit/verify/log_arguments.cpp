// SPDX-License-Identifier: Apache-2.0
// log_arguments.cpp: see commands.h. Which options there are is the table of record_filter.h; here is only how a
// command line has them.
#include <charconv>

#include "audit/verify/commands.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

namespace {

std::string check_decimal(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  // CLI11 would take leading zeroes for an octal number.
  return whole && (text == "0" || text.front() != '0') ? "" : "a decimal number below 2^64 is expected";
}

}  // namespace

CLI::Option* add_decimal(CLI::App& command, const std::string& name, std::optional<uint64_t>& out,
                         const std::string& help) {
  return command.add_option(name, out, help)->type_name("NUMBER")->check(check_decimal);
}

int usage(const std::string& sentence) {
  fmt::print(stderr, "cryptomod-audit: {}\n", sentence);
  return kExitUsage;
}

void LogArguments::define(CLI::App& command) {
  command.add_option("DIR", directory_, "log directory")->required();
  for (size_t i = 0; i < conditions().size(); ++i) {
    const ConditionRow& row = conditions()[i];
    CLI::Option* option = command.add_option(row.option, texts_[i], row.help)->type_name(row.value)->group("Filters");
    if (row.once)
      option->expected(1);
    else
      option->allow_extra_args(false);
  }
}

bool LogArguments::filter(RecordFilter& out) const {
  for (size_t i = 0; i < conditions().size(); ++i)
    for (const std::string& text : texts_[i])
      if (const std::string wrong = conditions()[i].add(out, text); !wrong.empty()) {
        usage(wrong);
        return false;
      }
  return true;
}

bool LogArguments::open(DirectorySource& source) const {
  Report report;
  const bool readable = source.open(directory_, report);
  for (const Finding& f : report.findings)
    fmt::print(stderr, "cryptomod-audit: {} {}{}\n", finding_row(f.id).text, describe(f.place),
               printable_text(f.detail));
  return readable;
}

}  // namespace cm::audit::verify
