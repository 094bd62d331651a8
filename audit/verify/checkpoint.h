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

#include "audit/checkpoint_text.h"
#include "audit/payload.h"
#include "audit/record.h"

namespace cm::audit::verify {

inline constexpr size_t kMaxTreeTextSize = 1u << 16;

// Checkpoint: a head of the tree of a log's records. origin: one line that names the log.
struct Checkpoint {
  std::string origin;
  TreeHead head;
  bool operator==(const Checkpoint&) const = default;
};

// NoteSignature: a line behind a checkpoint: who says that he signed it, which of his keys, and what it signed with.
struct NoteSignature {
  std::string name;
  std::array<uint8_t, 4> key_id{};
  Bytes value;
};

// SignedNote: a checkpoint as it was signed, extension lines and all, and the signatures: C2SP signed-note. Nobody has
// checked them (log_signature.h does).
struct SignedNote {
  std::string text;
  std::vector<NoteSignature> signatures;
};

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
std::string to_text(const SignedNote& note);
// With a note, the proof ends with it: it is of the proof's checkpoint.
std::string to_text(const InclusionProof& proof, const SignedNote* note = nullptr);
std::string to_text(const ConsistencyProof& proof, const SignedNote* note = nullptr);

// TreeText: what a file holds: exactly one of the three, and its checkpoint as it stands there.
struct TreeText {
  std::variant<Checkpoint, InclusionProof, ConsistencyProof> what;
  SignedNote note;
  const Checkpoint& checkpoint() const;
};
// The very text that was read.
std::string to_text(const TreeText& tree);

// parse_tree_text: nothing, and a sentence, when the text is none of them.
std::optional<TreeText> parse_tree_text(std::string_view text, std::string& error);

}  // namespace cm::audit::verify
