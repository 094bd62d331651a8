// SPDX-License-Identifier: Apache-2.0
// checkpoint_text.h: the text of a checkpoint, which the log's TPM signs: writer and verifier make it of the same three
// things (C2SP tlog-checkpoint; docs/audit-format.md, "Tree of the records"). Free of state; every function may be
// called by any thread.
#pragma once
#include <string>
#include <string_view>

#include "audit/merkle.h"

namespace cm::audit {

// log_origin: the line that names a log: the prefix and its id.
inline constexpr std::string_view kOriginPrefix = "libcryptomod/audit-log/";
std::string log_origin(const LogId& log_id);

// checkpoint_text: origin, number of records, root: three lines.
std::string checkpoint_text(std::string_view origin, const TreeHead& head);

// checkpoint_challenge: of the anchor that the log has before its TPM signs the text: SHA-256 of it.
Digest checkpoint_challenge(Lane lane, std::string_view text);

}  // namespace cm::audit
