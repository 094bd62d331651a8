// SPDX-License-Identifier: Apache-2.0
// foreign_extend.h: somebody who is not the writer extends the PCR of its log.
#pragma once
#include <string>

#include "audit/writer/tpm.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit_test {

// foreign_extend: "" or what the TPM had against it.
inline std::string foreign_extend(const WriterProcess& writer) {
  audit::Tpm tpm({"swtpm:path=" + writer.run_dir() + "/swtpm.sock", false});
  tpm.select(14, 0x01c3434d);
  if (const audit::Error error = tpm.open()) return error.text;
  audit::Digest foreign;
  foreign.fill(0x66);
  return tpm.extend(foreign).text;
}

}  // namespace cm::audit_test
