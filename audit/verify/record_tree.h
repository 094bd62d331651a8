// SPDX-License-Identifier: Apache-2.0
// record_tree.h: the tree of a log's records, computed while the log is verified: only records of frames that hold are
// in it. A second pass over the log hashes the ranges of a proof; a log that changed between the two is noticed,
// because the proof then does not hold.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "audit/verify/checkpoint.h"
#include "audit/verify/verifier.h"

namespace cm::audit::verify {

// LogTree: what the first pass found.
struct LogTree {
  Report report;
  std::string origin;
  TreeHead head;                     // at the wanted size, else of all records
  std::optional<TreeHead> old_head;  // at the size that was asked for, where the log has so many
  bool challenged = false;           // an anchor answers the challenge that was asked for
};

// TreeQuestion: size: of the head, else all records; the log may have fewer.
struct TreeQuestion {
  std::optional<uint64_t> size = {};
  std::optional<uint64_t> old_size = {};
  std::optional<Digest> challenge = {};
};

// read_tree: verifies the log and computes its tree.
LogTree read_tree(LogSource& source, const Options& options, const TreeQuestion& question);

// prove_record, prove_consistency: nothing when the log changed meanwhile. index is below the head's size, the old
// head's size is 1 to that.
std::optional<InclusionProof> prove_record(LogSource& source, const Options& options, const LogTree& tree,
                                           uint64_t index);
std::optional<ConsistencyProof> prove_consistency(LogSource& source, const Options& options, const LogTree& tree,
                                                  const TreeHead& old_head);

}  // namespace cm::audit::verify
