// SPDX-License-Identifier: Apache-2.0
// error.h: how the writer's functions say that they failed: one sentence for the operator, no exception. Must stay a
// plain value: it crosses threads.
#pragma once
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace cm::audit {

// Error: why something failed; empty means that it did not.
struct [[nodiscard]] Error {
  std::string text;
  explicit operator bool() const { return !text.empty(); }
};

// system_error: "what: <text of errno>", for use right after the failed call.
inline Error system_error(const std::string& what) {
  const int number = errno;
  return {what + ": " + std::strerror(number)};
}

}  // namespace cm::audit
