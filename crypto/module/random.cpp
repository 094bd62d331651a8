// SPDX-License-Identifier: Apache-2.0
// random.cpp: see random.h. The generator is instantiated on a thread's first request, with the thread's index and
// process as personalisation, and reseeded by count (SP 800-90A 10.2.1).
#include "crypto/module/random.h"

#include <unistd.h>

#include "audit/producer/producer.h"
#include "crypto/base/bytes.h"
#include "crypto/base/no_cancel.h"
#include "crypto/base/secret.h"
#include "crypto/entropy/entropy.h"
#include "crypto/module/lanes.h"

namespace cm {
namespace {

Status seed(ThreadState& thread) {
  const NoCancel no_cancel;
  SecretArray<kDrbgSeed> seed;
  if (const Status s = entropy_seed(lanes().sha256, seed.expose(), kDrbgSeed); !succeeded(s)) return s;
  Status s = Status::kOk;
  if (thread.drbg.reseed_counter == 0) {
    uint8_t personalization[16];
    store_le64(personalization, static_cast<uint64_t>(getpid()));
    store_le64(personalization + 8, thread.index);
    s = ctr_drbg_instantiate(thread.drbg, lanes().aes, seed.expose(), personalization, sizeof personalization);
  } else {
    s = ctr_drbg_reseed(thread.drbg, seed.expose(), nullptr, 0);
  }
  if (!succeeded(s)) return s;
  ++thread.reseeds;
  // Seeding goes on when it cannot be recorded: the call that needs it has its own records already. It must not wait
  // for room either: the call may hold a key that somebody wants to destroy.
  static_cast<void>(
      audit::event(static_cast<uint32_t>(audit::EventId::kHealthReseed), 0, thread.index, thread.reseeds, 0));
  return Status::kOk;
}

Status generate(ThreadState& thread, uint8_t* out, size_t out_size) {
  if (thread.drbg.reseed_counter == 0 || thread.drbg.reseed_counter > kDrbgReseedInterval)
    if (const Status s = seed(thread); !succeeded(s)) return s;
  return ctr_drbg_generate(thread.drbg, out, out_size, nullptr, 0);
}

}  // namespace

Status random_fill(ThreadState& thread, uint8_t* out, size_t out_size) {
  for (size_t done = 0; done < out_size;) {
    const size_t piece = out_size - done < kDrbgMaxRequest ? out_size - done : kDrbgMaxRequest;
    if (const Status s = generate(thread, out + done, piece); !succeeded(s)) {
      zeroise(out, out_size);
      return s;
    }
    done += piece;
  }
  return Status::kOk;
}

Status random_iv(ThreadState& thread, uint8_t* iv) {
  if (thread.iv_left == 0) {
    if (const Status s = random_fill(thread, thread.ivs, sizeof thread.ivs); !succeeded(s)) return s;
    thread.iv_left = kIvBatch;
  }
  --thread.iv_left;
  uint8_t* next = thread.ivs + size_t{thread.iv_left} * kIvSize;
  std::memcpy(iv, next, kIvSize);
  std::memset(next, 0, kIvSize);
  return Status::kOk;
}

}  // namespace cm
