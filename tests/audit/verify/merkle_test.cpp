// SPDX-License-Identifier: Apache-2.0
// merkle_test.cpp: the tree of RFC 9162 against its definitions, written down a second time as they stand there, and
// against the roots that Certificate Transparency's implementations share.
#include <gtest/gtest.h>

#include <random>

#include "audit/merkle.h"
#include "audit/verify/trust.h"

namespace cm::audit::test {
namespace {

const Lane kLane = best_sha256_lane();

Bytes hex(const std::string& text) { return *verify::parse_hex(text); }
Digest digest(const std::string& text) {
  Digest out;
  const Bytes bytes = hex(text);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// Definitions: RFC 9162 2.1.1, 2.1.3.1 and 2.1.4.1 as recursions over leaf hashes.
using Leaves = std::span<const Digest>;

size_t largest_power_below(size_t n) {
  size_t k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

Digest mth(Leaves d) {
  if (d.empty()) return MerkleTree(kLane).root();
  if (d.size() == 1) return d[0];
  const size_t k = largest_power_below(d.size());
  return node_hash(kLane, mth(d.first(k)), mth(d.subspan(k)));
}

std::vector<Digest> path(size_t m, Leaves d) {
  if (d.size() == 1) return {};
  const size_t k = largest_power_below(d.size());
  std::vector<Digest> out = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
  out.push_back(m < k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}

std::vector<Digest> subproof(size_t m, Leaves d, bool b) {
  if (m == d.size()) return b ? std::vector<Digest>{} : std::vector<Digest>{mth(d)};
  const size_t k = largest_power_below(d.size());
  std::vector<Digest> out = m <= k ? subproof(m, d.first(k), b) : subproof(m - k, d.subspan(k), false);
  out.push_back(m <= k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}

std::vector<Digest> leaves_of(size_t count) {
  std::vector<Digest> out;
  for (size_t i = 0; i < count; ++i) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&i);
    out.push_back(leaf_hash(kLane, {bytes, sizeof i}));
  }
  return out;
}

TreeHead head_of(Leaves leaves) {
  MerkleTree tree(kLane);
  for (const Digest& leaf : leaves) tree.add(leaf);
  return {tree.size(), tree.root()};
}

std::vector<Digest> roots_of(const std::vector<LeafRange>& ranges, Leaves leaves) {
  std::vector<Digest> out;
  for (const LeafRange& r : ranges) out.push_back(head_of(leaves.subspan(r.first, r.end - r.first)).root);
  return out;
}

TEST(merkle, roots_of_certificate_transparency) {
  const char* const kLeaves[] = {
      "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
  const char* const kRoots[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree(kLane);
  EXPECT_EQ(tree.root(), digest(kRoots[0]));
  for (size_t i = 0; i < std::size(kLeaves); ++i) {
    tree.add(leaf_hash(kLane, hex(kLeaves[i])));
    EXPECT_EQ(tree.root(), digest(kRoots[i + 1])) << i + 1;
  }
}

TEST(merkle, proofs_are_those_of_the_definitions_and_hold) {
  const std::vector<Digest> all = leaves_of(70);
  for (size_t size = 1; size <= all.size(); ++size) {
    const Leaves leaves = Leaves(all).first(size);
    const TreeHead head = head_of(leaves);
    ASSERT_EQ(head.root, mth(leaves));
    for (size_t i = 0; i < size; ++i) {
      const std::vector<Digest> proof = roots_of(inclusion_ranges(i, size), leaves);
      ASSERT_EQ(proof, path(i, leaves)) << i << " of " << size;
      ASSERT_TRUE(inclusion_holds(kLane, leaves[i], i, proof, head));
    }
    for (size_t old_size = 1; old_size <= size; ++old_size) {
      const TreeHead old_head = head_of(leaves.first(old_size));
      const std::vector<Digest> proof = roots_of(consistency_ranges(old_size, size), leaves);
      ASSERT_EQ(proof, subproof(old_size, leaves, true)) << old_size << " of " << size;
      ASSERT_TRUE(consistency_holds(kLane, old_head, head, proof));
    }
    EXPECT_TRUE(consistency_holds(kLane, {0, MerkleTree(kLane).root()}, head, {}));
  }
}

TEST(merkle, large_trees_at_random) {
  std::mt19937_64 random(9162);
  const std::vector<Digest> all = leaves_of(3000);
  for (int round = 0; round < 60; ++round) {
    const size_t size = 1 + random() % all.size(), index = random() % size, old_size = 1 + random() % size;
    const Leaves leaves = Leaves(all).first(size);
    const TreeHead head = head_of(leaves);
    EXPECT_TRUE(inclusion_holds(kLane, leaves[index], index, roots_of(inclusion_ranges(index, size), leaves), head));
    EXPECT_TRUE(consistency_holds(kLane, head_of(leaves.first(old_size)), head,
                                  roots_of(consistency_ranges(old_size, size), leaves)));
  }
}

// Ranges of sizes that no test can hash: neighbours that together with the leaf are the whole tree.
TEST(merkle, ranges_of_trees_of_any_size_cover_them_once) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    const uint64_t size = std::max<uint64_t>(1, random() >> (random() % 63)), index = random() % size;
    std::vector<LeafRange> ranges = inclusion_ranges(index, size);
    ASSERT_LE(ranges.size(), 64u);
    ranges.push_back({index, index + 1});
    std::sort(ranges.begin(), ranges.end(), [](const LeafRange& a, const LeafRange& b) { return a.first < b.first; });
    uint64_t at = 0;
    for (const LeafRange& r : ranges) {
      ASSERT_EQ(r.first, at);
      at = r.end;
    }
    ASSERT_EQ(at, size);
    ASSERT_LE(consistency_ranges(1 + index, size).size(), 128u);
  }
}

TEST(merkle, nothing_changed_holds) {
  const std::vector<Digest> all = leaves_of(37);
  const TreeHead head = head_of(all), old_head = head_of(Leaves(all).first(21));
  const std::vector<Digest> path = roots_of(inclusion_ranges(20, 37), all);
  const std::vector<Digest> grown = roots_of(consistency_ranges(21, 37), all);
  for (size_t i = 0; i < path.size(); ++i) {
    std::vector<Digest> changed = path;
    changed[i][i] ^= 1;
    EXPECT_FALSE(inclusion_holds(kLane, all[20], 20, changed, head));
    changed = path;
    changed.erase(changed.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(inclusion_holds(kLane, all[20], 20, changed, head));
  }
  for (size_t i = 0; i < grown.size(); ++i) {
    std::vector<Digest> changed = grown;
    changed[i][i] ^= 1;
    EXPECT_FALSE(consistency_holds(kLane, old_head, head, changed));
    changed = grown;
    changed.erase(changed.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_FALSE(consistency_holds(kLane, old_head, head, changed));
  }
  std::vector<Digest> longer = path;
  longer.push_back(head.root);
  EXPECT_FALSE(inclusion_holds(kLane, all[20], 20, longer, head));
  longer = grown;
  longer.push_back(head.root);
  EXPECT_FALSE(consistency_holds(kLane, old_head, head, longer));
  for (uint64_t index = 0; index < 40; ++index)
    EXPECT_EQ(inclusion_holds(kLane, all[20], index, path, head), index == 20) << index;
  EXPECT_FALSE(inclusion_holds(kLane, all[19], 20, path, head));
  for (uint64_t size = 0; size < 40; ++size) {
    EXPECT_EQ(consistency_holds(kLane, {size, old_head.root}, head, grown), size == 21) << size;
    EXPECT_EQ(consistency_holds(kLane, head, {size, head.root}, {}), size == 37) << size;
  }
  EXPECT_FALSE(consistency_holds(kLane, old_head, {21, head.root}, {}));
  EXPECT_FALSE(consistency_holds(kLane, {0, head.root}, head, {}));
}

}  // namespace
}  // namespace cm::audit::test
