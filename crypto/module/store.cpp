// SPDX-License-Identifier: Apache-2.0
// store.cpp: see store.h. No locks: slots are claimed by compare-and-swap and protected by hazards (thread_state.h).
#include "crypto/module/store.h"

#include <sched.h>

#include "audit/producer/producer.h"
#include "crypto/base/check.h"
#include "crypto/base/secret.h"
#include "selftest/inject.h"

namespace cm::store {
namespace {

// The tables of handles are no secrets and must survive fork, so that a stale handle is told from a forked one.
SlotTable<kKeysMax> g_key_slots;
SlotTable<kSessionsMax> g_session_slots;
SlotTable<kContextsMax> g_hash_slots;
SlotTable<kContextsMax> g_hmac_slots;

KeyObject* g_keys;
KeyState* g_key_states;
SealCount* g_seal_counts;
Session* g_sessions;
HashContext* g_hashes;
HmacContext* g_hmacs;

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

// lock_context: the busy flag first, then the handle again: it may have been freed and reused in between.
template <class Slots, class Handle, class Context>
Status lock_context(Slots& slots, HandleKind kind, Handle handle, Context* all, Context** out) {
  if (!slots.is_live(kind, handle.v)) return why_dead(slots, kind, handle.v);
  Context* context = &all[handle_slot(handle.v)];
  if (context->busy.exchange(1, std::memory_order_acquire) != 0) return Status::kBusy;
  if (!slots.is_live(kind, handle.v) || context->alive.load(std::memory_order_relaxed) == 0) {
    const Status why = slots.is_live(kind, handle.v) ? Status::kForked : Status::kHandle;
    context->busy.store(0, std::memory_order_release);
    return why;
  }
  *out = context;
  return Status::kOk;
}

template <class Slots, class Handle, class Context>
Context* new_context(Slots& slots, HandleKind kind, Context* all, Handle* out) {
  const uint32_t slot = slots.claim();
  if (slot == Slots::kNoSlot) return nullptr;
  all[slot].alive.store(1, std::memory_order_relaxed);
  all[slot].busy.store(1, std::memory_order_relaxed);  // the maker has the lock until it is filled in
  out->v = slots.publish(kind, slot);
  return &all[slot];
}

// wipe_context: the caller holds busy. The flags stay atomic: another thread may look at them with a stale handle.
void wipe_context(HashContext& context) {
  zeroise(&context.sha, sizeof context.sha);
  context.alive.store(0, std::memory_order_relaxed);
  context.busy.store(0, std::memory_order_release);
}
void wipe_context(HmacContext& context) {
  zeroise(&context.hmac, sizeof context.hmac);
  context.alive.store(0, std::memory_order_relaxed);
  context.busy.store(0, std::memory_order_release);
}

template <class Slots, class Handle, class Context>
void free_context(Slots& slots, HandleKind kind, Handle handle, Context* context) {
  CM_CHECK(slots.retire(kind, handle.v));
  wipe_context(*context);
  slots.release(handle_slot(handle.v));
}

template <class Slots, class Context>
void wipe_contexts(Slots& slots, HandleKind kind, Context* all) {
  for (uint32_t slot = 0; slot < Slots::kCount; ++slot) {
    const uint64_t handle = slots.live_handle(slot);
    if (handle == 0) continue;
    while (all[slot].busy.exchange(1, std::memory_order_acquire) != 0) sched_yield();
    if (slots.retire(kind, handle)) {
      wipe_context(all[slot]);
      slots.release(slot);
    } else {
      all[slot].busy.store(0, std::memory_order_release);  // its owner freed it while we waited
    }
  }
}

}  // namespace

size_t lasting_bytes() { return aligned(sizeof(KeyObject)) * kKeysMax; }
size_t fleeting_bytes() {
  return aligned(sizeof(KeyState) * kKeysMax) + aligned(sizeof(Session) * kSessionsMax) +
         aligned(sizeof(HashContext) * kContextsMax) + aligned(sizeof(HmacContext) * kContextsMax);
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
  g_hmacs = reinterpret_cast<HmacContext*>(fleeting);
}

// ------------------------------------------------------------------------------------------------ keys

KeyUse::KeyUse(ThreadState& thread, unsigned slot_of_thread, cm_key handle)
    : hazard_(thread.hazard[slot_of_thread]), key_(nullptr), handle_(handle.v) {
  const uint32_t slot = handle_slot(handle.v);
  if (slot >= kKeysMax) return;
  hazard_.store(slot + 1, std::memory_order_release);
  // The compiler must not look at the slot before the hazard is set; for the CPU, the destroyer's membarrier sees to
  // it.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (g_key_slots.is_live(HandleKind::kKey, handle.v)) key_ = &g_keys[slot];
}

KeyUse::~KeyUse() { hazard_.store(kNoHazard, std::memory_order_release); }

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

Status KeyUse::take_counter(uint64_t* counter) const {
  KeyState* state = this->state();
  if (state->handle.load(std::memory_order_relaxed) != handle_) return Status::kForked;
  if (state->counter.load(std::memory_order_relaxed) >= kCounterIvLimit) return Status::kExhausted;
  *counter = state->counter.fetch_add(1, std::memory_order_relaxed);
  return Status::kOk;
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
  drop_key(slot);
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

Status find_session(cm_session handle, SessionView* out) {
  if (!g_session_slots.is_live(HandleKind::kSession, handle.v))
    return why_dead(g_session_slots, HandleKind::kSession, handle.v);
  const Session& session = g_sessions[handle_slot(handle.v)];
  store_le64(out->id, session.id[0].load(std::memory_order_relaxed));
  store_le64(out->id + 8, session.id[1].load(std::memory_order_relaxed));
  out->role = session.role.load(std::memory_order_relaxed);
  // Closed and reused while it was copied: the handle has changed, and what was copied is not used.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (!g_session_slots.is_live(HandleKind::kSession, handle.v)) return Status::kHandle;
  return out->role == 0 ? Status::kForked : Status::kOk;
}

// ------------------------------------------------------------------------------------------------ contexts

HashContext* new_hash(cm_hash* out) { return new_context(g_hash_slots, HandleKind::kHash, g_hashes, out); }
Status lock_hash(cm_hash handle, HashContext** out) {
  return lock_context(g_hash_slots, HandleKind::kHash, handle, g_hashes, out);
}
void unlock_hash(HashContext* context) { context->busy.store(0, std::memory_order_release); }
void free_hash(cm_hash handle, HashContext* context) { free_context(g_hash_slots, HandleKind::kHash, handle, context); }

HmacContext* new_hmac(cm_hmac* out) { return new_context(g_hmac_slots, HandleKind::kHmac, g_hmacs, out); }
Status lock_hmac(cm_hmac handle, HmacContext** out) {
  return lock_context(g_hmac_slots, HandleKind::kHmac, handle, g_hmacs, out);
}
void unlock_hmac(HmacContext* context) { context->busy.store(0, std::memory_order_release); }
void free_hmac(cm_hmac handle, HmacContext* context) { free_context(g_hmac_slots, HandleKind::kHmac, handle, context); }

// ------------------------------------------------------------------------------------------------ all of them

void zeroise_all(ZeroiseCause cause) {
  for (uint32_t slot = 0; slot < kKeysMax; ++slot) {
    const uint64_t handle = g_key_slots.live_handle(slot);
    if (handle == 0 || !succeeded(destroy_key(cm_key{handle}))) continue;
    static_cast<void>(
        audit::event(static_cast<uint32_t>(audit::EventId::kKeyZeroised), 0, handle, static_cast<uint64_t>(cause)));
  }
  wipe_contexts(g_hash_slots, HandleKind::kHash, g_hashes);
  wipe_contexts(g_hmac_slots, HandleKind::kHmac, g_hmacs);
}

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
  g_hmac_slots.disown();
}

}  // namespace cm::store
