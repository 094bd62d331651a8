// SPDX-License-Identifier: Apache-2.0
// child_process.h: runs another program to its end and keeps its standard output. No shell is involved.
#pragma once
#include <string>
#include <vector>

namespace cm::tool {

struct ChildResult {
  int exit_code = 0;  // 128 + n when signal n ended it
  std::string output;
};

enum class ChildErrors { kShown, kDropped };  // standard error: ours, or nobody's
ChildResult run_child(const std::vector<std::string>& arguments, ChildErrors errors = ChildErrors::kShown);

// find_program: a program of this project: beside this one, else where it is installed.
std::string find_program(const std::string& name);

}  // namespace cm::tool
