// SPDX-License-Identifier: Apache-2.0
// gate.cpp: see gate.h. The path of an admitted class C call takes no lock, makes no system call and touches the clock
// twice.
#include "crypto/module/gate.h"

#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/base/check.h"
#include "crypto/module/power_on.h"

namespace cm {
namespace {

std::atomic<uint32_t> g_policy{CM_POLICY_NONE};
std::atomic<uint32_t> g_closed{0};
std::atomic<uint64_t> g_reentered{0};
std::atomic<uint64_t> g_reentered_reported{0};

// report_reentries: a re-entered call cannot be recorded where it happens (the interrupted call may be in the middle of
// a record), so the next call of any thread reports the count.
void report_reentries() {
  const uint64_t now = g_reentered.load(std::memory_order_relaxed);
  uint64_t reported = g_reentered_reported.load(std::memory_order_relaxed);
  if (now == reported || !g_reentered_reported.compare_exchange_strong(reported, now, std::memory_order_relaxed))
    return;
  static_cast<void>(audit::event(static_cast<uint32_t>(audit::EventId::kHealthReentered), 0, now - reported, 0));
}

Status state_refusal(State state) { return state == State::kError ? Status::kErrorState : Status::kState; }

// check_state: kOk when the present state is one of these.
Status check_state(StateMask states) {
  const State state = current_state();
  return (states & state_bit(static_cast<uint32_t>(state))) != 0 ? Status::kOk : state_refusal(state);
}

}  // namespace

void latch_policy(uint32_t policy) { g_policy.store(policy, std::memory_order_release); }
uint32_t latched_policy() { return g_policy.load(std::memory_order_acquire); }
void close_gate() { g_closed.store(1, std::memory_order_seq_cst); }
void open_gate() { g_closed.store(0, std::memory_order_release); }
bool gate_closed() { return g_closed.load(std::memory_order_acquire) != 0; }
uint64_t reentered_calls() { return g_reentered.load(std::memory_order_relaxed); }

Status Gate::permit(Status reason) {
  const bool not_approved = static_cast<int32_t>(reason) > 0;
  return not_approved && latched_policy() == CM_POLICY_APPROVED_ONLY ? Status::kPolicy : reason;
}

// admit: everything but the audit. The session is looked up first because its id belongs into the entry record.
Status Gate::admit(const ServiceRow& row, cm_session session) {
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
Status Gate::admitted_still() {
  zeroisations_ = store::zeroisations();
  return check_state(states_);
}

Status Gate::recheck() const {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with zeroise_all: it sees the object or we see it
  if (const Status s = check_state(states_); !succeeded(s)) return s;
  return store::zeroisations() == zeroisations_ ? Status::kOk : Status::kErrorState;
}

Gate::Gate(const ServiceRow& row, cm_session session, uint64_t object, uint64_t bytes_in)
    : thread_(nullptr),
      refusal_(Status::kOk),
      call_{row.id, row.release, nullptr, object, bytes_in, audit::wait_interrupts()},
      session_{},
      states_(row.states),
      zeroisations_(0),
      settle_by_(audit::kWaitMsFromNow) {
  ThreadState* thread = thread_state(&refusal_);
  if (thread == nullptr) {
    if (refusal_ == Status::kReentry) g_reentered.fetch_add(1, std::memory_order_relaxed);
    if (refusal_ == Status::kNoMemory) audit::count_refused();
    return;
  }
  if (thread->in_gate.load(std::memory_order_relaxed) != 0) {
    g_reentered.fetch_add(1, std::memory_order_relaxed);
    refusal_ = Status::kReentry;
    return;
  }
  thread->in_gate.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (g_closed.load(std::memory_order_acquire) != 0) {
    thread->in_gate.store(0, std::memory_order_release);
    refusal_ = Status::kAudit;
    audit::count_refused();
    return;
  }
  if (g_reentered.load(std::memory_order_relaxed) != g_reentered_reported.load(std::memory_order_relaxed))
    report_reentries();

  Status admitted = admit(row, session);
  // A call that is refused anyway does not wait for the TPM or the disk.
  if (!succeeded(admitted)) call_.release = ReleaseClass::kC;
  refusal_ = audit::begin(thread->port, call_);
  if (succeeded(admitted)) admitted = admitted_still();
  if (succeeded(refusal_) && !succeeded(admitted)) {
    refusal_ = admitted;
    audit::end(thread->port, call_, admitted, 0);
  }
  if (!succeeded(refusal_)) {
    thread->in_gate.store(0, std::memory_order_release);
    return;
  }
  thread_ = thread;
}

void Gate::set_session(const uint8_t* id) {
  std::memcpy(session_.id, id, sizeof session_.id);
  call_.session_id = session_.id;
}

cm_rc Gate::leave(Status status, uint64_t bytes_out, Lane lane) {
  const auto rc = to_rc(status);
  const auto reason = static_cast<uint16_t>(rc > 0 ? rc : 0);
  audit::end(thread_->port, call_, status, audit::exit_detail(rc < 0 ? 0 : bytes_out, lane, reason));
  if (rc < 0) [[unlikely]] {
    const StatusRow* row = status_row(rc);
    if (row != nullptr && row->moves_to_error) settle_by_ = enter_error_state(status);
  }
  if (call_.release == ReleaseClass::kActFirst && !succeeded(audit::settle(thread_->port, settle_by_)) && rc >= 0)
    status = Status::kAuditPending;
  thread_->in_gate.store(0, std::memory_order_release);
  thread_ = nullptr;
  return to_rc(status);
}

// A service that returned without leave would leave an entry without exit: that is a defect of the module.
Gate::~Gate() { CM_CHECK(thread_ == nullptr); }

uint64_t leave_service(FsmEvent event, Status cause, store::ZeroiseCause why, const ThreadState* self) {
  const Move moved = move(event);
  audit::interrupt_waits();
  store::Zeroised gone;
  store::zeroise_all(gone);
  if (self != nullptr) {
    wait_for_others(self);
    zeroise_thread_secrets();
  }
  const uint64_t deadline_ns = audit::wait_deadline();
  record_move(moved, to_rc(cause), deadline_ns);
  store::record_zeroised(gone, why, deadline_ns);
  return deadline_ns;
}

// The failure is noted first: whoever finds the module in the error state also finds the cause.
uint64_t enter_error_state(Status cause) {
  note_failure(cause == Status::kEntropy ? "entropy" : "", "", cause);
  return leave_service(FsmEvent::kFailure, cause, store::ZeroiseCause::kErrorState, nullptr);
}

}  // namespace cm
