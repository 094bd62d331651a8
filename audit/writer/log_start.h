// SPDX-License-Identifier: Apache-2.0
// log_start.h: begins or continues a log: genesis with its enrolment record, or recovery of what a writer before left,
// brought into agreement with the TPM. Runs once, before any client is served. Anything it cannot explain by a crash is
// recorded or refused, never repaired.
#pragma once
#include <cstdint>

#include "audit/chain.h"
#include "audit/writer/directories.h"
#include "audit/writer/error.h"
#include "audit/writer/journal.h"
#include "audit/writer/log_scan.h"
#include "audit/writer/options.h"
#include "audit/writer/privileges.h"
#include "audit/writer/tpm.h"

namespace cm::audit {

struct StartContext {
  const Options& options;
  const Directories& directories;
  const Account& account;  // the account the writer will run as
  uid_t creator;           // who started it, or made the socket it was handed
  Lane lane;
  Tpm& tpm;
  TpmThread& tpm_thread;
  LogStore& store;
  Journal& journal;
};

// current_boot_id: the kernel's boot_id as 16 bytes, zero when it cannot be read.
std::array<uint8_t, kIdSize> current_boot_id();

// start_log: when it returns without error the first frames of this writer are durable, the TPM thread has its start
// and is not running yet, and state says what stands in the log.
Error start_log(const StartContext& context, LogState& state);

}  // namespace cm::audit
