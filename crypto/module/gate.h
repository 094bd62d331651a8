// SPDX-License-Identifier: Apache-2.0
// gate.h: the one way into the module. Every service of the C interface makes a Gate first and ends with leave; nothing
// else calls an algorithm on a caller's behalf. The gate checks, in this order: re-entry, audit (two reserved records),
// state, policy, session and role. A refused call leaves an entry and an exit record like any other.
#pragma once
#include <cstdint>

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

  // leave: writes the exit record, moves the state machine when the status says so, and gives the caller's result.
  cm_rc leave(Status status, uint64_t bytes_out = 0, Lane lane = Lane::kNone);

 private:
  Status admit(const ServiceRow& row, cm_session session);

  ThreadState* thread_;
  Status refusal_;
  audit::Call call_;
  store::SessionView session_;
};

// latch_policy: from cm_policy_set; cleared by shutdown only.
void latch_policy(uint32_t policy);
uint32_t latched_policy();

// close_gate: no call gets in until open_gate; calls inside go on. Used by shutdown around the detach from the writer.
void close_gate();
void open_gate();
bool gate_closed();

uint64_t reentered_calls();

// enter_error_state: after a failure: moves the state machine and destroys every key. Not with a key or context in use.
void enter_error_state(Status cause);

}  // namespace cm
