// SPDX-License-Identifier: Apache-2.0
// command_tree.cpp: `cryptomod-audit checkpoint`, `prove`, `check-proof` and `diff-head`: the tree of a log's records
// (audit/merkle.h). Each but check-proof verifies the log first and says nothing about one that does not hold.
#include <algorithm>
#include <fstream>

#include "audit/verify/commands.h"
#include "audit/verify/output.h"
#include "audit/verify/record_text.h"
#include "audit/verify/record_tree.h"

namespace cm::audit::verify {
namespace {

struct TreeArguments {
  std::string directory;
  std::string enrolment_file;
  std::string ak_file;
  std::optional<uint64_t> size;
  std::optional<uint64_t> record;
  std::string file;             // a checkpoint or proof that is read
  std::string checkpoint_file;  // one that the caller trusts
  std::string output;           // a proof that is written; empty: standard output

  void define_log(CLI::App& command) {
    command.add_option("DIR", directory, "log directory")->required();
    auto* enrolment = command.add_option("--enrolment", enrolment_file, "trust root: enrolment record (JSON)");
    command.add_option("--ak", ak_file, "attestation public key (TPMT_PUBLIC or PEM)")->excludes(enrolment);
  }
};

bool complain(const std::string& text) {
  Output::complain(text + "\n");
  return false;
}

// OpenLog: a log that is ready to be read.
struct OpenLog {
  DirectorySource source;
  Options options;

  // open: false when there is nothing to read or no such trust root; the sentences are on standard error.
  bool open(const TreeArguments& arguments) {
    Report report;
    options.lane = best_sha256_lane();
    if (load_trust(arguments.enrolment_file, arguments.ak_file, options.trust, report) &&
        source.open(arguments.directory, report) && report.fatal == 0)
      return true;
    return complain(to_text(report));
  }
};

// holds: nothing is said about the tree of a log that does not hold.
bool holds(const LogTree& tree) {
  if (tree.report.fatal == 0) return true;
  return complain("the log does not hold; nothing is said about its records\n" + to_text(tree.report));
}

// standing: one line on how far the log is proved, for the reader of a tree that depends on it.
void say_standing(const LogTree& tree) {
  const std::string text = to_text(tree.report);
  const size_t first = text.find('\n') + 1;
  complain("the log: " + text.substr(first, text.find('\n', first) - first));
}

bool write_out(const std::string& path, const std::string& text) {
  if (path.empty()) {
    Output output;
    return output.write(text) && output.flush();
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.good() || complain("cannot write " + path);
}

std::optional<TreeText> read_tree_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxProofFileSize + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.good() && !file.eof())) {
    complain("cannot read " + path);
    return std::nullopt;
  }
  text.resize(static_cast<size_t>(file.gcount()));
  std::string error;
  auto out = parse_tree_text(text, error);
  if (!out) complain(quoted_text(path) + ": " + error);
  return out;
}

// too_short: what was asked for lies behind the last record.
int too_short(const LogTree& tree, const char* what, uint64_t wanted) {
  complain(fmt::format("the log has {} records: there is no {} {}", tree.head.size, what, wanted));
  return kExitUndecided;
}

int run_checkpoint(const TreeArguments& arguments) {
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = read_tree(log.source, log.options, arguments.size, std::nullopt);
  if (!holds(tree)) return exit_code(tree.report);
  if (arguments.size && tree.head.size != *arguments.size) return too_short(tree, "tree of size", *arguments.size);
  say_standing(tree);
  return write_out("", to_text(Checkpoint{tree.origin, tree.head})) ? kExitVerified : kExitUndecided;
}

int run_prove(const TreeArguments& arguments) {
  const uint64_t record = *arguments.record;
  if (arguments.size && record >= *arguments.size) return usage("RECORD must be below --size");
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = read_tree(log.source, log.options, arguments.size, std::nullopt);
  if (!holds(tree)) return exit_code(tree.report);
  if (arguments.size && tree.head.size != *arguments.size) return too_short(tree, "tree of size", *arguments.size);
  if (record >= tree.head.size) return too_short(tree, "record", record);
  const auto proof = prove_record(log.source, log.options, tree, record);
  if (!proof) {
    complain("the log changed while it was read; try again");
    return kExitUndecided;
  }
  say_standing(tree);
  return write_out(arguments.output, to_text(*proof)) ? kExitVerified : kExitUndecided;
}

// Outcome: what a proof or a comparison of heads shows.
int say_outcome(int code, const std::string& text) {
  Output output;
  return output.write(text) && output.flush() ? code : kExitUndecided;
}

std::string head_line(const char* what, const Checkpoint& c) {
  return fmt::format("{}: {} with {} records, root {}\n", what, printable_text(c.origin), c.head.size,
                     hex_text(c.head.root));
}

// pinned: the checkpoint is the one that the caller brought.
int judge_checkpoint(const Checkpoint& found, const std::optional<TreeText>& given, std::string& text) {
  if (!given) {
    text += "not shown: that this checkpoint is the log's; give one that you trust with --checkpoint\n";
    return kExitIncomplete;
  }
  if (*given->checkpoint == found) {
    text += "the checkpoint is the given one\n";
    return kExitVerified;
  }
  text += head_line("wrong: the given checkpoint is another", *given->checkpoint);
  return kExitTampered;
}

std::string judge_inclusion(const InclusionProof& p, bool& good) {
  const Lane lane = best_sha256_lane();
  good = inclusion_holds(lane, leaf_hash(lane, p.record), p.index, p.hashes, p.checkpoint.head);
  if (!good) return "wrong: the proof does not lead from this record to the root\n";
  RecordRow row;
  row.number = p.index;
  std::memcpy(&row.record, p.record.data(), sizeof row.record);
  row.ring_seq = row.record.ring_seq;
  return "holds: the tree contains this record\n" + record_line(Format::kText, row);
}

std::string judge_consistency(const ConsistencyProof& p, bool& good) {
  good = consistency_holds(best_sha256_lane(), p.old_head, p.checkpoint.head, p.hashes);
  if (!good) return "wrong: the proof does not lead from the old root to the new one\n";
  return "holds: the tree begins with the old one\n" + head_line("old", Checkpoint{p.checkpoint.origin, p.old_head});
}

int run_check_proof(const TreeArguments& arguments) {
  const auto proof = read_tree_text(arguments.file);
  if (!proof) return kExitUndecided;
  if (proof->checkpoint) return usage("the file holds a checkpoint and no proof");
  std::optional<TreeText> given;
  if (!arguments.checkpoint_file.empty()) {
    given = read_tree_text(arguments.checkpoint_file);
    if (!given) return kExitUndecided;
    if (!given->checkpoint) return usage("--checkpoint takes a checkpoint and no proof");
  }
  bool good = false;
  std::string text =
      proof->inclusion ? judge_inclusion(*proof->inclusion, good) : judge_consistency(*proof->consistency, good);
  if (!good) return say_outcome(kExitTampered, text);
  const Checkpoint& found = proof->inclusion ? proof->inclusion->checkpoint : proof->consistency->checkpoint;
  text += head_line("checkpoint", found);
  if (proof->has_signatures) text += "not checked: the signatures behind the checkpoint\n";
  const int code = judge_checkpoint(found, given, text);
  return say_outcome(code, text);
}

Checkpoint old_checkpoint(const TreeText& text) {
  if (text.checkpoint) return *text.checkpoint;
  return text.inclusion ? text.inclusion->checkpoint : text.consistency->checkpoint;
}

int run_diff_head(const TreeArguments& arguments) {
  const auto text = read_tree_text(arguments.file);
  if (!text) return kExitUndecided;
  const Checkpoint old = old_checkpoint(*text);
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = read_tree(log.source, log.options, std::nullopt, old.head.size);
  if (!holds(tree)) return exit_code(tree.report);
  say_standing(tree);
  if (tree.origin != old.origin) return say_outcome(kExitTampered, head_line("wrong: this is another log than", old));
  if (!tree.old_head)
    return say_outcome(kExitTampered, fmt::format("wrong: the log has {} records and once had {}: it was cut off\n",
                                                  tree.head.size, old.head.size));
  if (*tree.old_head != old.head)
    return say_outcome(kExitTampered,
                       fmt::format("wrong: the first {} records are not those of then\n", old.head.size));
  const std::string grown = tree.head.size == old.head.size
                                ? std::string("same: the log has the records of then and no others\n")
                                : fmt::format("grown: the log begins with the {} records of then; {} came since\n",
                                              old.head.size, tree.head.size - old.head.size);
  if (!arguments.output.empty()) {
    if (old.head.size == 0) return usage("there is nothing to prove: every log begins with no record");
    const auto proof = prove_consistency(log.source, log.options, tree);
    if (!proof) {
      complain("the log changed while it was read; try again");
      return kExitUndecided;
    }
    if (!write_out(arguments.output, to_text(*proof))) return kExitUndecided;
  }
  return say_outcome(kExitVerified, grown + to_text(Checkpoint{tree.origin, tree.head}));
}

template <class Run>
CLI::App* add(CLI::App& app, Command& chosen, const std::shared_ptr<TreeArguments>& arguments, const char* name,
              const char* help, Run run) {
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([arguments, &chosen, run] { chosen = [arguments, run] { return run(*arguments); }; });
  return command;
}

}  // namespace

void add_tree(CLI::App& app, Command& chosen) {
  auto arguments = std::make_shared<TreeArguments>();
  CLI::App* command =
      add(app, chosen, arguments, "checkpoint", "print the head of the tree of a log's records", run_checkpoint);
  arguments->define_log(*command);
  add_decimal(*command, "--size", arguments->size, "records in the tree; default: all");
  command->footer("Exit codes: 0 printed, 1 tampered, 2 cannot read, 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "prove", "prove that one record is in the log, for who does not have the log",
                run_prove);
  add_decimal(*command, "RECORD", arguments->record, "number of the record, as show prints it")->required();
  arguments->define_log(*command);
  add_decimal(*command, "--size", arguments->size, "records in the tree; default: all");
  command->add_option("-o,--output", arguments->output, "file for the proof; default: standard output");
  command->footer("Exit codes: 0 proved, 1 tampered, 2 cannot read or no such record, 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "check-proof", "check a proof without the log", run_check_proof);
  command->add_option("PROOF", arguments->file, "what prove or diff-head has written")->required();
  command->add_option("--checkpoint", arguments->checkpoint_file, "a checkpoint of the log that you trust");
  command->footer(
      "Exit codes: 0 holds under the given checkpoint, 1 wrong, 2 cannot read, 3 holds under a checkpoint that nobody\n"
      "vouches for, 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "diff-head", "does the log still begin with the records of a checkpoint",
                run_diff_head);
  command->add_option("OLD", arguments->file, "a checkpoint of then, or a proof with one")->required();
  arguments->define_log(*command);
  command->add_option("--proof", arguments->output, "file for a proof that check-proof takes");
  command->footer("Exit codes: 0 it does, 1 it does not or is tampered, 2 cannot read, 64 usage.");
}

}  // namespace cm::audit::verify
