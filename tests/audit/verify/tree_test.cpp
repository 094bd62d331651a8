// SPDX-License-Identifier: Apache-2.0
// tree_test.cpp: checkpoint, prove, check-proof and diff-head: what is proved of a log, what is refused, and the texts.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "audit/verify/log_signature.h"
#include "audit/verify/record_tree.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"
#include "tests/audit/support/log_builder.h"

namespace cm::audit::test {
namespace {

using verify::parse_tree_text;
using verify::to_text;

const std::string kRoot = std::string(CM_SOURCE_DIR) + "/vectors/audit/";

// Files: a directory for checkpoints and proofs.
class Files {
 public:
  std::string operator/(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name, std::ios::binary) << text;
    return *this / name;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  LogDirectory directory_;
};

std::string out_of(const std::string& arguments, int code = 0) {
  std::string text;
  EXPECT_EQ(run_audit(arguments, &text), code) << arguments;
  return text;
}

std::string with_root(const std::string& name) {
  return kRoot + name + " --enrolment " + kRoot + name + ".enrolment.json";
}

TEST(tree, every_record_of_the_golden_logs_and_every_size_is_proved) {
  const Files files;
  for (const auto& [name, records] : {std::pair{"clean", 9}, {"eventful", 6}, {"rotated", 10}})
    for (int size = 1; size <= records; ++size) {
      const std::string checkpoint =
          files.write("checkpoint", out_of("checkpoint " + with_root(name) + " --size " + std::to_string(size)));
      for (int i = 0; i < size; ++i) {
        if (size < records && i != 0 && i != size - 1) continue;
        out_of("prove " + std::to_string(i) + " " + with_root(name) + " --size " + std::to_string(size) + " -o " +
               (files / "proof"));
        const std::string said = out_of("check-proof " + (files / "proof") + " --checkpoint " + checkpoint);
        EXPECT_NE(said.find("#" + std::to_string(i) + " 2026-11-21"), std::string::npos) << said;
        out_of("check-proof " + (files / "proof"), 3);
      }
      out_of("diff-head " + checkpoint + " " + with_root(name) + " --proof " + (files / "grown"));
      const std::string now = files.write("now", out_of("checkpoint " + with_root(name)));
      const std::string check = "check-proof " + (files / "grown") + " --checkpoint " + now;
      out_of(check + " --old " + checkpoint);
      out_of(check, 3);
      out_of("check-proof " + (files / "grown") + " --old " + checkpoint, 3);
    }
}

TEST(tree, no_change_of_a_proof_is_believed) {
  const Files files;
  const std::string checkpoint = files.write("checkpoint", out_of("checkpoint " + with_root("clean")));
  const std::string old = files.write("old", out_of("checkpoint " + with_root("clean") + " --size 5"));
  const std::string proof = out_of("prove 4 " + with_root("clean"));
  out_of("diff-head " + old + " " + with_root("clean") + " --proof " + (files / "grown"));
  const std::string grown = files.read("grown");
  std::string error;
  const verify::Checkpoint given = std::get<verify::Checkpoint>(parse_tree_text(files.read("checkpoint"), error)->what);
  const Lane lane = best_sha256_lane();
  // Whatever one character becomes: a proof that does not hold, one of another checkpoint, or no proof.
  for (const std::string& text : {proof, grown})
    for (size_t at = 0; at < text.size(); ++at)
      for (const char c : {static_cast<char>(text[at] ^ 1), static_cast<char>(text[at] ^ 4), '\n'}) {
        if (c == text[at]) continue;
        std::string changed = text;
        changed[at] = c;
        const auto parsed = parse_tree_text(changed, error);
        if (!parsed) continue;
        bool holds = false;
        if (const auto* p = std::get_if<verify::InclusionProof>(&parsed->what))
          holds = p->checkpoint == given &&
                  inclusion_holds(lane, leaf_hash(lane, p->record), p->index, p->hashes, p->checkpoint.head);
        else if (const auto* q = std::get_if<verify::ConsistencyProof>(&parsed->what))
          holds = q->checkpoint == given && consistency_holds(lane, q->old_head, q->checkpoint.head, q->hashes);
        EXPECT_FALSE(holds) << "at " << at << ":\n" << changed;
      }
  std::string changed = proof;
  char& one = changed[proof.find("extra ") + 10];
  one = one == 'B' ? 'C' : 'B';
  out_of("check-proof " + files.write("changed", changed) + " --checkpoint " + checkpoint, 1);
  files.write("proof", proof);
  files.write("grown", grown);
  EXPECT_NE(out_of("check-proof " + (files / "proof") + " --checkpoint " + old, 3).find("under the given one"),
            std::string::npos);
  out_of("check-proof " + (files / "grown") + " --checkpoint " + checkpoint + " --old " + checkpoint, 3);
  std::string forked = files.read("checkpoint");
  forked[forked.size() - 10] = forked[forked.size() - 10] == 'A' ? 'B' : 'A';
  out_of("check-proof " + (files / "proof") + " --checkpoint " + files.write("forked", forked), 1);
  const std::string other = files.write("other", out_of("checkpoint " + with_root("clean"))),
                    text = files.read("other");
  out_of("check-proof " + (files / "proof") + " --checkpoint " + files.write("other", "x" + text), 1);
}

TEST(tree, texts_are_read_as_they_are_written_and_nothing_else_is) {
  const std::string proof = out_of("prove 4 " + with_root("clean")),
                    checkpoint = out_of("checkpoint " + with_root("clean"));
  std::string error;
  EXPECT_EQ(to_text(std::get<verify::InclusionProof>(parse_tree_text(proof, error)->what)), proof);
  EXPECT_EQ(to_text(std::get<verify::Checkpoint>(parse_tree_text(checkpoint, error)->what)), checkpoint);
  EXPECT_TRUE(parse_tree_text(checkpoint, error)->note.signatures.empty());
  const std::string line = "\xe2\x80\x94 somebody AAAAAAAA\n", whole = checkpoint + "an extension\n\n" + line + line;
  const auto signed_twice = parse_tree_text(whole, error);
  ASSERT_TRUE(signed_twice) << error;
  EXPECT_EQ(signed_twice->note.signatures.size(), 2u);
  EXPECT_EQ(signed_twice->note.signatures[0].name, "somebody");
  EXPECT_EQ(signed_twice->note.signatures[0].value, Bytes(2));
  EXPECT_EQ(signed_twice->note.text, checkpoint + "an extension\n");
  EXPECT_EQ(to_text(*signed_twice), whole);
  EXPECT_TRUE(std::get<verify::Checkpoint>(parse_tree_text(checkpoint + "an extension\n", error)->what) ==
              std::get<verify::Checkpoint>(parse_tree_text(checkpoint, error)->what));
  for (const char* rest : {"\n", "\n\n", "x", "\nx\n", "\n\xe2\x80\x94 somebody\n", "\n\xe2\x80\x94 somebody AAAA",
                           "\n\xe2\x80\x94 somebody A\x1b\n", "\x1b\n", "\n\xe2\x80\x94  AAAAAAAA\n",
                           "\n\xe2\x80\x94 somebody AAAAAA==\n", "\n\xe2\x80\x94 some+body AAAAAAAA\n",
                           "\n\xe2\x80\x94 somebody AAAAAAB=\n", "\n\xe2\x80\x94 somebody AAAAAAAAA\n"})
    EXPECT_FALSE(parse_tree_text(checkpoint + rest, error)) << rest;
  for (size_t size = 0; size < proof.size(); ++size)
    EXPECT_FALSE(parse_tree_text(proof.substr(0, size), error)) << size;
  for (const char* text :
       {"", "\n", "a\n1\n", "a\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n", "a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "a\n+1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "\x1b[1m\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "a\n18446744073709551616\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"})
    EXPECT_FALSE(parse_tree_text(text, error)) << text;
  EXPECT_TRUE(parse_tree_text("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", error));
}

TEST(tree, a_log_that_was_cut_off_or_made_anew_is_told) {
  const Files files;
  PlainLog log = closed_log();
  const LogDirectory whole(log.log.segments);
  const std::string then = files.write("then", out_of("checkpoint " + whole.path()));
  EXPECT_NE(out_of("diff-head " + then + " " + whole.path()).find("same"), std::string::npos);
  // The same log without its last records, and one that differs in a record.
  std::vector<TestFrame> frames = log.log.frames;
  size_t last = frames.size();
  while (frames[last - 1].records.empty()) --last;
  const LogDirectory shorter(assemble(
      log.log.chain.log_id, std::vector<TestFrame>(frames.begin(), frames.begin() + static_cast<ptrdiff_t>(last - 1))));
  EXPECT_NE(out_of("diff-head " + then + " " + shorter.path(), 1).find("cut off"), std::string::npos);
  LogBuilder other_records = open_log().log;
  const LogDirectory grown_differently(other_records.segments);
  const std::string old = files.write("old", out_of("checkpoint " + grown_differently.path()));
  TestFrame& batch = *std::find_if(frames.begin(), frames.end(), [](const TestFrame& f) { return !f.records.empty(); });
  batch.records[0].detail ^= 1;
  const LogDirectory changed(assemble(log.log.chain.log_id, frames));
  EXPECT_EQ(run_audit("diff-head " + then + " " + changed.path()), 1) << "its anchors do not hold any more";
  const LogDirectory other(kGoldenLogs[1].build({}).segments);
  out_of("diff-head " + then + " " + other.path(), 1);
}

// A log's key that signed what no anchor of the log is over was used behind the writer's back.
TEST(tree, a_signature_that_the_log_does_not_know_of_is_told) {
  const Files files;
  for (const bool known : {false, true}) {
    PlainLog plain = open_log();
    const LogDirectory then_log(plain.log.segments);
    const std::string text = out_of("checkpoint " + then_log.path());
    const Lane lane = best_sha256_lane();
    AnchorEdits edits;
    edits.binding = [&](AnchorBinding& binding) { binding.challenge = checkpoint_challenge(lane, text); };
    edits.after_signing = [&](Anchor& anchor) { anchor.challenge = checkpoint_challenge(lane, text); };
    plain.log.anchor(known ? edits : AnchorEdits{});
    const auto key = verify::checkpoint_key(trust_of(plain.log));
    ASSERT_TRUE(key);
    std::string error;
    verify::SignedNote note = parse_tree_text(text, error)->note;
    const Bytes area = plain.log.tpm.sign(Bytes(text.begin(), text.end()));
    const auto signature = verify::log_signature(lane, key->key, log_origin(plain.log.chain.log_id), area);
    ASSERT_TRUE(signature);
    note.signatures.push_back(*signature);
    std::ofstream(files / "ak") << plain.log.tpm.ak_pem();
    const LogDirectory log(plain.log.segments);
    const std::string said =
        out_of("diff-head " + files.write("then", to_text(note)) + " " + log.path() + " --ak " + (files / "ak"),
               known ? 0 : 1);
    EXPECT_NE(said.find(known ? "after an anchor over it" : "no anchor of the log is over it"), std::string::npos)
        << said;
  }
}

TEST(tree, nothing_is_said_about_a_log_that_does_not_hold) {
  LogBuilder log = closed_log().log;
  log.segments[0][log.segments[0].size() / 2] ^= 1;
  const LogDirectory damaged(log.segments);
  EXPECT_EQ(out_of("checkpoint " + damaged.path(), 1), "");
  EXPECT_EQ(out_of("prove 0 " + damaged.path(), 1), "");
}

TEST(tree, log_without_records_and_wrong_usage) {
  LogBuilder log;
  log.genesis();
  const LogDirectory empty(log.segments);
  const Files files;
  const std::string checkpoint = files.write("checkpoint", out_of("checkpoint " + empty.path()));
  EXPECT_NE(files.read("checkpoint").find("\n0\n47DEQpj8"), std::string::npos);
  out_of("prove 0 " + empty.path(), 2);
  out_of("diff-head " + checkpoint + " " + empty.path());
  out_of("diff-head " + checkpoint + " " + empty.path() + " --proof " + (files / "proof"), 64);
  out_of("checkpoint " + empty.path() + " --size 1", 2);
  out_of("prove 3 " + with_root("clean") + " --size 3", 64);
  out_of("prove -1 " + with_root("clean"), 64);
  out_of("prove 0x1 " + with_root("clean"), 64);
  out_of("prove 1 " + kRoot + "nothing", 2);
  out_of("prove 1 " + with_root("clean") + " -o /nonexistent/proof", 2);
  out_of("check-proof " + checkpoint, 64);
  out_of("check-proof " + (files / "nothing"), 2);
  out_of("check-proof " + files.write("garbage", "garbage\n"), 2);
  files.write("proof", out_of("prove 1 " + with_root("clean")));
  out_of("check-proof " + (files / "proof") + " --checkpoint " + (files / "proof"), 2);
  out_of("check-proof " + (files / "proof") + " --old " + checkpoint, 64);
  out_of("check-proof " + files.write("long", files.read("proof") + std::string(70000, 'x') + "\n"), 2);
}

// A log holds its segments and nothing else, so that whatever is there is found by verify.
TEST(tree, nothing_is_written_into_the_log) {
  const LogDirectory log(closed_log().log.segments);
  out_of("prove 0 " + log.path() + " -o " + log.path() + "/proof", 2);
  EXPECT_FALSE(std::filesystem::exists(log.path() + "/proof"));
  EXPECT_FALSE(out_of("prove 0 " + log.path() + " -o -").empty());
}

}  // namespace
}  // namespace cm::audit::test
