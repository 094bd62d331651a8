// SPDX-License-Identifier: Apache-2.0
// c_abi_cipher.cpp: AES in the modes that keep a secret and authenticate nothing (SP 800-38A and its addendum,
// SP 800-38E), one-shot, sector by sector, and streaming. The key says which mode.
#include "crypto/base/check.h"
#include "crypto/module/batch_lane.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/key_algorithms.h"

namespace {
using namespace cm;       // NOLINT(google-build-using-namespace): this file is the module's C face
using namespace cm::abi;  // NOLINT(google-build-using-namespace)

struct CipherCall {
  Direction direction;
  Out out;
  size_t out_capacity;
  In in;
  Lane lane = Lane::kNone;  // of the key, once it is known
};

uint32_t usage_of(Direction direction) { return direction == Direction::kEncrypt ? CM_USE_ENCRYPT : CM_USE_DECRYPT; }

// check_key: kOk, the reason why the key is not approved, or an error.
Status check_key(const store::KeyObject* key, Direction direction, Lane* lane) {
  if (key == nullptr) return Status::kHandle;
  if ((key->usage & usage_of(direction)) == 0) return Status::kUsage;
  *lane = key->lane;
  return Gate::permit(key->indicator);
}

CipherMode mode_of(const store::KeyObject& key) { return key_algorithm(key.algorithm)->mode; }

Status check_text(const CipherCall& c) {
  if (c.out.missing() || c.in.missing()) return Status::kNull;
  if (c.in.wraps()) return Status::kLength;
  if (c.out_capacity < c.out.size) return Status::kBufferTooSmall;
  return overlaps_partly(c.out.p, c.out.size, c.in.p, c.in.size) ? Status::kOverlap : Status::kOk;
}

bool iv_fits(uint32_t algorithm, size_t iv_size) { return iv_size == (algorithm == CM_ALG_AES_ECB ? 0 : kAesBlock); }

// message_fits: a whole message.
bool message_fits(uint32_t algorithm, size_t size) {
  switch (algorithm) {
    case CM_ALG_AES_ECB:
    case CM_ALG_AES_CBC:
      return size % kAesBlock == 0;
    case CM_ALG_AES_CBC_CS1:
    case CM_ALG_AES_CBC_CS2:
    case CM_ALG_AES_CBC_CS3:
      return size >= kAesBlock;
    case CM_ALG_AES_XTS:
      return size >= kAesBlock && size <= kXtsMaxUnit;
    default:
      return true;
  }
}

// crypt: a whole message of a size that fits.
void crypt(const store::KeyObject& key, const CipherCall& c, const uint8_t* iv) {
  Status s = Status::kOk;
  if (key.algorithm == CM_ALG_AES_XTS) {
    const auto unit = c.direction == Direction::kEncrypt ? xts_encrypt : xts_decrypt;
    s = unit(key.xts, iv, c.out.bytes(), c.in.bytes(), c.in.size);
  } else {
    CipherState state;
    cipher_init(state, key.aes, mode_of(key), c.direction, iv);
    const size_t done = cipher_update(state, c.out.bytes(), c.in.bytes(), c.in.size);
    size_t rest = 0;
    s = cipher_final(state, c.out.bytes() + done, &rest);
  }
  CM_CHECK(succeeded(s));
}

Status check_message(const CipherCall& c, In iv) {
  if (iv.missing()) return Status::kNull;
  if (iv.size != 0 && iv.size != kAesBlock) return Status::kLength;
  if (const Status s = check_text(c); !succeeded(s)) return s;
  return share(c.out, iv) ? Status::kOverlap : Status::kOk;
}

// begin: what the key says: *reason is what to report. On failure the output is zeroed, unless it is a length that does
// not fit the key.
Status begin(const store::KeyUse& use, In iv, CipherCall& c, Status* reason) {
  *reason = check_key(use.key(), c.direction, &c.lane);
  if (!succeeded(*reason)) {
    c.out.clear();
    return *reason;
  }
  const uint32_t algorithm = use.key()->algorithm;
  return iv_fits(algorithm, iv.size) && message_fits(algorithm, c.in.size) ? Status::kOk : Status::kLength;
}

[[gnu::always_inline]] inline Status cipher_body(ThreadState& thread, cm_key key, In iv, CipherCall& c) {
  if (const Status s = check_message(c, iv); !succeeded(s)) return s;
  const store::KeyUse use(thread, 0, key);
  Status reason = Status::kOk;
  if (const Status s = begin(use, iv, c, &reason); !succeeded(s)) return s;
  crypt(*use.key(), c, iv.bytes());
  return reason;
}

Status sectors_body(ThreadState& thread, cm_key key, uint64_t first, size_t sector_size, CipherCall& c) {
  if (const Status s = check_text(c); !succeeded(s)) return s;
  if (!message_fits(CM_ALG_AES_XTS, sector_size) || c.in.size % sector_size != 0) return Status::kLength;

  const store::KeyUse use(thread, 0, key);
  Status reason = check_key(use.key(), c.direction, &c.lane);
  if (succeeded(reason) && use.key()->algorithm != CM_ALG_AES_XTS) reason = Status::kUsage;
  if (!succeeded(reason)) {
    c.out.clear();
    return reason;
  }
  const auto run = c.direction == Direction::kEncrypt ? xts_encrypt_sectors : xts_decrypt_sectors;
  const Status s = run(use.key()->xts, first, c.out.bytes(), c.in.bytes(), sector_size, c.in.size / sector_size);
  return succeeded(s) ? reason : s;
}

// ---- batches: CBC encryption goes through the lanes of the multi-buffer kernels, all jobs of a lot together; the
// other modes are done where they stand, because one message of theirs keeps the processor busy.

struct CbcLot {
  size_t count = 0;
  CbcJob jobs[kLot];
  uint8_t chains[kLot][kAesBlock];
};

CipherCall call_of(const cm_cipher_job& job) {
  const Direction direction = job.direction == CM_ENCRYPT ? Direction::kEncrypt : Direction::kDecrypt;
  return {direction, {job.out, job.in_size}, job.out_capacity, {job.in, job.in_size}};
}

Status check_job(const cm_cipher_job& job, const CipherCall& c, In all) {
  if (job.direction != CM_ENCRYPT && job.direction != CM_DECRYPT) return Status::kArgument;
  return share(c.out, all) ? Status::kOverlap : Status::kOk;
}

Status cipher_one(ThreadState& thread, const cm_cipher_job& job, BatchTotals& totals, In all) {
  CipherCall c = call_of(job);
  Status s = check_job(job, c, all);
  if (succeeded(s)) s = cipher_body(thread, job.key, {job.iv, job.iv_size}, c);
  count_job(totals, s, c.in.size, c.lane);
  return s;
}

// cipher_job: one job, all but the work of CBC encryption.
Status cipher_job(ThreadState& thread, const store::AnyKeys& keys, const cm_cipher_job& job, In all, CipherCall& c,
                  CbcLot& lot) {
  if (const Status s = check_job(job, c, all); !succeeded(s)) return s;
  const In iv{job.iv, job.iv_size};
  if (const Status s = check_message(c, iv); !succeeded(s)) return s;
  const store::KeyUse use(thread, keys, job.key);
  Status reason = Status::kOk;
  if (const Status s = begin(use, iv, c, &reason); !succeeded(s)) return s;
  if (use.key()->algorithm == CM_ALG_AES_CBC && c.direction == Direction::kEncrypt) {
    uint8_t* const chain = lot.chains[lot.count];
    std::memcpy(chain, iv.p, kAesBlock);
    lot.jobs[lot.count++] = {&use.key()->aes, chain, c.out.bytes(), c.in.bytes(), c.in.size / kAesBlock};
  } else {
    crypt(*use.key(), c, iv.bytes());
  }
  return reason;
}

void cipher_lot(ThreadState& thread, const store::AnyKeys& keys, const Lot<cm_cipher_job>& jobs, BatchTotals& totals,
                In all) {
  CbcLot lot;
  for (size_t i = 0; i < jobs.count; ++i) {
    CipherCall c = call_of(jobs.jobs[i]);
    jobs.results[i] = cipher_job(thread, keys, jobs.jobs[i], all, c, lot);
    count_job(totals, jobs.results[i], c.in.size, c.lane);
  }
  if (lot.count != 0) note_lane(totals, batch_cbc_encrypt(lot.jobs, lot.count));
}

// ---- contexts

Status cipher_init_body(ThreadState& thread, cm_cipher* out, cm_key key, uint32_t direction, In iv, Lane* lane) {
  if (direction != CM_ENCRYPT && direction != CM_DECRYPT) return Status::kArgument;
  const Direction d = direction == CM_ENCRYPT ? Direction::kEncrypt : Direction::kDecrypt;
  const store::KeyUse use(thread, 0, key);
  const Status s = check_key(use.key(), d, lane);
  if (!succeeded(s)) return s;
  if (use.key()->algorithm == CM_ALG_AES_XTS) return Status::kUsage;
  if (!iv_fits(use.key()->algorithm, iv.size)) return Status::kLength;
  store::CipherContext* context = store::new_cipher(out, key);
  if (context == nullptr) return Status::kNoMemory;
  context->indicator = s;
  cipher_init(context->state, use.key()->aes, mode_of(*use.key()), d, iv.bytes());
  store::unlock_cipher(context);
  return s;
}

// add: one piece, with the context locked. The key may just be going.
Status add(ThreadState& thread, store::CipherContext& context, Out out, In in, size_t* written, Lane* lane) {
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  const Status reason = check_key(use.key(), context.state.direction, lane);
  const size_t size = cipher_update_size(context.state, in.size);
  if (size != 0 && out.p == nullptr) return Status::kNull;
  if (out.size < size) {
    *written = size;
    return Status::kBufferTooSmall;
  }
  if (overlaps_partly(out.p, size, in.p, in.size)) return Status::kOverlap;
  if (!succeeded(reason)) {
    Out{out.p, size}.clear();
    return reason;
  }
  *written = cipher_update(context.state, out.bytes(), in.bytes(), in.size);
  return reason;
}

Status cipher_update_body(ThreadState& thread, cm_cipher cipher, Out out, size_t* written, In in, Lane* lane) {
  if (in.missing()) return Status::kNull;
  if (in.wraps() || in.size > SIZE_MAX - kCipherMaxHeld) return Status::kLength;
  store::CipherContext* context = nullptr;
  if (const Status s = store::lock_cipher(cipher, &context); !succeeded(s)) return s;
  const Status s = add(thread, *context, out, in, written, lane);
  store::unlock_cipher(context);
  return s;
}

// finish: with the context locked.
Status finish(ThreadState& thread, store::CipherContext& context, Out out, size_t* written, Lane* lane) {
  const store::KeyUse use(thread, 0, cm_key{context.key.load(std::memory_order_relaxed)});
  const Status reason = check_key(use.key(), context.state.direction, lane);
  const Result<size_t> size = cipher_final_size(context.state);
  if (!size.ok()) return size.status;
  if (size.value != 0 && out.p == nullptr) return Status::kNull;
  if (out.size < size.value) {
    *written = size.value;
    return Status::kBufferTooSmall;
  }
  if (!succeeded(reason)) {
    Out{out.p, size.value}.clear();
    return reason;
  }
  if (const Status s = cipher_final(context.state, out.bytes(), written); !succeeded(s)) return s;
  return reason;
}

Status cipher_final_body(ThreadState& thread, cm_cipher cipher, Out out, size_t* written, Lane* lane) {
  store::CipherContext* context = nullptr;
  if (const Status s = store::lock_cipher(cipher, &context); !succeeded(s)) return s;
  const Status s = finish(thread, *context, out, written, lane);
  if (succeeded(s))
    store::free_cipher(cipher, context);
  else
    store::unlock_cipher(context);
  return s;
}

Status cipher_free_body(cm_cipher cipher) {
  store::CipherContext* context = nullptr;
  if (const Status s = store::lock_cipher(cipher, &context); !succeeded(s)) return s;
  store::free_cipher(cipher, context);
  return Status::kOk;
}

// check_size_word: where an update or a final says how much it wrote.
Status check_size_word(size_t* written, Out out, In in) {
  if (written == nullptr) return Status::kNull;
  const Out word{written, sizeof *written};
  return share(word, in) || share(word, out) ? Status::kOverlap : Status::kOk;
}

}  // namespace

CM_EXPORT cm_rc cm_cipher_encrypt(cm_session session, cm_key key, const void* iv, size_t iv_size, void* out,
                                  size_t out_capacity, const void* in, size_t in_size) {
  Gate gate(service(EventId::kCipherEncrypt), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  CipherCall call{Direction::kEncrypt, {out, in_size}, out_capacity, {in, in_size}};
  const Status s = cipher_body(gate.thread(), key, {iv, iv_size}, call);
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_cipher_decrypt(cm_session session, cm_key key, const void* iv, size_t iv_size, void* out,
                                  size_t out_capacity, const void* in, size_t in_size) {
  Gate gate(service(EventId::kCipherDecrypt), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  CipherCall call{Direction::kDecrypt, {out, in_size}, out_capacity, {in, in_size}};
  const Status s = cipher_body(gate.thread(), key, {iv, iv_size}, call);
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_cipher_encrypt_sectors(cm_session session, cm_key key, uint64_t first_sector, size_t sector_size,
                                          void* out, size_t out_capacity, const void* in, size_t in_size) {
  Gate gate(service(EventId::kCipherEncryptSectors), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  CipherCall call{Direction::kEncrypt, {out, in_size}, out_capacity, {in, in_size}};
  const Status s = sectors_body(gate.thread(), key, first_sector, sector_size, call);
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_cipher_decrypt_sectors(cm_session session, cm_key key, uint64_t first_sector, size_t sector_size,
                                          void* out, size_t out_capacity, const void* in, size_t in_size) {
  Gate gate(service(EventId::kCipherDecryptSectors), session, key.v, in_size);
  if (!gate.open()) return gate.refused();
  CipherCall call{Direction::kDecrypt, {out, in_size}, out_capacity, {in, in_size}};
  const Status s = sectors_body(gate.thread(), key, first_sector, sector_size, call);
  return gate.leave(s, in_size, call.lane);
}

CM_EXPORT cm_rc cm_cipher_init(cm_session session, cm_cipher* out, cm_key key, uint32_t direction, const void* iv,
                               size_t iv_size) {
  Gate gate(service(EventId::kCipherInit), session, key.v, 0);
  if (!gate.open()) return gate.refused();
  const In first{iv, iv_size};
  if (out == nullptr || first.missing()) return gate.leave(Status::kNull);
  if (share(Out{out, sizeof *out}, first)) return gate.leave(Status::kOverlap);
  *out = cm_cipher{0};
  cm_cipher made{};
  Lane lane = Lane::kNone;
  Status s = cipher_init_body(gate.thread(), &made, key, direction, first, &lane);
  if (succeeded(s)) s = keep(gate, s, made, cipher_free_body);
  if (succeeded(s)) *out = made;
  return gate.leave(s, 0, lane);
}

CM_EXPORT cm_rc cm_cipher_update(cm_session session, cm_cipher cipher, void* out, size_t out_capacity, size_t* out_size,
                                 const void* in, size_t in_size) {
  Gate gate(service(EventId::kCipherUpdate), session, cipher.v, in_size);
  if (!gate.open()) return gate.refused();
  const Out text{out, out_capacity};
  if (const Status s = check_size_word(out_size, text, {in, in_size}); !succeeded(s)) return gate.leave(s);
  size_t written = 0;
  Lane lane = Lane::kNone;
  const Status s = cipher_update_body(gate.thread(), cipher, text, &written, {in, in_size}, &lane);
  *out_size = written;
  return gate.leave(s, written, lane);
}

CM_EXPORT cm_rc cm_cipher_final(cm_session session, cm_cipher cipher, void* out, size_t out_capacity,
                                size_t* out_size) {
  Gate gate(service(EventId::kCipherFinal), session, cipher.v, 0);
  if (!gate.open()) return gate.refused();
  const Out text{out, out_capacity};
  if (const Status s = check_size_word(out_size, text, {}); !succeeded(s)) return gate.leave(s);
  size_t written = 0;
  Lane lane = Lane::kNone;
  const Status s = cipher_final_body(gate.thread(), cipher, text, &written, &lane);
  *out_size = written;
  return gate.leave(s, written, lane);
}

CM_EXPORT cm_rc cm_cipher_free(cm_session session, cm_cipher cipher) {
  Gate gate(service(EventId::kCipherFree), session, cipher.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(cipher_free_body(cipher));
}

CM_EXPORT cm_rc cm_cipher_batch(cm_session session, cm_cipher_job* jobs, size_t count) {
  Gate gate(service(EventId::kCipherBatch), session, logged_jobs(count), 0);
  if (!gate.open()) return gate.refused();
  const auto is_cbc = [](const cm_cipher_job& job, const store::KeyObject& key) {
    return key.algorithm == CM_ALG_AES_CBC && job.direction == CM_ENCRYPT;
  };
  if (const Status s = prepare_batch(gate, BatchAlgorithm::kCbcEncrypt, jobs, count, is_cbc); !succeeded(s))
    return refuse_batch(gate, count, s);
  return leave_batch(gate, jobs, count, cipher_one, cipher_lot);
}
