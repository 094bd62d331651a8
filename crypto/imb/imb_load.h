// SPDX-License-Identifier: Apache-2.0
// imb_load.h: opens libcryptomod-imb.so.1, which lies beside the module's own file or nowhere. None of its code runs,
// its constructors included, before the integrity test has found it whole (ISO/IEC 19790 7.5), and what is tested is
// what runs: the file is read once into memory that nobody can change any more, measured there, and opened from there.
#pragma once
#include "crypto/base/lane.h"
#include "crypto/base/status.h"
#include "crypto/imb/imb_part.h"

namespace cm {

// imb_open: the part in *out. kUnsupported: there is no such file, it is of another version, or the system does not let
// it be opened; kIntegrity: there is one, and it is not what was built. What was opened is never closed. Not
// thread-safe.
Status imb_open(Lane sha256_lane, const ImbPart** out);

// imb_measure: the integrity test once more, on the part as it lies in memory.
Status imb_measure(Lane sha256_lane, const ImbPart& part);

}  // namespace cm
