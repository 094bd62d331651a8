// SPDX-License-Identifier: Apache-2.0
// imb.cpp: the manager of ipsec-mb and its memory, and which jobs it may have. The memory is the module's: between
// inaccessible pages, in no core file, locked where that is allowed, and wiped by the kernel in a child process, where
// the manager is made again on first use.
#include "crypto/imb/imb.h"

#include <sched.h>
#include <sys/mman.h>

#include <atomic>

#include "crypto/base/check.h"
#include "crypto/base/ct.h"
#include "crypto/base/secret.h"
#include "crypto/cpu/features.h"
#include "crypto/imb/imb_load.h"

namespace cm {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMaxBytes = 65520;  // a job; ipsec-mb counts in 16 bits
constexpr size_t kMaxAad = 46;

// Head: stands before the manager and shares its fate on fork: a child finds nobody in it, and nothing ready.
struct alignas(64) Head {
  std::atomic<uint32_t> taken;
  uint32_t ready;
};
static_assert(std::atomic<uint32_t>::is_always_lock_free);

std::atomic<const ImbPart*> g_part;
Head* g_head;  // the manager follows; set before g_part

void* manager() { return g_head + 1; }

// map_memory: zeros of their own; null where the system has not got them. Not locked where it may not be, as the arena.
Head* map_memory(size_t size) {
  void* const outer = mmap(nullptr, size + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (outer == MAP_FAILED) return nullptr;
  uint8_t* const inner = static_cast<uint8_t*>(outer) + kPage;
  if (mprotect(inner, size, PROT_READ | PROT_WRITE) != 0 || madvise(inner, size, MADV_DONTDUMP) != 0 ||
      madvise(inner, size, MADV_WIPEONFORK) != 0) {
    munmap(outer, size + 2 * kPage);
    return nullptr;
  }
  static_cast<void>(mlock2(inner, size, MLOCK_ONFAULT));
  return reinterpret_cast<Head*>(inner);
}

size_t memory_size(const ImbPart& part) { return (sizeof(Head) + part.manager_size() + kPage - 1) / kPage * kPage; }

// Turn: this thread has the manager, or nobody has taken it for it.
class Turn {
 public:
  explicit Turn(ImbWait wait) : part_(g_part.load(std::memory_order_acquire)) {
    if (part_ == nullptr) return;
    while (g_head->taken.exchange(1, std::memory_order_acquire) != 0) {
      if (wait == ImbWait::kNo) {
        part_ = nullptr;
        return;
      }
      sched_yield();
    }
    if (g_head->ready == 0) CM_CHECK(part_->start(manager()));  // a child process; it has worked in the parent
    g_head->ready = 1;
  }
  ~Turn() {
    if (part_ != nullptr) g_head->taken.store(0, std::memory_order_release);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  const ImbPart* part() const { return part_; }

 private:
  const ImbPart* part_;
};

// in_turn: false where it is not this thread's turn; that ipsec-mb does not do its work is a defect of the module.
template <class Call>
bool in_turn(ImbWait wait, Call call) {
  const Turn turn(wait);
  if (turn.part() == nullptr) return false;
  CM_CHECK(call(*turn.part()));
  return true;
}

bool takes(size_t bytes) { return bytes != 0 && bytes <= kMaxBytes; }
bool takes_key(const AesKey& key) { return key.rounds != 12; }

bool takes(const CbcJob& job) { return job.blocks <= kMaxBytes / kAesBlock && takes(job.blocks * kAesBlock); }
// For CMAC ipsec-mb loads 16 bytes where the last block is, all of which must be the message's.
bool takes(const CmacJob& job) { return takes(job.in_size) && job.in_size % kAesBlock == 0 && takes_key(job.key->aes); }
bool takes(const AesKey& key, const CcmInput& in) {
  return takes(in.text_size) && in.aad_size <= kMaxAad && takes_key(key);
}

template <class Job, class Takes>
bool takes_all(const Job* jobs, size_t count, Takes takes_job) {
  CM_CHECK(count <= kMultiMax);
  for (size_t i = 0; i < count; ++i)
    if (!takes_job(jobs[i])) return false;
  return count != 0;
}

}  // namespace

Status imb_load(Lane sha256_lane) {
  if ((cpu_features() & kFeatureAesni) == 0) return Status::kUnsupported;
  const ImbPart* part = nullptr;
  if (const Status s = imb_open(sha256_lane, &part); !succeeded(s)) return s;
  g_head = map_memory(memory_size(*part));
  if (g_head == nullptr) return Status::kUnsupported;
  if (!part->start(manager())) return Status::kSelftest;
  g_head->ready = 1;
  g_part.store(part, std::memory_order_release);
  return Status::kOk;
}

bool imb_loaded() { return g_part.load(std::memory_order_acquire) != nullptr; }

Status imb_integrity(Lane sha256_lane) {
  const ImbPart* const part = g_part.load(std::memory_order_acquire);
  return part == nullptr ? Status::kUnsupported : imb_measure(sha256_lane, *part);
}

bool imb_cbc_encrypt(const CbcJob* jobs, size_t count, ImbWait wait) {
  if (!takes_all(jobs, count, [](const CbcJob& j) { return takes(j); })) return false;
  return in_turn(wait, [&](const ImbPart& part) { return part.cbc_encrypt(manager(), jobs, count); });
}

bool imb_cmac(const CmacJob* jobs, size_t count, ImbWait wait) {
  if (!takes_all(jobs, count, [](const CmacJob& j) { return takes(j); })) return false;
  return in_turn(wait, [&](const ImbPart& part) { return part.cmac(manager(), jobs, count); });
}

bool imb_ccm_seal(const CcmSealJob* jobs, size_t count, ImbWait wait) {
  if (!takes_all(jobs, count, [](const CcmSealJob& j) { return takes(*j.key, j.in); })) return false;
  ImbCcm messages[kMultiMax];
  for (size_t i = 0; i < count; ++i)
    messages[i] = {jobs[i].key, jobs[i].out, jobs[i].tag, jobs[i].tag_size, jobs[i].in};
  return in_turn(wait, [&](const ImbPart& part) { return part.ccm_seal(manager(), messages, count); });
}

bool imb_ccm_open(CcmOpenJob* jobs, size_t count, ImbWait wait) {
  if (!takes_all(jobs, count, [](const CcmOpenJob& j) { return takes(*j.key, j.in); })) return false;
  SecretArray<kMultiMax * kCcmMaxTag> tags;  // of a forgery, this is the tag the forger wants
  ImbCcm messages[kMultiMax];
  for (size_t i = 0; i < count; ++i)
    messages[i] = {jobs[i].key, jobs[i].out, tags.expose() + i * kCcmMaxTag, jobs[i].tag_size, jobs[i].in};
  if (!in_turn(wait, [&](const ImbPart& part) { return part.ccm_open(manager(), messages, count); })) return false;
  for (size_t i = 0; i < count; ++i) {
    jobs[i].right = ct::equal_bytes(messages[i].tag, jobs[i].tag, jobs[i].tag_size);
    if (!ct::declassify(jobs[i].right)) zeroise(jobs[i].out, jobs[i].in.text_size);
  }
  return true;
}

ByteView imb_memory() {
  const ImbPart* const part = g_part.load(std::memory_order_acquire);
  return part == nullptr ? ByteView() : ByteView(reinterpret_cast<const uint8_t*>(g_head), memory_size(*part));
}

}  // namespace cm
