// SPDX-License-Identifier: Apache-2.0
// output.h: standard output of a command that prints lines, and the sentence when it cannot take them. The program
// ignores SIGPIPE, so a reader that went away is an error like a full disk.
#pragma once
#include <string_view>

#include "audit/verify/log_printer.h"

namespace cm::audit::verify {

class Output {
 public:
  bool write(std::string_view text);
  bool flush();
  // complain: one line on standard error.
  static bool complain(std::string_view text);
  Print printer() {
    return [this](std::string_view text) { return write(text); };
  }

 private:
  bool failed();

  bool told_ = false;
};

}  // namespace cm::audit::verify
