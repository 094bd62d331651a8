// SPDX-License-Identifier: Apache-2.0
// merkle.cpp: see merkle.h.
#include "audit/merkle.h"

#include <bit>

#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr uint8_t kLeafPrefix = 0, kNodePrefix = 1;

// split: the largest power of two below size (2.1.1: k < n <= 2k); size is at least 2.
uint64_t split(uint64_t size) { return std::bit_floor(size - 1); }

bool odd(uint64_t n) { return (n & 1) != 0; }

// Walk: a position on its way from a leaf to the root, and that of the last leaf beside it. Where both meet there is no
// right neighbour, so the path skips levels.
struct Walk {
  uint64_t at, last;

  void up() {
    at >>= 1;
    last >>= 1;
  }
  bool at_root() const { return last == 0; }
  // left_neighbour: the next hash of the proof stands to the left.
  bool left_neighbour() const { return odd(at) || at == last; }
  void skip_levels() {
    while (at != 0 && !odd(at)) up();
  }
};

}  // namespace

Digest leaf_hash(Lane lane, std::span<const uint8_t> entry) {
  Sha256 hash;
  sha256_init(hash, lane);
  sha256_update(hash, &kLeafPrefix, 1);
  sha256_update(hash, entry.data(), entry.size());
  Digest out;
  sha256_final(hash, out.data());
  return out;
}

Digest node_hash(Lane lane, const Digest& left, const Digest& right) {
  std::array<uint8_t, 1 + 2 * kDigestSize> both;
  both[0] = kNodePrefix;
  std::copy(left.begin(), left.end(), both.begin() + 1);
  std::copy(right.begin(), right.end(), both.begin() + 1 + kDigestSize);
  Digest out;
  sha256(lane, out.data(), both.data(), both.size());
  return out;
}

void MerkleTree::add(Digest leaf) {
  // As in adding one to a binary number: each bit that is set is a subtree of the size that the new one has by then.
  for (uint64_t bits = size_; odd(bits); bits >>= 1) {
    leaf = node_hash(lane_, complete_.back(), leaf);
    complete_.pop_back();
  }
  complete_.push_back(leaf);
  ++size_;
}

Digest MerkleTree::root() const {
  Digest out;
  if (complete_.empty()) {
    sha256(lane_, out.data(), nullptr, 0);
    return out;
  }
  out = complete_.back();
  for (size_t i = complete_.size() - 1; i-- > 0;) out = node_hash(lane_, complete_[i], out);
  return out;
}

std::vector<LeafRange> inclusion_ranges(uint64_t index, uint64_t size) {
  std::vector<LeafRange> out;  // from the root down, then turned round
  for (uint64_t first = 0, end = size; end - first > 1;) {
    const uint64_t middle = first + split(end - first);
    if (index < middle) {
      out.push_back({middle, end});
      end = middle;
    } else {
      out.push_back({first, middle});
      first = middle;
    }
  }
  return {out.rbegin(), out.rend()};
}

std::vector<LeafRange> consistency_ranges(uint64_t old_size, uint64_t size) {
  std::vector<LeafRange> out;  // from the root down, then turned round
  uint64_t first = 0, end = size;
  while (end != old_size) {
    const uint64_t middle = first + split(end - first);
    if (old_size <= middle) {
      out.push_back({middle, end});
      end = middle;
    } else {
      out.push_back({first, middle});
      first = middle;
    }
  }
  if (first != 0) out.push_back({first, end});  // else it is the old tree itself, whose root is known
  return {out.rbegin(), out.rend()};
}

bool inclusion_holds(Lane lane, const Digest& leaf, uint64_t index, std::span<const Digest> proof,
                     const TreeHead& head) {
  if (index >= head.size) return false;
  Walk walk{index, head.size - 1};
  Digest root = leaf;
  for (const Digest& hash : proof) {
    if (walk.at_root()) return false;
    if (walk.left_neighbour()) {
      root = node_hash(lane, hash, root);
      walk.skip_levels();
    } else {
      root = node_hash(lane, root, hash);
    }
    walk.up();
  }
  return walk.at_root() && root == head.root;
}

bool consistency_holds(Lane lane, const TreeHead& old_head, const TreeHead& head, std::span<const Digest> proof) {
  if (old_head.size > head.size) return false;
  if (old_head.size == head.size) return proof.empty() && old_head.root == head.root;
  if (old_head.size == 0) return proof.empty() && old_head.root == MerkleTree(lane).root();
  Walk walk{old_head.size - 1, head.size - 1};
  while (odd(walk.at)) walk.up();
  // The old tree is a subtree of the new one when its size is a power of two; then the proof leaves its root out.
  const bool is_subtree = std::has_single_bit(old_head.size);
  if (!is_subtree && proof.empty()) return false;
  Digest old_root = is_subtree ? old_head.root : proof.front();
  Digest root = old_root;
  for (const Digest& hash : is_subtree ? proof : proof.subspan(1)) {
    if (walk.at_root()) return false;
    if (walk.left_neighbour()) {
      old_root = node_hash(lane, hash, old_root);
      root = node_hash(lane, hash, root);
      walk.skip_levels();
    } else {
      root = node_hash(lane, root, hash);
    }
    walk.up();
  }
  return walk.at_root() && old_root == old_head.root && root == head.root;
}

}  // namespace cm::audit
