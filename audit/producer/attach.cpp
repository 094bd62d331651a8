// SPDX-License-Identifier: Apache-2.0
// attach.cpp: the life of an attachment: configuration, shared memory, first connection, end, and a new beginning in a
// fork child. One thread at a time calls these functions (producer.h). A failure leaves everything as it was before,
// boot records included.
#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "audit/producer/link.h"
#include "audit/producer/paths.h"
#include "audit/producer/process_ring.h"
#include "audit/producer/producer_state.h"
#include "audit/producer/supervisor.h"

namespace cm::audit {

constinit ProcessState g_process{};

namespace {

constexpr uint32_t kMoveMs = 10'000;  // bound on moving the boot records when they do not fit the ring at once
constexpr uint32_t kByeMs = 10'000;   // bound on the goodbye of a living writer: drain, last frames, TPM
constexpr int kHangUpTries = 3;       // a private writer that is ending takes connections and drops them
constexpr uint64_t kSliceNs = 20'000'000;

void directory_or(Path& out, const char* given, const Path& base, const char* suffix) {
  if (given != nullptr && given[0] != 0) {
    make_absolute(out, given);
  } else {
    out.assign(base.c_str());
    out.add(suffix);
  }
}

void store_private(StoredConfig& c, const AttachConfig& config) {
  make_absolute(c.audit_dir, config.audit_dir);
  directory_or(c.run_dir, nullptr, c.audit_dir, ".run");
  directory_or(c.tpm_dir, config.tpm_dir, c.audit_dir, ".tpm");
  directory_or(c.trust_dir, config.trust_dir, c.audit_dir, ".trust");
  c.tcti.assign(config.tcti != nullptr ? config.tcti : "");
  if (config.writer_path != nullptr && config.writer_path[0] != 0)
    make_absolute(c.writer_path, config.writer_path);
  else
    find_writer(c.writer_path);
}

// for_each_path: the member texts of a configuration. A table of pointers would need relocations.
template <class F>
void for_each_path(StoredConfig& c, F f) {
  f(c.audit_socket);
  f(c.audit_dir);
  f(c.run_dir);
  f(c.tpm_dir);
  f(c.trust_dir);
  f(c.tcti);
  f(c.writer_path);
}

Status store_config(const AttachConfig& config) {
  StoredConfig& c = g_process.config;
  for_each_path(c, [](Path& path) { path.clear(); });
  const bool has_socket = config.audit_socket != nullptr && config.audit_socket[0] != 0;
  const bool has_directory = config.audit_dir != nullptr && config.audit_dir[0] != 0;
  if (has_socket)
    make_absolute(c.audit_socket, config.audit_socket);
  else if (has_directory)
    store_private(c, config);
  else
    return Status::kArgument;
  bool too_long = false;
  for_each_path(c, [&](const Path& path) { too_long |= path.overflowed(); });
  if (too_long) return Status::kArgument;
  if (!ring_geometry_valid(config.ring_count + 1, config.ring_records) || config.ring_count == 0)
    return Status::kArgument;
  c.ring_count = config.ring_count + 1;
  c.ring_records = config.ring_records;
  c.wait_ms = config.wait_ms;
  std::memcpy(c.module_digest, config.module_digest, sizeof c.module_digest);
  std::memcpy(c.module_version, config.module_version, sizeof c.module_version);
  std::memcpy(c.lanes, config.lanes, sizeof c.lanes);
  c.module_version[sizeof c.module_version - 1] = 0;
  c.lanes[sizeof c.lanes - 1] = 0;
  return Status::kOk;
}

Phase current_phase() {
  const LockGuard guard(g_process.home_lock);
  return g_process.phase;
}

// set_up: everything of an attachment that needs no writer.
Status set_up() {
  for (RingOwner& owner : g_process.rings) {
    owner.head = owner.acked = 0;
    owner.claimed.store(0, std::memory_order_relaxed);
  }
  std::memset(g_process.client_id, 0, sizeof g_process.client_id);
  g_process.stop.store(0, std::memory_order_relaxed);
  g_process.bye_wanted.store(0, std::memory_order_relaxed);
  g_process.bye_done.store(0, std::memory_order_relaxed);
  g_process.distrusted.store(0, std::memory_order_relaxed);
  g_process.owner_pid = getpid();
  g_process.fenced = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) != 0;
  g_process.wait_ms.store(g_process.config.wait_ms, std::memory_order_relaxed);
  Sentence why;
  note_error(why);
  const char* step = "eventfd";
  const int kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Status status = kick < 0 ? Status::kAudit : Status::kOk;
  g_process.kick_fd.store(kick, std::memory_order_release);
  if (succeeded(status))
    status = shared_memory_create(g_process.memory, g_process.config.ring_count, g_process.config.ring_records, &step);
  if (succeeded(status)) status = seal_memory_create(g_process.seals, g_process.config.ring_count, &step);
  if (!succeeded(status)) note_error(why.add("the memory for the audit cannot be made: ").add(step).add(" failed"));
  g_process.writer_expected.store(1, std::memory_order_release);
  return status;
}

// tear_down: back to not attached. Boot records that no writer acknowledged stay in the boot buffer.
void tear_down() {
  supervisor_stop();
  link_drop();
  if (current_phase() != Phase::kIdle) home_close();
  const int kick = g_process.kick_fd.exchange(-1, std::memory_order_acq_rel);
  if (kick >= 0) close(kick);
  {
    const LockGuard guard(g_process.home_lock);
    g_process.home = Port{};
    g_process.phase = Phase::kIdle;
  }
  if (g_process.memory.base != nullptr) shared_memory_destroy(g_process.memory);
  seal_memory_destroy(g_process.seals);
  g_process.writer_expected.store(0, std::memory_order_release);
  futex_wake(g_process.attachment, FutexScope::kPrivate, kWakeAll);
}

Status first_connection() {
  for (int i = 0; i < kHangUpTries; ++i) {
    if (i != 0) futex_wait(g_process.stop, 0, FutexScope::kPrivate, kSliceNs);
    const Established result = establish_link();
    if (result == Established::kUp) return Status::kOk;
    if (result == Established::kFailed) break;
  }
  return Status::kAudit;
}

Status move_boot_records() {
  const Deadline deadline = Deadline::after_ms(kMoveMs);
  while (!home_move_boot())
    if (home_wait_room(0, deadline) != WaitResult::kReached) {
      Sentence why;
      note_error(why.add("the writer does not take the first records"));
      return Status::kAudit;
    }
  return Status::kOk;
}

Status begin_attachment() {
  const uint64_t begin_ns = monotonic_ns();
  Status status = set_up();
  if (succeeded(status)) status = first_connection();
  if (succeeded(status)) home_open();
  if (succeeded(status) && !supervisor_start()) status = Status::kAudit;
  if (succeeded(status)) status = move_boot_records();
  g_process.connect_ns = monotonic_ns() - begin_ns;
  return status;
}

// forget_parent: none of this exists in the child: threads, mapping. Descriptors are copies and are closed.
void forget_parent() {
  g_process.home_lock.reset();
  g_process.error_lock.reset();
  g_process.attachment.store(0, std::memory_order_relaxed);
  g_process.writer_expected.store(0, std::memory_order_relaxed);
  g_process.phase = Phase::kIdle;
  g_process.home = Port{};
  g_process.home_reserved = 0;
  g_process.boot.forget_reservations();
  g_process.supervised = false;
  g_process.refused.store(0, std::memory_order_relaxed);
  g_process.refused_unreported.store(0, std::memory_order_relaxed);
  g_process.unrecorded.store(0, std::memory_order_relaxed);
  const int kick = g_process.kick_fd.exchange(-1, std::memory_order_relaxed);
  if (kick > 0) close(kick);
  link_drop();
  if (g_process.memory.base != nullptr) shared_memory_forget(g_process.memory);
  seal_memory_forget(g_process.seals);
}

// attach_child: like begin_attachment, but a writer that is away now leaves the supervisor trying.
Status attach_child() {
  const uint64_t begin_ns = monotonic_ns();
  if (const Status status = set_up(); !succeeded(status)) return status;
  const Status connected = first_connection();
  home_open();
  if (!supervisor_start()) {
    Sentence why;
    note_error(why.add("no thread could be made for the supervisor"));
    return Status::kAudit;
  }
  g_process.connect_ns = monotonic_ns() - begin_ns;
  return succeeded(connected) ? move_boot_records() : connected;
}

// farewell: until the writer has written client-detach, across a restart of it if need be.
Status farewell() {
  const Deadline deadline = Deadline::after_ms(kByeMs);
  Deadline lost{0};
  g_process.bye_wanted.store(1, std::memory_order_release);
  kick_supervisor();
  while (g_process.bye_done.load(std::memory_order_acquire) == 0) {
    const bool up = g_process.link_state.load(std::memory_order_acquire) == LinkState::kUp;
    if (up)
      lost = Deadline{0};
    else if (lost.at_ns == 0)
      lost = Deadline::after_ms(g_process.config.wait_ms);
    if (deadline.left_ns() == 0 || (!up && lost.left_ns() == 0)) return Status::kAuditPending;
    futex_wait(g_process.bye_done, 0, FutexScope::kPrivate, kSliceNs);
  }
  return Status::kOk;
}

AuditState audit_state() {
  if (g_process.attachment.load(std::memory_order_acquire) == 0)
    return g_process.writer_expected.load(std::memory_order_acquire) != 0 ? AuditState::kLost : AuditState::kNone;
  if (g_process.link_state.load(std::memory_order_acquire) != LinkState::kUp) return AuditState::kLost;
  const uint32_t flags = g_process.memory.writer()->flags.load(std::memory_order_relaxed);
  if ((flags & kWriterNoSpace) != 0) return AuditState::kNoSpace;
  return (flags & (kWriterNoTpm | kWriterTailLimit)) != 0 ? AuditState::kNoTpm : AuditState::kConnected;
}

}  // namespace

Status attach(const AttachConfig& config) {
  if (current_phase() != Phase::kIdle) return Status::kState;
  if (const Status status = store_config(config); !succeeded(status)) return status;
  const Status status = begin_attachment();
  if (!succeeded(status)) tear_down();
  return status;
}

Status detach() {
  if (current_phase() == Phase::kIdle) return Status::kState;
  report_refusals();
  const bool was_open = current_phase() == Phase::kOpen;
  home_close();
  const Status status = was_open ? farewell() : Status::kAuditPending;
  tear_down();
  return status;
}

Status fork_child(bool parent_attached) {
  const pid_t parent = g_process.owner_pid != 0 ? g_process.owner_pid : getppid();
  forget_parent();
  const Status kept = event(static_cast<uint32_t>(EventId::kHealthForkChild), 0, static_cast<uint64_t>(parent), 0);
  return parent_attached ? attach_child() : kept;
}

void info(AuditInfo& out) {
  out = AuditInfo{};
  out.state = audit_state();
  out.refused = g_process.refused.load(std::memory_order_relaxed);
  if (g_process.attachment.load(std::memory_order_acquire) == 0) return;
  std::memcpy(out.log_id, g_process.log_id, sizeof out.log_id);
  out.tpm_kind = g_process.tpm_kind.load(std::memory_order_relaxed);
  out.connect_ns = g_process.connect_ns;
}

void note_error(const Sentence& sentence) {
  const LockGuard guard(g_process.error_lock);
  g_process.error = sentence;
}

size_t last_writer_error(char* out, size_t out_size) {
  const LockGuard guard(g_process.error_lock);
  const size_t size = g_process.error.size();
  if (out_size == 0) return size;
  const size_t copied = size < out_size ? size : out_size - 1;
  std::memcpy(out, g_process.error.c_str(), copied);
  out[copied] = 0;
  return copied;
}

}  // namespace cm::audit
