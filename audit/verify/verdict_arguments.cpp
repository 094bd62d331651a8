// SPDX-License-Identifier: Apache-2.0
// verdict_arguments.cpp: see commands.h.
#include <algorithm>
#include <charconv>

#include "audit/verify/commands.h"

namespace cm::audit::verify {
namespace {

// decimal: all of the text is one number in decimal digits (CLI11's own numbers may also be octal or negative).
std::optional<uint64_t> decimal(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void VerdictArguments::define(CLI::App& command) {
  command.add_option("DIR", directory_, "log directory")->required();
  auto* enrolment = command.add_option("--enrolment", enrolment_file_, "trust root: enrolment record (JSON)");
  command.add_option("--ak", ak_file_, "attestation public key (TPMT_PUBLIC or PEM); pins no history")
      ->excludes(enrolment);
  command.add_option("--head", head_, "head of a frame the log must contain, 64 hexadecimal digits");
  command.add_option("--nv-value", nv_value_,
                     "value of the log's TPM counter, read by you: no anchor may be missing up to it");
}

bool VerdictArguments::options(Options& out) const {
  if (head_) {
    const auto head = parse_hex(*head_);
    if (!head || head->size() != kDigestSize) {
      usage("--head takes 64 hexadecimal digits");
      return false;
    }
    out.head.emplace();
    std::copy(head->begin(), head->end(), out.head->begin());
  }
  if (!nv_value_) return true;
  out.nv_value = decimal(*nv_value_);
  if (!out.nv_value) usage("--nv-value takes a decimal number below 2^64");
  return out.nv_value.has_value();
}

void VerdictArguments::judge(Options& options, Report& report) const {
  DirectorySource source;
  if (!load_trust(enrolment_file_, ak_file_, options.trust, report) || !source.open(directory_, report)) return;
  options.lane = best_sha256_lane();
  verify_log(source, options, report);
}

}  // namespace cm::audit::verify
