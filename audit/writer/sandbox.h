// SPDX-License-Identifier: Apache-2.0
// sandbox.h: what the writer can still do when it reads the first byte of a client: its log, its sockets, its TPM, and
// nothing else. Landlock bounds files and signals, seccomp the system calls. Neither can be taken back.
#pragma once
#include "audit/writer/directories.h"
#include "audit/writer/error.h"

namespace cm::audit {

// restrict_files: landlock. Call in the only thread; threads started later inherit it. Without landlock in the kernel
// it says so on standard error and goes on: seccomp and the user change still hold. tpm_device: an O_PATH descriptor of
// the device file, not valid when the TPM is none: it stays open to be opened again.
Error restrict_files(const Directories& directories, const UniqueFd& tpm_device, bool tcp_tpm);

// restrict_calls: seccomp for all threads of the process; anything not listed kills the process. tcp_tpm: the TPM is
// reached over TCP, so sockets of that family stay possible.
Error restrict_calls(bool tcp_tpm);

}  // namespace cm::audit
