// SPDX-License-Identifier: Apache-2.0
// fault_campaign.cpp: the command: seeds side by side, each in a process of its own with a deadline, and a table.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <vector>

#include "tests/audit/faults/plan.h"
#include "tests/audit/faults/trial.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kDeadline = std::chrono::seconds(120);

struct Settings {
  uint64_t first = 0;
  uint64_t seeds = 100;
  uint32_t at_once = 1;
  std::string kind;
  std::string keep;
  bool calls = false;
};

// Running: a seed's process and the end of the pipe on which its result comes.
struct Running {
  Plan plan;
  pid_t pid;
  int result_fd;
  Clock::time_point deadline;
};

struct Sum {
  uint64_t runs = 0, hit = 0, faults = 0, wrong = 0;
  std::map<int, uint64_t> verdicts;
};

// Wire: what a seed's process writes.
struct Wire {
  uint64_t hits;
  uint32_t kind_hit;
  int32_t exit_code;
  uint64_t calls[kCallCount];
  char wrong[400];
};

class Campaign {
 public:
  explicit Campaign(const Settings& settings) : settings_(settings) {}
  int run();

 private:
  void begin(uint64_t seed);
  void reap(int timeout_ms);
  void take(const Running& running);
  void report(const Plan& plan, const Wire& wire);
  void print() const;
  [[noreturn]] void in_child(const Plan& plan, int fd) const;

  const Settings& settings_;
  std::vector<Running> running_;
  std::map<Kind, Sum> sums_;
  uint64_t calls_[kCallCount] = {};
};

void Campaign::in_child(const Plan& plan, int fd) const {
  setpgid(0, 0);
  Wire wire{};
  TrialResult result;
  const TempDir own;
  std::string base = own.path();
  if (!settings_.keep.empty()) base = settings_.keep + "/" + std::to_string(plan.seed);
  fs::create_directories(base);
  const int said = open((base + "/said.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  dup2(said, STDERR_FILENO);
  try {
    result = run_trial(plan, base);
  } catch (const std::exception& failure) {
    result.wrong = std::string("the campaign itself: ") + failure.what();
  }
  wire.hits = result.hits;
  wire.kind_hit = result.kind_hit ? 1 : 0;
  wire.exit_code = result.exit_code;
  std::copy(std::begin(result.calls), std::end(result.calls), wire.calls);
  std::snprintf(wire.wrong, sizeof wire.wrong, "%s", result.wrong.c_str());
  (void)!write(fd, &wire, sizeof wire);
  own.~TempDir();
  _exit(0);
}

void Campaign::begin(uint64_t seed) {
  const Plan plan = draw_plan(seed, kind_named(settings_.kind));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  const pid_t pid = fork();
  if (pid == 0) in_child(plan, ends[1]);
  close(ends[1]);
  running_.push_back({plan, pid, ends[0], Clock::now() + kDeadline});
}

void Campaign::report(const Plan& plan, const Wire& wire) {
  Sum& sum = sums_[plan.kind];
  ++sum.runs;
  sum.hit += wire.kind_hit;
  sum.faults += wire.hits;
  ++sum.verdicts[wire.exit_code];
  for (uint32_t i = 0; i < kCallCount; ++i) calls_[i] = std::max(calls_[i], wire.calls[i]);
  if (wire.wrong[0] == '\0') return;
  ++sum.wrong;
  fmt::print("FAILED --kind {} --first {} --seeds 1: {} [{}]\n", row_of(plan.kind).name, plan.seed, wire.wrong,
             describe(plan));
  std::fflush(stdout);
}

void Campaign::take(const Running& running) {
  Wire wire{};
  const bool whole = read(running.result_fd, &wire, sizeof wire) == ssize_t{sizeof wire};
  close(running.result_fd);
  int status = 0;
  if (!whole) kill(-running.pid, SIGKILL);
  waitpid(running.pid, &status, 0);
  if (!whole) {
    wire = {};
    wire.exit_code = -1;
    std::snprintf(wire.wrong, sizeof wire.wrong, "the seed's process gave no result in time or died (status %d)",
                  status);
  }
  report(running.plan, wire);
}

void Campaign::reap(int timeout_ms) {
  std::vector<pollfd> polled;
  for (const Running& running : running_) polled.push_back({running.result_fd, POLLIN, 0});
  poll(polled.data(), polled.size(), timeout_ms);
  for (size_t i = running_.size(); i-- > 0;) {
    const bool late = Clock::now() > running_[i].deadline;
    if (polled[i].revents == 0 && !late) continue;
    if (late) kill(running_[i].pid, SIGKILL);
    take(running_[i]);
    running_.erase(running_.begin() + static_cast<ptrdiff_t>(i));
  }
}

void Campaign::print() const {
  fmt::print("{:<18}{:>7}{:>9}{:>9}{:>9}   verdicts (exit code: runs)\n", "kind", "runs", "hit", "faults", "failed");
  for (const auto& [kind, sum] : sums_) {
    fmt::print("{:<18}{:>7}{:>9}{:>9}{:>9}  ", row_of(kind).name, sum.runs, sum.hit, sum.faults, sum.wrong);
    for (const auto& [code, runs] : sum.verdicts) fmt::print(" {}: {}", code < 0 ? "none" : std::to_string(code), runs);
    fmt::print("\n");
  }
  if (!settings_.calls) return;
  for (uint32_t i = 0; i < kCallCount; ++i)
    fmt::print("{:<18}{:>7} calls in one life\n", call_name(static_cast<Call>(i)), calls_[i]);
}

int Campaign::run() {
  const auto begun = Clock::now();
  for (uint64_t seed = settings_.first; seed < settings_.first + settings_.seeds; ++seed) {
    while (running_.size() >= settings_.at_once) reap(1000);
    begin(seed);
  }
  while (!running_.empty()) reap(1000);
  print();
  const bool clean = std::all_of(sums_.begin(), sums_.end(), [](const auto& row) { return row.second.wrong == 0; });
  // One seed may draw a place that its writer does not reach; a campaign over all kinds hits each.
  const bool broad = settings_.kind.empty() && settings_.seeds >= 10 * kinds().size();
  const bool all_hit = std::all_of(sums_.begin(), sums_.end(), [](const auto& row) { return row.second.hit != 0; });
  fmt::print("{} seeds in {:.1f} s\n", settings_.seeds, std::chrono::duration<double>(Clock::now() - begun).count());
  if (broad && !all_hit) fmt::print("a kind was never hit: raise --seeds, or see whether its calls are still made\n");
  return clean && (!broad || all_hit) ? 0 : 1;
}

int campaign(int argc, char** argv) {
  Settings settings;
  CLI::App app{"fault_campaign: faults in every step of cryptomod-auditd, and what the log is afterwards"};
  app.add_option("--seeds", settings.seeds, "how many")->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
  app.add_option("--first", settings.first, "the first of them");
  app.add_option("-j", settings.at_once, "seeds at once")->check(CLI::Range(1, 64));
  app.add_option("--kind", settings.kind, "one kind of faults only")->check([](const std::string& name) {
    if (kind_named(name)) return std::string();
    std::string known;
    for (const KindRow& row : kinds()) known += std::string(" ") + row.name;
    return "no such kind; there are" + known;
  });
  app.add_option("--keep", settings.keep, "new directory that keeps the log and the words of the writer of each seed")
      ->check(CLI::NonexistentPath);
  app.add_flag("--calls", settings.calls, "also print how many calls one life of the writer made");
  CLI11_PARSE(app, argc, argv);
  return Campaign(settings).run();
}

}  // namespace
}  // namespace cm::audit_test

int main(int argc, char** argv) { return cm::audit_test::campaign(argc, argv); }
