// SPDX-License-Identifier: Apache-2.0
// tree_files.h: what the commands about the tree of a log's records have in common: files of checkpoints and proofs,
// the key that may have signed them, and the lines they print.
#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "audit/verify/log_signature.h"

namespace cm::audit::verify {

// complain: a line on standard error; false.
bool complain(const std::string& text);

// say_outcome: on standard output; gives code, or that nobody took it.
int say_outcome(int code, const std::string& text);

// read_tree_text: nothing when the file is none; the sentence is on standard error.
std::optional<TreeText> read_tree_text(const std::string& path);

// given_checkpoint: of an option that may be absent. False when its file is no checkpoint; the sentence is on standard
// error.
bool given_checkpoint(const std::string& path, std::optional<TreeText>& out);

std::string head_line(const char* what, const Checkpoint& checkpoint);

// TrustFiles: where the trust root is.
struct TrustFiles {
  std::string enrolment;
  std::string ak;
  void define(CLI::App& command);
  bool given() const { return !enrolment.empty() || !ak.empty(); }
  // load: false when a file is not what it must be; the sentence is on standard error.
  bool load(Trust& trust) const;
};

// judge_signature: of the checkpoint in a file, in words and as an exit code: signed by the log's key, signed by a key
// of which nobody knows that it is the log's, or unsigned (3 both), wrong.
int judge_signature(Lane lane, const TreeText& tree, const Trust& trust, std::string& text);

}  // namespace cm::audit::verify
