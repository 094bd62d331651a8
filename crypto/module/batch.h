// SPDX-License-Identifier: Apache-2.0
// batch.h: what the batch services share: a caller's array of jobs is read once, in lots, each lot under the protection
// of AnyKeys; each job gets its own result; entry and exit record speak of the batch as a whole.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/module/c_abi.h"

namespace cm::abi {

inline constexpr size_t kLot = 64;  // jobs at once

// BatchTotals: what the exit record and the caller's result say.
struct BatchTotals {
  uint64_t failures = 0;
  uint64_t bytes = 0;           // written by the jobs that succeeded
  Status reason = Status::kOk;  // of the first job that was not approved
  Status fatal = Status::kOk;   // a result that moves the state machine: the jobs after it are not done
  Lane lane = Lane::kNone;      // of the first job that had a key
};

inline void count_job(BatchTotals& totals, Status result, size_t bytes, Lane lane) {
  if (totals.lane == Lane::kNone) totals.lane = lane;
  if (!succeeded(result)) {
    ++totals.failures;
    if (const StatusRow* row = status_row(to_rc(result)); row != nullptr && row->moves_to_error) totals.fatal = result;
    return;
  }
  totals.bytes += bytes;
  if (totals.reason == Status::kOk) totals.reason = result;
}

// check_jobs: of the array itself. Outputs of jobs must lie apart from it too, which job_apart says.
template <class Job>
Status check_jobs(const Job* jobs, size_t count) {
  if (jobs == nullptr && count != 0) return Status::kNull;
  return count > CM_BATCH_MAX || In{jobs, count * sizeof *jobs}.wraps() ? Status::kLength : Status::kOk;
}

template <class Job>
struct Lot {
  const Job* jobs;  // the module's copies
  size_t count;     // at most kLot
  Status* results;  // one a job
};

// leave_batch: works the jobs lot by lot with run(thread, keys, lot, totals, all), where all is the caller's array as a
// range no output may touch.
template <class Job, class Run>
cm_rc leave_batch(Gate& gate, Job* jobs, size_t count, Run run) {
  if (const Status s = check_jobs(jobs, count); !succeeded(s)) return gate.leave(s);
  const In all{jobs, count * sizeof *jobs};
  BatchTotals totals;
  for (size_t done = 0; done < count;) {
    const size_t n = count - done < kLot ? count - done : kLot;
    Job copies[kLot];
    Status results[kLot];
    for (size_t i = 0; i < n; ++i) copies[i] = jobs[done + i];  // one by one: a copy of all would begin slowly
    std::atomic_signal_fence(std::memory_order_seq_cst);        // what is checked is what is used
    {
      const store::AnyKeys keys(gate.thread());
      run(gate.thread(), keys, Lot<Job>{copies, n, results}, totals, all);
    }
    for (size_t i = 0; i < n; ++i) jobs[done + i].result = to_rc(results[i]);
    done += n;
  }
  gate.set_object(totals.failures << 32 | count);
  if (!succeeded(totals.fatal)) return gate.leave(totals.fatal, 0, totals.lane);
  return gate.leave(totals.failures != 0 ? Status::kJobs : totals.reason, totals.bytes, totals.lane);
}

}  // namespace cm::abi
