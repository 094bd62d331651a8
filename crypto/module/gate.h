// SPDX-License-Identifier: Apache-2.0
// gate.h: the one way into the module. Every service of the C interface makes a Gate first and ends with leave; nothing
// else calls an algorithm on a caller's behalf. The gate checks, in this order: a thread state, re-entry, gate closed,
// state, policy, session and role, audit (two reserved records, and the wait of the release class), state again. A call
// that gets as far as the session leaves an entry and an exit record when it is refused, unless it is the audit that
// refuses it; every other refusal is counted, re-entries by themselves and the rest for the next calls-refused record.
#pragma once
#include <cstdint>

#include "crypto/module/fsm.h"
#include "crypto/module/services.h"
#include "crypto/module/store.h"
#include "crypto/module/thread_state.h"

namespace cm {

class Gate {
 public:
  // object: the handle the call is about, 0 when none. session {0} is right only for services with Roles::kNone.
  Gate(const ServiceRow& row, cm_session session, uint64_t object, uint64_t bytes_in);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // open: false means the call is over: return refused().
  bool open() const { return thread_ != nullptr; }
  cm_rc refused() const { return to_rc(refusal_); }

  ThreadState& thread() const { return *thread_; }
  void set_object(uint64_t object) { call_.object = object; }
  // set_session: the exit record of cm_session_open carries the id of the session it made.
  void set_session(const uint8_t* id);

  // permit: turns a "not approved" reason into kPolicy when the approved-only policy is latched. Ask before any work.
  static Status permit(Status reason);

  // recheck: whether what this call has made may stay. Ask after it was published and before the caller gets it: when
  // the module has left its operational state meanwhile, zeroise_all may have missed it. The result to refuse with.
  Status recheck() const;

  // interrupts: audit::wait_interrupts() from before the state was looked at.
  uint32_t interrupts() const { return call_.interrupts; }

  // settle_by: the deadline of the wait after the exit of a class kActFirst call; wait_ms from there when not given.
  void settle_by(uint64_t deadline_ns) { settle_by_ = deadline_ns; }

  // leave: writes the exit record, moves the state machine when the status says so, and gives the caller's result.
  cm_rc leave(Status status, uint64_t bytes_out = 0, Lane lane = Lane::kNone);

 private:
  Status admit(const ServiceRow& row, cm_session session);
  Status admitted_still();

  ThreadState* thread_;
  Status refusal_;
  audit::Call call_;
  store::SessionView session_;
  StateMask states_;
  uint64_t zeroisations_;
  uint64_t settle_by_;
};

// latch_policy: from cm_policy_set; cleared by shutdown only.
void latch_policy(uint32_t policy);
uint32_t latched_policy();

// close_gate: no call gets in until open_gate; calls inside go on. Used by shutdown around the detach from the writer.
void close_gate();
void open_gate();
bool gate_closed();

uint64_t reentered_calls();

// leave_service: shutdown, zeroise and failure: moves the state machine, ends every wait for the writer and destroys
// all keys and contexts; only then the move and the destroyed keys are recorded, by one deadline for all of them, which
// is returned. self: also wait for the calls of all other threads to end and wipe the random generators; null for not.
// Not with a key or context in use.
uint64_t leave_service(FsmEvent event, Status cause, store::ZeroiseCause why, const ThreadState* self);

// enter_error_state: after a failure. Not with a key or context in use. Returns the deadline of its records.
uint64_t enter_error_state(Status cause);

}  // namespace cm
