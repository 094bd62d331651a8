// SPDX-License-Identifier: Apache-2.0
// options.cpp: see options.h. The PCRs that locality 0 may reset (16 debug, 23 application) are refused: their value
// proves nothing [TCG PC Client Platform TPM Profile 4.6].
#include "audit/writer/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <string>

#include "cryptomod/cryptomod.h"

namespace cm::audit {
namespace {

constexpr int kUsage = 64;

std::string check_pcr(const std::string& text) {
  if (text == "16" || text == "23") return "PCR " + text + " can be reset by any program and cannot anchor a log";
  return {};
}

void declare(CLI::App& app, Options& o) {
  app.add_option("--log", o.log_dir, "directory of the log: segments and nothing else")->required();
  app.add_option("--run", o.run_dir, "directory of socket, lock and software TPM socket")->required();
  app.add_option("--trust", o.trust_dir, "directory that gets enrolment.json when a log begins");
  app.add_option("--metrics", o.metrics_dir, "directory that gets cryptomod.prom every ten seconds (Prometheus text)");
  CLI::Option* tpm_dir = app.add_option("--tpm-dir", o.tpm_dir, "state of a software TPM (swtpm) of this writer's own");
  CLI::Option* tcti = app.add_option("--tcti", o.tcti, "another TPM, for example device:/dev/tpmrm0");
  tpm_dir->excludes(tcti);
  app.add_flag("--private", o.is_private, "end when the last client has gone");
  app.add_option("--ready-fd", o.ready_fd, "descriptor that gets one line: ready, served, or error: <sentence>");
  app.add_option("--user", o.user, "account (name or number) to run as when started by root");
  app.add_option("--pcr", o.pcr, "PCR of the SHA-256 bank")->check(CLI::Range(0, 23))->check(check_pcr);
  app.add_option("--nv-index", o.nv_index, "NV index of the anchor counter")->check(CLI::Range(0x01800000, 0x01ffffff));
  app.add_option("--segment-size", o.segment_size, "bytes after which the log goes on in a new file")
      ->check(CLI::Range(uint64_t{4096}, uint64_t{1} << 40));
  app.add_option(
         "--segment-age-s", o.segment_age_s,
         "seconds after which a segment with records is closed and the log goes on in a new file; SIGHUP does so "
         "at once")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
  app.add_option("--anchor-interval-ms", o.anchor_interval_ms, "shortest time between two anchors")
      ->check(CLI::Range(1, 3600000));
  app.add_option("--tail-limit", o.tail_limit, "records kept without the TPM before everything is refused")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
}

}  // namespace

std::string device_path(const std::string& tcti) {
  const size_t colon = tcti.find(':');
  if (tcti.substr(0, colon).find("device") == std::string::npos) return {};
  if (colon != std::string::npos && colon + 1 < tcti.size()) return tcti.substr(colon + 1);
  return access("/dev/tpmrm0", F_OK) == 0 ? "/dev/tpmrm0" : "/dev/tpm0";  // as the TCTI chooses
}

std::optional<int> parse_options(int argc, const char* const* argv, Options& options) {
  CLI::App app{"cryptomod-auditd: writes the audit log of libcryptomod and anchors it in a TPM"};
  app.set_version_flag("--version", std::string("cryptomod-auditd ") + CM_VERSION_STRING);
  try {
    declare(app, options);
    app.parse(argc, argv);
    if (options.tpm_dir.empty() && options.tcti.empty())
      throw CLI::RequiredError("--tpm-dir or --tcti: without a TPM there is no anchor");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return std::nullopt;
}

}  // namespace cm::audit
