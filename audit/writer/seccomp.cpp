// SPDX-License-Identifier: Apache-2.0
// seccomp.cpp: the system call half of the sandbox (sandbox.h): an allow-list, everything else kills the process. A
// debug build names the call first.
#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "audit/writer/sandbox.h"

namespace cm::audit {
namespace {

// What the loop, the server and the TPM thread call, and what glibc calls for them. No fork, no exec, no new thread, no
// change of user, no ptrace, no mount, no name lookup over the net.
constexpr int kAllowed[] = {
    // the log and the sockets
    SYS_read,
    SYS_write,
    SYS_pread64,
    SYS_pwrite64,
    SYS_fdatasync,
    SYS_fsync,
    SYS_ftruncate,
    SYS_fchmod,
    SYS_renameat,
    SYS_close,
    SYS_openat,
    SYS_unlinkat,
    SYS_fstat,
    SYS_newfstatat,
    SYS_stat,
    SYS_statx,
    SYS_fstatfs,
    SYS_lseek,
    SYS_readlink,
    SYS_readlinkat,
    SYS_fcntl,
    SYS_listen,
    SYS_accept4,
    SYS_recvmsg,
    SYS_recvfrom,
    SYS_sendto,
    SYS_sendmsg,
    SYS_shutdown,
    SYS_connect,
    SYS_getsockopt,
    SYS_poll,
    SYS_ppoll,
    SYS_getrandom,
    // waiting and time
    SYS_futex,
    SYS_futex_waitv,
    SYS_membarrier,
    SYS_clock_gettime,
    SYS_gettimeofday,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_restart_syscall,
    SYS_sched_yield,
    // memory; mapping and protecting are below
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    // threads and signals, at their ends only
    SYS_rt_sigprocmask,
    SYS_rt_sigaction,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_gettid,
    SYS_getpid,
    SYS_tgkill,
    SYS_exit,
    SYS_exit_group,
    SYS_set_robust_list,
    SYS_rseq,
#ifdef CM_SANITIZED
    // the sanitizers' own needs, in test builds only
    SYS_pipe,
    SYS_pipe2,
    SYS_clone,
    SYS_prctl,
    SYS_wait4,
    SYS_ptrace,
    SYS_getppid,
    SYS_open,
    SYS_mmap,
    SYS_mprotect,
    SYS_prlimit64,
    SYS_sched_getaffinity,
    SYS_uname,
    SYS_ioctl,
    SYS_getdents64,
    SYS_kill,
    SYS_process_vm_readv,
    SYS_getrusage,
    SYS_arch_prctl,
    SYS_dup,
    SYS_dup2,
#endif
};

#ifdef NDEBUG
constexpr uint32_t kRefusal = SCMP_ACT_KILL_PROCESS;
void watch_refusals() {}
#else
constexpr uint32_t kRefusal = SCMP_ACT_TRAP;
void name_the_call(int, siginfo_t* info, void*) {
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
  dprintf(STDERR_FILENO, "cryptomod-auditd: system call %d (%s) is not on the allow-list\n", info->si_syscall,
          name == nullptr ? "?" : name);
  _exit(128 + SIGSYS);
}
void watch_refusals() {
  struct sigaction action{};
  action.sa_sigaction = name_the_call;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
}
#endif

bool allow_with_conditions(scmp_filter_ctx filter, bool tcp_tpm) {
  const scmp_arg_cmp unix_only = {0, SCMP_CMP_EQ, AF_UNIX, 0};
  const scmp_arg_cmp not_executable = {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  bool good = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_mmap, 1, &not_executable) == 0 &&
              seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_mprotect, 1, &not_executable) == 0;
  if (!tcp_tpm) return good && seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SYS_socket, 1, &unix_only) == 0;
  for (const int call :
       {SYS_socket, SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_bind, SYS_sendmmsg, SYS_ioctl})
    good = good && seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, nullptr) == 0;
  return good;
}

}  // namespace

Error restrict_calls(bool tcp_tpm) {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(kRefusal), seccomp_release);
  if (!filter) return {"cannot make a seccomp filter"};
  bool good = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1) == 0;
  for (const int call : kAllowed)
    good = good && seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 0, nullptr) == 0;
  if (!good || !allow_with_conditions(filter.get(), tcp_tpm)) return {"cannot make the list of system calls"};
  watch_refusals();
  if (const int rc = seccomp_load(filter.get()); rc != 0) {
    errno = -rc;
    return system_error("cannot enter seccomp");
  }
  return {};
}

}  // namespace cm::audit
