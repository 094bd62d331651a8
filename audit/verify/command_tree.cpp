// SPDX-License-Identifier: Apache-2.0
// command_tree.cpp: `cryptomod-audit checkpoint`, `prove` and `diff-head`: the tree of a log's records
// (audit/merkle.h). Each verifies the log first and says nothing about one that does not hold.
#include <algorithm>

#include "audit/verify/commands.h"
#include "audit/verify/new_file.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"
#include "audit/verify/record_tree.h"
#include "audit/verify/tree_files.h"
#include "audit/verify/writer_connection.h"

namespace cm::audit::verify {
namespace {

struct TreeArguments {
  std::string directory;
  TrustFiles trust;
  std::optional<uint64_t> size;
  std::optional<uint64_t> record;
  std::string socket;           // of the writer whose TPM is to sign
  uint32_t timeout_s = 30;      // for its answer
  std::string old_file;         // a checkpoint or proof of then
  std::string checkpoint_file;  // the checkpoint that a proof is to be under
  std::string output;           // what is written; empty: standard output

  void define_log(CLI::App& command) {
    command.add_option("DIR", directory, "log directory")->required();
    trust.define(command);
  }
};

// OpenLog: a log that is ready to be read.
struct OpenLog {
  DirectorySource source;
  Options options;

  // open: false when there is nothing to read or no such trust root; the sentences are on standard error.
  bool open(const TreeArguments& arguments) {
    Report report;
    options.lane = best_sha256_lane();
    if (!arguments.trust.load(options.trust)) return false;
    if (source.open(arguments.directory, report) && report.fatal == 0) return true;
    return complain(to_text(report));
  }
  LogTree tree(const TreeQuestion& question) {
    ProgressSource shown(source);
    return read_tree(shown, options, question);
  }
};

// holds: nothing is said about the tree of a log that does not hold.
bool holds(const LogTree& tree) {
  if (tree.report.fatal == 0) return true;
  return complain("the log does not hold; nothing is said about its records\n" + to_text(tree.report));
}

// say_standing: how far the log is proved, for the reader of a tree that depends on it.
void say_standing(const LogTree& tree) { complain("the log: " + statement(tree.report)); }

bool write_out(const TreeArguments& arguments, const std::string& text) {
  const std::string& path = arguments.output;
  if (path.empty() || path == "-") {
    Output output;
    return output.write(text) && output.flush();
  }
  if (inside(path, arguments.directory))
    return complain("cannot write " + path + ": a log holds nothing but its segments; name a file elsewhere");
  NewFile file(path);
  return (file.open() && file.write(text) && file.keep()) || complain(file.error());
}

// too_short: what was asked for lies behind the last record.
int too_short(const LogTree& tree, const char* what, uint64_t wanted) {
  complain(fmt::format("the log has {} records: there is no {} {}", tree.head.size, what, wanted));
  return kExitUndecided;
}

int log_changed() {
  complain("the log changed while it was read; try again");
  return kExitUndecided;
}

// is_of: whether the tree at the checkpoint's size is the checkpoint's.
int is_of(const LogTree& tree, const Checkpoint& c) {
  if (tree.origin != c.origin) return say_outcome(kExitTampered, head_line("wrong: this is another log than", c));
  if (tree.head.size != c.head.size) return too_short(tree, "tree of size", c.head.size);
  if (tree.head != c.head) return say_outcome(kExitTampered, head_line("wrong: the log does not have the tree of", c));
  return kExitVerified;
}

// ---------------------------------------------------------------------------------------------------- checkpoint

// sign: asks the writer, whose TPM has the log's key, and believes what that key signed.
bool sign(const TreeArguments& arguments, const Trust& trust, const LogTree& tree, SignedNote& note) {
  const auto key = checkpoint_key(trust);
  if (!key) return complain("the key that was given is none");
  WireSign question{static_cast<uint32_t>(WireType::kSign), kWireVersion, tree.head.size, {}};
  std::ranges::copy(tree.head.root, question.root);
  WireSigned answer;
  const WriterConnection connection;
  if (!connection.open(arguments.socket, arguments.timeout_s) || !connection.ask(question, WireType::kSigned, answer))
    return false;
  const Lane lane = best_sha256_lane();
  const std::span<const uint8_t> field = answer.signature;
  const auto signature =
      log_signature(lane, key->key, tree.origin, field.first(std::min<size_t>(answer.size, field.size())));
  if (signature) note.signatures.push_back(*signature);
  if (judge_note(lane, *key, tree.origin, note) == NoteVerdict::kSigned) return true;
  return complain("the signature is not the log's: another writer answers, or another TPM");
}

int run_checkpoint(const TreeArguments& arguments) {
  if (!arguments.socket.empty() && !arguments.trust.given())
    return usage("--sign needs --enrolment or --ak: nobody else knows whose signature it should be");
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = log.tree({.size = arguments.size});
  if (!holds(tree)) return exit_code(tree.report);
  if (arguments.size && tree.head.size != *arguments.size) return too_short(tree, "tree of size", *arguments.size);
  say_standing(tree);
  SignedNote note{to_text(Checkpoint{tree.origin, tree.head}), {}};
  if (!arguments.socket.empty() && !sign(arguments, log.options.trust, tree, note)) return kExitUndecided;
  return write_out(arguments, to_text(note)) ? kExitVerified : kExitUndecided;
}

// ---------------------------------------------------------------------------------------------------- prove

int run_prove(const TreeArguments& arguments) {
  const uint64_t record = arguments.record.value_or(0);  // CLI11 demands it
  std::optional<TreeText> under;
  if (!given_checkpoint(arguments.checkpoint_file, under)) return kExitUndecided;
  const auto size = under ? under->checkpoint().head.size : arguments.size;
  if (size && record >= *size) return usage("RECORD must be below the size of the tree");
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = log.tree({.size = size});
  if (!holds(tree)) return exit_code(tree.report);
  if (under) {
    if (const int code = is_of(tree, under->checkpoint()); code != kExitVerified) return code;
  }
  if (size && tree.head.size != *size) return too_short(tree, "tree of size", *size);
  if (record >= tree.head.size) return too_short(tree, "record", record);
  ProgressSource shown(log.source);
  const auto proof = prove_record(shown, log.options, tree, record);
  if (!proof) return log_changed();
  say_standing(tree);
  return write_out(arguments, to_text(*proof, under ? &under->note : nullptr)) ? kExitVerified : kExitUndecided;
}

// ---------------------------------------------------------------------------------------------------- diff-head

// judge_old: what the log has of then, in words and as an exit code.
int judge_old(const LogTree& tree, const Checkpoint& old, std::string& text) {
  if (tree.origin != old.origin)
    text += head_line("wrong: this is another log than", old);
  else if (!tree.old_head)
    text += fmt::format("wrong: the log has {} records and once had {}: it was cut off\n", tree.report.counts.records,
                        old.head.size);
  else if (*tree.old_head != old.head)
    text += fmt::format("wrong: the first {} records are not those of then\n", old.head.size);
  else if (tree.head.size == old.head.size) {
    text += "same: the log has the records of then and no others\n";
    return kExitVerified;
  } else {
    text += fmt::format("grown: the log begins with the {} records of then; {} came since\n", old.head.size,
                        tree.head.size - old.head.size);
    return kExitVerified;
  }
  return kExitTampered;
}

// judge_signing: of a checkpoint of then that the log's key signed: the log must have the anchor that came before.
int judge_signing(const TreeText& old, const Trust& trust, const LogTree& tree, std::string& text) {
  const auto key = checkpoint_key(trust);
  if (!key || old.note.signatures.empty()) return kExitVerified;
  const NoteVerdict verdict = judge_note(best_sha256_lane(), *key, old.checkpoint().origin, old.note);
  if (verdict == NoteVerdict::kUnsigned) return kExitVerified;
  if (verdict == NoteVerdict::kWrong)
    text += "wrong: a signature of then names the log's key and is not its signature\n";
  else if (!tree.challenged)
    text += "wrong: the log's key signed the checkpoint of then, and no anchor of the log is over it\n";
  else
    text += "signed: the log's key signed the checkpoint of then, after an anchor over it\n";
  return verdict == NoteVerdict::kSigned && tree.challenged ? kExitVerified : kExitTampered;
}

bool write_growth(const TreeArguments& arguments, OpenLog& log, const LogTree& tree, const TreeHead& old,
                  const std::optional<TreeText>& under) {
  ProgressSource shown(log.source);
  const auto proof = prove_consistency(shown, log.options, tree, old);
  if (!proof) return log_changed() == kExitVerified;
  return write_out(arguments, to_text(*proof, under ? &under->note : nullptr));
}

int run_diff_head(const TreeArguments& arguments) {
  const auto then = read_tree_text(arguments.old_file);
  std::optional<TreeText> under;
  if (!then || !given_checkpoint(arguments.checkpoint_file, under)) return kExitUndecided;
  const Checkpoint& old = then->checkpoint();
  if (!arguments.output.empty() && old.head.size == 0)
    return usage("there is nothing to prove: every log begins with no record");
  if (under && under->checkpoint().head.size < old.head.size)
    return usage("the checkpoint of --checkpoint must not be smaller than OLD");
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  TreeQuestion question{.size = {}, .old_size = old.head.size, .challenge = {}};
  if (under) question.size = under->checkpoint().head.size;
  if (!then->note.signatures.empty()) question.challenge = checkpoint_challenge(log.options.lane, then->note.text);
  const LogTree tree = log.tree(question);
  if (!holds(tree)) return exit_code(tree.report);
  say_standing(tree);
  std::string text;
  int code = judge_old(tree, old, text);
  if (code == kExitVerified) code = judge_signing(*then, log.options.trust, tree, text);
  if (code != kExitVerified) return say_outcome(code, text);
  if (under) {
    if (code = is_of(tree, under->checkpoint()); code != kExitVerified) return code;
  }
  if (!arguments.output.empty() && !write_growth(arguments, log, tree, old.head, under)) return kExitUndecided;
  return say_outcome(code, text + to_text(Checkpoint{tree.origin, tree.head}));
}

template <class Run>
CLI::App* add(CLI::App& app, Command& chosen, const std::shared_ptr<TreeArguments>& arguments, const char* name,
              const char* help, Run run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([arguments, &chosen, run] { chosen = [arguments, run] { return run(*arguments); }; });
  return command;
}

constexpr char kSizeHelp[] = "records in the tree; default: all";

}  // namespace

void add_tree(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<TreeArguments>();
  CLI::App* command =
      add(app, chosen, arguments, "checkpoint", "print the head of the tree of a log's records", run_checkpoint);
  arguments->define_log(*command);
  add_decimal(*command, "--size", arguments->size, kSizeHelp);
  command->add_option("--sign", arguments->socket, "let the TPM sign it, over the running writer's unix socket");
  command->add_option("--timeout-s", arguments->timeout_s, "seconds to wait for the signature")
      ->check(CLI::Range(1, 3600));
  command->add_option("-o,--output", arguments->output, "file for the checkpoint; default: standard output");
  command->footer("Exit codes: 0 printed, 1 tampered, 2 cannot read or sign, 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "prove", "prove that one record is in the log, for who does not have the log",
                run_prove);
  add_decimal(*command, "RECORD", arguments->record, "number of the record, as show prints it")->required();
  arguments->define_log(*command);
  CLI::Option* size = add_decimal(*command, "--size", arguments->size, kSizeHelp);
  command->add_option("--checkpoint", arguments->checkpoint_file, "under this checkpoint, signatures and all")
      ->excludes(size);
  command->add_option("-o,--output", arguments->output, "file for the proof; default: standard output");
  command->footer("Exit codes: 0 proved, 1 tampered, 2 cannot read or no such record, 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "diff-head", "does the log still begin with the records of a checkpoint",
                run_diff_head);
  command->add_option("OLD", arguments->old_file, "a checkpoint of then, or a proof with one")->required();
  arguments->define_log(*command);
  CLI::Option* proof = command->add_option("--proof", arguments->output, "file for a proof that check-proof takes");
  command->add_option("--checkpoint", arguments->checkpoint_file, "the proof is under this checkpoint")->needs(proof);
  command->footer("Exit codes: 0 it does, 1 it does not or is tampered, 2 cannot read, 64 usage.");
}

}  // namespace cm::audit::verify
