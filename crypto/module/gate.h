// SPDX-License-Identifier: Apache-2.0
// gate.h: the one way into the module. Every service of the C interface makes a Gate first and ends with leave; nothing
// else calls an algorithm on a caller's behalf. The gate checks, in this order: a thread state, re-entry, gate closed,
// state, policy, session and role, audit (two reserved records, and the wait of the release class), state again. A call
// that gets as far as the session leaves an entry and an exit record when it is refused, unless it is the audit that
// refuses it; every other refusal is counted, re-entries by themselves and the rest for the next calls-refused record.
//
// The path of an admitted class C call takes no lock, makes no system call and touches the clock twice. It is in line,
// so that what the row says costs nothing at run time.
#pragma once
#include <atomic>
#include <cstdint>

#include "crypto/module/fsm.h"
#include "crypto/module/services.h"
#include "crypto/module/store.h"
#include "crypto/module/thread_state.h"

namespace cm {

// The gate's own words; gate.cpp alone writes them.
extern std::atomic<uint32_t> g_policy;
extern std::atomic<uint32_t> g_closed;
extern std::atomic<uint64_t> g_reentered;
extern std::atomic<uint64_t> g_reentered_reported;

// latch_policy: from cm_policy_set; cleared by shutdown only.
void latch_policy(uint32_t policy);
inline uint32_t latched_policy() { return g_policy.load(std::memory_order_acquire); }

// close_gate: no call gets in until open_gate; calls inside go on. Used by shutdown around the detach from the writer.
void close_gate();
void open_gate();
inline bool gate_closed() { return g_closed.load(std::memory_order_acquire) != 0; }

// report_reentries: a re-entered call cannot be recorded where it happens (the interrupted call may be in the middle of
// a record), so the next call of any thread reports the count.
void report_reentries();
uint64_t reentered_calls();

// check_state: kOk when the present state is one of these.
inline Status check_state(StateMask states) {
  const State state = current_state();
  if ((states & state_bit(static_cast<uint32_t>(state))) != 0) [[likely]]
    return Status::kOk;
  return state == State::kError ? Status::kErrorState : Status::kState;
}

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
  static Status permit(Status reason) {
    const bool not_approved = static_cast<int32_t>(reason) > 0;
    return not_approved && latched_policy() == CM_POLICY_APPROVED_ONLY ? Status::kPolicy : reason;
  }

  // recheck: whether what this call has made may stay. Ask after it was published and before the caller gets it: when
  // the module has left its operational state meanwhile, zeroise_all may have missed it. The result to refuse with.
  Status recheck() const;

  // interrupts: audit::wait_interrupts() from before the state was looked at.
  uint32_t interrupts() const { return call_.interrupts; }

  // record: an event that is part of this call (audit::call_event). Not with a key in use: it may wait for room.
  Status record(EventId event, uint64_t object, uint32_t number) const {
    return audit::call_event(thread_->port, call_, event, object, number);
  }

  // settle_by: the deadline of the wait after the exit of a class kActFirst call; wait_ms from there when not given.
  void settle_by(uint64_t deadline_ns) { settle_by_ = deadline_ns; }

  // leave: writes the exit record, moves the state machine when the status says so, and gives the caller's result.
  cm_rc leave(Status status, uint64_t bytes_out = 0, Lane lane = Lane::kNone);
  // leave_batch: the same with what the jobs that succeeded did, which is recorded whatever the result: bytes, and why
  // the first of them that was not approved was not (reason, or kOk).
  cm_rc leave_batch(Status status, Status reason, uint64_t bytes_out, Lane lane);

 private:
  cm_rc leave_with(Status status, uint64_t detail);
  ThreadState* enter();
  ThreadState* refuse_entry(const ThreadState* thread);
  ThreadState* refuse_closed(ThreadState& thread);
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

// leave_service: shutdown, zeroise and failure: moves the state machine, ends every wait for the writer and destroys
// all keys and contexts; only then the move and the destroyed keys are recorded, by one deadline for all of them, which
// is returned. self: also wait for the calls of all other threads to end and wipe the random generators; null for not.
// Not with a key or context in use.
uint64_t leave_service(FsmEvent event, Status cause, store::ZeroiseCause why, const ThreadState* self);

// enter_error_state: after a failure. Not with a key or context in use. Returns the deadline of its records.
uint64_t enter_error_state(Status cause);

// ------------------------------------------------------------------------------------------------ in line

inline Gate::Gate(const ServiceRow& row, cm_session session, uint64_t object, uint64_t bytes_in)
    : thread_(nullptr),
      refusal_(Status::kOk),
      call_{row.id, row.release, nullptr, object, bytes_in, audit::wait_interrupts()},
      session_{},
      states_(row.states),
      zeroisations_(0),
      settle_by_(audit::kWaitMsFromNow) {
  ThreadState* thread = enter();
  if (thread == nullptr) [[unlikely]]
    return;
  Status admitted = admit(row, session);
  // A call that is refused anyway does not wait for the TPM or the disk.
  if (!succeeded(admitted)) call_.release = ReleaseClass::kC;
  refusal_ = audit::begin(thread->port, call_);
  if (succeeded(admitted)) admitted = admitted_still();
  if (succeeded(refusal_) && !succeeded(admitted)) {
    refusal_ = admitted;
    audit::end(thread->port, call_, admitted, 0);
  }
  if (!succeeded(refusal_)) [[unlikely]] {
    thread->in_gate.store(0, std::memory_order_release);
    return;
  }
  thread_ = thread;
}

// enter: the thread's state, marked as in the gate; null when refusal_ says why not.
inline ThreadState* Gate::enter() {
  ThreadState* thread = thread_state(&refusal_);
  if (thread == nullptr || thread->in_gate.load(std::memory_order_relaxed) != 0) [[unlikely]]
    return refuse_entry(thread);
  thread->in_gate.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (gate_closed()) [[unlikely]]
    return refuse_closed(*thread);
  if (g_reentered.load(std::memory_order_relaxed) != g_reentered_reported.load(std::memory_order_relaxed)) [[unlikely]]
    report_reentries();
  return thread;
}

// admit: everything but the audit. The session is looked up first because its id belongs into the entry record.
inline Status Gate::admit(const ServiceRow& row, cm_session session) {
  Status session_status = Status::kOk;
  if (row.roles != Roles::kNone || session.v != 0) {
    session_status = store::find_session(session, &session_);
    if (succeeded(session_status)) call_.session_id = session_.id;
  }
  if (const Status s = check_state(row.states); !succeeded(s)) return s;
  if (row.approval == Approval::kNever && latched_policy() == CM_POLICY_APPROVED_ONLY) return Status::kPolicy;
  if (!succeeded(session_status)) return session_status;
  if (row.roles == Roles::kOfficer && session_.role != CM_ROLE_OFFICER) return Status::kRole;
  return Status::kOk;
}

// admitted_still: the wait for the writer may have been long, and the module may have left the state meanwhile.
// The number of zeroisations is taken before the state: one that recheck cannot see then shows in the state.
inline Status Gate::admitted_still() {
  zeroisations_ = store::zeroisations();
  return check_state(states_);
}

}  // namespace cm
