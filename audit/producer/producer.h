// SPDX-License-Identifier: Apache-2.0
// producer.h: the module's side of the audit: reserve, publish, wait. Sees crypto/base and audit/*.h only. The gate
// calls these functions and nothing else of the audit. A second implementation of this header, bench/null_ring.cpp,
// records nothing; it is linked only into the benchmark's copy of the module and never installed.
//
// Before the first attach, records go to a fixed boot buffer (kBootRecords); attach moves them into ring 0 in order.
// Ring 0 of the shared memory belongs to the process (boot records and events), rings 1.. to threads.
#pragma once
#include <cstddef>
#include <cstdint>

#include "audit/record.h"
#include "audit/ring.h"
#include "audit/seal.h"
#include "crypto/base/status.h"

namespace cm::audit {

inline constexpr size_t kBootRecords = 512;

// Release classes (docs/audit.md has the table class x {writer dead, ring full, disk full, TPM gone}).
enum class ReleaseClass : uint8_t {
  kA,         // waits until the frame with its entry is extended into the TPM, then works
  kB,         // waits until its entry is durable, then works
  kC,         // asynchronous; waits only when its ring is full
  kActFirst,  // works first, then waits a bounded time for durability of its exit; kAuditPending when the time is over
};

// CallPlace: where the call that a port has open, or had last, is recorded.
enum class CallPlace : uint32_t {
  kNone,
  kRing,     // in the port's ring
  kBoot,     // in the boot buffer, or in ring 0 when attach came between
  kNowhere,  // class kActFirst only: there was no room; counted
};

// Port: a thread's claim on one ring. Plain data, zero = not open. It belongs to one thread.
struct Port {
  RingControl* control;
  SealChain* seals;  // of this ring
  Record* slots;
  WriterPage* writer;
  uint64_t mask;        // ring_records - 1
  uint64_t head;        // records published by this port; the shared head is write-only for us
  uint64_t acked;       // last acked value seen and found sane
  uint32_t ring_index;  // in the shared memory
  uint32_t attachment;  // which attachment this port belongs to; a stale one is reopened
  uint32_t clock_seq;   // private copy of the clock parameters and the sequence they were read at
  uint64_t clock_tsc;
  uint64_t clock_utc_ns;
  uint64_t clock_ns_per_tick_q32;
  CallPlace place;
  uint32_t fenced;  // 1: this kernel has no membarrier for the doorbell, so every record pays a fence
};

// Call: what entry and exit record say about one service call. Lives on the caller's stack.
struct Call {
  EventId event;
  ReleaseClass release;
  const uint8_t* session_id;  // 16 bytes or null
  uint64_t object;
  uint64_t bytes_in;
  uint32_t interrupts = 0;  // wait_interrupts() from before the caller looked at the state of the module
};

// Deadlines of several waits that share one bound: a time of CLOCK_MONOTONIC, wait_ms from the call of wait_deadline.
inline constexpr uint64_t kWaitMsFromNow = ~uint64_t{0};
uint64_t wait_deadline();

// kNotInterrupted: a number of interruptions that no interrupt_waits reaches.
inline constexpr uint64_t kNotInterrupted = ~uint64_t{0};

// interrupt_waits: ends the waits of all calls that began before it, because the module leaves its operational state
// and nobody may have to wait for the writer before secrets are destroyed. Call it after the state was changed.
void interrupt_waits();
uint32_t wait_interrupts();

// begin: reserves the slots of both records, publishes the entry and waits as the class demands. kOk: go on and call
// end exactly once, before any detach. kAudit: nothing was recorded, or the wait failed (then the exit with kAudit has
// been published): the service must not be done and end must not be called. At most wait_ms in all, and not beyond an
// interrupt_waits that call.interrupts does not count. Class kActFirst is
// always kOk; where nothing can be recorded the call is counted, and settle says so.
Status begin(Port& port, const Call& call);

// end: publishes the exit; never fails, never waits. call.object may have been filled in since begin (a new handle).
void end(Port& port, const Call& call, Status result, uint64_t detail);

// settle: for class kActFirst after end: waits until everything this port published is durable. kAuditPending when not,
// or when the call could not be recorded. Where no writer was ever asked for (before attach, after detach) a call kept
// in the boot buffer is settled: there is nobody to wait for. interrupt_waits ends it.
Status settle(Port& port, uint64_t deadline_ns = kWaitMsFromNow);

// sync: waits until everything this port and the process's own ring published is durable, and extended when anchored.
// kTimeout, also when an interrupt_waits comes that `interrupts` does not count; kAudit when not attached or when the
// writer contradicts itself.
Status sync(Port& port, bool anchored, uint32_t timeout_ms, uint32_t interrupts = wait_interrupts());

// event: one record outside any call (self-test results, states, health, keys). Thread-safe. kAudit when it cannot be
// kept: then it is counted. deadline_ns: how long it may wait for room; 0 not at all.
Status event(uint32_t event_id, uint32_t return_code, uint64_t object, uint64_t detail,
             uint64_t deadline_ns = kWaitMsFromNow);

// call_event: an event that is part of the call that port has open: it carries the session of the call, and its detail
// is part_of_call. number is at most kCallPartMax. Waits at most wait_ms, and not beyond an interrupt_waits that
// call.interrupts does not count. kAudit as event.
Status call_event(const Port& port, const Call& call, EventId event, uint64_t object, uint32_t number);

// count_refused: a call that was refused before it could have a record; it is in the next calls-refused record.
void count_refused();

// port_close: gives the ring back; another thread goes on in it at the same sequence. Called when a thread ends.
void port_close(Port& port);

// Attachment: where the writer is. Strings may be null where cryptomod.h says so; all are copied.
struct AttachConfig {
  const char* audit_socket;
  const char* audit_dir;
  const char* tpm_dir;
  const char* trust_dir;
  const char* tcti;
  const char* writer_path;
  uint32_t ring_records;  // validated by the caller: ring_geometry_valid(ring_count + 1, ring_records)
  uint32_t ring_count;    // thread rings, without ring 0
  uint32_t wait_ms;
  const uint8_t* module_digest;  // 32 bytes
  char module_version[32];
  char lanes[256];
};

// attach, detach and fork_child are called by one thread at a time. During detach and fork_child no call may be between
// begin and end in any thread: the shared memory goes away, and only the attachment number keeps old ports out of it.

// attach: starts or finds the writer, sets up the shared memory and the supervisor thread, moves the boot records.
// kArgument: a path too long or no place named. kState: attached already. kAudit: last_writer_error says why.
Status attach(const AttachConfig& config);
// detach: says goodbye, waits (bounded) until the writer has written client-detach; ends a private writer. Stops the
// supervisor. kAuditPending: the time is over; what the writer has not drained by then is not in the log. kState: was
// not attached.
Status detach();

// last_writer_error: copies the last sentence about a writer that could not be started, reached or believed; "" when
// there was none. Always terminated. Returns the length.
size_t last_writer_error(char* out, size_t out_size);

enum class AuditState : uint32_t { kNone = 0, kConnected = 1, kLost = 2, kNoSpace = 3, kNoTpm = 4 };  // = CM_AUDIT_*

struct AuditInfo {
  AuditState state;
  uint8_t log_id[16];
  uint32_t tpm_kind;    // 0 none, 1 software, 2 device
  uint64_t connect_ns;  // duration of attach
  uint64_t refused;     // begin() calls that answered kAudit
};
void info(AuditInfo& out);

// fork_child: called once in a child process before its first call: forgets the parent's rings and connection (touching
// neither) and, when the parent was attached, attaches this process as a client of its own with the parent's
// configuration. parent_attached: the caller's word, because only it knows about an attach or a detach that another
// thread of the parent had not finished. kAudit: the writer cannot be reached now; the supervisor keeps trying, and
// until it succeeds classes A, B and C wait their bounded time and are refused.
Status fork_child(bool parent_attached);

}  // namespace cm::audit
