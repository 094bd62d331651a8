// SPDX-License-Identifier: Apache-2.0
// imb.h: batches through Intel's ipsec-mb (Lane::kImb), which lies in a part of the module of its own. There is one
// manager in a process, and who finds it in use goes elsewhere: our own kernels do the same work.
#pragma once
#include "crypto/base/bytes.h"
#include "crypto/base/lane.h"
#include "crypto/base/status.h"
#include "crypto/multi/multi.h"

namespace cm {

// imb_load: opens the part and makes its manager ready. As imb_open; kUnsupported also where there is no memory for the
// manager or this CPU has no AES instructions, kSelftest when ipsec-mb's own self-test fails. Once a process, by one
// thread.
Status imb_load(Lane sha256_lane);

// imb_loaded: whether imb_load has ended with kOk.
bool imb_loaded();

// imb_integrity: the integrity test of the loaded part, in memory.
Status imb_integrity(Lane sha256_lane);

// imb_cbc_encrypt, imb_cmac, imb_ccm_seal, imb_ccm_open: the batches of multi.h, with 1 to kMultiMax jobs and keys of
// an x86 lane of ours, which have the form that ipsec-mb wants. False, and nothing was done: the part is not loaded;
// the manager is in use and not to be waited for; or ipsec-mb does not take a job: it takes 1 to 65,520 bytes, whole
// blocks for CMAC, no keys of 192 bits for CMAC and CCM, and no more than 46 bytes of AAD.
enum class ImbWait : uint8_t { kNo, kYes };
bool imb_cbc_encrypt(const CbcJob* jobs, size_t count, ImbWait wait);
bool imb_cmac(const CmacJob* jobs, size_t count, ImbWait wait);
bool imb_ccm_seal(const CcmSealJob* jobs, size_t count, ImbWait wait);
bool imb_ccm_open(CcmOpenJob* jobs, size_t count, ImbWait wait);

// imb_memory: where the manager lies, for tests of what it keeps.
ByteView imb_memory();

}  // namespace cm
