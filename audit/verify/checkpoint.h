// SPDX-License-Identifier: Apache-2.0
// checkpoint.h: the texts of the record tree (audit/merkle.h): a checkpoint as C2SP tlog-checkpoint has it, a proof of
// one record as C2SP tlog-proof has it, and a proof that one tree contains another. docs/audit-format.md describes
// them. Parsing is strict: what is not exactly such a text is refused with a reason.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audit/merkle.h"
#include "audit/record.h"

namespace cm::audit::verify {

inline constexpr size_t kMaxTreeTextSize = 1u << 16;

// Checkpoint: a head of the tree of a log's records. origin: one line that names the log.
struct Checkpoint {
  std::string origin;
  TreeHead head;
  bool operator==(const Checkpoint&) const = default;
};

// origin_of: of a log by its id.
std::string origin_of(const LogId& log_id);

struct InclusionProof {
  std::array<uint8_t, kRecordSize> record{};
  uint64_t index = 0;
  std::vector<Digest> hashes;  // the leaf's neighbour first
  Checkpoint checkpoint;
};

struct ConsistencyProof {
  TreeHead old_head;
  std::vector<Digest> hashes;
  Checkpoint checkpoint;
};

std::string to_text(const Checkpoint& checkpoint);
std::string to_text(const InclusionProof& proof);
std::string to_text(const ConsistencyProof& proof);

// TreeText: what a file holds: exactly one of the three. Extension lines and signatures of a checkpoint must look like
// such and are passed over.
struct TreeText {
  std::variant<Checkpoint, InclusionProof, ConsistencyProof> what;
  bool has_signatures = false;
};

// parse_tree_text: nothing, and a sentence, when the text is none of them.
std::optional<TreeText> parse_tree_text(std::string_view text, std::string& error);

}  // namespace cm::audit::verify
