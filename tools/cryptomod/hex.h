// SPDX-License-Identifier: Apache-2.0
// hex.h: lower-case hexadecimal for what is public; not for secrets kept in constant time.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cm::tool {

std::string to_hex(std::span<const uint8_t> bytes);
// from_hex: false when the text is not exactly as many bytes in lower or upper case.
bool from_hex(std::string_view text, std::span<uint8_t> out);

}  // namespace cm::tool
