// SPDX-License-Identifier: Apache-2.0
// landlock.cpp: the file half of the sandbox (sandbox.h). Numbers are those of the kernel's interface, written down
// here because Debian 12's headers end at version 2 of it; a kernel with a newer version enforces more.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstdio>

#include "audit/writer/sandbox.h"

namespace cm::audit {
namespace {

struct RulesetAttributes {
  uint64_t files;
  uint64_t net;     // version 4
  uint64_t scoped;  // version 6
};
struct [[gnu::packed]] PathRule {
  uint64_t allowed;
  int32_t parent_fd;
};

constexpr uint32_t kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;
constexpr uint64_t kWriteFile = 1u << 1, kReadFile = 1u << 2, kReadDir = 1u << 3, kRemoveFile = 1u << 5,
                   kMakeReg = 1u << 8, kTruncate = 1u << 14;
constexpr uint64_t kFilesVersion1 = (1u << 13) - 1;
constexpr uint64_t kRefer = 1u << 13;     // version 2
constexpr uint64_t kIoctlDev = 1u << 15;  // version 5
constexpr uint64_t kTcpBindConnect = 3;
constexpr uint64_t kScopeSocketsSignals = 3;

RulesetAttributes attributes_for(long version, bool tcp_tpm) {
  RulesetAttributes out{kFilesVersion1, 0, 0};
  if (version >= 2) out.files |= kRefer;
  if (version >= 3) out.files |= kTruncate;
  if (version >= 4 && !tcp_tpm) out.net = kTcpBindConnect;
  if (version >= 5) out.files |= kIoctlDev;
  if (version >= 6) out.scoped = kScopeSocketsSignals;
  return out;
}

bool allow(int ruleset, int dir_fd, uint64_t access) {
  const PathRule rule = {access, dir_fd};
  return syscall(SYS_landlock_add_rule, ruleset, kRulePathBeneath, &rule, 0) == 0;
}

}  // namespace

Error restrict_files(const Directories& directories, const UniqueFd& tpm_device, bool tcp_tpm) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("cannot give up new privileges");
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionFlag);
  if (version < 1) {
    std::fprintf(stderr, "cryptomod-auditd: this kernel has no landlock; files are bounded by user and seccomp only\n");
    return {};
  }
  const RulesetAttributes attributes = attributes_for(version, tcp_tpm);
  const size_t size = version >= 6 ? sizeof attributes : version >= 4 ? 16 : 8;
  const UniqueFd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset.valid()) return system_error("cannot make a landlock ruleset");
  // /proc: the start time of clients (stat files are public); their memory and the like stay protected by the user.
  const UniqueFd proc(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const uint64_t log_access =
      kWriteFile | kReadFile | kReadDir | kRemoveFile | kMakeReg | (attributes.files & kTruncate);
  if (!allow(ruleset.get(), directories.log.get(), log_access) ||
      !allow(ruleset.get(), directories.run.get(), kRemoveFile) || !allow(ruleset.get(), proc.get(), kReadFile))
    return system_error("cannot add a landlock rule");
  const uint64_t metrics_access = kWriteFile | kRemoveFile | kMakeReg | (attributes.files & kTruncate);
  if (directories.metrics.valid() && !allow(ruleset.get(), directories.metrics.get(), metrics_access))
    return system_error("cannot add a landlock rule for the metrics");
  // A device is opened anew after every command that failed.
  const uint64_t device_access = kReadFile | kWriteFile | (attributes.files & kIoctlDev);
  if (tpm_device.valid() && !allow(ruleset.get(), tpm_device.get(), device_access))
    return system_error("cannot add a landlock rule for the TPM device");
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return system_error("cannot enter landlock");
  return {};
}

}  // namespace cm::audit
