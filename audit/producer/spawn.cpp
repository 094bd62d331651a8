// SPDX-License-Identifier: Apache-2.0
// spawn.cpp: see spawn.h. Everything the child needs is prepared before it exists: between clone and execve it shares
// our memory and makes system calls only.
#include "audit/producer/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "audit/producer/link.h"
#include "audit/producer/producer_state.h"
#include "audit/producer/spawn_x86_clone.h"
#include "audit/wire.h"

namespace cm::audit {
namespace {

constexpr int kReadyFd = 3;
constexpr char kWriterName[] = "cryptomod-auditd";
constexpr size_t kStackSize = 16384;  // the child's deepest path is one call into syscall()

// Plan: what the child does. One at a time: attach and the supervisor never run together.
struct Plan {
  const char* program;
  const char* arguments[16];
  const char* environment[2];
  Sentence exec_failure;
  int null_fd;
  int ready_fd;
  long writer_pid;
  alignas(16) uint8_t middle_stack[kStackSize];
  alignas(16) uint8_t writer_stack[kStackSize];
};
constinit Plan g_plan{};

// KernelSigaction: what rt_sigaction(2) takes; zero is SIG_DFL.
struct KernelSigaction {
  uint64_t handler, flags, restorer, mask;
};

long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0) { return syscall(number, a, b, c, d); }
long address(const void* p) { return static_cast<long>(reinterpret_cast<uintptr_t>(p)); }

void close_from(int first) {
  if (raw(SYS_close_range, first, ~0L, 0) == 0) return;
  constexpr int kScan = 65536;  // kernels before 5.9 have no close_range
  for (int fd = first; fd < kScan; ++fd) raw(SYS_close, fd);
}

int writer_child(void* argument) {
  const Plan& plan = *static_cast<const Plan*>(argument);
  static constexpr KernelSigaction kDefault{};
  static constexpr uint64_t kNoSignals = 0;
  static constexpr int kSignals = 64;
  raw(SYS_setsid);
  for (int i = 1; i <= kSignals; ++i) raw(SYS_rt_sigaction, i, address(&kDefault), 0, sizeof kNoSignals);
  for (int fd = 0; fd < kReadyFd; ++fd) raw(SYS_dup2, plan.null_fd, fd);
  raw(SYS_dup2, plan.ready_fd, kReadyFd);
  close_from(kReadyFd + 1);
  raw(SYS_chdir, address("/"));
  raw(SYS_rt_sigprocmask, SIG_SETMASK, address(&kNoSignals), 0, sizeof kNoSignals);
  raw(SYS_execve, address(plan.program), address(plan.arguments), address(plan.environment));
  raw(SYS_write, kReadyFd, address(plan.exec_failure.c_str()), static_cast<long>(plan.exec_failure.size()));
  return 127;
}

// middle_child: ends at once, so that the writer belongs to init and leaves no zombie with the application.
int middle_child(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  plan.writer_pid = clone_suspended(plan.writer_stack + kStackSize, writer_child, argument);
  return 0;
}

void fill_plan(Plan& plan, const char* program) {
  const StoredConfig& c = g_process.config;
  const bool software_tpm = c.tcti.empty();
  const char* const arguments[] = {kWriterName,
                                   "--log",
                                   c.audit_dir.c_str(),
                                   "--run",
                                   c.run_dir.c_str(),
                                   "--trust",
                                   c.trust_dir.c_str(),
                                   software_tpm ? "--tpm-dir" : "--tcti",
                                   software_tpm ? c.tpm_dir.c_str() : c.tcti.c_str(),
                                   "--private",
                                   "--ready-fd",
                                   "3",
                                   nullptr};
  static_assert(kReadyFd == 3 && sizeof arguments <= sizeof plan.arguments);
  std::memcpy(plan.arguments, arguments, sizeof arguments);
  plan.program = program;
  plan.environment[0] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  // for swtpm
  plan.environment[1] = nullptr;
  plan.exec_failure.clear();
  if (plan.exec_failure.add("error: cannot execute ").add(program).add("\n").overflowed())
    plan.exec_failure.assign("error: cannot execute the writer's program\n");
}

// start: clones with every signal blocked, so that no handler of the application runs in the child.
bool start(Plan& plan) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  plan.writer_pid = -EAGAIN;
  const long middle = clone_suspended(plan.middle_stack + kStackSize, middle_child, &plan);
  if (middle > 0)
    while (waitpid(static_cast<pid_t>(middle), nullptr, __WALL) < 0 && errno == EINTR) {
    }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return middle > 0 && plan.writer_pid > 0;
}

// high_copy: a copy of the descriptor above those the child overwrites.
int high_copy(int fd) {
  const int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, kReadyFd + 1);
  if (fd >= 0) close(fd);
  return copy;
}

void read_line(int fd, Deadline deadline, FixedText<512>& line) {
  while (!line.overflowed() && std::strchr(line.c_str(), '\n') == nullptr) {
    char part[128];
    if (wait_readable(fd, deadline) != Readiness::kReady) return;
    const ssize_t size = read(fd, part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    for (ssize_t i = 0; i < size; ++i)
      if (part[i] == 0) part[i] = '?';
    line.add(part, static_cast<size_t>(size));
  }
}

// understood: what the ready line says; notes the writer's own sentence.
bool understood(const FixedText<512>& line) {
  if (std::strcmp(line.c_str(), kReadyLine) == 0 || std::strcmp(line.c_str(), kServedLine) == 0) return true;
  constexpr char kErrorPrefix[] = "error: ";
  Sentence why;
  if (std::strncmp(line.c_str(), kErrorPrefix, sizeof kErrorPrefix - 1) == 0) {
    const char* text = line.c_str() + sizeof kErrorPrefix - 1;
    const char* end = std::strchr(text, '\n');
    size_t size = end != nullptr ? static_cast<size_t>(end - text) : std::strlen(text);
    if (size > 255) size = 255;
    why.add(text, size);
  } else {
    why.add("the writer ended, or the time was over, before it said that it was ready");
  }
  note_error(why);
  return false;
}

bool run_plan(Plan& plan, Deadline deadline) {
  int ready[2] = {-1, -1};
  if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  plan.ready_fd = high_copy(ready[1]);
  plan.null_fd = high_copy(open("/dev/null", O_RDWR | O_CLOEXEC));
  const bool started = plan.ready_fd >= 0 && plan.null_fd >= 0 && start(plan);
  if (plan.ready_fd >= 0) close(plan.ready_fd);
  if (plan.null_fd >= 0) close(plan.null_fd);
  FixedText<512> line;
  if (started) read_line(ready[0], deadline, line);
  close(ready[0]);
  if (started) return understood(line);
  Sentence why;
  note_error(why.add("the writer cannot be started: no process or descriptor is free"));
  return false;
}

}  // namespace

bool spawn_writer(Deadline deadline) {
  const Path& program = g_process.config.writer_path;
  if (program.empty()) {
    Sentence why;
    note_error(why.add("cryptomod-auditd is neither beside the library nor in " CM_WRITER_FROM_LIBRARY
                       " from there; name it in writer_path"));
    return false;
  }
  // The writer makes what else is missing; this directory is ours before anybody can put a socket into it.
  mkdir(g_process.config.run_dir.c_str(), 0700);
  fill_plan(g_plan, program.c_str());
  return run_plan(g_plan, deadline);
}

}  // namespace cm::audit
