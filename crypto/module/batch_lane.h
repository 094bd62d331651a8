// SPDX-License-Identifier: Apache-2.0
// batch_lane.h: the batches of multi.h on the lane that batch_choice.h names. The first batch that is to go to lane imb
// has it opened, tested and recorded; where it is not there, is in use or does not take a job, our own lane does the
// work.
#pragma once
#include "crypto/module/batch.h"
#include "crypto/module/batch_choice.h"
#include "crypto/multi/multi.h"

namespace cm {

// batch_may_open: whether lane imb has not been opened yet; then batch_prepare has something to do.
bool batch_may_open();

// batch_prepare: opens what a batch of so many jobs with so many bytes each is to run on. Inside the gate and not with
// a key in use, because it may wait for the audit. kOk; or kIntegrity or kSelftest when lane imb is damaged: the
// service is not done, and the module goes to the error state.
Status batch_prepare(BatchAlgorithm algorithm, size_t jobs, size_t bytes);

// Keys are of the latched AES lane. Returns the lane that did the work.
Lane batch_cbc_encrypt(const CbcJob* jobs, size_t count);
Lane batch_cmac(const CmacJob* jobs, size_t count);
Lane batch_ccm_seal(const CcmSealJob* jobs, size_t count);
Lane batch_ccm_open(CcmOpenJob* jobs, size_t count);

namespace abi {

// prepare_batch: batch_prepare for a caller's array. Its first job stands for all, because what is opened lasts for the
// life of the process: takes_part says whether that job is one for the batch kernels.
template <class Job, class TakesPart>
Status prepare_batch(Gate& gate, BatchAlgorithm algorithm, const Job* jobs, size_t count, TakesPart takes_part) {
  if (!batch_may_open() || count < 2 || !succeeded(check_jobs(jobs, count))) return Status::kOk;
  {
    const store::KeyUse use(gate.thread(), 0, jobs->key);
    if (use.key() == nullptr || !takes_part(*jobs, *use.key())) return Status::kOk;
  }
  return batch_prepare(algorithm, count < kLot ? count : kLot, jobs->in_size);
}

// note_lane: lane imb shows in the exit record when it did any of a batch.
inline void note_lane(BatchTotals& totals, Lane lane) {
  if (lane == Lane::kImb) totals.lane = lane;
}

}  // namespace abi
}  // namespace cm
