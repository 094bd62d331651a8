// SPDX-License-Identifier: Apache-2.0
// tpm_libraries.h: keeps the TCTI library that tss2-tctildr has loaded. In the sandbox no library can be loaded any
// more, and a connection to the TPM that is made again there has to find it in memory.
#pragma once

namespace cm::audit {

// keep_tpm_libraries: call once, after the first connection.
void keep_tpm_libraries();

}  // namespace cm::audit
