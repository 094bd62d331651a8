// SPDX-License-Identifier: Apache-2.0
// hash_lanes.h: the hash functions of hash.h on the lanes that this CPU can run: each pair of both for tests of one
// hash, and sets with a lane for every core for files of vectors that have many.
#pragma once
#include <algorithm>
#include <cctype>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/aes/aes_kernels.h"
#include "crypto/hash/hash.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak_kernels.h"
#include "tests/support/lanes.h"

namespace cm::test {

inline std::vector<Lane> runnable_lanes(HashCore core) {
  switch (core) {
    case HashCore::kSha1:
      return runnable_lanes(kSha1Kernels);
    case HashCore::kSha256:
      return runnable_lanes(kSha256Kernels);
    case HashCore::kSha512:
      return runnable_lanes(kSha512Kernels);
    case HashCore::kKeccak:
      return runnable_lanes(kKeccakKernels);
  }
  throw std::runtime_error("a core without kernels");
}

// letters_of: a name without what stands between its letters and digits, in capitals.
inline std::string letters_of(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// hash_of_name: "SHA-256", "SHA256", "sha_256" are one; throws when there is none.
inline HashId hash_of_name(std::string_view name) {
  for (const HashRow& row : kHashes)
    if (letters_of(row.name) == letters_of(name)) return row.id;
  throw std::runtime_error("no hash function " + std::string(name));
}

struct HashOnLane {
  HashId id;
  Lane lane;
  const HashRow& row() const { return hash_row(id); }
};

inline std::vector<HashOnLane> hashes_on_lanes() {
  std::vector<HashOnLane> all;
  for (const HashRow& row : kHashes)
    for (const Lane lane : runnable_lanes(row.core)) all.push_back({row.id, lane});
  return all;
}

// name_of: as sha512_256_avx2.
inline std::string name_of(const HashOnLane& hash) {
  std::string name;
  for (const char c : std::string_view(hash.row().name)) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter)
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (name != "sha")
      name += '_';
  }
  return name + "_" + lane_name(hash.lane);
}

// LaneSet: a lane for every core, and one of AES for CMAC.
struct LaneSet {
  HashLanes hash;
  Lane aes;
  std::string name;
};

// lane_sets: the first set has the first lane of each core, the second the second and so on, the last one where a core
// has fewer; so every lane is in one.
inline std::vector<LaneSet> lane_sets() {
  const std::vector<Lane> lanes[] = {runnable_lanes(kSha1Kernels), runnable_lanes(kSha256Kernels),
                                     runnable_lanes(kSha512Kernels), runnable_lanes(kKeccakKernels),
                                     runnable_lanes(kAesKernels)};
  size_t sets = 0;
  for (const auto& of_core : lanes) sets = std::max(sets, of_core.size());
  std::vector<LaneSet> all;
  for (size_t i = 0; i < sets; ++i) {
    const auto pick = [&](size_t core) { return lanes[core][std::min(i, lanes[core].size() - 1)]; };
    all.push_back({{pick(0), pick(1), pick(2), pick(3)}, pick(4), "lanes_" + std::to_string(i + 1)});
  }
  return all;
}

inline std::string name_of(const LaneSet& set) { return set.name; }

// ParamName: names the cases of INSTANTIATE_TEST_SUITE_P.
struct ParamName {
  template <class Info>
  std::string operator()(const Info& info) const {
    return name_of(info.param);
  }
};
inline void PrintTo(const HashOnLane& hash, std::ostream* out) { *out << name_of(hash); }
inline void PrintTo(const LaneSet& set, std::ostream* out) { *out << name_of(set); }

}  // namespace cm::test
