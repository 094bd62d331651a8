// SPDX-License-Identifier: Apache-2.0
// output.cpp: see output.h. It says once what went wrong, however often it is asked to write after that.
#include "audit/verify/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "audit/verify/progress.h"

namespace cm::audit::verify {

bool Output::write(std::string_view text) {
  return !told_ && (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() || failed());
}

bool Output::flush() { return !told_ && (std::fflush(stdout) == 0 || failed()); }

bool Output::failed() {
  const int why = errno;
  told_ = true;
  erase_progress();
  fmt::print(stderr, "cryptomod-audit: cannot write the output: {}\n", std::strerror(why));
  return false;
}

bool Output::complain(std::string_view text) {
  erase_progress();
  fmt::print(stderr, "cryptomod-audit: {}", text);
  return true;
}

}  // namespace cm::audit::verify
