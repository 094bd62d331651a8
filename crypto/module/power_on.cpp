// SPDX-License-Identifier: Apache-2.0
// power_on.cpp: the library's constructor: memory, self-tests, lanes. No threads, files or processes are made here
// (ISO/IEC 19790 7.10.2: pre-operational tests run without the operator and before any output).
#include "crypto/module/power_on.h"

#include <time.h>

#include <atomic>

#include "audit/producer/producer.h"
#include "crypto/base/bytes.h"
#include "crypto/base/no_cancel.h"
#include "crypto/base/secret.h"
#include "crypto/imb/imb.h"
#include "crypto/module/arena.h"
#include "crypto/module/fork.h"
#include "crypto/module/fsm.h"
#include "crypto/module/integrity.h"
#include "crypto/module/services.h"
#include "crypto/module/store.h"
#include "crypto/module/thread_state.h"

namespace cm {

std::atomic<uint64_t> g_lanes;

namespace {

uint64_t g_load_ns;
Status g_memory;  // outcome of set_up_memory

std::atomic_flag g_failure_lock = ATOMIC_FLAG_INIT;
FailureInfo g_failure{Status::kOk, {}};

class FailureLock {
 public:
  FailureLock() {
    while (g_failure_lock.test_and_set(std::memory_order_acquire)) __builtin_ia32_pause();
  }
  ~FailureLock() { g_failure_lock.clear(std::memory_order_release); }
};

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

size_t append(char* out, size_t used, size_t capacity, const char* text) {
  while (*text != 0 && used + 1 < capacity) out[used++] = *text++;
  out[used] = 0;
  return used;
}

// The log names self-tests and states from audit/events.h, which cannot see the tables of the module.
constexpr bool names_match_registry() {
  for (const CastRow& row : kCasts) {
    const char* name = audit::numbered_name(audit::kSelfTestNames, static_cast<uint32_t>(row.id));
    if (name == nullptr || !detail::same_text(name, row.name)) return false;
  }
  for (const StateName& row : kStateNames) {
    const char* name = audit::numbered_name(audit::kStateEventNames, static_cast<uint32_t>(row.state));
    if (name == nullptr || !detail::same_text(name, row.name)) return false;
  }
  return sizeof audit::kSelfTestNames / sizeof audit::kSelfTestNames[0] == sizeof kCasts / sizeof kCasts[0] &&
         sizeof audit::kStateEventNames / sizeof audit::kStateEventNames[0] == kStateCount;
}
static_assert(names_match_registry(), "audit/events.h must name every self-test and every state");

const char* cast_name(CastId id) {
  for (const CastRow& row : kCasts)
    if (row.id == id) return row.name;
  return "unknown";
}

// record_outcomes: into the audit log; the first failure is named for cm_status.
void record_outcomes(const selftest::Report& report) {
  for (size_t i = 0; i < report.count; ++i) {
    const selftest::Outcome& o = report.outcomes[i];
    static_cast<void>(audit::event(static_cast<uint32_t>(audit::EventId::kCast) + static_cast<uint32_t>(o.id),
                                   static_cast<uint32_t>(to_rc(o.status)), 0, audit::self_test_detail(o.lane, o.ns)));
  }
  if (succeeded(report.status)) return;
  const selftest::Outcome& failed = report.outcomes[report.first_failed];
  note_failure(cast_name(failed.id), failed.lane == Lane::kNone ? "" : lane_name(failed.lane), report.status);
}

// set_up_memory: the states of threads come last: without them every call is refused before it touches the rest.
Status set_up_memory() {
  const size_t first = 64 + thread_states_bytes();
  if (const Status s = arena::map(store::lasting_bytes(), first + store::fleeting_bytes(), store::family_bytes());
      !succeeded(s))
    return s;
  store::init(arena::lasting(), arena::fleeting() + first, arena::family());
  if (const Status s = fork_init(reinterpret_cast<uint64_t*>(arena::fleeting())); !succeeded(s)) return s;
  return thread_states_init(arena::fleeting() + 64);
}

Status fail_tests(Status cause) {
  apply(FsmEvent::kTestsFailed, to_rc(cause));
  return cause;
}

// Priority 1000: before integrity_guard.cpp, which has none and therefore comes later.
__attribute__((constructor(1000))) void power_on() {
  const uint64_t begin = now_ns();
  g_memory = set_up_memory();
  selftest::Report report;
  static_cast<void>(full_retest(report));
  g_load_ns = now_ns() - begin;
}

}  // namespace

uint64_t load_to_ready_ns() { return g_load_ns; }

void note_failure(const char* name, const char* lane, Status cause) {
  const FailureLock lock;
  if (g_failure.cause != Status::kOk) return;
  g_failure.cause = cause;
  size_t used = append(g_failure.name, 0, sizeof g_failure.name, name);
  if (lane[0] == 0) return;
  used = append(g_failure.name, used, sizeof g_failure.name, ":");
  append(g_failure.name, used, sizeof g_failure.name, lane);
}

void failure_info(FailureInfo& out) {
  const FailureLock lock;
  out = g_failure;
}

void forget_parent_failure() { g_failure_lock.clear(std::memory_order_relaxed); }

void run_self_tests(selftest::Report& report) {
  const NoCancel no_cancel;  // the entropy tests read from the system, records may ask for the supervisor
  selftest::run_all(report, integrity_check);
  if (imb_loaded()) selftest::run_imb(report, imb_integrity);
  record_outcomes(report);
}

Status open_imb() {
  const NoCancel no_cancel;  // it opens a file
  selftest::Report report{};
  report.status = imb_load(lanes().sha256);
  if (report.status == Status::kUnsupported) return Status::kUnsupported;
  report.outcomes[report.count++] = {CastId::kIntegrity, Lane::kImb, report.status, 0};
  if (succeeded(report.status)) selftest::run_imb(report, nullptr);
  record_outcomes(report);
  return report.status;
}

Status full_retest(selftest::Report& report) {
  const NoCancel no_cancel;
  apply(FsmEvent::kTestsBegin, 0);
  if (!succeeded(g_memory)) {
    report = {};
    report.status = g_memory;
    note_failure("memory", "", g_memory);
    return fail_tests(g_memory);
  }
  run_self_tests(report);
  if (!succeeded(report.status)) return fail_tests(report.status);
  g_lanes.store(lanes_word(selftest::choose_lanes()), std::memory_order_relaxed);
  {
    const FailureLock lock;
    g_failure.cause = Status::kOk;
    g_failure.name[0] = 0;
  }
  apply(FsmEvent::kTestsPassed, 0);
  return Status::kOk;
}

}  // namespace cm
