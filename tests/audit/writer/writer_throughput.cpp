// SPDX-License-Identifier: Apache-2.0
// writer_throughput.cpp: what a real writer and the verifier do with records that come as fast as the rings take them:
// records a second to the disk, and a second of the writer's processor; how long records wait for an anchor, beside a
// software TPM or one that is slow; and the verifier on the log. Not a test: it prints figures, one JSON object.
#include <sys/resource.h>
#include <unistd.h>
#include <ctime>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "audit/events.h"
#include "audit/payload.h"
#include "audit/verify/frame_stream.h"
#include "tests/audit/support/device_tpm.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"

namespace {

using cm::audit::FrameType;
using cm::audit_test::FakeClient;
using cm::audit_test::WriterProcess;
using Clock = std::chrono::steady_clock;

constexpr uint32_t kEntry = static_cast<uint32_t>(cm::audit::EventId::kAeadSeal);
constexpr uint64_t kBurst = 64;
constexpr uint32_t kExit = kEntry | cm::audit::kExitBit;

struct Settings {
  uint32_t rings = 2;
  double seconds = 5;
  double rate = 0;  // records a second of each ring; 0: as fast as it goes
  uint32_t anchor_interval_ms = 10;
  int tpm_delay_ms = -1;  // below 0: a software TPM as it is
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// CpuTime: of the writer's main thread, which drains, checks, hashes and writes. user: without the kernel's part, which
// is copying into the page cache and asking the disk.
struct CpuTime {
  double user = 0;
  double all = 0;
};

CpuTime cpu_time(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/stat");
  std::string field;
  while (in >> field && !field.ends_with(')')) {
  }
  for (int i = 3; i < 14; ++i) in >> field;
  double user = 0, system = 0;
  in >> user >> system;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  return {user / ticks, (user + system) / ticks};
}

double own_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

void produce(FakeClient& client, uint32_t ring, const Settings& settings) {
  const auto start = Clock::now();
  for (uint64_t done = 0; seconds_since(start) < settings.seconds;) {
    for (uint64_t i = 0; i < kBurst; ++i)
      if (!client.publish(ring, i % 2 == 0 ? kEntry : kExit, i)) std::abort();
    done += kBurst;
    if (settings.rate <= 0) continue;
    const std::chrono::duration<double> due(static_cast<double>(done) / settings.rate);
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(due));
  }
  if (!client.wait_acked(ring)) std::abort();
}

// load: records for so many seconds. Returns how many.
uint64_t load(FakeClient& client, const Settings& settings) {
  std::vector<std::thread> threads;
  for (uint32_t ring = 0; ring < settings.rings; ++ring)
    threads.emplace_back([&, ring] { produce(client, ring, settings); });
  for (std::thread& thread : threads) thread.join();
  uint64_t records = 0;
  for (uint32_t ring = 0; ring < settings.rings; ++ring) records += client.head(ring);
  return records;
}

// Tails: for each anchor of the log, the age of the oldest frame that it is the first to cover, at the time of the next
// frame: by then the anchor is durable.
struct Tails {
  std::vector<double> ms;
  uint64_t frames = 0;
  uint64_t carried = 0;
  double at(double share) {
    if (ms.empty()) return 0;
    std::sort(ms.begin(), ms.end());
    return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))];
  }
};

Tails tails_of(cm::audit::verify::LogSource& source) {
  Tails tails;
  std::vector<uint64_t> times;
  size_t covered = 0;
  uint64_t anchored_end = 0;  // frames below it are covered by the anchor before this frame; 0: none stands there
  cm::audit::verify::FrameStream stream(source);
  while (stream.next() == cm::audit::verify::Step::kFrame) {
    const auto& frame = stream.frame();
    const bool is_anchor = frame.type() == FrameType::kAnchor;
    ++tails.frames;
    tails.carried += frame.header.carried;
    if (anchored_end != 0 && !is_anchor) {
      if (anchored_end > covered)
        tails.ms.push_back(static_cast<double>(frame.header.writer_time_ns - times[covered]) / 1e6);
      covered = std::max<size_t>(covered, anchored_end);
      anchored_end = 0;
    }
    times.push_back(frame.header.writer_time_ns);
    cm::audit::Anchor anchor;
    if (is_anchor && decode(frame.var, anchor)) anchored_end = anchor.anchored_seq + 1;
  }
  return tails;
}

// describe_log: sizes, tails, and the verifier's time on it.
void describe_log(const WriterProcess& writer, nlohmann::ordered_json& out) {
  const double before = own_cpu_seconds();
  const auto begun = Clock::now();
  const auto report = cm::audit_test::verdict(writer);
  const double cpu = own_cpu_seconds() - before, wall = seconds_since(begun);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  out["verify_exit"] = exit_code(report);
  out["verify_records_per_cpu_s"] = static_cast<double>(report.counts.records) / cpu;
  out["verify_gb_per_cpu_s"] = static_cast<double>(report.counts.bytes) / cpu / 1e9;
  out["verify_records_per_s"] = static_cast<double>(report.counts.records) / wall;
  out["verify_rss_kb"] = usage.ru_maxrss;
  cm::audit::verify::Report listing;
  cm::audit::verify::DirectorySource source;
  if (!source.open(writer.log_dir(), listing)) return;
  Tails tails = tails_of(source);
  out["frames"] = tails.frames;
  out["carried"] = tails.carried;
  out["anchors"] = tails.ms.size();
  out["tail_ms_median"] = tails.at(0.5);
  out["tail_ms_p99"] = tails.at(0.99);
  out["tail_ms_max"] = tails.at(1);
}

int measure(const Settings& settings) {
  const cm::audit_test::TempDir dir;
  std::optional<cm::audit_test::DeviceTpm> slow;
  std::vector<std::string> extra = {"--anchor-interval-ms", std::to_string(settings.anchor_interval_ms)};
  if (settings.tpm_delay_ms >= 0) slow.emplace(dir.path());
  if (slow && geteuid() == 0) extra.insert(extra.end(), {"--user", "0"});
  WriterProcess writer(dir.path(), extra);
  if (slow) writer.use_tcti("device:" + slow->name());
  if (writer.start() != "ready") return 1;
  FakeClient client(writer.run_dir(), {settings.rings, 65536});
  if (!client.attach()) return 1;
  if (slow) slow->set_delay_ms(settings.tpm_delay_ms);
  const CpuTime before = cpu_time(writer.pid());
  const auto start = Clock::now();
  const auto records = static_cast<double>(load(client, settings));
  const double seconds = seconds_since(start);
  const CpuTime after = cpu_time(writer.pid());
  if (!client.detach(false) || writer.terminate() != 0) return 1;
  nlohmann::ordered_json out;
  out["rings"] = settings.rings;
  out["anchor_interval_ms"] = settings.anchor_interval_ms;
  out["tpm_delay_ms"] = settings.tpm_delay_ms;
  out["records"] = records;
  out["records_per_s"] = records / seconds;
  out["records_per_writer_cpu_s"] = records / (after.all - before.all);
  out["records_per_writer_user_s"] = records / (after.user - before.user);
  describe_log(writer, out);
  std::printf("%s\n", out.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app{"Throughput of a real audit writer; its log lies below $TMPDIR or /tmp while it runs."};
  app.add_option("--rings", settings.rings, "threads that produce records")->check(CLI::Range(1, 64));
  app.add_option("--seconds", settings.seconds, "how long")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--rate", settings.rate, "records a second of each; default: as many as are taken");
  app.add_option("--anchor-interval-ms", settings.anchor_interval_ms, "of the writer");
  app.add_option("--tpm-delay-ms", settings.tpm_delay_ms, "a TPM that takes so much longer for each command")
      ->check(CLI::Range(0, 5000));
  CLI11_PARSE(app, argc, argv);
  return measure(settings);
}
