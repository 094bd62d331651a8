// SPDX-License-Identifier: Apache-2.0
// store.cpp: see store.h. No locks: slots are claimed by compare-and-swap and protected by hazards (thread_state.h).
#include "crypto/module/store.h"

#include <sched.h>

#include "audit/producer/producer.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "selftest/inject.h"

namespace cm::store {

constinit SlotTable<kKeysMax> g_key_slots;
constinit SlotTable<kSessionsMax> g_session_slots;
KeyObject* g_keys;
Session* g_sessions;
std::atomic<uint64_t> g_zeroisations;

namespace {

SlotTable<kContextsMax> g_hash_slots;
SlotTable<kContextsMax> g_mac_slots;
SlotTable<kContextsMax> g_cipher_slots;

KeyState* g_key_states;
SealCount* g_seal_counts;
HashContext* g_hashes;
MacContext* g_macs;
CipherContext* g_ciphers;

constexpr size_t aligned(size_t size) { return (size + 63) / 64 * 64; }

void wipe_key(uint32_t slot) {
  zeroise(static_cast<void*>(&g_keys[slot]), sizeof(KeyObject));
  g_key_states[slot].handle.store(0, std::memory_order_relaxed);
  g_key_states[slot].counter.store(0, std::memory_order_relaxed);
}

// why_dead: of a handle that is not live.
template <class Slots>
Status why_dead(const Slots& slots, HandleKind kind, uint64_t handle) {
  return slots.is_disowned(kind, handle) ? Status::kForked : Status::kHandle;
}

void record_end(uint64_t key, ZeroiseCause cause, uint64_t deadline_ns) {
  static_cast<void>(audit::event(static_cast<uint32_t>(audit::EventId::kKeyZeroised), 0, key,
                                 static_cast<uint64_t>(cause), deadline_ns));
}

constexpr uint64_t kModule = ~uint64_t{0};  // no handle has this value

// try_hold: takes the lock of a context slot for `holder`. Waits while somebody else has it than the holder of the same
// handle: a caller with a stale handle, who lets go at once, or the store, which ends the context. kBusy.
Status try_hold(std::atomic<uint64_t>& busy, uint64_t holder) {
  for (uint64_t present = 0; !busy.compare_exchange_weak(present, holder, std::memory_order_acquire); present = 0) {
    if (present == holder && holder != kModule) return Status::kBusy;
    if (present != 0) sched_yield();
  }
  return Status::kOk;
}

void let_go(std::atomic<uint64_t>& busy) { busy.store(0, std::memory_order_release); }

// lock_context: the lock first, then the handle again: it may have been freed and reused in between.
template <class Slots, class Handle, class Context>
Status lock_context(Slots& slots, HandleKind kind, Handle handle, Context* all, Context** out) {
  if (!slots.is_live(kind, handle.v)) return why_dead(slots, kind, handle.v);
  Context* context = &all[handle_slot(handle.v)];
  if (const Status s = try_hold(context->busy, handle.v); !succeeded(s)) return s;
  if (!slots.is_live(kind, handle.v)) {
    let_go(context->busy);
    return Status::kHandle;
  }
  *out = context;
  return Status::kOk;
}

// new_context: the maker has the lock until the context is filled in. A stale handle may have it for a moment before.
template <class Slots, class Handle, class Context>
Context* new_context(Slots& slots, HandleKind kind, Context* all, Handle* out) {
  const uint32_t slot = slots.claim();
  if (slot == Slots::kNoSlot) return nullptr;
  static_cast<void>(try_hold(all[slot].busy, kModule));
  out->v = slots.publish(kind, slot);
  return &all[slot];
}

// wipe_context: the caller holds busy. The flags stay atomic: another thread may look at them with a stale handle.
void wipe_context(HashContext& context) {
  zeroise(&context.stream, sizeof context.stream);
  let_go(context.busy);
}
void wipe_context(MacContext& context) {
  zeroise(&context.hmac, sizeof context.hmac);
  zeroise(&context.cmac, sizeof context.cmac);
  zeroise(&context.kmac, sizeof context.kmac);
  context.key.store(0, std::memory_order_relaxed);
  let_go(context.busy);
}
void wipe_context(CipherContext& context) {
  zeroise(&context.state, sizeof context.state);
  context.key.store(0, std::memory_order_relaxed);
  let_go(context.busy);
}

template <class Slots, class Handle, class Context>
void free_context(Slots& slots, HandleKind kind, Handle handle, Context* context) {
  CM_CHECK(slots.retire(kind, handle.v));
  wipe_context(*context);
  slots.release(handle_slot(handle.v));
}

// end_context: ends what is live in the slot when `chosen` says so, which is asked under the lock.
template <class Slots, class Context, class Chosen>
void end_context(Slots& slots, HandleKind kind, Context* all, uint32_t slot, Chosen chosen) {
  const uint64_t handle = slots.live_handle(slot);
  if (handle == 0) return;
  static_cast<void>(try_hold(all[slot].busy, kModule));
  if (chosen(all[slot]) && slots.retire(kind, handle)) {
    wipe_context(all[slot]);
    slots.release(slot);
  } else {
    let_go(all[slot].busy);  // its owner freed it while we waited
  }
}

template <class Slots, class Context>
void wipe_contexts(Slots& slots, HandleKind kind, Context* all) {
  for (uint32_t slot = 0; slot < Slots::kCount; ++slot)
    end_context(slots, kind, all, slot, [](const Context&) { return true; });
}

// end_contexts_of: the contexts of a key that nobody can use any more.
template <class Slots, class Context>
void end_contexts_of(uint64_t key, Slots& slots, HandleKind kind, Context* all) {
  const auto is_of_key = [key](const Context& c) { return c.key.load(std::memory_order_relaxed) == key; };
  slots.for_each_used([&](uint32_t slot) {
    if (is_of_key(all[slot])) end_context(slots, kind, all, slot, is_of_key);
  });
}

}  // namespace

size_t lasting_bytes() { return aligned(sizeof(KeyObject)) * kKeysMax; }
size_t fleeting_bytes() {
  return aligned(sizeof(KeyState) * kKeysMax) + aligned(sizeof(Session) * kSessionsMax) +
         aligned(sizeof(HashContext) * kContextsMax) + aligned(sizeof(MacContext) * kContextsMax) +
         aligned(sizeof(CipherContext) * kContextsMax);
}

size_t family_bytes() { return sizeof(SealCount) * kKeysMax; }

void init(uint8_t* lasting, uint8_t* fleeting, uint8_t* family) {
  g_seal_counts = reinterpret_cast<SealCount*>(family);
  g_keys = reinterpret_cast<KeyObject*>(lasting);
  g_key_states = reinterpret_cast<KeyState*>(fleeting);
  fleeting += aligned(sizeof(KeyState) * kKeysMax);
  g_sessions = reinterpret_cast<Session*>(fleeting);
  fleeting += aligned(sizeof(Session) * kSessionsMax);
  g_hashes = reinterpret_cast<HashContext*>(fleeting);
  fleeting += aligned(sizeof(HashContext) * kContextsMax);
  g_macs = reinterpret_cast<MacContext*>(fleeting);
  fleeting += aligned(sizeof(MacContext) * kContextsMax);
  g_ciphers = reinterpret_cast<CipherContext*>(fleeting);
}

// ------------------------------------------------------------------------------------------------ keys

KeyState* KeyUse::state() const { return &g_key_states[handle_slot(handle_)]; }

Status KeyUse::take_random_seal() const {
  std::atomic<uint64_t>& drawn = g_seal_counts[handle_slot(handle_)].drawn;
  const uint64_t before = drawn.fetch_add(1, std::memory_order_relaxed) - key_->seals_before;
  return before < kRandomIvLimit ? Status::kOk : Status::kExhausted;
}

uint64_t KeyUse::random_seals() const {
  const uint64_t drawn = g_seal_counts[handle_slot(handle_)].drawn.load(std::memory_order_relaxed);
  const uint64_t counted = drawn - key_->seals_before;
  return counted < kRandomIvLimit ? counted : kRandomIvLimit;
}

uint64_t KeyUse::counter_seals() const {
  const uint64_t taken = state()->counter.load(std::memory_order_relaxed), unused = leased_counters(handle_);
  return taken < unused ? 0 : taken - unused;
}

// renew_lease: takes the next counters of the key for this thread, and the first of them.
Status KeyUse::renew_lease(CounterLease& lease, uint64_t* counter) const {
  KeyState* state = this->state();
  if (state->handle.load(std::memory_order_relaxed) != handle_) return Status::kForked;
  if (state->counter.load(std::memory_order_relaxed) >= kCounterIvLimit) return Status::kExhausted;
  *counter = state->counter.fetch_add(kLeaseSize, std::memory_order_relaxed);
  lease.key.store(handle_, std::memory_order_relaxed);
  lease.next.store(*counter + 1, std::memory_order_relaxed);
  lease.left.store(kLeaseSize - 1, std::memory_order_relaxed);
  return Status::kOk;
}

Status KeyUse::take_sequence(uint64_t* number) const {
  KeyState* state = this->state();
  if (state->handle.load(std::memory_order_relaxed) != handle_) return Status::kForked;
  if (state->counter.load(std::memory_order_relaxed) >= kCounterIvLimit) return Status::kExhausted;
  *number = state->counter.fetch_add(1, std::memory_order_relaxed);
  return Status::kOk;
}

void expect_key() {
  constexpr size_t kLine = 64;
  constexpr size_t kExpected = offsetof(KeyObject, hmac) + sizeof(HmacKey);  // a longer form is written in order
  const uint32_t slot = g_key_slots.next();
  const auto* key = reinterpret_cast<const uint8_t*>(&g_keys[slot]);
  for (size_t i = 0; i < kExpected; i += kLine) __builtin_prefetch(key + i, 1);
  __builtin_prefetch(&g_key_states[slot], 1);
  __builtin_prefetch(&g_seal_counts[slot]);
}

KeyObject* new_key(uint32_t* slot) {
  *slot = g_key_slots.claim();
  if (*slot == g_key_slots.kNoSlot) return nullptr;
  KeyObject* key = &g_keys[*slot];
  key->seals_before = g_seal_counts[*slot].drawn.load(std::memory_order_relaxed) - inject::seals_before();
  return key;
}

cm_key publish_key(uint32_t slot) {
  KeyState& state = g_key_states[slot];
  state.counter.store(0, std::memory_order_relaxed);
  const uint64_t handle = g_key_slots.publish(HandleKind::kKey, slot);
  state.handle.store(handle, std::memory_order_release);
  return cm_key{handle};
}

void drop_key(uint32_t slot) {
  wipe_key(slot);
  g_key_slots.release(slot);
}

Status destroy_key(cm_key handle) {
  if (!g_key_slots.retire(HandleKind::kKey, handle.v)) return Status::kHandle;
  const uint32_t slot = handle_slot(handle.v);
  wait_for_key(slot);
  const uint32_t usage = g_keys[slot].usage;  // says which contexts to look for
  drop_key(slot);
  if ((usage & CM_USE_MAC) != 0) end_contexts_of(handle.v, g_mac_slots, HandleKind::kMac, g_macs);
  if ((usage & (CM_USE_ENCRYPT | CM_USE_DECRYPT)) != 0)
    end_contexts_of(handle.v, g_cipher_slots, HandleKind::kCipher, g_ciphers);
  return Status::kOk;
}

uint32_t keys_in_use() { return g_key_slots.in_use(); }

// ------------------------------------------------------------------------------------------------ sessions

Status open_session(const uint8_t* id, uint32_t role, cm_session* out) {
  const uint32_t slot = g_session_slots.claim();
  if (slot == g_session_slots.kNoSlot) return Status::kNoMemory;
  Session& session = g_sessions[slot];
  session.id[0].store(load_le64(id), std::memory_order_relaxed);
  session.id[1].store(load_le64(id + 8), std::memory_order_relaxed);
  session.role.store(role, std::memory_order_relaxed);
  out->v = g_session_slots.publish(HandleKind::kSession, slot);
  return Status::kOk;
}

Status close_session(cm_session handle) {
  if (!g_session_slots.retire(HandleKind::kSession, handle.v)) return Status::kHandle;
  const uint32_t slot = handle_slot(handle.v);
  g_sessions[slot].role.store(0, std::memory_order_relaxed);
  g_session_slots.release(slot);
  return Status::kOk;
}

Status why_no_session(cm_session handle) { return why_dead(g_session_slots, HandleKind::kSession, handle.v); }

// ------------------------------------------------------------------------------------------------ contexts

HashContext* new_hash(cm_hash* out) { return new_context(g_hash_slots, HandleKind::kHash, g_hashes, out); }
Status lock_hash(cm_hash handle, HashContext** out) {
  return lock_context(g_hash_slots, HandleKind::kHash, handle, g_hashes, out);
}
void unlock_hash(HashContext* context) { let_go(context->busy); }
void free_hash(cm_hash handle, HashContext* context) { free_context(g_hash_slots, HandleKind::kHash, handle, context); }

MacContext* new_mac(cm_mac* out, cm_key key) {
  MacContext* context = new_context(g_mac_slots, HandleKind::kMac, g_macs, out);
  if (context != nullptr) context->key.store(key.v, std::memory_order_relaxed);
  return context;
}
Status lock_mac(cm_mac handle, MacContext** out) {
  return lock_context(g_mac_slots, HandleKind::kMac, handle, g_macs, out);
}
void unlock_mac(MacContext* context) { let_go(context->busy); }
void free_mac(cm_mac handle, MacContext* context) { free_context(g_mac_slots, HandleKind::kMac, handle, context); }

CipherContext* new_cipher(cm_cipher* out, cm_key key) {
  CipherContext* context = new_context(g_cipher_slots, HandleKind::kCipher, g_ciphers, out);
  if (context != nullptr) context->key.store(key.v, std::memory_order_relaxed);
  return context;
}
Status lock_cipher(cm_cipher handle, CipherContext** out) {
  return lock_context(g_cipher_slots, HandleKind::kCipher, handle, g_ciphers, out);
}
void unlock_cipher(CipherContext* context) { let_go(context->busy); }
void free_cipher(cm_cipher handle, CipherContext* context) {
  free_context(g_cipher_slots, HandleKind::kCipher, handle, context);
}

// ------------------------------------------------------------------------------------------------ all of them

// All handles end before the first wait, so that no call can begin with any of them.
void zeroise_all(Zeroised& gone) {
  g_zeroisations.fetch_add(1, std::memory_order_seq_cst);
  gone.count = 0;
  for (uint32_t slot = 0; slot < kKeysMax; ++slot) {
    const uint64_t handle = g_key_slots.live_handle(slot);
    if (handle != 0 && g_key_slots.retire(HandleKind::kKey, handle)) gone.handles[gone.count++] = handle;
  }
  for (uint32_t i = 0; i < gone.count; ++i) {
    const uint32_t slot = handle_slot(gone.handles[i]);
    wait_for_key(slot);
    drop_key(slot);
  }
  wipe_contexts(g_hash_slots, HandleKind::kHash, g_hashes);
  wipe_contexts(g_mac_slots, HandleKind::kMac, g_macs);
  wipe_contexts(g_cipher_slots, HandleKind::kCipher, g_ciphers);
}

void record_zeroised(const Zeroised& gone, ZeroiseCause cause, uint64_t deadline_ns) {
  for (uint32_t i = 0; i < gone.count; ++i) record_end(gone.handles[i], cause, deadline_ns);
}

// Without a wait: nobody must wait for the writer now.
void record_not_handed_out(cm_key key) { record_end(key.v, ZeroiseCause::kNotHandedOut, 0); }

void close_sessions() {
  for (uint32_t slot = 0; slot < kSessionsMax; ++slot) {
    const uint64_t handle = g_session_slots.live_handle(slot);
    if (handle != 0) static_cast<void>(close_session(cm_session{handle}));
  }
}

void forget_parent() {
  g_key_slots.drop_unpublished([](uint32_t slot) { wipe_key(slot); });
  g_session_slots.disown();
  g_hash_slots.disown();
  g_mac_slots.disown();
  g_cipher_slots.disown();
}

}  // namespace cm::store
