// SPDX-License-Identifier: Apache-2.0
// store.h: the sensitive security parameters and other objects of the module: keys, sessions, streaming contexts. Every
// lookup checks the whole handle. Keys lie in the lasting part of the arena; their IV counters, the sessions and the
// contexts lie in the fleeting part and do not survive fork (kForked).
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "crypto/aes/aes.h"
#include "crypto/base/bytes.h"
#include "crypto/chacha/chacha20_poly1305.h"
#include "crypto/cipher/cipher.h"
#include "crypto/cmac/cmac.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/hash/hash_function.h"
#include "crypto/hmac/hmac.h"
#include "crypto/kmac/kmac.h"
#include "crypto/module/slots.h"
#include "crypto/module/thread_state.h"
#include "crypto/xts/xts.h"
#include "cryptomod/cryptomod.h"

namespace cm::store {

inline constexpr uint32_t kKeysMax = 1024;
inline constexpr uint32_t kSessionsMax = 1024;
inline constexpr uint32_t kContextsMax = 1024;  // of each kind
inline constexpr size_t kRawKeyMax = 512;
inline constexpr uint64_t kRandomIvLimit = uint64_t{1} << 32;           // SP 800-38D 8.3
inline constexpr uint64_t kLeaseSize = 64;                              // counter IVs that a thread takes at once
inline constexpr uint64_t kCounterIvLimit = ~uint64_t{0} - (1u << 20);  // leaves room for threads that race past it
static_assert(kThreadsMax * kLeaseSize < ~uint64_t{0} - kCounterIvLimit);

// KeyObject: immutable from publish to destroy.
struct alignas(64) KeyObject {
  uint32_t algorithm;  // CM_ALG_*
  uint32_t bits;
  uint32_t usage;
  uint32_t flags;
  uint32_t iv_regime;
  uint32_t raw_size;
  uint8_t iv_fixed[12];
  uint64_t seals_before;  // what the slot's SealCount held when the key was made
  Status indicator;       // kOk, or why the key is not approved: every use of it reports that
  Lane lane;              // that works with it
  union {                 // key_algorithms.h says which
    GcmKey gcm;
    AesKey aes;
    XtsKey xts;
    CmacKey cmac;
    HmacKey hmac;
    KmacKey kmac;
    ChaChaKey chacha;
    GcmSivKey gcm_siv;
  };
  uint8_t raw[kRawKeyMax];  // of exportable keys, for wrapped export, and of secrets; else zero
};

// KeyState: what changes while a key is used and must not be repeated in a child.
struct alignas(64) KeyState {
  std::atomic<uint64_t> handle;   // the key it belongs to; wiped by fork
  std::atomic<uint64_t> counter;  // next counter IV or sequence number
};

// SealCount: random IVs drawn with the keys of one slot since the first process of the family loaded the library. Never
// reset and shared by the process and all its children, so the sum over all of them is exact. A slot whose key was
// destroyed in one process while another still uses it counts for both keys there: a key may end early, never late.
struct alignas(64) SealCount {
  std::atomic<uint64_t> drawn;
};

struct Session {
  std::atomic<uint64_t> id[2];
  std::atomic<uint32_t> role;  // 0 when wiped by fork
};

// busy of a context: 0, or who has it: its own handle for a call, kModule for the store itself.
struct HashContext {
  std::atomic<uint64_t> busy;
  HashStream stream;
};

struct MacContext {
  std::atomic<uint64_t> busy;
  std::atomic<uint64_t> key;  // handle of the key it was made with; it ends with that key
  uint32_t algorithm;         // CM_ALG_* of the key
  Status indicator;           // kOk or the reason the key is not approved
  uint64_t size;              // bytes taken in
  union {
    Hmac hmac;
    CmacState cmac;
    Kmac kmac;
  };
};

struct CipherContext {
  std::atomic<uint64_t> busy;
  std::atomic<uint64_t> key;
  Status indicator;
  CipherState state;
};

size_t lasting_bytes();
size_t fleeting_bytes();
size_t family_bytes();
void init(uint8_t* lasting, uint8_t* fleeting, uint8_t* family);

// What the inline look-ups below read; store.cpp alone writes it. The tables of handles are no secrets and must survive
// fork, so that a stale handle is told from a forked one.
extern SlotTable<kKeysMax> g_key_slots;
extern SlotTable<kSessionsMax> g_session_slots;
extern KeyObject* g_keys;
extern Session* g_sessions;
extern std::atomic<uint64_t> g_zeroisations;

// ---- keys
// AnyKeys: protects the keys of a lot of jobs while it is worked on: all keys there are, so whoever destroys one waits
// for the end of the lot.
class AnyKeys {
 public:
  explicit AnyKeys(ThreadState& thread) : hazard_(thread.hazard[0]) {
    hazard_.store(kAnyKey | thread.lots++, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // as in KeyUse
  }
  ~AnyKeys() { hazard_.store(kNoHazard, std::memory_order_release); }
  AnyKeys(const AnyKeys&) = delete;
  AnyKeys& operator=(const AnyKeys&) = delete;

 private:
  std::atomic<uint32_t>& hazard_;
};

// KeyUse: protects a key for the length of a call. slot_of_thread: 0 or 1, as one call uses at most two keys. With
// AnyKeys the key is protected already.
class KeyUse {
 public:
  KeyUse(ThreadState& thread, unsigned slot_of_thread, cm_key handle)
      : thread_(thread), hazard_(&thread.hazard[slot_of_thread]), key_(nullptr), handle_(handle.v) {
    const uint32_t slot = handle_slot(handle.v);
    if (slot >= kKeysMax || handle.v == 0) return;  // a call without this key keeps none from being destroyed
    hazard_->store(slot + 1, std::memory_order_release);
    // The compiler must not look at the slot before the hazard is set; for the CPU, the destroyer's membarrier sees to
    // it.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (g_key_slots.is_live(HandleKind::kKey, handle.v)) key_ = &g_keys[slot];
  }
  KeyUse(ThreadState& thread, const AnyKeys& /*keys*/, cm_key handle)
      : thread_(thread), hazard_(nullptr), key_(nullptr), handle_(handle.v) {
    if (handle_slot(handle.v) >= kKeysMax) return;
    if (g_key_slots.is_live(HandleKind::kKey, handle.v)) key_ = &g_keys[handle_slot(handle.v)];
  }
  ~KeyUse() {
    if (hazard_ != nullptr) hazard_->store(kNoHazard, std::memory_order_release);
  }
  KeyUse(const KeyUse&) = delete;
  KeyUse& operator=(const KeyUse&) = delete;
  // key: null when the handle is not live.
  const KeyObject* key() const { return key_; }
  // take_random_seal: counts one seal of a key without counter IV, whoever chose the IV (SP 800-38D 8.3), before it is
  // done; kExhausted from the 2^32nd on, in all processes together.
  Status take_random_seal() const;
  // random_seals: how many were counted, at most kRandomIvLimit.
  uint64_t random_seals() const;
  // counter_seals: how many counter IVs were given out; about, while other threads seal with the key.
  uint64_t counter_seals() const;
  // take_counter: a counter IV that nobody has had. kForked, kExhausted.
  Status take_counter(uint64_t* counter) const {
    CounterLease& lease = thread_.leases[handle_slot(handle_) % kLeases];
    const uint64_t left = lease.left.load(std::memory_order_relaxed);
    if (lease.key.load(std::memory_order_relaxed) != handle_ || left == 0) return renew_lease(lease, counter);
    *counter = lease.next.load(std::memory_order_relaxed);
    lease.next.store(*counter + 1, std::memory_order_relaxed);
    lease.left.store(left - 1, std::memory_order_relaxed);
    return Status::kOk;
  }
  // take_sequence: the next number of 0, 1, 2, ... kForked, kExhausted.
  Status take_sequence(uint64_t* number) const;

 private:
  KeyState* state() const;
  Status renew_lease(CounterLease& lease, uint64_t* counter) const;

  ThreadState& thread_;
  std::atomic<uint32_t>* hazard_;
  KeyObject* key_;
  uint64_t handle_;
};

// expect_key: fetches into the cache what new_key and publish_key will probably write, for who makes a key and has
// something else to compute before.
void expect_key();
// new_key: a zeroed key object that nobody else can see, or null when the store is full.
KeyObject* new_key(uint32_t* slot);
cm_key publish_key(uint32_t slot);
void drop_key(uint32_t slot);
// destroy_key: waits for calls in other threads that use it, then zeroises it and the contexts made with it.
// kHandle.
Status destroy_key(cm_key handle);
uint32_t keys_in_use();

// ---- sessions
struct SessionView {
  uint8_t id[16];
  uint32_t role;
};
Status open_session(const uint8_t* id, uint32_t role, cm_session* out);
Status close_session(cm_session handle);
// find_session: a copy, because another thread may close it meanwhile. kHandle, kForked.
Status why_no_session(cm_session handle);
inline Status find_session(cm_session handle, SessionView* out) {
  if (!g_session_slots.is_live(HandleKind::kSession, handle.v)) [[unlikely]]
    return why_no_session(handle);
  const Session& session = g_sessions[handle_slot(handle.v)];
  store_le64(out->id, session.id[0].load(std::memory_order_relaxed));
  store_le64(out->id + 8, session.id[1].load(std::memory_order_relaxed));
  out->role = session.role.load(std::memory_order_relaxed);
  // Closed and reused while it was copied: the handle has changed, and what was copied is not used.
  std::atomic_thread_fence(std::memory_order_acquire);
  return g_session_slots.is_live(HandleKind::kSession, handle.v) ? Status::kOk : Status::kHandle;
}

// ---- contexts. lock_* gives exclusive use: kHandle, kForked, kBusy. free_* needs the lock and takes it away.
HashContext* new_hash(cm_hash* out);
Status lock_hash(cm_hash handle, HashContext** out);
void unlock_hash(HashContext* context);
void free_hash(cm_hash handle, HashContext* context);
MacContext* new_mac(cm_mac* out, cm_key key);
Status lock_mac(cm_mac handle, MacContext** out);
void unlock_mac(MacContext* context);
void free_mac(cm_mac handle, MacContext* context);
CipherContext* new_cipher(cm_cipher* out, cm_key key);
Status lock_cipher(cm_cipher handle, CipherContext** out);
void unlock_cipher(CipherContext* context);
void free_cipher(cm_cipher handle, CipherContext* context);

// Zeroised: the keys that zeroise_all has destroyed and nobody has recorded yet.
struct Zeroised {
  uint32_t count;
  uint64_t handles[kKeysMax];
};

// zeroise_all: ends every key and context and wipes it; waits for the calls in other threads that are using one, and
// for nothing else: no call waits for the writer while it holds a key or a context. The caller must hold neither, and
// has changed the state of the module, so that what is published too late for it is destroyed by its maker
// (Gate::recheck). Sessions stay: an officer needs one to act in the error state.
void zeroise_all(Zeroised& gone);
// zeroisations: how many times zeroise_all has begun.
inline uint64_t zeroisations() { return g_zeroisations.load(std::memory_order_seq_cst); }

// record_zeroised: one event a key, all by one deadline (audit/producer/producer.h). cause: detail of the events.
// kNotHandedOut: it had its record, but the module left its operational state before the caller had the key.
enum class ZeroiseCause : uint64_t { kShutdown = 1, kZeroise = 2, kErrorState = 3, kFork = 4, kNotHandedOut = 5 };
void record_zeroised(const Zeroised& gone, ZeroiseCause cause, uint64_t deadline_ns);
void record_not_handed_out(cm_key key);
void close_sessions();

// forget_parent: in a child: keeps the keys; ends the parent's sessions and contexts, whose handles answer kForked from
// now on, and frees what was half made in other threads.
void forget_parent();

}  // namespace cm::store
