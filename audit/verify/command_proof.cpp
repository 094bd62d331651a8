// SPDX-License-Identifier: Apache-2.0
// command_proof.cpp: `cryptomod-audit check-proof`: what a proof, or a signed checkpoint, shows to who does not have
// the log.
#include <algorithm>
#include <cstring>

#include "audit/verify/commands.h"
#include "audit/verify/record_text.h"
#include "audit/verify/tree_files.h"

namespace cm::audit::verify {
namespace {

struct ProofArguments {
  std::string file;
  std::string checkpoint_file;  // one that the caller trusts
  std::string old_file;         // an older one that he trusts
  TrustFiles trust;
};

// Given: what the caller trusts.
struct Given {
  std::optional<TreeText> checkpoint;
  std::optional<TreeText> old;
  Trust trust;
};

int worse(int a, int b) { return a == kExitTampered || b == kExitTampered ? kExitTampered : std::max(a, b); }

// judge_head: the head that a proof speaks of against one that the caller trusts. Two heads of one log contradict each
// other only at the same size.
int judge_head(const Checkpoint& found, const Checkpoint& given, std::string& text) {
  if (given == found) {
    text += "  it is the given one\n";
    return kExitVerified;
  }
  text += head_line("  the given one", given);
  if (given.origin == found.origin && given.head.size != found.head.size) {
    text += "  not shown: that the two are of one log; ask for a proof under the given one\n";
    return kExitIncomplete;
  }
  text += given.origin == found.origin ? "  wrong: one log has no two roots\n" : "  wrong: they are of two logs\n";
  return kExitTampered;
}

int judge_old(const Checkpoint& found, const Given& given, std::string& text) {
  text += head_line("old", found);
  if (given.old) return judge_head(found, given.old->checkpoint(), text);
  text += "  not shown: that it is the log's; give one that you trust with --old\n";
  return kExitIncomplete;
}

// judge_checkpoint: somebody has to vouch for it: the caller, the log's key, or both.
int judge_checkpoint(const TreeText& tree, const Given& given, std::string& text) {
  text += head_line("checkpoint", tree.checkpoint());
  const int by_key = judge_signature(best_sha256_lane(), tree, given.trust, text);
  if (!given.checkpoint) {
    if (by_key == kExitIncomplete)
      text += "  not shown: that it is the log's; give one that you trust with --checkpoint\n";
    return by_key;
  }
  const int by_caller = judge_head(tree.checkpoint(), given.checkpoint->checkpoint(), text);
  return by_key == kExitTampered ? by_key : by_caller;
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

bool said_of(const Checkpoint&, std::string&) { return true; }

int judge(const TreeText& tree, const Given& given, std::string& text) {
  if (!std::visit([&](const auto& what) { return said_of(what, text); }, tree.what)) return kExitTampered;
  const int code = judge_checkpoint(tree, given, text);
  const auto* growth = std::get_if<ConsistencyProof>(&tree.what);
  if (growth == nullptr) return code;
  return worse(code, judge_old({growth->checkpoint.origin, growth->old_head}, given, text));
}

int run_check_proof(const ProofArguments& a) {
  Given given;
  const auto tree = read_tree_text(a.file);
  if (!tree || !a.trust.load(given.trust) || !given_checkpoint(a.checkpoint_file, given.checkpoint) ||
      !given_checkpoint(a.old_file, given.old))
    return kExitUndecided;
  if (given.old && !std::holds_alternative<ConsistencyProof>(tree->what))
    return usage("--old is for proofs that a log has grown");
  if (std::holds_alternative<Checkpoint>(tree->what) && !a.trust.given())
    return usage("the file holds a checkpoint and no proof; whether the log's key signed it, --enrolment would show");
  std::string text;
  const int code = judge(*tree, given, text);
  return say_outcome(code, text);
}

}  // namespace

void add_check_proof(CLI::App& app, Command& chosen) {
  const auto arguments = std::make_shared<ProofArguments>();
  CLI::App* command = app.add_subcommand("check-proof", "check a proof or a signed checkpoint without the log");
  command->add_option("PROOF", arguments->file, "what prove, diff-head or checkpoint has written")->required();
  command->add_option("--checkpoint", arguments->checkpoint_file, "a checkpoint of the log that you trust");
  command->add_option("--old", arguments->old_file, "the older checkpoint that you trust, for a proof of diff-head");
  arguments->trust.define(*command);
  command->footer(
      "Exit codes: 0 holds, and every checkpoint in it is signed by the enrolled key or is the given one; 1 wrong; 2 "
      "cannot\nread; 3 holds under a checkpoint that nobody vouches for; 64 usage.");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run_check_proof(*arguments); }; });
}

}  // namespace cm::audit::verify
