// SPDX-License-Identifier: Apache-2.0
// cycles_hash.cpp: points of the compression functions of hashes, for one message and for several side by side, whose
// bytes are counted together. A Keccak point of one block of SHA3-256 a message says what a permutation takes.
#include <fmt/format.h>

#include <algorithm>

#include "bench/cycles.h"
#include "crypto/hash_multi/hash_multi_kernels.h"
#include "crypto/sha1/sha1.h"
#include "crypto/sha1/sha1_kernels.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha256_kernels.h"
#include "crypto/sha2/sha512.h"
#include "crypto/sha2/sha512_kernels.h"
#include "crypto/sha3/keccak.h"
#include "crypto/sha3/keccak_kernels.h"
#include "crypto/sha3/keccak_multi_kernels.h"

namespace cm::bench {
namespace {

constexpr size_t kHashSizes[] = {64, 256, 1024, 16384};
constexpr size_t kRate = 136;  // of SHA3-256
constexpr size_t kKeccakBlocks[] = {1, 120};

// What a block takes at least (FIPS 180-4 6.1.2, 6.2.2, 6.4.2; FIPS 202 3.2): with rotations and functions of three
// operands; and without them, where a rotation is two shifts and an operation that joins them.
constexpr double both(double rounds, double a_round, double words, double a_word) {
  return rounds * a_round + words * a_word;
}
constexpr Operations kSha1{both(80, 2, 64, 1), both(80, 5, 64, 2)};
constexpr Operations kSha1Plain{both(80, 4, 64, 2), 80 * 6 + 20 * 3 + 40 * 2 + 20 * 4 + 64 * 4};
constexpr Operations kSha256{both(64, 6, 48, 6), both(64, 11, 48, 5)};
constexpr Operations kSha256Plain{both(64, 12, 48, 10), both(64, 23, 48, 11)};
constexpr Operations kSha512{both(80, 6, 64, 6), both(80, 11, 64, 5)};
constexpr Operations kSha512Plain{both(80, 12, 64, 10), both(80, 23, 64, 11)};
constexpr Operations kKeccak{24 * 29, 24 * 66};
constexpr Operations kKeccakPlain{24 * 58, 24 * (29 + 101)};
constexpr Operations kKeccakGeneral{24 * 29, 24 * 101};

// State: words and input of as many messages as a kernel takes. All lanes read the same message.
struct State {
  alignas(64) std::array<uint32_t, 16 * 8> w32{};
  alignas(64) std::array<uint64_t, 25 * 8> w64{};
  std::array<const uint8_t*, 16> in{};
  State() { in.fill(buffers.in.data()); }
};
State& state() {
  static State all;
  return all;
}

// add: bound: bytes a cycle.
void add(std::vector<Point>& points, std::string name, Lane lane, size_t bytes, double bound,
         std::function<void()> call) {
  points.push_back({std::move(name), lane, bytes, bound, std::move(call), {}});
}

// streams_bound: of so many messages with the SHA extensions.
double streams_bound(double streams, double ghz) {
  return std::min(streams * 64 / cycles_of_sha256_block(ghz), 128 / cycles_of_two_sha256_blocks(ghz));
}

// add_streams: SHA-1 and SHA-256, whose bounds are known where the instructions for them are.
void add_streams(std::vector<Point>& points, double ghz) {
  State& s = state();
  for (const KernelRow& row : kSha1Kernels) {
    if (!runs(row)) continue;
    const double bound = row.lane == Lane::kShani ? 64 / cycles_of_sha1_block(ghz) : 0;
    for (const size_t n : kHashSizes)
      add(points, "sha-1-blocks", row.lane, n, bound,
          [&s, n, lane = row.lane] { sha1_blocks(lane, s.w32.data(), s.in[0], n / 64); });
  }
  for (const KernelRow& row : kSha256Kernels) {
    if (!runs(row)) continue;
    const double bound = row.lane == Lane::kShani ? 64 / cycles_of_sha256_block(ghz) : 0;
    for (const size_t n : kHashSizes)
      add(points, "sha-256-blocks", row.lane, n, bound,
          [&s, n, lane = row.lane] { sha256_blocks(lane, s.w32.data(), s.in[0], n / 64); });
    if (row.lane != Lane::kShani) continue;
    for (const size_t n : kHashSizes)
      add(points, "sha-256-blocks-two", row.lane, 2 * n, streams_bound(2, ghz), [&s, n, lane = row.lane] {
        sha256_blocks_two(lane, s.w32.data(), s.w32.data() + 8, s.in[0], s.in[1], n / 64);
      });
  }
}

void add_sha512(std::vector<Point>& points, double ghz) {
  State& s = state();
  for (const KernelRow& row : kSha512Kernels) {
    if (!runs(row)) continue;
    const double bound = row.lane == Lane::kPortable ? 0 : 128 / cycles_of_sha512_block(ghz);
    for (const size_t n : kHashSizes)
      if (n >= 128)
        add(points, "sha-512-blocks", row.lane, n, bound,
            [&s, n, lane = row.lane] { sha512_blocks(lane, s.w64.data(), s.in[0], n / 128); });
  }
}

// add_form: the kernel of a form.
template <class Hash>
void add_form(std::vector<Point>& points, const char* name, HashMultiForm form, size_t lanes, double bound) {
  State& s = state();
  auto* words = [&s] {
    if constexpr (sizeof(typename Hash::Word) == 4)
      return s.w32.data();
    else
      return s.w64.data();
  }();
  for (const size_t n : kHashSizes) {
    if (n < Hash::kBlock) continue;
    add(points, fmt::format("{}-blocks-{}", name, lanes), form == HashMultiForm::kAvx2 ? Lane::kAvx2 : Lane::kAvx512,
        lanes * n, bound,
        [&s, words, form, n] { Hash::run(form, Lane::kPortable, words, s.in.data(), n / Hash::kBlock); });
  }
}

// add_lanes: with lanes in registers of one width, or of two.
template <class Hash>
void add_lanes(std::vector<Point>& points, const char* name, Lane lane, Operations operations, Operations plain,
               double ghz) {
  const auto bound = [&](size_t lanes, Width width, Operations all) {
    return static_cast<double>(lanes * Hash::kBlock) / cycles_of_operations(width, all, ghz);
  };
  constexpr size_t kHalf = Hash::kLanesMax / 2, kAll = Hash::kLanesMax;
  if (lane == Lane::kAvx2)
    return add_form<Hash>(points, name, HashMultiForm::kAvx2, kHalf, bound(kHalf, Width::kYmm, plain));
  add_form<Hash>(points, name, HashMultiForm::kAvx512Half, kHalf, bound(kHalf, Width::kYmm, operations));
  add_form<Hash>(points, name, HashMultiForm::kAvx512, kAll, bound(kAll, Width::kZmm, operations));
}

void add_multi_lanes(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kHashMultiKernels) {
    if (!runs(row) || row.lane == Lane::kPortable) continue;
    add_lanes<Sha1Multi>(points, "sha-1", row.lane, kSha1, kSha1Plain, ghz);
    if (row.lane == Lane::kAvx512 && (cpu_features_detected() & kFeatureShani) != 0)
      add_form<Sha256Multi>(points, "sha-256", HashMultiForm::kFour, 4, streams_bound(4, ghz));
    add_lanes<Sha256Multi>(points, "sha-256", row.lane, kSha256, kSha256Plain, ghz);
    add_lanes<Sha512Multi>(points, "sha-512", row.lane, kSha512, kSha512Plain, ghz);
  }
}

double keccak_bound(Lane lane, size_t lanes, double ghz) {
  if (lane == Lane::kPortable) return 0;
  const bool ternary = lane == Lane::kAvx512;
  const Width width = lanes == 8 ? Width::kZmm : lanes == 4 ? Width::kYmm : ternary ? Width::kXmm : Width::kGeneral;
  const Operations operations = ternary ? kKeccak : lanes == 1 ? kKeccakGeneral : kKeccakPlain;
  return static_cast<double>(lanes * kRate) / cycles_of_operations(width, operations, ghz);
}

using KeccakKernel = void (*)(KeccakLanes&, size_t, size_t);

void add_keccak_lanes(std::vector<Point>& points, Lane lane, size_t lanes, KeccakKernel kernel, double ghz) {
  static KeccakLanes all{};
  for (const uint8_t*& in : all.in) in = buffers.in.data();
  const double bound = keccak_bound(lane, lanes, ghz);
  for (const size_t blocks : kKeccakBlocks)
    add(points, fmt::format("keccak-blocks-{}", lanes), lane, lanes * blocks * kRate, bound,
        [kernel, blocks] { kernel(all, kRate / 8, blocks); });
}

void add_keccak(std::vector<Point>& points, double ghz) {
  State& s = state();
  for (const KernelRow& row : kKeccakKernels) {
    if (!runs(row)) continue;
    const double bound = keccak_bound(row.lane, 1, ghz);
    for (const size_t blocks : kKeccakBlocks)
      add(points, "keccak-blocks", row.lane, blocks * kRate, bound,
          [&s, blocks, lane = row.lane] { keccak_absorb(lane, s.w64.data(), kRate, s.in[0], blocks); });
  }
  for (const KernelRow& row : kKeccakMultiKernels) {
    if (!runs(row) || row.lane == Lane::kPortable) continue;
    const bool wide = row.lane == Lane::kAvx512;
    add_keccak_lanes(points, row.lane, 4, wide ? keccak_absorb_4_x86_avx512 : keccak_absorb_4_x86_avx2, ghz);
    if (wide) add_keccak_lanes(points, row.lane, 8, keccak_absorb_8_x86_avx512, ghz);
  }
}

}  // namespace

void add_hashes(std::vector<Point>& points, double ghz) {
  add_streams(points, ghz);
  add_sha512(points, ghz);
  add_multi_lanes(points, ghz);
  add_keccak(points, ghz);
}

}  // namespace cm::bench
