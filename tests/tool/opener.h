// SPDX-License-Identifier: Apache-2.0
// opener.h: opens key files and sealed files by OpenSSL and docs/sealed-file-format.md alone. It shares no code with
// the tool: what it reads, others can read.
#pragma once
#include <optional>
#include <string>

#include "tests/tool/runner.h"

namespace cm::tool_tests {

// key_of: the key in a key file; nothing when the passphrase is wrong. passphrase is not used with protection "none".
std::optional<Bytes> key_of(const std::string& key_file_text, const std::string& passphrase = "");

// content_of: what was sealed; nothing when anything is not as the format demands.
std::optional<Bytes> content_of(const Bytes& sealed, const Bytes& key);

}  // namespace cm::tool_tests
