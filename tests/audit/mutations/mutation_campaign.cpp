// SPDX-License-Identifier: Apache-2.0
// mutation_campaign.cpp: the command: clean logs, live logs and mutants, and a table of the answers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/audit/mutations/judge.h"
#include "tests/audit/mutations/live.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

using WallClock = std::chrono::steady_clock;

constexpr uint64_t kProgramEvery = 32;  // of so many mutants one is given to the program too
constexpr uint64_t kEnoughForFindings = 2000;

struct Settings {
  uint64_t first = 0;
  uint64_t seeds = 1000;
  uint64_t clean = 100;
  uint64_t live = 0;
  uint32_t at_once = 1;
  std::string kind;
  std::string keep;
};

struct Sum {
  uint64_t runs = 0, wrong = 0;
  std::map<int, uint64_t> codes;
};

class Campaign {
 public:
  explicit Campaign(const Settings& settings) : settings_(settings) {}
  int run();

 private:
  void in_threads(uint64_t count, const std::function<void(uint64_t)>& one);
  void one_mutant(uint64_t number);
  void one_clean(uint64_t number);
  void golden();
  void live();
  void take(const std::string& kind, const std::string& repeat, const Answer& answer);
  void print() const;
  bool every_field_hit() const;
  bool every_finding_given() const;

  const Settings& settings_;
  std::mutex mutex_;
  std::map<std::string, Sum> sums_;
  std::set<std::string> fields_;
  Findings given_;  // that decided
};

void Campaign::take(const std::string& kind, const std::string& repeat, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  Sum& sum = sums_[kind];
  ++sum.runs;
  ++sum.codes[answer.code];
  if (answer.wrong.empty()) return;
  ++sum.wrong;
  fmt::print("FAILED {}: {}\n", repeat, answer.wrong);
  std::fflush(stdout);
}

void Campaign::in_threads(uint64_t count, const std::function<void(uint64_t)>& one) {
  std::atomic<uint64_t> next{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < settings_.at_once; ++t)
    threads.emplace_back([&] {
      for (uint64_t n = next++; n < count; n = next++) one(n);
    });
  for (std::thread& thread : threads) thread.join();
}

// turn: two of ten seeds are of the kind that goes through all fields and one of that which goes through all rules,
// which are many; the other kinds take turns. Each kind counts its own seeds.
std::pair<const KindRow*, uint64_t> turn(uint64_t seed) {
  constexpr uint64_t kRound = 10, kFields = 2, kRules = 1, kOthers = kRound - kFields - kRules;
  const auto& all = kinds();
  const uint64_t round = seed / kRound, place = seed % kRound;
  if (place < kFields) return {&all[0], round * kFields + place};
  if (place < kFields + kRules) return {&all[1], round};
  const uint64_t others = all.size() - 2, n = round * kOthers + place - kFields - kRules;
  return {&all[2 + n % others], n / others};
}

void Campaign::one_mutant(uint64_t number) {
  auto [row, seed] = turn(settings_.first + number);
  for (const KindRow& k : kinds()) {
    if (k.name != settings_.kind) continue;
    row = &k;
    seed = settings_.first + number;
  }
  const std::string repeat = fmt::format("--kind {} --first {} --seeds 1", row->name, seed);
  const std::string keep = settings_.keep.empty() ? "" : fmt::format("{}/{}-{}", settings_.keep, row->name, seed);
  Answer answer;
  std::string field;
  try {
    const Mutant m = row->make(seed);
    field = m.field;
    answer = judge(m, seed % kProgramEvery == 0, keep);
  } catch (const std::exception& failure) {
    answer = {-1, std::string("the campaign itself: ") + failure.what(), {}};
  }
  take(row->name, repeat, answer);
  const std::lock_guard lock(mutex_);
  if (!field.empty()) fields_.insert(field);
  if (answer.id) given_.insert(*answer.id);
}

void Campaign::one_clean(uint64_t number) {
  const uint64_t seed = settings_.first + number;
  const CleanLog clean = draw_clean_log(seed);
  Mutant m = mutant_of(clean);
  m.what = "clean log";
  const std::string keep = settings_.keep.empty() ? "" : fmt::format("{}/clean-{}", settings_.keep, seed);
  take("clean", fmt::format("--seeds 0 --clean 1 --first {}", seed), judge(m, seed % kProgramEvery == 0, keep));
}

Bytes content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Campaign::golden() {
  constexpr int kCodes[std::size(kGoldenLogs)] = {0, 3, 0};
  for (size_t i = 0; i < std::size(kGoldenLogs); ++i) {
    const std::string path = std::string(CM_SOURCE_DIR) + "/vectors/audit/" + kGoldenLogs[i].name;
    Mutant m;
    m.what = "golden log";
    while (std::filesystem::exists(path + "/" + segment_name(m.segments.size())))
      m.segments.push_back(content(path + "/" + segment_name(m.segments.size())));
    const Bytes text = content(path + ".enrolment.json");
    std::string error;
    m.trust.enrolment = verify::parse_enrolment({text.begin(), text.end()}, error);
    m.expected.code = kCodes[i];
    take("golden", kGoldenLogs[i].name, judge(m, true, ""));
  }
}

// live: a new log from time to time, for every look reads all of it.
void Campaign::live() {
  constexpr uint64_t kLooksAtOne = 50;
  for (uint64_t done = 0; done < settings_.live; done += kLooksAtOne) {
    const uint64_t looks = std::min(kLooksAtOne, settings_.live - done);
    LiveLog log(settings_.first + done);
    for (uint64_t i = 0; i < looks; ++i) take("live", "--live (by chance)", log.look());
    for (uint64_t i = 0; i <= looks; ++i) take("live, then changed", "--live (by chance)", log.change());
  }
}

bool Campaign::every_field_hit() const {
  const auto found = sums_.find(kFieldKind);
  const std::set<std::string> all = field_names();
  if (found == sums_.end() || found->second.runs < all.size()) return true;
  bool every = true;
  for (const std::string& name : all) {
    if (fields_.contains(name)) continue;
    fmt::print("never hit: {}\n", name);
    every = false;
  }
  fmt::print("{} of {} fields were hit\n", fields_.size(), all.size());
  return every;
}

// every_finding_given: of code 1.
bool Campaign::every_finding_given() const {
  if (!settings_.kind.empty() || settings_.seeds < kEnoughForFindings) return true;
  bool every = true;
  for (const verify::FindingRow& row : verify::kFindings) {
    if (row.exit_code != verify::kExitTampered || given_.contains(row.id)) continue;
    fmt::print("never given: {}\n", row.name);
    every = false;
  }
  return every;
}

void Campaign::print() const {
  fmt::print("{:<20}{:>7}{:>9}   verdicts (exit code: runs)\n", "kind", "runs", "failed");
  for (const auto& [kind, sum] : sums_) {
    fmt::print("{:<20}{:>7}{:>9}  ", kind, sum.runs, sum.wrong);
    for (const auto& [code, runs] : sum.codes) fmt::print(" {}: {}", code, runs);
    fmt::print("\n");
  }
}

int Campaign::run() {
  const auto begun = WallClock::now();
  if (settings_.clean != 0) golden();
  in_threads(settings_.clean, [this](uint64_t n) { one_clean(n); });
  live();
  in_threads(settings_.seeds, [this](uint64_t n) { one_mutant(n); });
  print();
  const bool fields = every_field_hit(), findings = every_finding_given();
  const bool right = std::ranges::all_of(sums_, [](const auto& row) { return row.second.wrong == 0; });
  fmt::print("{} mutants in {:.1f} s\n", settings_.seeds,
             std::chrono::duration<double>(WallClock::now() - begun).count());
  return fields && findings && right ? 0 : 1;
}

int campaign(int argc, char** argv) {
  Settings settings;
  CLI::App app{"mutation_campaign: changed logs, and whether the verifier gives each the right answer"};
  app.add_option("--seeds", settings.seeds, "how many mutants")->check(CLI::Range(uint64_t{0}, uint64_t{1} << 32));
  app.add_option("--first", settings.first, "the first seed")->check(CLI::Range(uint64_t{0}, uint64_t{1} << 32));
  app.add_option("--clean", settings.clean, "random logs without a change")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 32));
  app.add_option("--live", settings.live, "looks at a log that a real writer is writing")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 20));
  app.add_option("-j", settings.at_once, "at once")->check(CLI::Range(1, 64));
  app.add_option("--kind", settings.kind, "one kind of mutants only")->check([](const std::string& name) {
    std::string known = "no such kind; there are";
    for (const KindRow& row : kinds()) {
      if (name == row.name) return std::string();
      known += std::string(" ") + row.name;
    }
    return known;
  });
  app.add_option("--keep", settings.keep, "new directory that keeps the logs")->check(CLI::NonexistentPath);
  CLI11_PARSE(app, argc, argv);
  return Campaign(settings).run();
}

}  // namespace
}  // namespace cm::audit::test

int main(int argc, char** argv) { return cm::audit::test::campaign(argc, argv); }
