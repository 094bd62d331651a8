// SPDX-License-Identifier: Apache-2.0
// measure.cpp: see measure.h.
#include "bench/measure.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "bench/machine.h"

namespace cm::bench {
namespace {

constexpr double kPointNs = 2e5;  // how long a point takes: shorter than a time slice on a busy machine
constexpr size_t kMinJobs = 2;
constexpr size_t kTrialJobs = 16;
constexpr size_t kWarmUpJobs = 32;  // wakes the writer, fills caches and branch predictors
constexpr double kFrequencyDrift = 0.02;
constexpr unsigned kTries = 200;  // for one point

double time_point(const Row& row, size_t contestant, size_t jobs) {
  const Runner& runner = row.runners[contestant];
  clean_vector_state();
  runner(std::min(kWarmUpJobs, row.jobs_max));
  row.after();
  clean_vector_state();
  const uint64_t begin = now_ns();
  runner(jobs);
  const uint64_t end = now_ns();
  row.after();
  return static_cast<double>(end - begin) / static_cast<double>(jobs);
}

// clean_point: a point during which nobody else ran on this processor and its frequency held still. Every point that
// was thrown away for it is counted.
double clean_point(const Row& row, size_t contestant, size_t jobs, const std::function<void()>& before_each,
                   unsigned& discarded) {
  for (unsigned tries = 0; tries < kTries; ++tries) {
    before_each();
    const double frequency = core_ghz();
    const uint64_t switches = preemptions();
    const double ns = time_point(row, contestant, jobs);
    if (preemptions() == switches && std::fabs(core_ghz() - frequency) <= kFrequencyDrift * frequency) return ns;
    ++discarded;
  }
  throw std::runtime_error(
      "this machine is too busy, or its frequency does not hold still: nothing can be measured now");
}

// jobs_for: how many jobs make a point; from the best of five trials, as a preempted one says nothing.
size_t jobs_for(const Row& row, size_t contestant) {
  double ns = time_point(row, contestant, kTrialJobs);
  for (int i = 0; i < 4; ++i) ns = std::min(ns, time_point(row, contestant, kTrialJobs));
  return std::clamp(static_cast<size_t>(kPointNs / ns), kMinJobs, row.jobs_max);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Times measure(const Row& row, unsigned rounds, const std::function<void()>& drain) {
  size_t jobs[kContestants] = {};
  for (size_t c = 0; c < kContestants; ++c) {
    if (!row.runners[c]) continue;
    if (c == kOurs) drain();
    jobs[c] = jobs_for(row, c);
  }

  std::vector<double> points[kContestants];
  Times times{};
  for (unsigned round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < kContestants; ++i) {
      const size_t c = (i + round) % kContestants;  // nobody is always first
      if (!row.runners[c]) continue;
      const auto before_each = c == kOurs ? drain : [] {};
      points[c].push_back(clean_point(row, c, jobs[c], before_each, times.discarded));
    }
  }
  for (size_t c = 0; c < kContestants; ++c) times.ns[c] = median(points[c]);
  return times;
}

}  // namespace cm::bench
