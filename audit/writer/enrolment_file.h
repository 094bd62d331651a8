// SPDX-License-Identifier: Apache-2.0
// enrolment_file.h: enrolment.json, the trust root of a log, kept outside it (docs/audit-format.md). It is written
// once, when a log begins; the writer never reads it back and never replaces one.
#pragma once
#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/writer/error.h"

namespace cm::audit {

inline constexpr char kEnrolmentName[] = "enrolment.json";

// enrolment_exists: whether the directory holds one already.
bool enrolment_exists(int trust_fd);

// write_enrolment: temporary file, fsync, rename without replacing, fsync of the directory. Mode 0644: it is public.
Error write_enrolment(int trust_fd, const LogId& log_id, const Genesis& genesis, const Digest& genesis_head);

}  // namespace cm::audit
