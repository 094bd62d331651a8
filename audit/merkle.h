// SPDX-License-Identifier: Apache-2.0
// merkle.h: the Merkle tree of RFC 9162 (2.1) with SHA-256, over the records of a log: leaf n is record n, the 64 bytes
// as they stand in the log. It knows hashes and positions only: no log, no file. What has to be hashed for a proof is
// said as ranges of leaves, so that one pass over a log of any size makes it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "audit/chain.h"

namespace cm::audit {

// RFC 9162 2.1.1: SHA-256(0x00 | entry), SHA-256(0x01 | left | right).
Digest leaf_hash(Lane lane, std::span<const uint8_t> entry);
Digest node_hash(Lane lane, const Digest& left, const Digest& right);

// MerkleTree: takes leaves in their order; its memory is one hash for each bit of their number.
class MerkleTree {
 public:
  explicit MerkleTree(Lane lane) : lane_(lane) {}
  void add(Digest leaf);
  uint64_t size() const { return size_; }
  // root: MTH of the leaves so far; SHA-256 of nothing for none.
  Digest root() const;

 private:
  Lane lane_;
  uint64_t size_ = 0;
  std::vector<Digest> complete_;  // of the perfect subtrees, the largest first: one for each bit of size_
};

// LeafRange: leaves first .. end - 1; never empty.
struct LeafRange {
  uint64_t first;
  uint64_t end;
  bool operator==(const LeafRange&) const = default;
};

// A proof is the roots of these ranges, in this order. inclusion: 2.1.3.1, index below size. consistency: 2.1.4.1,
// 0 < old_size <= size.
std::vector<LeafRange> inclusion_ranges(uint64_t index, uint64_t size);
std::vector<LeafRange> consistency_ranges(uint64_t old_size, uint64_t size);

struct TreeHead {
  uint64_t size = 0;
  Digest root{};
  bool operator==(const TreeHead&) const = default;
};

// inclusion_holds: 2.1.3.2. consistency_holds: 2.1.4.2; every tree contains the empty one.
bool inclusion_holds(Lane lane, const Digest& leaf, uint64_t index, std::span<const Digest> proof,
                     const TreeHead& head);
bool consistency_holds(Lane lane, const TreeHead& old_head, const TreeHead& head, std::span<const Digest> proof);

}  // namespace cm::audit
