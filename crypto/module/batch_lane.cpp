// SPDX-License-Identifier: Apache-2.0
// batch_lane.cpp: see batch_lane.h. It must not wait for another thread that opens lane imb or works there: there is
// always the lane of our own.
#include "crypto/module/batch_lane.h"

#include <atomic>
#include <cerrno>

#include "crypto/imb/imb.h"
#include "crypto/module/lanes.h"
#include "crypto/module/power_on.h"

namespace cm {
namespace {

// Imb: opened at most once a process. In a child of a process that was just opening it stays so, which is as good as
// not there. kTested is the only one in which it works.
enum class Imb : uint8_t { kUnopened, kOpening, kTested, kNotThere };
std::atomic<Imb> g_imb{Imb::kUnopened};
static_assert(std::atomic<Imb>::is_always_lock_free);

size_t bytes_of(const CbcJob& job) { return job.blocks * kAesBlock; }
size_t bytes_of(const CmacJob& job) { return job.in_size; }
size_t bytes_of(const CcmSealJob& job) { return job.in.text_size; }
size_t bytes_of(const CcmOpenJob& job) { return job.in.text_size; }

template <class Job>
bool goes_to_imb(BatchAlgorithm algorithm, Lane own, const Job* jobs, size_t count) {
  if (count == 0 || g_imb.load(std::memory_order_acquire) != Imb::kTested) return false;
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += bytes_of(jobs[i]);
  return batch_choice(algorithm, own, count, bytes / count) == Lane::kImb;
}

template <class Job>
Lane run(BatchAlgorithm algorithm, Job* jobs, size_t count, void (*own)(Job*, size_t),
         bool (*imb)(Job*, size_t, ImbWait)) {
  const Lane lane = lanes().aes;
  if (goes_to_imb(algorithm, lane, jobs, count) && imb(jobs, count, ImbWait::kNo)) return Lane::kImb;
  own(jobs, count);
  return lane;
}

}  // namespace

bool batch_may_open() { return g_imb.load(std::memory_order_relaxed) == Imb::kUnopened; }

Status batch_prepare(BatchAlgorithm algorithm, size_t jobs, size_t bytes) {
  if (batch_choice(algorithm, lanes().aes, jobs, bytes) != Lane::kImb) return Status::kOk;
  Imb before = Imb::kUnopened;
  if (!g_imb.compare_exchange_strong(before, Imb::kOpening, std::memory_order_acq_rel)) return Status::kOk;
  const int callers_errno = errno;
  const Status status = open_imb();
  errno = callers_errno;
  g_imb.store(succeeded(status) ? Imb::kTested : Imb::kNotThere, std::memory_order_release);
  return status == Status::kUnsupported ? Status::kOk : status;
}

Lane batch_cbc_encrypt(const CbcJob* jobs, size_t count) {
  return run(BatchAlgorithm::kCbcEncrypt, jobs, count, aes_cbc_encrypt_multi, imb_cbc_encrypt);
}
Lane batch_cmac(const CmacJob* jobs, size_t count) {
  return run(BatchAlgorithm::kCmac, jobs, count, cmac_multi, imb_cmac);
}
Lane batch_ccm_seal(const CcmSealJob* jobs, size_t count) {
  return run(BatchAlgorithm::kCcmSeal, jobs, count, ccm_seal_multi, imb_ccm_seal);
}
Lane batch_ccm_open(CcmOpenJob* jobs, size_t count) {
  return run(BatchAlgorithm::kCcmOpen, jobs, count, ccm_open_multi, imb_ccm_open);
}

}  // namespace cm
