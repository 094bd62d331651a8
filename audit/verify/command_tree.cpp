// SPDX-License-Identifier: Apache-2.0
// command_tree.cpp: `cryptomod-audit checkpoint`, `prove`, `check-proof` and `diff-head`: the tree of a log's records
// (audit/merkle.h). Each but check-proof verifies the log first and says nothing about one that does not hold.
#include <algorithm>
#include <fstream>

#include "audit/verify/commands.h"
#include "audit/verify/new_file.h"
#include "audit/verify/output.h"
#include "audit/verify/progress.h"
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
  std::string old_file;         // an older one that he trusts
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
  LogTree tree(std::optional<uint64_t> size, std::optional<uint64_t> old_size) {
    ProgressSource shown(source);
    return read_tree(shown, options, size, old_size);
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

// too_short: what was asked for lies behind the last record.
int too_short(const LogTree& tree, const char* what, uint64_t wanted) {
  complain(fmt::format("the log has {} records: there is no {} {}", tree.head.size, what, wanted));
  return kExitUndecided;
}

int run_checkpoint(const TreeArguments& arguments) {
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = log.tree(arguments.size, std::nullopt);
  if (!holds(tree)) return exit_code(tree.report);
  if (arguments.size && tree.head.size != *arguments.size) return too_short(tree, "tree of size", *arguments.size);
  say_standing(tree);
  return write_out(arguments, to_text(Checkpoint{tree.origin, tree.head})) ? kExitVerified : kExitUndecided;
}

int run_prove(const TreeArguments& arguments) {
  const uint64_t record = arguments.record.value_or(0);  // CLI11 demands it
  if (arguments.size && record >= *arguments.size) return usage("RECORD must be below --size");
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = log.tree(arguments.size, std::nullopt);
  if (!holds(tree)) return exit_code(tree.report);
  if (arguments.size && tree.head.size != *arguments.size) return too_short(tree, "tree of size", *arguments.size);
  if (record >= tree.head.size) return too_short(tree, "record", record);
  ProgressSource shown(log.source);
  const auto proof = prove_record(shown, log.options, tree, record);
  if (!proof) {
    complain("the log changed while it was read; try again");
    return kExitUndecided;
  }
  say_standing(tree);
  return write_out(arguments, to_text(*proof)) ? kExitVerified : kExitUndecided;
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

// judge_head: the head that a proof speaks of against one that the caller trusts. Two heads of one log contradict each
// other only at the same size.
int judge_head(const char* what, const char* option, const Checkpoint& found, const std::optional<Checkpoint>& given,
               std::string& text) {
  text += head_line(what, found);
  if (!given) {
    text += fmt::format("  not shown: that it is the log's; give one that you trust with {}\n", option);
    return kExitIncomplete;
  }
  if (*given == found) {
    text += "  it is the given one\n";
    return kExitVerified;
  }
  text += head_line("  the given one", *given);
  if (given->origin == found.origin && given->head.size != found.head.size) {
    text += "  not shown: that the two are of one log; ask for a proof under the given one\n";
    return kExitIncomplete;
  }
  text += given->origin == found.origin ? "  wrong: one log has no two roots\n" : "  wrong: they are of two logs\n";
  return kExitTampered;
}

int worse(int a, int b) { return a == kExitTampered || b == kExitTampered ? kExitTampered : std::max(a, b); }

// given_checkpoint: false when the file is none; the sentence is on standard error.
bool given_checkpoint(const std::string& path, std::optional<Checkpoint>& out) {
  if (path.empty()) return true;
  const auto text = read_tree_text(path);
  if (!text) return false;
  const auto* checkpoint = std::get_if<Checkpoint>(&text->what);
  if (checkpoint != nullptr) out = *checkpoint;
  return checkpoint != nullptr || complain(quoted_text(path) + " holds a proof; a checkpoint is expected");
}

// said_of: whether a proof holds is said first; false when it does not.
bool said_of(const InclusionProof& p, std::string& text) {
  const Lane lane = best_sha256_lane();
  if (!inclusion_holds(lane, leaf_hash(lane, p.record), p.index, p.hashes, p.checkpoint.head)) {
    text = "wrong: the proof does not lead from this record to the root\n";
    return false;
  }
  RecordRow row;
  row.number = p.index;
  std::memcpy(&row.record, p.record.data(), sizeof row.record);
  row.ring_seq = row.record.ring_seq;
  text = "holds: the tree contains this record\n" + record_line(Format::kText, row);
  return true;
}

bool said_of(const ConsistencyProof& p, std::string& text) {
  const bool good = consistency_holds(best_sha256_lane(), p.old_head, p.checkpoint.head, p.hashes);
  text = good ? "holds: the tree begins with the old one\n"
              : "wrong: the proof does not lead from the old root to the new one\n";
  return good;
}

int judge_proof(const InclusionProof& p, const TreeArguments& arguments, std::string& text) {
  std::optional<Checkpoint> given;
  if (!arguments.old_file.empty()) return usage("--old is for proofs that a log has grown");
  if (!given_checkpoint(arguments.checkpoint_file, given)) return kExitUndecided;
  if (!said_of(p, text)) return kExitTampered;
  return judge_head("checkpoint", "--checkpoint", p.checkpoint, given, text);
}

int judge_proof(const ConsistencyProof& p, const TreeArguments& arguments, std::string& text) {
  std::optional<Checkpoint> given, given_old;
  if (!given_checkpoint(arguments.checkpoint_file, given) || !given_checkpoint(arguments.old_file, given_old))
    return kExitUndecided;
  if (!said_of(p, text)) return kExitTampered;
  const int code = judge_head("checkpoint", "--checkpoint", p.checkpoint, given, text);
  return worse(code, judge_head("old", "--old", Checkpoint{p.checkpoint.origin, p.old_head}, given_old, text));
}

int judge_proof(const Checkpoint&, const TreeArguments&, std::string&) {
  return usage("the file holds a checkpoint and no proof");
}

int run_check_proof(const TreeArguments& arguments) {
  const auto proof = read_tree_text(arguments.file);
  if (!proof) return kExitUndecided;
  std::string text;
  const int code = std::visit([&](const auto& p) { return judge_proof(p, arguments, text); }, proof->what);
  if (proof->has_signatures && !text.empty()) text += "not checked: the signatures behind the checkpoint\n";
  return say_outcome(code, text);
}

Checkpoint checkpoint_in(const Checkpoint& c) { return c; }
template <class Proof>
Checkpoint checkpoint_in(const Proof& p) {
  return p.checkpoint;
}

int run_diff_head(const TreeArguments& arguments) {
  const auto text = read_tree_text(arguments.file);
  if (!text) return kExitUndecided;
  const Checkpoint old = std::visit([](const auto& what) { return checkpoint_in(what); }, text->what);
  OpenLog log;
  if (!log.open(arguments)) return kExitUndecided;
  const LogTree tree = log.tree(std::nullopt, old.head.size);
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
    ProgressSource shown(log.source);
    const auto proof = prove_consistency(shown, log.options, tree, old.head);
    if (!proof) {
      complain("the log changed while it was read; try again");
      return kExitUndecided;
    }
    if (!write_out(arguments, to_text(*proof))) return kExitUndecided;
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
  command->add_option("--old", arguments->old_file, "the older checkpoint that you trust, for a proof of diff-head");
  command->footer(
      "Exit codes: 0 holds, and for every checkpoint in the proof the same one was given; 1 wrong; 2 cannot read; 3 "
      "holds\n"
      "under a checkpoint that nobody vouches for; 64 usage.");

  arguments = std::make_shared<TreeArguments>();
  command = add(app, chosen, arguments, "diff-head", "does the log still begin with the records of a checkpoint",
                run_diff_head);
  command->add_option("OLD", arguments->file, "a checkpoint of then, or a proof with one")->required();
  arguments->define_log(*command);
  command->add_option("--proof", arguments->output, "file for a proof that check-proof takes");
  command->footer("Exit codes: 0 it does, 1 it does not or is tampered, 2 cannot read, 64 usage.");
}

}  // namespace cm::audit::verify
