// SPDX-License-Identifier: Apache-2.0
// trial.cpp: see trial.h.
#include "tests/audit/faults/trial.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/audit/faults/load.h"
#include "tests/audit/support/log_reader.h"
#include "tests/audit/support/verdict.h"
#include "tests/audit/support/writer_process.h"
#include "tests/audit/writer/foreign_extend.h"

namespace cm::audit_test {
namespace {

namespace fs = std::filesystem;

constexpr int kEnd_s = 30;  // a writer that is told to end, or whose start failed, has this long
constexpr uint64_t kSector = 512;
constexpr int kResume_ms = 4500;  // by then a writer has given up whoever it cannot know again

// SharedPage: the fault page, with a descriptor that the writer inherits.
class SharedPage {
 public:
  SharedPage() : fd_(memfd_create("faults", 0)) {
    if (fd_ < 0 || ftruncate(fd_, sizeof(FaultPage)) != 0) throw std::runtime_error("memfd");
    memory_ = mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
    if (memory_ == MAP_FAILED) throw std::runtime_error("mmap");
  }
  FaultPage& begin(const std::vector<Fault>& faults) {
    auto* page = new (memory_) FaultPage{};
    page->fault_count = static_cast<uint32_t>(std::min<size_t>(faults.size(), kFaultsMax));
    std::copy_n(faults.begin(), page->fault_count, page->faults);
    return *page;
  }
  int fd() const { return fd_; }

 private:
  int fd_;
  void* memory_ = nullptr;
};

bool kills(Action action) {
  return action == Action::kKillBefore || action == Action::kKillAfter || action == Action::kTear;
}

class Trial {
 public:
  Trial(const Plan& plan, const std::string& base)
      : plan_(plan),
        writer_(base, options(plan)),
        load_(plan, writer_.run_dir(), [this] { return runs(); }),
        random_(plan.seed ^ 0x5eed) {}
  TrialResult run();

 private:
  static std::vector<std::string> options(const Plan& plan);
  bool runs() const;
  void live(const Round& round);
  std::string start();
  void serve(FaultPage& page, const std::atomic<bool>& stop);
  void judge_end(const FaultPage& page, int status, const std::string& line);
  void lose_power(const FaultPage& page);
  void count(const FaultPage& page);
  void last_life();
  void judge_log();
  void say(const std::string& what) {
    if (result_.wrong.empty()) result_.wrong = what;
  }

  const Plan& plan_;
  WriterProcess writer_;
  Load load_;
  std::mt19937_64 random_;
  SharedPage shared_;
  TrialResult result_;
  bool foreign_seen_ = false;
  bool died_ = false;  // some life did not end orderly
};

std::vector<std::string> Trial::options(const Plan& plan) {
  std::vector<std::string> out = {"--anchor-interval-ms", "10"};
  if (plan.small_segments) out.insert(out.end(), {"--segment-size", "16384"});
  return out;
}

// runs: without taking the exit status, which judge_end wants.
bool Trial::runs() const {
  siginfo_t info{};
  return writer_.pid() > 0 &&
         waitid(P_PID, static_cast<id_t>(writer_.pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

std::string Trial::start() {
  setenv("LD_PRELOAD", CM_FAULT_SHIM, 1);
  setenv(kPageVariable, std::to_string(shared_.fd()).c_str(), 1);
  std::string line = writer_.start();
  unsetenv("LD_PRELOAD");
  unsetenv(kPageVariable);
  return line;
}

// will_be_seen: whether an extend by somebody else must show now: not before the log begins, and not when its end is
// anchored: from there to the boot frame of the next start nobody speaks for the PCR.
bool will_be_seen(const Log& log) { return !log.frames.empty() && !log.types().ends_with("EQ"); }

// serve: does what the shim cannot: it has no TPM of its own.
void Trial::serve(FaultPage& page, const std::atomic<bool>& stop) {
  while (!stop) {
    const Request request = page.request;
    if (request == Request::kReset && writer_.swtpm_pid() > 0) {
      writer_.kill_swtpm();
      writer_.restart_swtpm();
    }
    if (request == Request::kForeign) {
      const bool seen = will_be_seen(read_log(writer_.log_dir()));
      if (foreign_extend(writer_).empty()) foreign_seen_ |= seen;
    }
    page.request = Request::kNone;
    pause_ms(1);
  }
}

void Trial::live(const Round& round) {
  FaultPage& page = shared_.begin(round.faults);
  std::atomic<bool> stop{false};
  std::thread server([&] { serve(page, stop); });
  const std::string line = start();
  int status = 0;
  if (line == "ready") load_.play();
  const bool killed_here = line == "ready" && runs() && !round.end_orderly;
  if (killed_here)
    writer_.kill_now();
  else
    status = line == "ready" && runs() ? writer_.terminate() : writer_.wait(kEnd_s);
  stop = true;
  server.join();
  count(page);
  died_ |= killed_here || status != 0;
  if (!killed_here) judge_end(page, status, line);
  if (plan_.power_goes) lose_power(page);
  if (result_.wrong.empty()) load_.check_durable(read_log(writer_.log_dir()));
}

// judge_end: by itself a writer ends with 0, or with 1 after a fault; a signal must be ours.
void Trial::judge_end(const FaultPage& page, int status, const std::string& line) {
  bool hit = false, killed = false;
  for (uint32_t i = 0; i < page.fault_count; ++i) {
    hit |= page.hits[i] != 0;
    killed |= page.hits[i] != 0 && kills(page.faults[i].action);
  }
  if (status == 0 || (status == 1 && hit) || (status == -SIGKILL && killed)) return;
  if (status == -1000)
    say("hang: the writer does not end");
  else
    say("the writer ended with status " + std::to_string(status) + ": " + line);
}

void Trial::count(const FaultPage& page) {
  for (uint32_t i = 0; i < page.fault_count; ++i) result_.hits += page.hits[i] != 0 ? 1 : 0;
  for (uint32_t i = 0; i < kCallCount; ++i) result_.calls[i] = std::max(result_.calls[i], page.calls[i].load());
  for (uint32_t i = 0; i < page.fault_count; ++i)
    result_.kind_hit |= page.hits[i] != 0 && page.faults[i].action == plan_.own.action &&
                        page.faults[i].call == plan_.own.call && page.faults[i].nth == plan_.own.nth;
}

// lose_power: takes away what was not synced: the end of the bytes, any of their sectors, or the name of a new file.
void Trial::lose_power(const FaultPage& page) {
  if (plan_.power_resets) writer_.kill_swtpm();
  std::vector<fs::path> segments;
  if (fs::exists(writer_.log_dir()))
    for (const auto& entry : fs::directory_iterator(writer_.log_dir())) segments.push_back(entry.path());
  if (segments.empty()) return;
  const fs::path last = *std::max_element(segments.begin(), segments.end());
  const uint64_t size = fs::file_size(last);
  if (page.name_unsynced != 0 && random_() % 2 == 0) {
    fs::remove(last);
    return;
  }
  const uint64_t from = page.unsynced_from;
  if (page.bytes_unsynced == 0 || from >= size) return;
  if (random_() % 2 == 0) return fs::resize_file(last, from + random_() % (size - from + 1));
  std::fstream file(last, std::ios::binary | std::ios::in | std::ios::out);
  for (uint64_t at = from; at < size; at = (at / kSector + 1) * kSector) {
    if (random_() % 2 == 0) continue;
    file.seekp(static_cast<std::streamoff>(at));
    file << std::string(std::min((at / kSector + 1) * kSector, size) - at, '\0');
  }
}

void Trial::last_life() {
  const std::string line = writer_.start();
  if (line != "ready") return say("a writer without faults does not start: " + line);
  load_.finish();
  if (!load_.wrong().empty()) return;
  if (load_.somebody_replaced()) pause_ms(kResume_ms);
  const int status = writer_.terminate();
  if (status != 0) say("a writer without faults ended with status " + std::to_string(status));
}

void Trial::judge_log() {
  load_.check_all(read_log(writer_.log_dir()));
  const audit::verify::Report report = verdict(writer_);
  result_.exit_code = exit_code(report);
  std::vector<std::string_view> may(std::begin(kHarmless), std::end(kHarmless));
  const auto allow = [&may](const KindRow& row) { may.insert(may.end(), row.may.begin(), row.may.end()); };
  allow(row_of(plan_.kind));
  for (const Kind kind : plan_.also) allow(row_of(kind));
  // Somebody extended the PCR, and the writer died between the counter's increment and its anchor: just as it would
  // look if frames had been cut off with their anchor, so the verdict must not call it less.
  if (plan_.kind == Kind::kForeignExtend && died_) may.push_back("nv-value");
  for (const audit::verify::Finding& finding : report.findings) {
    const auto& row = audit::verify::finding_row(finding.id);
    if (std::find(may.begin(), may.end(), row.name) == may.end())
      say(std::string("the verdict says ") + row.name + ": " + finding.detail);
  }
  const std::string_view must = row_of(plan_.kind).must;
  const bool due = plan_.kind == Kind::kForeignExtend ? foreign_seen_ : load_.acts() != 0;
  if (must.empty() || !due || !plan_.also.empty()) return;
  if (std::none_of(report.findings.begin(), report.findings.end(),
                   [&](const auto& finding) { return audit::verify::finding_row(finding.id).name == must; }))
    say("the verdict does not say " + std::string(must));
}

TrialResult Trial::run() {
  for (const Round& round : plan_.rounds)
    if (result_.wrong.empty() && load_.wrong().empty()) live(round);
  if (result_.wrong.empty() && load_.wrong().empty()) last_life();
  if (result_.wrong.empty() && load_.wrong().empty()) judge_log();
  say(load_.wrong());
  result_.hits += load_.acts();
  result_.kind_hit |= load_.acts() != 0;
  return result_;
}

// nobody_left: every process of this trial has ended; those that linger are ours through PR_SET_CHILD_SUBREAPER.
bool nobody_left() {
  for (int i = 0; i < 300; ++i) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    }
    if (pid < 0) return true;
    pause_ms(10);
  }
  return false;
}

}  // namespace

TrialResult run_trial(const Plan& plan, const std::string& base) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  TrialResult result;
  {
    Trial trial(plan, base);
    result = trial.run();
  }
  if (!nobody_left() && result.wrong.empty()) result.wrong = "a process is left over";
  return result;
}

}  // namespace cm::audit_test
