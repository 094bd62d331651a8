// SPDX-License-Identifier: Apache-2.0
// c_abi_control.cpp: life cycle, status and control of the module.
#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/base/no_cancel.h"
#include "crypto/module/arena.h"
#include "crypto/module/c_abi.h"
#include "crypto/module/fork.h"
#include "crypto/module/fsm.h"
#include "crypto/module/integrity.h"
#include "crypto/module/integrity_image.h"
#include "crypto/module/lanes.h"
#include "crypto/module/power_on.h"

namespace {
using namespace cm;  // NOLINT(google-build-using-namespace): this file is the module's C face

constexpr uint32_t kDefaultRingRecords = 4096;
constexpr uint32_t kDefaultRingCount = 128;
constexpr uint32_t kDefaultWaitMs = 2000;
constexpr uint32_t kMaxWaitMs = 600'000;
constexpr size_t kMaxPath = 3500;  // leaves room for what is appended, below PATH_MAX

#ifndef CM_BUILD_NAME
#error "CMake gives CM_BUILD_NAME"
#endif

std::atomic<uint32_t> g_attached{0};
std::atomic_flag g_life_cycle = ATOMIC_FLAG_INIT;  // one of init, shutdown, zeroise, retest at a time

class LifeCycle {
 public:
  LifeCycle() : owned_(!g_life_cycle.test_and_set(std::memory_order_acquire)) {}
  ~LifeCycle() {
    if (owned_) g_life_cycle.clear(std::memory_order_release);
  }
  LifeCycle(const LifeCycle&) = delete;
  LifeCycle& operator=(const LifeCycle&) = delete;
  bool owned() const { return owned_; }

 private:
  NoCancel no_cancel_;
  bool owned_;
};

void copy_text(char* out, size_t capacity, const char* text) {
  size_t n = 0;
  while (n + 1 < capacity && text[n] != 0) out[n] = text[n], ++n;
  out[n] = 0;
}

size_t append_text(char* out, size_t used, size_t capacity, const char* text) {
  copy_text(out + used, capacity - used, text);
  while (out[used] != 0) ++used;
  return used;
}

void lanes_text(char* out, size_t capacity) {
  const State state = current_state();
  out[0] = 0;
  if (state == State::kPowerOn || state == State::kError) return;
  const struct {
    const char* label;
    Lane lane;
  } all[] = {{"aes=", lanes().aes},         {" gcm=", lanes().gcm},
             {" sha-256=", lanes().sha256}, {" chacha20-poly1305=", lanes().chacha},
             {" sha-1=", lanes().sha1},     {" sha-512=", lanes().sha512},
             {" sha-3=", lanes().keccak},   {" hash-batch=", lanes().hash_multi}};
  size_t used = 0;
  for (const auto& one : all) {
    used = append_text(out, used, capacity, one.label);
    used = append_text(out, used, capacity, lane_name(one.lane));
  }
}

// ---- init

bool path_fits(const char* path) {
  return path == nullptr || (path[0] != 0 && strnlen(path, kMaxPath + 1) <= kMaxPath);
}

Status check_init(const cm_init_params& p, audit::AttachConfig& config, const uint8_t* digest) {
  const bool service_writer = p.audit_socket != nullptr;
  const bool private_writer = p.audit_dir != nullptr;
  if (service_writer == private_writer) return Status::kArgument;
  for (const char* path : {p.audit_socket, p.audit_dir, p.tpm_dir, p.trust_dir, p.tcti, p.writer_path})
    if (!path_fits(path)) return Status::kArgument;
  config = {p.audit_socket,
            p.audit_dir,
            p.tpm_dir,
            p.trust_dir,
            p.tcti,
            p.writer_path,
            p.ring_records != 0 ? p.ring_records : kDefaultRingRecords,
            p.ring_count != 0 ? p.ring_count : kDefaultRingCount,
            p.wait_ms != 0 ? p.wait_ms : kDefaultWaitMs,
            digest,
            {},
            {}};
  if (config.wait_ms > kMaxWaitMs || config.ring_count >= audit::kRingCountMax) return Status::kArgument;
  if (!audit::ring_geometry_valid(config.ring_count + 1, config.ring_records)) return Status::kArgument;
  copy_text(config.module_version, sizeof config.module_version, CM_VERSION_STRING);
  lanes_text(config.lanes, sizeof config.lanes);
  return Status::kOk;
}

Status init_body(const cm_init_params* params) {
  uint8_t digest[kIntegrityDigestSize];
  integrity_digest(digest);
  cm_init_params copy{};
  if (const Status s = abi::take_struct(params, copy); !succeeded(s)) return s;
  audit::AttachConfig config{};
  if (const Status s = check_init(copy, config, digest); !succeeded(s)) return s;
  const LifeCycle turn;
  if (!turn.owned()) return Status::kBusy;
  if (g_attached.load(std::memory_order_acquire) != 0) return Status::kState;
  if (current_state() == State::kZeroised) {
    selftest::Report report;
    static_cast<void>(full_retest(report));  // a failure is in the state, and is connected below like one at load
    lanes_text(config.lanes, sizeof config.lanes);
  }
  if (const Status s = audit::attach(config); !succeeded(s)) return s;
  g_attached.store(1, std::memory_order_release);
  if (current_state() == State::kReady && !integrity_confirmed()) return Status::kIntegrity;
  if (apply(FsmEvent::kAttached, 0) == State::kOperational) return Status::kOk;
  FailureInfo failure;
  failure_info(failure);
  return succeeded(failure.cause) ? Status::kErrorState : failure.cause;
}

// ---- shutdown and zeroise

Status detach_writer() {
  if (g_attached.exchange(0, std::memory_order_acq_rel) == 0) return Status::kOk;
  return audit::detach();
}

cm_rc shutdown_and_detach(Gate& gate) {
  const LifeCycle turn;
  if (!turn.owned()) return gate.leave(Status::kBusy);
  gate.settle_by(leave_service(FsmEvent::kShutdown, Status::kOk, store::ZeroiseCause::kShutdown, &gate.thread()));
  store::close_sessions();
  const ThreadState& self = gate.thread();
  const cm_rc rc = gate.leave(Status::kOk);
  close_gate();
  wait_for_others(&self);
  const Status detached = detach_writer();
  latch_policy(CM_POLICY_NONE);
  open_gate();
  return CM_SUCCEEDED(rc) && !succeeded(detached) ? to_rc(detached) : rc;
}

Status zeroise_body(Gate& gate) {
  const LifeCycle turn;
  if (!turn.owned()) return Status::kBusy;
  gate.settle_by(leave_service(FsmEvent::kZeroise, Status::kOk, store::ZeroiseCause::kZeroise, &gate.thread()));
  return Status::kOk;
}

// ---- self-test on demand

const char* name_of(CastId id) {
  for (const CastRow& row : kCasts)
    if (row.id == id) return row.name;
  return "unknown";
}

void fill_rows(const selftest::Report& report, cm_selftest_row* rows, size_t rows_size) {
  for (size_t i = 0; i < report.count && i < rows_size; ++i) {
    const selftest::Outcome& o = report.outcomes[i];
    rows[i] = {};
    copy_text(rows[i].name, sizeof rows[i].name, name_of(o.id));
    copy_text(rows[i].lane, sizeof rows[i].lane, lane_name(o.lane));
    rows[i].result = to_rc(o.status);
    rows[i].ns = o.ns;
  }
}

// selftest_body: in the error state a full re-test is the way out; else the tests run beside the service and only a
// failure changes the state (gate.leave sees to that).
Status selftest_body(cm_selftest_row* rows, size_t rows_size, size_t* rows_count) {
  if (rows_count == nullptr || (rows == nullptr && rows_size != 0)) return Status::kNull;
  if (rows_size > SIZE_MAX / sizeof *rows) return Status::kLength;
  if (overlaps(rows, rows_size * sizeof *rows, rows_count, sizeof *rows_count)) return Status::kOverlap;
  const LifeCycle turn;
  if (!turn.owned()) return Status::kBusy;
  selftest::Report report;
  if (current_state() == State::kError) {
    if (succeeded(full_retest(report)) && g_attached.load(std::memory_order_acquire) != 0)
      apply(FsmEvent::kAttached, 0);
  } else {
    run_self_tests(report);
  }
  fill_rows(report, rows, rows_size);
  *rows_count = report.count;
  return report.status;
}

// ---- status and version

const char* tpm_text(uint32_t kind) {
  constexpr const char* kNone = "none";
  return kind == 1 ? "software" : kind == 2 ? "device" : kNone;
}

Status status_body(cm_status_info* out) {
  if (out == nullptr) return Status::kNull;
  if (out->struct_size != sizeof *out) return Status::kArgument;
  cm_status_info now{};
  now.struct_size = sizeof now;
  now.state = static_cast<uint32_t>(current_state());
  now.policy = latched_policy();
  FailureInfo failure;
  failure_info(failure);
  now.error = to_rc(failure.cause);
  copy_text(now.failed_test, sizeof now.failed_test, failure.name);
  lanes_text(now.lanes, sizeof now.lanes);
  integrity_digest(now.module_digest);
  audit::AuditInfo audit_info{};
  audit::info(audit_info);
  now.audit = static_cast<uint32_t>(audit_info.state);
  std::memcpy(now.log_id, audit_info.log_id, sizeof now.log_id);
  copy_text(now.tpm, sizeof now.tpm, tpm_text(audit_info.tpm_kind));
  copy_text(now.arena, sizeof now.arena, arena::locked() ? "locked" : "unlocked");
  audit::last_writer_error(now.audit_error, sizeof now.audit_error);
  now.load_to_ready_ns = load_to_ready_ns();
  now.writer_connect_ns = audit_info.connect_ns;
  now.keys_in_use = store::keys_in_use();
  now.refused_calls = audit_info.refused;
  now.reentered_calls = reentered_calls();
  *out = now;  // built apart: the caller's memory is written once and never read back
  return Status::kOk;
}

Status version_body(cm_version_info* out) {
  if (out == nullptr) return Status::kNull;
  if (out->struct_size != sizeof *out) return Status::kArgument;
  *out = {};
  out->struct_size = sizeof *out;
  out->abi = 1;
  copy_text(out->name, sizeof out->name, "libcryptomod");
  copy_text(out->version, sizeof out->version, CM_VERSION_STRING);
  copy_text(out->build, sizeof out->build, CM_BUILD_NAME);
  integrity_digest(out->module_digest);
  return Status::kOk;
}

Status policy_body(uint32_t policy) {
  if (policy != CM_POLICY_APPROVED_ONLY && policy != CM_POLICY_NONE) return Status::kArgument;
  if (policy == CM_POLICY_NONE && latched_policy() != CM_POLICY_NONE) return Status::kPolicy;
  latch_policy(policy);
  return Status::kOk;
}

}  // namespace

bool cm::forget_parent_call() {
  g_life_cycle.clear(std::memory_order_relaxed);
  return g_attached.load(std::memory_order_relaxed) != 0;
}

void cm::settle_parent_state() {
  if (current_state() == State::kSelfTest) {
    selftest::Report report;
    restart();
    static_cast<void>(full_retest(report));
  }
  const State state = current_state();
  // The parent's thread that was to end every key may not have come to the last one.
  if (state == State::kError || state == State::kZeroised) {
    store::Zeroised gone;
    store::zeroise_all(gone);
    store::record_zeroised(gone, store::ZeroiseCause::kFork, audit::wait_deadline());
  }
  const bool attached = g_attached.load(std::memory_order_relaxed) != 0;
  if (state == State::kReady && attached && integrity_confirmed()) apply(FsmEvent::kAttached, 0);
}

CM_EXPORT cm_rc cm_init(const cm_init_params* params) {
  Gate gate(service(EventId::kInit), cm_session{0}, 0, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(init_body(params));
}

CM_EXPORT cm_rc cm_shutdown(void) {
  Gate gate(service(EventId::kShutdown), cm_session{0}, 0, 0);
  if (!gate.open()) return gate.refused();
  return shutdown_and_detach(gate);
}

CM_EXPORT cm_rc cm_status(cm_status_info* out) {
  Gate gate(service(EventId::kStatus), cm_session{0}, 0, 0);
  if (!gate.open()) {
    // Every state has this service, so it is refused for the error state only where the module has no memory at all.
    if (gate.refused() == CM_ERR_ERROR_STATE) static_cast<void>(status_body(out));
    return gate.refused();
  }
  return gate.leave(status_body(out));
}

CM_EXPORT cm_rc cm_version(cm_version_info* out) {
  Gate gate(service(EventId::kVersion), cm_session{0}, 0, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(version_body(out));
}

CM_EXPORT cm_rc cm_selftest(cm_session session, cm_selftest_row* rows, size_t rows_size, size_t* rows_count) {
  Gate gate(service(EventId::kSelftest), session, 0, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(selftest_body(rows, rows_size, rows_count));
}

CM_EXPORT cm_rc cm_policy_set(cm_session session, uint32_t policy) {
  Gate gate(service(EventId::kPolicySet), session, policy, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(policy_body(policy));
}

CM_EXPORT cm_rc cm_zeroise(cm_session session) {
  Gate gate(service(EventId::kZeroise), session, 0, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(zeroise_body(gate));
}

CM_EXPORT cm_rc cm_audit_sync(cm_session session, int anchored, uint32_t timeout_ms) {
  Gate gate(service(EventId::kAuditSync), session, static_cast<uint64_t>(anchored != 0), 0);
  if (!gate.open()) return gate.refused();
  if (timeout_ms > kMaxWaitMs) return gate.leave(Status::kArgument);
  const Status s = audit::sync(gate.thread().port, anchored != 0, timeout_ms, gate.interrupts());
  const Status state = gate.recheck();
  return gate.leave(succeeded(s) || succeeded(state) ? s : state);
}
