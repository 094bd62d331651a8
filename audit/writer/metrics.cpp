// SPDX-License-Identifier: Apache-2.0
// metrics.cpp: see metrics.h.
#include "audit/writer/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>

namespace cm::audit {
namespace {

constexpr char kFileName[] = "cryptomod.prom";
constexpr char kNewFileName[] = "cryptomod.prom.new";
constexpr double kSecond = 1e9;

// Row: one metric. Durations are printed in seconds, as Prometheus wants them.
struct Row {
  const char* name;
  const char* type;
  const char* help;
  double (*value)(const Metrics&);
};

double number(uint64_t n) { return static_cast<double>(n); }
double seconds(uint64_t ns) { return static_cast<double>(ns) / kSecond; }

constexpr Row kRows[] = {
    {"records_total", "counter", "records written since the writer began",
     [](const Metrics& m) { return number(m.records_total); }},
    {"bytes_total", "counter", "bytes of log written since the writer began",
     [](const Metrics& m) { return number(m.bytes_total); }},
    {"append_seconds_total", "counter", "time spent writing frames and making them durable",
     [](const Metrics& m) { return seconds(m.append_ns_total); }},
    {"append_longest_seconds", "gauge", "the longest of these since the last look",
     [](const Metrics& m) { return seconds(m.append_ns_longest); }},
    {"log_frames", "gauge", "frames in the log", [](const Metrics& m) { return number(m.log_frames); }},
    {"log_records", "gauge", "records in the log", [](const Metrics& m) { return number(m.log_records); }},
    {"segment", "gauge", "number of the segment that is written", [](const Metrics& m) { return number(m.segment); }},
    {"segment_bytes", "gauge", "bytes in it", [](const Metrics& m) { return number(m.segment_bytes); }},
    {"clients", "gauge", "processes attached", [](const Metrics& m) { return number(m.clients); }},
    {"unextended_records", "gauge", "durable records whose frame is not in the TPM",
     [](const Metrics& m) { return number(m.unextended_records); }},
    {"unextended_frames", "gauge", "durable frames that are not in the TPM",
     [](const Metrics& m) { return number(m.unextended_frames); }},
    {"unanchored_seconds", "gauge", "how long frames have waited for an anchor",
     [](const Metrics& m) { return seconds(m.unanchored_ns); }},
    {"disk_full", "gauge", "1 while the log's disk has no room", [](const Metrics& m) { return number(m.no_space); }},
    {"tpm_lost", "gauge", "1 while the TPM does not answer", [](const Metrics& m) { return number(m.no_tpm); }},
    {"tail_full", "gauge", "1 while as many records wait for the TPM as may",
     [](const Metrics& m) { return number(m.tail_full); }},
};

void add_header(std::string& out, const char* name, const char* type, const char* help) {
  out += fmt::format("# HELP cryptomod_audit_{} {}\n# TYPE cryptomod_audit_{} {}\n", name, help, name, type);
}

}  // namespace

std::string metrics_text(const Metrics& metrics) {
  std::string out;
  for (const Row& row : kRows) {
    add_header(out, row.name, row.type, row.help);
    out += fmt::format("cryptomod_audit_{} {:.15g}\n", row.name, row.value(metrics));
  }
  add_header(out, "frames_total", "counter", "frames written since the writer began, by type");
  for (const FrameTypeRow& row : kFrameTypeTable)
    out += fmt::format("cryptomod_audit_frames_total{{type=\"{}\"}} {}\n", row.name,
                       metrics.frames_total[static_cast<size_t>(row.type)]);
  return out;
}

Error MetricsFile::write(const std::string& text) const {
  const UniqueFd file(openat(dir_fd_, kNewFileName, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  constexpr mode_t kReadable = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;  // whatever the umask is
  if (!file.valid() || fchmod(file.get(), kReadable) != 0 ||
      ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      renameat(dir_fd_, kNewFileName, dir_fd_, kFileName) != 0)
    return system_error("cannot write the metrics");
  return {};
}

}  // namespace cm::audit
