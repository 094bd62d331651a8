// SPDX-License-Identifier: Apache-2.0
// tree_files.cpp: see tree_files.h.
#include "audit/verify/tree_files.h"

#include <fmt/format.h>

#include <fstream>

#include "audit/verify/output.h"

namespace cm::audit::verify {

bool complain(const std::string& text) {
  Output::complain(text + "\n");
  return false;
}

int say_outcome(int code, const std::string& text) {
  Output output;
  return output.write(text) && output.flush() ? code : kExitUndecided;
}

std::optional<TreeText> read_tree_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxTreeTextSize + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.good() && !file.eof())) {
    complain("cannot read " + path);
    return std::nullopt;
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxTreeTextSize) {
    complain(quoted_text(path) + " is too long for a checkpoint or a proof");
    return std::nullopt;
  }
  std::string error;
  auto out = parse_tree_text(text, error);
  if (!out) complain(quoted_text(path) + ": " + error);
  return out;
}

bool given_checkpoint(const std::string& path, std::optional<TreeText>& out) {
  if (path.empty()) return true;
  out = read_tree_text(path);
  if (!out) return false;
  return std::holds_alternative<Checkpoint>(out->what) ||
         complain(quoted_text(path) + " holds a proof; a checkpoint is expected");
}

std::string head_line(const char* what, const Checkpoint& c) {
  return fmt::format("{}: {} with {} records, root {}\n", what, printable_text(c.origin), c.head.size,
                     hex_text(c.head.root));
}

void TrustFiles::define(CLI::App& command) {
  auto* option = command.add_option("--enrolment", enrolment, "trust root: enrolment record (JSON)");
  command.add_option("--ak", ak, "attestation public key (TPMT_PUBLIC or PEM)")->excludes(option);
}

bool TrustFiles::load(Trust& trust) const {
  Report report;
  return load_trust(enrolment, ak, trust, report) || complain(to_text(report));
}

int judge_signature(Lane lane, const TreeText& tree, const Trust& trust, std::string& text) {
  const auto key = checkpoint_key(trust);
  if (!key) {
    if (trust.enrolment || trust.ak)
      text += "  not shown: who signed it; the key that was given is none\n";
    else if (!tree.note.signatures.empty())
      text += "  not checked: its signatures; give --enrolment\n";
    return kExitIncomplete;
  }
  switch (judge_note(lane, *key, tree.checkpoint().origin, tree.note)) {
    case NoteVerdict::kUnsigned:
      text += fmt::format("  not signed by {}\n", key->origin ? "the log's key" : "the given key");
      return kExitIncomplete;
    case NoteVerdict::kWrong:
      text += key->origin && *key->origin != tree.checkpoint().origin
                  ? "  wrong: it is of another log than the enrolled one\n"
                  : "  wrong: a signature that names the log's key is not its signature\n";
      return kExitTampered;
    case NoteVerdict::kSigned:
      break;
  }
  text += key->origin ? "  signed by the log's key\n"
                      : "  signed by the given key; that it is the log's, an enrolment record would show\n";
  return key->origin ? kExitVerified : kExitIncomplete;
}

}  // namespace cm::audit::verify
