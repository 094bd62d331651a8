// SPDX-License-Identifier: Apache-2.0
// batch.h: what the batch services share: a caller's array of jobs is read once, in lots, each lot of several jobs
// under the protection of AnyKeys; each job gets its own result; entry and exit record speak of the batch as a whole.
#pragma once
#include <cstddef>
#include <cstdint>

#include "crypto/module/c_abi.h"

namespace cm::abi {

// A lot: so many jobs at once, and so much text unless it is one job's. Large enough for sixteen chains of a mebibyte,
// small enough for a key that is destroyed meanwhile, which waits for its end.
inline constexpr size_t kLot = 64;
inline constexpr size_t kLotBytes = size_t{16} << 20;

// logged_jobs: a count as it stands in records.
constexpr uint64_t logged_jobs(size_t count) { return count < UINT32_MAX ? count : UINT32_MAX; }

// BatchTotals: what the exit record and the caller's result say.
struct BatchTotals {
  uint64_t failures = 0;
  uint64_t bytes = 0;           // written by the jobs that succeeded
  Status reason = Status::kOk;  // of the first job that succeeded and was not approved
  // A result that moves the state machine, or that another thread has moved it: the jobs after it are not done. Only
  // what makes or hashes something asks: all other jobs find no key then.
  Status fatal = Status::kOk;
  Lane lane = Lane::kNone;  // of the first job that had a key
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

// take_lot: copies the next jobs, at least one; how many.
template <class Job>
size_t take_lot(Job (&copies)[kLot], const Job* jobs, size_t left) {
  size_t n = 0;
  for (size_t room = kLotBytes; n < kLot && n < left; ++n) {
    copies[n] = jobs[n];
    if (n != 0 && copies[n].in_size > room) break;
    room -= copies[n].in_size < room ? copies[n].in_size : room;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);  // what is checked is what is used
  return n;
}

// refuse_batch: nothing was done; on record, all jobs failed.
inline cm_rc refuse_batch(Gate& gate, size_t count, Status why) {
  gate.set_object(logged_jobs(count) << 32 | logged_jobs(count));
  return gate.leave(why);
}

// leave_batch: works the jobs lot by lot with run_lot(thread, keys, lot, totals, all), where all is the caller's array
// as a range no output may touch. A job that is alone in its lot goes through run_one(thread, job, totals, all), which
// does what the service for one message does.
// Keys: what protects the keys of a lot.
template <class Keys = store::AnyKeys, class Job, class RunOne, class RunLot>
cm_rc leave_batch(Gate& gate, Job* jobs, size_t count, RunOne run_one, RunLot run_lot) {
  if (const Status s = check_jobs(jobs, count); !succeeded(s)) return refuse_batch(gate, count, s);
  const In all{jobs, count * sizeof *jobs};
  BatchTotals totals;
  for (size_t done = 0; done < count;) {
    Job copies[kLot];
    Status results[kLot];
    const size_t n = take_lot(copies, jobs + done, count - done);
    if (done != 0 && succeeded(totals.fatal)) totals.fatal = gate.recheck();
    if (n == 1) {
      results[0] = run_one(gate.thread(), copies[0], totals, all);
    } else {
      const Keys keys(gate.thread());
      run_lot(gate.thread(), keys, Lot<Job>{copies, n, results}, totals, all);
    }
    for (size_t i = 0; i < n; ++i) jobs[done + i].result = to_rc(results[i]);
    done += n;
  }
  gate.set_object(totals.failures << 32 | count);
  const Status result = !succeeded(totals.fatal) ? totals.fatal : totals.failures != 0 ? Status::kJobs : totals.reason;
  return gate.leave_batch(result, totals.reason, totals.bytes, totals.lane);
}

}  // namespace cm::abi
