// SPDX-License-Identifier: Apache-2.0
// gate.cpp: see gate.h. What is not on the path of every call.
#include "crypto/module/gate.h"

#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/base/check.h"
#include "crypto/module/power_on.h"

namespace cm {

std::atomic<uint32_t> g_policy{CM_POLICY_NONE};
std::atomic<uint32_t> g_closed{0};
std::atomic<uint64_t> g_reentered{0};
std::atomic<uint64_t> g_reentered_reported{0};

// reason_code: of a result; 0 unless it says why something was not approved.
uint16_t reason_code(Status status) {
  const auto rc = to_rc(status);
  return static_cast<uint16_t>(rc > 0 ? rc : 0);
}

void report_reentries() {
  const uint64_t now = g_reentered.load(std::memory_order_relaxed);
  uint64_t reported = g_reentered_reported.load(std::memory_order_relaxed);
  if (now == reported || !g_reentered_reported.compare_exchange_strong(reported, now, std::memory_order_relaxed))
    return;
  static_cast<void>(audit::event(static_cast<uint32_t>(audit::EventId::kHealthReentered), 0, now - reported, 0));
}

void latch_policy(uint32_t policy) { g_policy.store(policy, std::memory_order_release); }
void close_gate() { g_closed.store(1, std::memory_order_seq_cst); }
void open_gate() { g_closed.store(0, std::memory_order_release); }
uint64_t reentered_calls() { return g_reentered.load(std::memory_order_relaxed); }

ThreadState* Gate::refuse_entry(const ThreadState* thread) {
  if (thread != nullptr) refusal_ = Status::kReentry;
  if (refusal_ == Status::kReentry) g_reentered.fetch_add(1, std::memory_order_relaxed);
  if (refusal_ == Status::kNoMemory) audit::count_refused();
  return nullptr;
}

ThreadState* Gate::refuse_closed(ThreadState& thread) {
  thread.in_gate.store(0, std::memory_order_release);
  refusal_ = Status::kAudit;
  audit::count_refused();
  return nullptr;
}

Status Gate::recheck() const {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with zeroise_all: it sees the object or we see it
  if (const Status s = check_state(states_); !succeeded(s)) return s;
  return store::zeroisations() == zeroisations_ ? Status::kOk : Status::kErrorState;
}

void Gate::set_session(const uint8_t* id) {
  std::memcpy(session_.id, id, sizeof session_.id);
  call_.session_id = session_.id;
}

cm_rc Gate::leave(Status status, uint64_t bytes_out, Lane lane) {
  return leave_with(status, audit::exit_detail(succeeded(status) ? bytes_out : 0, lane, reason_code(status)));
}

cm_rc Gate::leave_batch(Status status, Status reason, uint64_t bytes_out, Lane lane) {
  return leave_with(status, audit::exit_detail(bytes_out, lane, reason_code(reason)));
}

cm_rc Gate::leave_with(Status status, uint64_t detail) {
  const auto rc = to_rc(status);
  audit::end(thread_->port, call_, status, detail);
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
