// SPDX-License-Identifier: Apache-2.0
// text.h: bytes as text, for writer and verifier. Free of state; every function may be called by any thread.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace cm::audit {

// hex_text: two lower-case digits a byte. base64_text: RFC 4648, 4, with padding.
std::string hex_text(std::span<const uint8_t> bytes);
std::string base64_text(std::span<const uint8_t> bytes);

}  // namespace cm::audit
