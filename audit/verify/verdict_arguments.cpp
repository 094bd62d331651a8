// SPDX-License-Identifier: Apache-2.0
// verdict_arguments.cpp: see commands.h.
#include <algorithm>

#include "audit/verify/commands.h"
#include "audit/verify/progress.h"

namespace cm::audit::verify {

void VerdictArguments::define(CLI::App& command) {
  command.add_option("DIR", directory_, "log directory")->required();
  auto* enrolment = command.add_option("--enrolment", enrolment_file_, "trust root: enrolment record (JSON)");
  command.add_option("--ak", ak_file_, "attestation public key (TPMT_PUBLIC or PEM); pins no history")
      ->excludes(enrolment);
  command.add_option("--head", head_, "head of a frame the log must contain, 64 hexadecimal digits");
  add_decimal(command, "--nv-value", nv_value_,
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
  out.nv_value = nv_value_;
  return true;
}

void VerdictArguments::judge(Options& options, Report& report) const {
  DirectorySource source;
  if (!open(options, source, report)) return;
  ProgressSource shown(source);
  verify_log(shown, options, report);
}

bool VerdictArguments::open(Options& options, DirectorySource& source, Report& report) const {
  options.lane = best_sha256_lane();
  return load_trust(enrolment_file_, ak_file_, options.trust, report) && source.open(directory_, report);
}

std::string VerdictArguments::enrolment_text() const {
  std::string error;
  return enrolment_file_.empty() ? "" : read_trust_file(enrolment_file_, error).value_or("");
}

}  // namespace cm::audit::verify
