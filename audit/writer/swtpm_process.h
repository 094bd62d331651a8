// SPDX-License-Identifier: Apache-2.0
// swtpm_process.h: the software TPM of an embedded writer: its own process in its own session, so that it survives the
// writer's death (else each death would reset the PCR). Started before the sandbox; the writer cannot start it later.
#pragma once
#include <string>

#include "audit/writer/directories.h"
#include "audit/writer/error.h"
#include "audit/writer/privileges.h"

namespace cm::audit {

// ensure_swtpm: uses the swtpm that answers in the run directory, else starts one as the account with its state in the
// tpm directory, and returns when it answers. Its output goes to swtpm.log in the run directory. started: a process was
// started, even if it does not answer.
Error ensure_swtpm(const Directories& directories, const Account& account, bool& started);

// swtpm_tcti: how tss2-tctildr reaches it.
std::string swtpm_tcti(int run_fd);

// stop_swtpm: asks it to end through its control socket. Nothing to report: it is the last thing a writer does.
void stop_swtpm(int run_fd);

}  // namespace cm::audit
