// SPDX-License-Identifier: Apache-2.0
// producer_state.h: everything the producer keeps for this process, in one constant-initialised struct, and who may
// touch which part of it. It must hold no pointer into memory of the writer except the mapping itself.
//
//   any thread, every call      attachment
//   a thread's own ring         rings[i] head and acked and the ring's seals, by the holder of rings[i].claimed
//   under home_lock             home, home_reserved, boot, phase
//   the supervisor, or attach   link_fd and what a Welcome says; attach only while no supervisor runs
//   before attachment is set    memory, config, identity; constant afterwards
#pragma once
#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "audit/frame.h"
#include "audit/producer/boot_buffer.h"
#include "audit/producer/fixed_text.h"
#include "audit/producer/futex.h"
#include "audit/producer/producer.h"
#include "audit/producer/seal_memory.h"
#include "audit/producer/shared_memory.h"

namespace cm::audit {

// RingOwner: our side of one ring. The words in the shared memory are for the writer to read; we do not read them back.
struct RingOwner {
  std::atomic<uint32_t> claimed;
  uint64_t head;
  uint64_t acked;
};

// StoredConfig: AttachConfig with its strings copied and its paths made absolute, for restarts and fork children.
struct StoredConfig {
  Path audit_socket;  // either this
  Path audit_dir;     // or these: a private writer
  Path run_dir;
  Path tpm_dir;
  Path trust_dir;
  Path tcti;
  Path writer_path;
  uint32_t ring_records;
  uint32_t ring_count;  // with ring 0
  uint32_t wait_ms;
  uint8_t module_digest[kDigestSize];
  char module_version[32];
  char lanes[256];

  bool is_private() const { return audit_socket.empty(); }
};

enum class Phase : uint32_t {
  kIdle,     // not attached: records go to the boot buffer
  kMoving,   // a writer is being found, or the boot records are on their way to ring 0; new ones still join them
  kOpen,     // attachment is set
  kClosing,  // detach has begun: records go to the boot buffer again
};

enum class LinkState : uint32_t { kDown, kUp };

struct ProcessState {
  alignas(64) std::atomic<uint32_t> attachment;  // 0 = none; also a private futex for calls that wait for one
  std::atomic<uint32_t> writer_expected;  // 1: attach or fork_child asked for a writer and detach has not ended it
  std::atomic<uint32_t> wait_ms;
  std::atomic<uint32_t> interrupts;  // calls of interrupt_waits

  alignas(64) FutexLock home_lock;
  Phase phase;
  Port home;               // ring 0
  uint32_t home_reserved;  // exits of calls that began in the boot buffer
  BootBuffer boot;

  uint32_t attachment_last;
  pid_t owner_pid;
  bool fenced;
  SharedMemory memory;
  SealMemory seals;
  RingOwner rings[kRingCountMax];
  std::atomic<uint32_t> ring_hint;  // where the search for a free ring begins
  StoredConfig config;

  std::atomic<uint64_t> refused;             // for info
  std::atomic<uint64_t> refused_unreported;  // refused without any record
  std::atomic<uint64_t> unrecorded;          // done or happened without a record: class kActFirst, events

  // Connection. fd is written by the supervisor, or by attach and detach while there is none.
  std::atomic<LinkState> link_state;
  std::atomic<int> link_fd;
  std::atomic<uint32_t> distrusted;  // 1: the shared memory contradicts itself: drop this writer
  std::atomic<uint32_t> incarnation;
  std::atomic<uint32_t> tpm_kind;
  uint8_t client_id[kIdSize];  // zero until the first Welcome
  uint8_t log_id[kIdSize];
  uint64_t connect_ns;

  // Supervisor. kick_fd: an eventfd that wakes it; stop and bye are read after a kick.
  bool supervised;
  pthread_t supervisor;
  std::atomic<int> kick_fd;
  std::atomic<uint32_t> stop;
  std::atomic<uint32_t> bye_wanted;
  std::atomic<uint32_t> bye_done;  // private futex

  FutexLock error_lock;
  Sentence error;
};

extern ProcessState g_process;

// note_error: keeps a sentence for last_writer_error.
void note_error(const Sentence& sentence);
// kick_supervisor: async-signal-safe; does nothing when there is none.
void kick_supervisor();

}  // namespace cm::audit
