// SPDX-License-Identifier: Apache-2.0
// peers: this module against the system's libcrypto and libipsec-mb, side by side in one process.
//   ours_ns          the product, through its gate, with its audit; bursts that fit the ring
//   ours_noaudit_ns  a copy linked from the same objects, with a ring that records nothing in place of the audit
//   openssl_ns       libcrypto's EVP interface, context and key kept, a new IV for each job
//   ipsec_mb_ns      libipsec-mb's direct interface, where it has the operation, or its jobs in a burst; of its
//   managers
//                    the fastest, where it is hashes
// Results are compared before anything is timed. With --sustained it says instead what the audit lets through when the
// ring is never empty. All times are nanoseconds a job. One JSON object a line with --json, a table otherwise.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <regex>

#include "bench/machine.h"
#include "bench/measure.h"
#include "bench/module.h"
#include "bench/rows.h"
#include "bench/sustained.h"

namespace cm::bench {
namespace {

constexpr const char* kProduct = "../libcryptomod.so.1";
constexpr const char* kNullRing = "libcryptomod_null_ring.so.1";

struct Options {
  bool json = false;
  bool sustained = false;
  std::string filter = ".*";
  std::string dir;
  unsigned rounds = 51;
  double seconds = 5;
  int cpu = -1;
};

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

nlohmann::ordered_json row_json(const Row& row, const Times& t) {
  nlohmann::ordered_json j;
  const double ours = t.ns[kOurs];
  j["name"] = row.name;
  j["bytes"] = row.bytes;
  j["jobs"] = row.batch;
  j["ours_ns"] = rounded(ours, 0.1);
  j["ours_noaudit_ns"] = rounded(t.ns[kOursNoAudit], 0.1);
  j["openssl_ns"] = rounded(t.ns[kOpenssl], 0.1);
  j["ratio"] = rounded(t.ns[kOpenssl] / ours, 0.001);
  j["ratio_noaudit"] = rounded(t.ns[kOpenssl] / t.ns[kOursNoAudit], 0.001);
  if (row.runners[kIpsecMb]) {
    j["ipsec_mb_ns"] = rounded(t.ns[kIpsecMb], 0.1);
    j["ratio_ipsec_mb"] = rounded(t.ns[kIpsecMb] / ours, 0.001);
    j["ratio_ipsec_mb_noaudit"] = rounded(t.ns[kIpsecMb] / t.ns[kOursNoAudit], 0.001);
  }
  j["discarded_points"] = t.discarded;
  return j;
}

// per_job: what is measured is a call.
Times per_job(const Row& row, Times times) {
  for (double& ns : times.ns) ns /= static_cast<double>(row.batch);
  return times;
}

void print_head() {
  fmt::print("{:28} {:>6} {:>4} {:>10} {:>10} {:>8} {:>10} {:>7} {:>7} {:>10} {:>7}\n", "name", "bytes", "jobs",
             "ours_ns", "noaudit_ns", "audit_ns", "openssl_ns", "ratio", "noaudit", "ipsec_mb", "noaudit");
}

void print_row(const Row& row, const Times& t) {
  fmt::print("{:28} {:>6} {:>4} {:>10.1f} {:>10.1f} {:>8.1f} {:>10.1f} {:>7.2f} {:>7.2f} ", row.name, row.bytes,
             row.batch, t.ns[kOurs], t.ns[kOursNoAudit], t.ns[kOurs] - t.ns[kOursNoAudit], t.ns[kOpenssl],
             t.ns[kOpenssl] / t.ns[kOurs], t.ns[kOpenssl] / t.ns[kOursNoAudit]);
  if (row.runners[kIpsecMb]) {
    fmt::print("{:>10.1f} {:>7.2f}\n", t.ns[kIpsecMb], t.ns[kIpsecMb] / t.ns[kOursNoAudit]);
  } else {
    fmt::print("{:>10} {:>7}\n", "-", "-");
  }
}

// touch_ring: every page of the ring is in memory before anything is timed.
void touch_ring(const Module& module) {
  uint8_t byte = 0;
  for (int burst = 0; burst < 4; ++burst) {
    for (int i = 0; i < 16'000; ++i)
      module.require(module.f().cm_random_bytes(module.session(), &byte, sizeof byte), "cm_random_bytes");
    module.drain();
  }
}

void compare(const Options& options, const TemporaryDirectory& dir, int cpu) {
  const Module ours(beside_program(kProduct), dir.path() / "audited");
  const Module noaudit(beside_program(kNullRing), dir.path() / "silent");
  pin(cpu);
  touch_ring(ours);
  const std::regex filter(options.filter);
  if (!options.json) print_head();
  size_t matched = 0;
  for (const RowMaker& make : make_rows(ours, noaudit)) {
    const Row row = make();
    if (!std::regex_search(row.name, filter)) continue;
    ++matched;
    row.check();
    const Times times = per_job(row, measure(row, options.rounds, [&ours] { ours.drain(); }));
    if (options.json) {
      fmt::print("{}\n", row_json(row, times).dump());
    } else {
      print_row(row, times);
    }
    std::fflush(stdout);
  }
  if (matched == 0) throw std::runtime_error("no row matches --filter");
}

void sustain(const Options& options, const TemporaryDirectory& dir, int cpu) {
  const Module ours(beside_program(kProduct), dir.path() / "audited");
  pin(cpu);
  for (const size_t bytes : {size_t{16}, size_t{1024}, size_t{16384}}) {
    const Sustained s = sustained_seal(ours, dir.path() / "audited" / "log", bytes, options.seconds);
    const auto calls = static_cast<double>(s.calls);
    nlohmann::ordered_json j;
    j["name"] = "aes-256-gcm-seal-sustained";
    j["bytes"] = bytes;
    j["calls"] = s.calls;
    j["refused"] = s.refused;
    j["calls_per_s"] = rounded(calls / s.seconds, 1);
    j["ns_per_call"] = rounded(s.seconds * 1e9 / calls, 0.1);
    j["log_bytes_per_million_calls"] = rounded(static_cast<double>(s.log_bytes) * 1e6 / calls, 1);
    if (options.json) {
      fmt::print("{}\n", j.dump());
    } else {
      fmt::print("{:28} {:>6} {:>12.0f} calls/s {:>8.1f} ns/call {:>12.0f} bytes of log a million calls, {} refused\n",
                 "aes-256-gcm-seal-sustained", bytes, calls / s.seconds, s.seconds * 1e9 / calls,
                 static_cast<double>(s.log_bytes) * 1e6 / calls, s.refused);
    }
    std::fflush(stdout);
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Compares libcryptomod with other libraries in this process."};
  app.add_flag("--json", options.json, "one JSON object a line");
  app.add_flag("--sustained", options.sustained, "rate with the audit in steady state instead of the comparison");
  app.add_option("--filter", options.filter, "regular expression that a row's name must match");
  app.add_option("--dir", options.dir, "where the log goes; default: a temporary directory below $TMPDIR or /tmp");
  app.add_option("--rounds", options.rounds, "rounds kept for each row")->check(CLI::Range(3, 1001));
  app.add_option("--seconds", options.seconds, "length of a sustained run")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--cpu", options.cpu, "processor to run on; default: the last one");
  CLI11_PARSE(app, argc, argv);

  const int cpu = options.cpu < 0 ? last_cpu() : options.cpu;
  fmt::print(stderr, "{}; pinned to {}; {}\n", describe_machine(), cpu, peer_versions());
  leave_cpu(cpu);
  const TemporaryDirectory dir(options.dir);
  if (options.sustained) {
    sustain(options, dir, cpu);
  } else {
    compare(options, dir, cpu);
  }
  return 0;
}

}  // namespace
}  // namespace cm::bench

int main(int argc, char** argv) {
  try {
    return cm::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "peers: {}\n", e.what());
    return 1;
  }
}
