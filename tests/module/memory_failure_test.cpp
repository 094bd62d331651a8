// SPDX-License-Identifier: Apache-2.0
// memory_failure_test.cpp: a kernel or sandbox that refuses what the module's memory needs. The refusal is a seccomp
// filter set before the library is loaded, so each case is a program of its own (memory_failure_probe).
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "cryptomod/cryptomod.h"

namespace {

// Refusal: a system call that fails when the low half of one argument has one value.
struct Refusal {
  const char* name;
  uint32_t call;
  unsigned argument;
  uint32_t value;
  uint32_t error;
  cm_rc cause;         // what cm_status tells
  bool serves_status;  // cm_status itself succeeds
};

constexpr Refusal kRefusals[] = {
    {"membarrier", SYS_membarrier, 0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, ENOSYS, CM_ERR_UNSUPPORTED, true},
    {"wipe_on_fork", SYS_madvise, 2, MADV_WIPEONFORK, EINVAL, CM_ERR_UNSUPPORTED, false},
#ifndef CM_SANITIZED  // a sanitizer's own memory begins with the same call
    {"arena", SYS_mmap, 2, PROT_NONE, ENOMEM, CM_ERR_NO_MEMORY, false},
#endif
    {"shared_counts", SYS_mmap, 3, MAP_SHARED | MAP_ANONYMOUS, ENOMEM, CM_ERR_NO_MEMORY, false},
};

bool refuse(const Refusal& r) {
  const auto argument = static_cast<uint32_t>(offsetof(seccomp_data, args) + r.argument * sizeof(uint64_t));
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r.call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r.value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | r.error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{sizeof filter / sizeof filter[0], filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class MemoryFailure : public ::testing::TestWithParam<Refusal> {};

TEST_P(MemoryFailure, is_an_error_state_that_says_why) {
  const Refusal& r = GetParam();
  const std::string cause = std::to_string(r.cause);
  const pid_t pid = fork();
  if (pid == 0) {
    if (!refuse(r)) _exit(64);
    execl(CM_PROBE_PATH, CM_PROBE_PATH, cause.c_str(), r.serves_status ? "served" : "refused", nullptr);
    _exit(65);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

INSTANTIATE_TEST_SUITE_P(Refusals, MemoryFailure, ::testing::ValuesIn(kRefusals),
                         [](const auto& refusal) { return std::string(refusal.param.name); });

}  // namespace
